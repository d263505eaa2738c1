"""What the phases want of the account, put beside what Service Quotas says that it is allowed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from pytest_syncload.conductor.carrying import verify_percent
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.errors import Inconclusive, Refused
from pytest_syncload.facts.idempotency import REQUESTS_A_CHECK
from pytest_syncload.facts.plan import Phase, Spec
from pytest_syncload.sources import quotas
from pytest_syncload.sources.aws import FOR_CHECKS, client
from pytest_syncload.sources.quotas import Wanted


def quota_checks(spec: Spec, ground: Ground, phases: Sequence[Phase], namespaces: Collection[str]) -> list[Check]:
    """One check a quota that the phases could exceed. ``namespaces`` are those that rows look at: of the others nothing
    is known, and their services may not be asked."""
    resources, wanted = ground.resources, most_wanted(spec, ground, phases)
    try:
        told = client("service-quotas", ground.aws, patience=FOR_CHECKS)
    except Refused as error:
        return [Check(name="quotas", finding=Finding.NOTE, says=f"not looked at: {error}", unlooked=True)]
    found = [quotas.of_api(told, wanted)] if resources.rest_api or resources.http_api else []
    if "AWS/DynamoDB" in namespaces and resources.tables:
        found += quotas.of_tables(told, wanted)
    if "AWS/ECS" in namespaces and resources.ecs_cluster and resources.ecs_service:
        found += _of_fargate(ground, told, resources.ecs_cluster, resources.ecs_service)
    return found


def most_wanted(spec: Spec, ground: Ground, phases: Sequence[Phase]) -> Wanted:
    """The highest rate of requests that any of the phases may come to."""
    return max((_wanted(spec, ground, phase) for phase in phases), key=lambda each: each.requests_per_s)


def _wanted(spec: Spec, ground: Ground, phase: Phase) -> Wanted:
    rate = (phase.rate_per_s if phase.climb is None else phase.climb.at_most_per_s) * ground.rate_scale
    return Wanted(
        rate_per_s=rate,
        phase=phase.name,
        climbs=phase.climb is not None,
        checks_per_s=rate * verify_percent(spec, phase) / 100 * REQUESTS_A_CHECK,
    )


def _of_fargate(ground: Ground, told: Any, cluster: str, service: str) -> list[Check]:
    try:
        ecs, scaling = (client(name, ground.aws, patience=FOR_CHECKS) for name in ("ecs", "application-autoscaling"))
        wanted = quotas.fargate_of(ecs, scaling, cluster, service)
    except Inconclusive:
        return []  # that the service cannot be asked for is a check of its own
    except Refused as error:
        name = f"quota of {quotas.FARGATE.name}"
        return [Check(name=name, finding=Finding.NOTE, says=f"not looked at: {error}", unlooked=True)]
    return [] if wanted is None else [quotas.of_fargate(told, wanted)]
