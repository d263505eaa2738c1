"""What a run's folder comes to: all that was asked for, in order of the file, and a problem where it cannot be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.conductor.reporting import load_began_at, report_of, where_of
from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.facts.errors import PhaseInvalid
from pytest_syncload.facts.guard import Guard
from pytest_syncload.facts.observation import Ruling, Verdict
from pytest_syncload.facts.plan import Environment, SandboxSettings
from pytest_syncload.facts.report import RunReport
from tests.conductor.plans import phase, spec
from tests.report.reports import STRESS, stress
from tests.report.test_parity import FOUND
from tests.report.test_place import AWAY, NOWHERE
from tests.rows import ERRORS, LATENCY, START, THROTTLES, result

SOAK = phase("soak", replace(LATENCY, phase="soak"))
PLAN = replace(spec(), phases=(SOAK, phase("peak", LATENCY, ERRORS, THROTTLES)))


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / ".syncload" / "20261124T090000Z-aaaaaa")
    made.make()
    return made


def told(folder: RunFolder, *phases: str, rows: tuple[str, ...] = ("peak::api-5xx-rate",)) -> RunReport:
    root = folder.path.parent.parent
    return report_of(PLAN, folder, folder.record, phases or ("peak",), rows, root=root, command="pytest -m peak")


def test_rows_that_were_asked_for_are_in_order_of_the_file(folder: RunFolder) -> None:
    for slo in (THROTTLES, LATENCY, ERRORS):
        folder.keep_verdict(Verdict(slo=slo, ruling=Ruling.PASS, reason="it is"))
    folder.keep("peak", PhaseRecord(result=result(), reading=None, problem=None))
    report = told(folder, "peak", rows=("peak::dynamodb-throttles", "peak::api-latency-p95"))
    (seen,) = report.phases
    assert [verdict.slo.name for verdict in seen.verdicts] == ["api-latency-p95", "dynamodb-throttles"]
    assert (seen.result, seen.problem, seen.left_out, seen.climb) == (result(), None, 1, None)
    assert report.proven
    assert report.counts == {Ruling.PASS: 2}
    assert (report.run_id, report.folder) == (folder.run_id, f".syncload/{folder.run_id}")


def test_a_phase_that_nobody_began_and_one_that_cannot_be_read_have_no_result(folder: RunFolder) -> None:
    (folder.path / "peak.result.json").write_text("{", "utf-8")
    report = told(folder, "soak", "peak")
    assert [seen.name for seen in report.phases] == ["soak", "peak"]
    soak, peak = report.phases
    assert (soak.result, soak.problem, soak.verdicts) == (None, None, ())
    assert peak.result is None
    assert "cannot be read" in (peak.problem or "")
    assert not report.proven


def test_a_row_without_a_pass_is_not_proven(folder: RunFolder) -> None:
    folder.keep_verdict(Verdict(slo=ERRORS, ruling=Ruling.PASS, reason="it is"))
    assert told(folder).proven
    folder.keep_verdict(Verdict(slo=LATENCY, ruling=Ruling.INCONCLUSIVE, reason="it is not known"))
    assert not told(folder, rows=("peak::api-5xx-rate", "peak::api-latency-p95")).proven
    assert not told(folder, "peak", "soak").proven


def test_what_broke_first_comes_from_the_folder(folder: RunFolder) -> None:
    climb = stress().climb
    assert climb is not None
    folder.keep_ranking(replace(climb, phase="peak"))
    assert told(folder).phases[0].climb == replace(climb, phase="peak")


def test_what_was_compared_comes_from_the_folder(folder: RunFolder) -> None:
    plain = told(folder)
    assert (plain.parity, "parity" in plain.not_looked_at) == (None, True)
    folder.keep_parity(FOUND)
    assert told(folder).parity == FOUND
    assert "parity" not in told(folder).not_looked_at
    (folder.path / "parity.json").write_text('{"compared": 3}', "utf-8")
    assert told(folder).parity is None, "damaged, so it is not known"


ACCOUNT_OPEN = "whether the account is the right one (guard.accounts lists none)"


@pytest.mark.parametrize(
    ("changes", "is_open"),
    [
        ({}, True),
        ({"guard": Guard(accounts=("111122223333",))}, False),
        ({"guard": Guard(hosts=("api.toy.example",))}, True),
        ({"base_url": "http://localhost:8080"}, False),
        ({"sandbox": SandboxSettings()}, False),
    ],
)
def test_an_account_that_nobody_listed_is_left_open(folder: RunFolder, changes: dict[str, Any], is_open: bool) -> None:
    plan = replace(PLAN, environment=replace(PLAN.environment, **changes))
    report = report_of(plan, folder, folder.record, ["peak"], [], root=folder.path.parent.parent, command="pytest")
    assert (ACCOUNT_OPEN in report.not_looked_at) is is_open


def test_from_where_the_load_came_is_open_only_where_nobody_knows(folder: RunFolder) -> None:
    assert told(folder).placed is None
    assert "generator's region" in told(folder).not_looked_at
    for placed, is_open in ((NOWHERE, True), (AWAY, False)):
        folder.keep_place(placed)
        assert told(folder).placed == placed
        assert ("generator's region" in told(folder).not_looked_at) is is_open
    (folder.path / "place.json").write_text("{}", "utf-8")
    assert told(folder).placed is None, "damaged, so it is not known"


def test_what_could_not_be_looked_at_comes_from_the_folder(folder: RunFolder) -> None:
    folder.keep_unlooked(["quota of a", "quota of b"])
    folder.keep_unlooked(["quota of b", "quota of c"])
    assert told(folder).not_looked_at[-3:] == ("quota of a", "quota of b", "quota of c")
    for damaged in ("{", "{}"):
        (folder.path / "unlooked.json").write_text(damaged, "utf-8")
        assert folder.unlooked() == ()


def test_another_runs_record_takes_the_place_of_the_folders(folder: RunFolder) -> None:
    def damaged(_: str) -> PhaseRecord:
        raise PhaseInvalid("run X lost it")

    report = report_of(PLAN, folder, damaged, ["peak"], [], root=folder.path.parent.parent, command="pytest")
    assert report.phases[0].problem == "run X lost it"


CLOCK = {"origin": START - 600.0, "monotonic_origin": 5.0, "speed": 60.0}


def test_load_began_when_the_wall_said_so() -> None:
    """Of a hold that begins 600 service seconds after the clock's origin and has a ramp of three service minutes."""
    ground = {"clock": CLOCK, "wall_origin": 1000.0}
    assert load_began_at(replace(PLAN.phases[1], ramp_s=180.0), result(), ground) == 1000.0 + (600 - 180) / 60
    climbed = stress().result
    assert climbed is not None
    assert climbed.climb is not None
    begins_at = climbed.climb.begins_at
    assert load_began_at(STRESS, climbed, ground) == pytest.approx(1000.0 + (begins_at - START + 600) / 60)


def test_without_the_walls_moment_the_clocks_own_serves() -> None:
    assert load_began_at(PLAN.phases[1], result(), {"clock": CLOCK}) == START - 600 + 10


@pytest.mark.parametrize("ground", [{}, {"clock": None}, {"clock": {**CLOCK, "speed": 0}}, {"clock": {"a": 1}}])
def test_a_clock_that_cannot_be_read_says_nothing(ground: dict[str, object]) -> None:
    assert load_began_at(PLAN.phases[1], result(), ground) is None


def test_a_judging_again_tells_where_and_when_load_was_offered(folder: RunFolder) -> None:
    earlier = RunFolder(folder.path.parent / "20261123T090000Z-bbbbbb")
    earlier.make()
    earlier.write("environment.json", {"clock": CLOCK, "wall_origin": 1000.0, "sandbox": {"base_url": "http://toy"}})
    folder.write("rejudged_from.json", {"run_id": earlier.run_id, "begun_at": 990.0, "folder": str(earlier.path)})
    folder.keep("peak", PhaseRecord(result=result(), reading=None, problem=None))
    report = told(folder)
    assert (report.begun_at, report.where.target) == (990.0, "http://toy")
    assert report.phases[0].load_began_at == 1010.0 - PLAN.phases[1].ramp_s / 60


def test_where_is_what_was_made_ready() -> None:
    made = {"sandbox": {"base_url": "http://127.0.0.1:4711"}}
    sandbox = Environment(name="toy", line=2, sandbox=SandboxSettings(speed=60.0, rate_scale=0.5))
    where = where_of(replace(PLAN, environment=sandbox), made, "000000000000")
    assert (where.target, where.region, where.is_sandbox) == ("http://127.0.0.1:4711", "us-east-1", True)
    assert (where.speed, where.rate_scale) == (60.0, 0.5)
    assert where_of(replace(PLAN, environment=sandbox), {}, None).target == "unknown"
    real = where_of(replace(PLAN, environment=Environment(name="real", line=2, base_url="https://a.example")), {}, None)
    assert (real.target, real.region, real.speed, real.rate_scale) == ("https://a.example", None, 1.0, 1.0)
    assert where_of(PLAN, {"sandbox": None}, None).account is None


def test_damaged_files_of_the_run_are_no_traceback(folder: RunFolder) -> None:
    for name in ("plan.json", "environment.json"):
        (folder.path / name).write_text("[", "utf-8")
    assert told(folder).begun_at == 0.0
