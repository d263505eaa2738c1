"""Which quotas are asked for, and for which rate: by a double in their place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_syncload.conductor import quotas
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.quotas import most_wanted, quota_checks
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import Inconclusive, Refused
from pytest_syncload.facts.idempotency import REQUESTS_A_CHECK, Idempotency
from pytest_syncload.facts.plan import Environment, Resources, SandboxSettings
from pytest_syncload.facts.presets.idempotency import VIOLATIONS
from pytest_syncload.sources import quotas as sources
from pytest_syncload.sources.quotas import Fargate, Wanted
from tests.conductor.plans import REAL, SANDBOX, phase, spec
from tests.conductor.test_climbing import CLIMB
from tests.rows import LATENCY

PHASES = [phase("peak", LATENCY), phase("stress", LATENCY, climb=replace(CLIMB, at_most_per_s=900.0))]


def ground(environment: Environment = REAL) -> Ground:
    return Ground(environment=environment, clock=ServiceClock.starting_now())


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was asked of `sources.quotas`, which answers to all of it."""
    said: list[Any] = []

    def check(name: str) -> Any:
        def ask(_: Any, wanted: Any) -> Any:
            said.append((name, wanted))
            return Check(name=name, finding=Finding.OK, says="")

        return ask

    monkeypatch.setattr(quotas, "client", lambda service, aws, patience: service)
    monkeypatch.setattr(sources, "of_api", check("api"))
    monkeypatch.setattr(sources, "of_tables", lambda told, wanted: [check("tables")(told, wanted)])
    monkeypatch.setattr(sources, "of_fargate", check("fargate"))
    wants = Fargate(service="worker", tasks=4, vcpu=1.0)
    monkeypatch.setattr(sources, "fargate_of", lambda ecs, scaling, cluster, service: wants)
    return said


def test_the_most_that_any_phase_may_offer_is_wanted() -> None:
    assert most_wanted(spec(), ground(), PHASES) == Wanted(rate_per_s=900.0, phase="stress", climbs=True)
    assert most_wanted(spec(), ground(), PHASES[:1]) == Wanted(rate_per_s=60.0, phase="peak", climbs=False)
    scaled = ground(replace(SANDBOX, sandbox=SandboxSettings(rate_scale=0.5)))
    assert most_wanted(spec(), scaled, PHASES).rate_per_s == 450.0


def test_checks_of_the_key_are_requests_too() -> None:
    plan = spec()
    plan = replace(plan, request=replace(plan.request, idempotency=Idempotency(verify_percent=10.0)))
    row = replace(LATENCY, metric=VIOLATIONS)
    found = most_wanted(plan, ground(), [phase("peak", row), phase("calm", LATENCY, rate_per_s=61.0)])
    assert (found.phase, found.rate_per_s) == ("peak", 60.0)
    assert found.checks_per_s == pytest.approx(6.0 * REQUESTS_A_CHECK)


def test_only_what_rows_look_at_is_asked_for(asked: list[Any]) -> None:
    quota_checks(spec(), ground(), PHASES, {"AWS/ApiGateway"})
    assert [name for name, _ in asked] == ["api"]
    asked.clear()
    checks = quota_checks(spec(), ground(), PHASES, {"AWS/DynamoDB", "AWS/ECS"})
    assert [each.name for each in checks] == ["api", "tables", "fargate"]
    asked.clear()
    assert quota_checks(spec(), ground(replace(REAL, resources=Resources())), PHASES, {"AWS/DynamoDB", "AWS/ECS"}) == []
    assert asked == []


def test_a_service_that_is_not_on_fargate_or_cannot_be_asked_for_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise Inconclusive("forbidden")

    for answer in (lambda *_: None, refuse):
        monkeypatch.setattr(sources, "fargate_of", answer)
        assert [each.name for each in quota_checks(spec(), ground(), PHASES, {"AWS/ECS"})] == ["api"]


def test_an_ecs_that_an_emulator_would_answer_for_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(service: str, *_: Any, **__: Any) -> str:
        if service == "ecs":
            raise Refused("which is not AWS")
        return service

    monkeypatch.setattr(quotas, "client", refuse)
    api, told = quota_checks(spec(), ground(), PHASES, {"AWS/ECS"})
    assert (api.name, told.name, told.unlooked) == ("api", "quota of Fargate's vCPU", True)


def test_a_client_that_cannot_be_made_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise Refused("which is not AWS")

    monkeypatch.setattr(quotas, "client", refuse)
    (told,) = quota_checks(spec(), ground(), PHASES, {"AWS/ECS"})
    assert (told.finding, told.unlooked, told.says) == (Finding.NOTE, True, "not looked at: which is not AWS")
