"""What a phase hands to its generators."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_syncload.conductor.carrying import Warmed, identities_of, job_of, refuse_short_tokens
from pytest_syncload.conductor.crews import generators_for
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import PhaseInvalid
from pytest_syncload.facts.events import Event, Warming
from pytest_syncload.facts.override import Override
from pytest_syncload.facts.plan import USERS, Firebase, LoadSettings, Passage, TokenFile
from pytest_syncload.load.job import JOB
from pytest_syncload.load.pacer import Pacer
from tests.conductor.plans import REAL, phase, spec

FIREBASE = Firebase(api_key="k3y", project="toy", service_account="sa.json", users=7)
TOKENS = TokenFile(path="/tokens.txt")
OWN = Override.of("syncload_identities", "toy:sign_in")

CAP = 100


@pytest.mark.parametrize(
    ("transport", "rate_per_s", "wanted"),
    [
        (Passage.BUILT_IN, 5000.0, 1),
        (Passage.BUILT_IN, 5001.0, 2),
        (Passage.HTTPX, 300.0, 1),
        (Passage.HTTPX, 3000.0, 10),
    ],
)
def test_as_many_generators_as_the_rate_needs_of_this_transport(
    transport: Passage, rate_per_s: float, wanted: int
) -> None:
    plan = replace(spec(), load=LoadSettings(transport=transport))
    assert generators_for(plan, rate_per_s) == wanted
    assert generators_for(replace(plan, load=LoadSettings(generators=3)), rate_per_s) == 3


def test_a_conftest_goes_before_slo_yaml() -> None:
    plan, real = spec(), replace(REAL, firebase=FIREBASE)
    assert identities_of(plan, real) == FIREBASE
    assert identities_of(plan, replace(REAL, tokens=TOKENS)) == TOKENS
    assert identities_of(replace(plan, identities=OWN), real) == OWN
    assert identities_of(plan, REAL) is None


@pytest.mark.parametrize("whence", [FIREBASE, TOKENS, OWN, Override.of("syncload_identities", len)])
def test_a_generator_is_handed_where_identities_come_from_and_never_a_token(
    tmp_path: Path, whence: Firebase | TokenFile | Override
) -> None:
    environment = replace(REAL, firebase=FIREBASE)
    plan = spec(environment=environment)
    if isinstance(whence, Override):
        plan = replace(plan, identities=whence)
    elif isinstance(whence, TokenFile):
        environment = replace(REAL, tokens=whence)
    ground = Ground(environment=environment, clock=ServiceClock.starting_now())
    pacer = Pacer(rate_per_s=10.0, ramp_s=0.0, hold_s=1.0)
    job = job_of(plan, phase("peak"), ground, RunFolder(tmp_path), pacer, 0, 1, CAP)
    assert job.identities == whence
    assert job.users == (USERS if isinstance(whence, TokenFile) else 7)
    assert JOB.validate_json(JOB.dump_json(job)) == job
    assert "k3y" not in repr(job)


def test_without_a_way_to_sign_in_nothing_is_sent(tmp_path: Path) -> None:
    ground = Ground(environment=REAL, clock=ServiceClock.starting_now())
    pacer = Pacer(rate_per_s=1.0, ramp_s=0.0, hold_s=1.0)
    with pytest.raises(PhaseInvalid, match="has no firebase; nothing was sent"):
        job_of(spec(), phase("peak"), ground, RunFolder(tmp_path), pacer, 0, 1, CAP)


def test_tokens_that_nobody_renews_must_last() -> None:
    renewed, given = {"ready": {"expires_at": math.inf}}, {"ready": {"expires_at": 100.0}}
    refuse_short_tokens((renewed, renewed), 1e9)
    refuse_short_tokens((given,), 100.0)
    with pytest.raises(PhaseInvalid, match="expire 5 s before the phase ends, and nobody can refresh what was given"):
        refuse_short_tokens((renewed, given), 105.0)


def test_signing_in_is_told_by_tenths_once_all_generators_have_said_how_many() -> None:
    told: list[Event] = []
    warmed = Warmed("peak", 2, told.append)
    warmed.take(0, {"done": 100, "of": 100})
    assert told == []
    for done in range(0, 101, 4):
        warmed.take(1, {"done": done, "of": 100})
    assert told[0] == Warming(phase="peak", done=100, of=200)
    assert [event.done for event in told if isinstance(event, Warming)] == [100, 120, 140, 160, 180, 200]
