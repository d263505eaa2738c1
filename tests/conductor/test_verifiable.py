"""Before load: too few arrivals or users for every rule of the key to be checked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.verifiable import key_checks
from pytest_syncload.facts.check import Finding
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.idempotency import Idempotency
from pytest_syncload.facts.plan import Climb, Firebase, LoadSettings, SandboxSettings, Spec
from tests.conductor.plans import REAL, REQUEST, phase, spec
from tests.rows import LATENCY, THROTTLES

KEYS = replace(THROTTLES, name="keys", metric="idempotency.violations")


def plan(percent: float = 10.0, generators: int = 1, **changes: Any) -> Spec:
    """Rows on the key over a hold of two minutes at 100/s, changed as asked."""
    held = phase("peak", LATENCY, KEYS, **{"rate_per_s": 100.0, **changes})
    request = replace(REQUEST, idempotency=Idempotency(verify_percent=percent, job_id="job_id"))
    return replace(spec(held), request=request, load=LoadSettings(generators=generators))


def ground(speed: float = 1.0, rate_scale: float = 1.0, users: int = 50) -> Ground:
    environment = replace(
        REAL,
        firebase=Firebase(api_key="k", project="p", users=users),
        sandbox=SandboxSettings(speed=speed, rate_scale=rate_scale),
    )
    return Ground(environment=environment, clock=ServiceClock.starting_now(speed=speed))


@pytest.mark.parametrize(
    ("percent", "speed", "rate_scale", "found"),
    [
        (10.0, 1.0, 1.0, Finding.OK),
        (0.2, 1.0, 1.0, Finding.OK),  # 24 of 12,000, and one at an end
        (0.15, 1.0, 1.0, Finding.FAILED),
        (10.0, 60.0, 1.0, Finding.OK),  # 200 arrivals in the two seconds of two minutes
        (10.0, 60.0, 0.5, Finding.FAILED),
        (0.0, 1.0, 1.0, Finding.FAILED),
    ],
)
def test_so_many_arrivals_must_be_checked_that_each_rule_has_enough(
    percent: float, speed: float, rate_scale: float, found: Finding
) -> None:
    (check,) = key_checks(planned := plan(percent), ground(speed, rate_scale), planned.phases)
    assert check.finding is found
    if found is Finding.FAILED:
        assert "6 rules of 3 each need 18; raise request.idempotency.verify, the rate or the hold" in check.says
        assert check.rows == ("peak::keys (slo.yaml:32)",)


def test_each_generator_needs_two_users() -> None:
    (check,) = key_checks(planned := plan(generators=4), ground(users=7), planned.phases)
    assert check.finding is Finding.FAILED
    assert "is checked by each of 4 generators, and 7 users are not two each; sign in at least 8" in check.says
    (check,) = key_checks(planned, ground(users=8), planned.phases)
    assert check.finding is Finding.OK


def test_a_phase_that_does_not_judge_keys_is_not_looked_at() -> None:
    climb = Climb(from_per_s=1, step_percent=10, every_s=60, until="failed > 1 %", at_most_per_s=2)
    for phases in ([phase("peak", LATENCY)], [phase("peak", KEYS, climb=climb)]):
        assert key_checks(plan(), ground(), phases) == []
