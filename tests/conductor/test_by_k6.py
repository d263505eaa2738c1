"""A phase that k6 offers, as the conductor sees it: its checks, its script, its users, and who is asked to offer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.conductor.by_k6 import k6_checks, offer_by_k6, script_for
from pytest_syncload.conductor.climbing import offer_climb
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.offering import offer_for
from pytest_syncload.conductor.phase import offer_hold
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import Climb, Engine, LoadSettings, Phase, SandboxSettings, Spec
from tests.conductor.plans import REAL, SANDBOX, phase, spec
from tests.k6.standin import install

CLIMB = Climb(
    from_per_s=10.0,
    step_percent=10.0,
    every_s=60.0,
    until="failed > 1 %",
    failed_percent=1.0,
    at_most_per_s=20.0,
)


def by_k6(*phases: Phase, **load: Any) -> Spec:
    return replace(spec(*phases), load=LoadSettings(engine=Engine.K6, **load))


def checks(environ: Mapping[str, str], plan: Spec, speed: float = 60.0) -> list[Check]:
    ground = Ground(environment=replace(REAL), clock=ServiceClock.starting_now(speed=speed))
    return k6_checks(plan, ground, plan.phases, environ)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"PATH": install(tmp_path)}


def test_who_offers_a_phase() -> None:
    held, climbing = phase("peak"), phase("up", climb=CLIMB)
    assert offer_for(spec(held), held) is offer_hold
    assert offer_for(by_k6(held), held) is offer_by_k6
    assert offer_for(spec(climbing), climbing) is offer_climb


def test_a_k6_that_can_be_used_and_a_phase_that_it_can_offer(environ: dict[str, str], tmp_path: Path) -> None:
    binary, limits = checks(environ, by_k6(timeout_s=2.0))
    assert (binary.name, binary.finding, binary.says) == ("k6", Finding.OK, f"k6 v2.2.0 at {tmp_path / 'k6'}")
    assert (limits.name, limits.finding) == ("limits of peak", Finding.OK)
    assert limits.says.startswith("61 virtual users of k6, room for answers of up to")


@pytest.mark.parametrize(
    ("version", "finding", "says"),
    [
        ("k6 v1.0.0 (go1.24)", Finding.OK, "k6 v1.0.0"),
        ("k6 v3.0.1 (go1.26)", Finding.NOTE, "of a later major version than what its output was written down of"),
        ("k6 v0.57.0 (go1.23)", Finding.FAILED, "1.0 is the least"),
        ("k9", Finding.FAILED, "'k9', which is no version of k6"),
        ("", Finding.FAILED, "'nothing', which is no version of k6"),
    ],
)
def test_versions(version: str, finding: Finding, says: str, tmp_path: Path) -> None:
    binary, _ = checks({"PATH": install(tmp_path, version=version)}, by_k6())
    assert binary.finding is finding
    assert says in binary.says


def test_none_and_one_that_does_not_run(tmp_path: Path) -> None:
    binary, _ = checks({"PATH": str(tmp_path)}, by_k6())
    assert "there is no k6 on PATH; install it" in binary.says
    (tmp_path / "k6").write_bytes(b"\x7fnothing")
    (tmp_path / "k6").chmod(0o755)
    binary, _ = checks({"PATH": str(tmp_path)}, by_k6())
    assert "version cannot be run: Exec format error; install k6 anew" in binary.says


def test_what_it_cannot_offer_is_told_before_load(environ: dict[str, str]) -> None:
    _, limits = checks(environ, by_k6(), speed=1200.0)
    assert limits.finding is Finding.FAILED
    assert "k6 holds a rate for 1 s of wall time at least, and this hold is 0.1 s" in limits.says
    _, limits = checks(environ, by_k6(phase("up", climb=CLIMB)))
    assert limits.finding is Finding.FAILED
    assert "up climbs (slo.yaml:10), and k6 is told its rates before it starts" in limits.says
    _, limits = checks(environ, by_k6(vus=30))
    assert limits.finding is Finding.FAILED
    assert (
        "30 virtual users of k6, room for answers of up to 500ms at 60/s (load.vus of slo.yaml); raise" in limits.says
    )


def test_the_script_is_of_the_environment(tmp_path: Path) -> None:
    real = script_for(by_k6(), phase("peak", ramp_s=60.0)).text
    assert '"duration": "120000ms"' in real
    assert "phase peak: 60/s, ramp 1m, hold 2m of wall time, 61 virtual users" in real
    toy = replace(SANDBOX, sandbox=SandboxSettings(speed=60.0, rate_scale=0.5))
    scaled = script_for(replace(by_k6(), environment=toy), phase("peak")).text
    assert '"rate": 30' in scaled
    assert '"duration": "2000ms"' in scaled
    with pytest.raises(Refused, match="climbs"):
        script_for(by_k6(), phase("up", climb=CLIMB))
