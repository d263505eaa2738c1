"""Before load: whether a phase can check every rule of the Idempotency-Key that its row judges. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_syncload.conductor.carrying import identities_of, verify_percent
from pytest_syncload.conductor.crews import generators_for
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.clock import minute_ceil
from pytest_syncload.facts.idempotency import ENOUGH, KeyRule
from pytest_syncload.facts.plan import Firebase, Phase, Spec
from pytest_syncload.facts.presets.idempotency import VIOLATIONS
from pytest_syncload.facts.units import format_number


def key_checks(spec: Spec, ground: Ground, phases: Sequence[Phase]) -> list[Check]:
    """One check a phase whose row judges what the load finds of its keys."""
    found = []
    for phase in phases:
        rows = tuple(f"{slo.id} ({spec.file.name}:{slo.line})" for slo in phase.slos if slo.metric == VIOLATIONS)
        if not rows or phase.climb is not None:
            continue
        what = [*_too_few_arrivals(spec, ground, phase), *_too_few_users(spec, ground, phase)]
        says = "; ".join(what) or f"every rule can be checked {ENOUGH} times and more"
        finding = Finding.FAILED if what else Finding.OK
        found.append(Check(name=f"keys of {phase.name}", finding=finding, says=says, rows=rows if what else ()))
    return found


def checks_expected(spec: Spec, ground: Ground, phase: Phase) -> int:
    """How many arrivals of the hold will check a rule, at least."""
    arrivals = phase.rate_per_s * ground.rate_scale * ground.clock.wall_seconds(minute_ceil(phase.hold_s))
    # One of each 100 ÷ percent arrivals; at both ends of the hold one may lie outside.
    return max(0, int(arrivals * verify_percent(spec, phase) / 100) - 1)


def _too_few_arrivals(spec: Spec, ground: Ground, phase: Phase) -> Iterator[str]:
    expected, needed = checks_expected(spec, ground, phase), ENOUGH * len(KeyRule)
    if expected < needed:
        share = format_number(verify_percent(spec, phase))
        yield (
            f"{share} % of the arrivals of {phase.name} are some {expected} checks, and {len(KeyRule)} rules of "
            f"{ENOUGH} each need {needed}; raise request.idempotency.verify, the rate or the hold"
        )


def _too_few_users(spec: Spec, ground: Ground, phase: Phase) -> Iterator[str]:
    whence = identities_of(spec, ground.environment)
    generators = generators_for(spec, phase.rate_per_s * ground.rate_scale)
    if isinstance(whence, Firebase) and whence.users < 2 * generators:
        yield (
            f"another user's key is checked by each of {generators} generators, and {whence.users} users are not two "
            f"each; sign in at least {2 * generators} (firebase.users)"
        )
