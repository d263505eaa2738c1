"""Judging an earlier run again: new targets and rules on what is there, and nothing made up for what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_syncload.conductor.conductor import Conductor
from pytest_syncload.conductor.earlier import LAST, POINTER_FILE, find_run
from pytest_syncload.conductor.replay import Replay
from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.facts.errors import Inconclusive, PhaseInvalid
from pytest_syncload.facts.events import Event
from pytest_syncload.facts.observation import Before, Ruling, Verdict
from pytest_syncload.facts.plan import Arrivals, Climb, Engine, LoadSettings, Resources, Slo, Spec, Target
from pytest_syncload.facts.result import Invalidity, Side
from pytest_syncload.facts.units import Kind
from tests.conductor.plans import REAL, keep_run, phase, spec
from tests.rows import CACHE, DEPTH, ERRORS, LATENCY, RESOURCES, TASKS, THROTTLES, answers, reading, result
from tests.sources.test_climbed import FOUND

RUN = "20261124T090000Z-aaaaaa"
ROWS = (LATENCY, ERRORS, THROTTLES, DEPTH)
PLAN = spec(phase("peak", *ROWS), phase("soak", *ROWS))


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run of peak in which the four rows pass: 120 ms, 0 %, 0 and 3."""
    folder = RunFolder(tmp_path / ".syncload" / RUN)
    verdicts = keep_run(folder, PLAN, *ROWS)
    assert {verdict.ruling for verdict in verdicts.values()} == {Ruling.PASS}
    return folder


def again(run: RunFolder, plan: Spec) -> Conductor:
    """A conductor that judges the run again by this plan, in a folder of its own."""
    folder = RunFolder(run.path.with_name("again"))
    folder.make()
    earlier = find_run(run.path.parent.parent, RUN, run.path)
    heard: list[Event] = []
    replay = Replay(earlier, plan)
    replay.begin(folder)
    return Conductor(replace(plan, rejudged=earlier.rejudged), folder, lambda: ["peak", "soak"], heard.append, replay)


def judged(run: RunFolder, slo: Slo, resources: Resources | None = RESOURCES) -> Verdict:
    """The row's verdict by a plan that has it in phase peak."""
    plan = spec(phase("peak", slo), environment=replace(REAL, resources=resources))
    return again(run, plan).verdict(slo)


def target(row: Slo, op: str, value: float) -> Slo:
    return replace(row, target=Target(op=op, value=value, kind=row.target.kind, text=f"{op} {value:g}"))


def everything(folder: RunFolder) -> dict[str, tuple[bytes, int]]:
    return {
        str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.path.rglob("*") if file.is_file()
    }


def test_the_same_file_gives_the_same_verdicts_and_the_old_folder_stays_as_it_was(run: RunFolder) -> None:
    before = everything(run)
    mine = again(run, PLAN)
    for slo in ROWS:
        verdict = mine.verdict(slo)
        old = run.verdict("peak", slo.name)
        assert old is not None
        assert replace(verdict, before=None) == old
        assert verdict.before is not None
        assert (verdict.before.slo, verdict.before.ruling) == (slo, Ruling.PASS)
        kept = RunFolder(run.path.with_name("again")).verdict("peak", slo.name)
        assert kept == verdict
    assert mine.result("peak") == result()
    assert everything(run) == before
    pointer = RunFolder(run.path.with_name("again")).read(POINTER_FILE)
    assert (pointer["run_id"], pointer["folder"]) == (RUN, str(run.path))


@pytest.mark.parametrize(
    ("row", "ruling", "says"),
    [
        (target(LATENCY, "<", 100), Ruling.BREACH, "120 ms is not < 100"),
        (target(LATENCY, "<", 121), Ruling.PASS, "120 ms is < 121"),
        (replace(target(LATENCY, "<", 100), sustained_s=180.0), Ruling.BREACH, "120 ms is not"),
        (replace(DEPTH, growth="none"), Ruling.INCONCLUSIVE, "cannot show whether it grows"),
        (replace(LATENCY, min_samples=1801), Ruling.INCONCLUSIVE, "this row needs 1801"),
        (target(THROTTLES, ">", 0), Ruling.BREACH, "0 is not > 0"),
    ],
)
def test_a_new_target_or_rule_is_judged_on_the_data_that_is_there(
    run: RunFolder, row: Slo, ruling: Ruling, says: str
) -> None:
    verdict = judged(run, row)
    assert verdict.ruling is ruling
    assert says in verdict.reason
    value = {LATENCY.name: 120.0, DEPTH.name: 3.0, THROTTLES.name: 0.0}[row.name]
    old = {LATENCY.name: LATENCY, DEPTH.name: DEPTH, THROTTLES.name: THROTTLES}[row.name]
    assert verdict.before == Before(slo=old, ruling=Ruling.PASS, value=value)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (CACHE, "AWS/ElastiCache EngineCPUUtilization Average {CacheClusterId=syncwell-001} of each minute"),
        (replace(LATENCY, statistic="p99"), "Latency p99 {ApiName=syncwell, Stage=v1} of each minute"),
        (replace(DEPTH, statistic="Average"), "ApproximateNumberOfMessagesVisible Average"),
        (replace(DEPTH, drains_within_s=300.0), "{QueueName=hot-path} for 5m behind the hold"),
        (TASKS, "did not watch the tasks"),
    ],
)
def test_what_was_never_fetched_is_inconclusive_and_says_so(run: RunFolder, row: Slo, says: str) -> None:
    verdict = judged(run, row)
    assert verdict.ruling is Ruling.INCONCLUSIVE
    assert says in verdict.reason
    assert "only a new run can tell it" in verdict.reason
    assert verdict.observation is not None
    assert verdict.observation.value is None


def test_a_rule_taken_out_may_need_what_was_not_fetched(tmp_path: Path) -> None:
    sustained = replace(LATENCY, sustained_s=120.0)
    run = RunFolder(tmp_path / ".syncload" / RUN)
    keep_run(run, spec(phase("peak", sustained)), sustained)
    assert judged(run, sustained).ruling is Ruling.PASS
    verdict = judged(run, LATENCY)
    assert (verdict.ruling, "of the whole hold was never fetched" in verdict.reason) == (Ruling.INCONCLUSIVE, True)


@pytest.mark.parametrize(
    ("now", "row"),
    [
        (replace(RESOURCES, tables={"sync-jobs": ("by-user",)}), THROTTLES),
        (replace(RESOURCES, tables={"sync-jobs": (), "users": ()}), THROTTLES),
        (replace(RESOURCES, cache=("syncwell-001",)), CACHE),
        (replace(RESOURCES, queue="cold-path"), DEPTH),
        (replace(RESOURCES, ecs_service="other"), TASKS),
    ],
)
def test_other_resources_than_were_looked_at_are_not_judged(tmp_path: Path, now: Resources, row: Slo) -> None:
    """Least of all fewer: the node that was hot would be gone from the row."""
    run = RunFolder(tmp_path / ".syncload" / RUN)
    rows = (LATENCY, THROTTLES, DEPTH, CACHE)
    keep_run(run, spec(phase("peak", *rows)), *rows)
    verdict = judged(run, row, now)
    assert (verdict.ruling, "now lists other resources" in verdict.reason) == (Ruling.INCONCLUSIVE, True)
    assert judged(run, LATENCY, now).ruling is Ruling.PASS


def test_a_cost_is_of_all_that_was_listed(tmp_path: Path) -> None:
    """A cache node is in no question to CloudWatch, and costs all the same."""
    cost = Slo(
        name="cost",
        phase="peak",
        target=Target(op="<", value=9.0, kind=Kind.MONEY, text="< 9 USD"),
        line=40,
        metric="cost.per_million_jobs",
    )
    run = RunFolder(tmp_path / ".syncload" / RUN)
    keep_run(run, spec(phase("peak", LATENCY)), LATENCY)
    verdict = judged(run, cost, replace(RESOURCES, cache=()))
    assert (verdict.ruling, "now lists other resources" in verdict.reason) == (Ruling.INCONCLUSIVE, True)


def test_a_resource_that_is_no_longer_listed_is_said(run: RunFolder) -> None:
    verdict = judged(run, DEPTH, replace(RESOURCES, queue=None))
    assert (verdict.ruling, "resources.queue" in verdict.reason) == (Ruling.INCONCLUSIVE, True)


CLIMB = Climb(
    from_per_s=1.0, step_percent=10.0, every_s=60.0, until="failed > 1 %", failed_percent=1.0, at_most_per_s=9.0
)


@pytest.mark.parametrize(
    ("changes", "load", "says"),
    [
        ({"rate_per_s": 61.0}, {}, "rate 60/s, now 61/s"),
        ({"ramp_s": 60.0}, {}, "ramp 0 s, now 60 s"),
        ({"hold_s": 180.0}, {}, "hold 120 s, now 180 s"),
        ({"hold_s": 120.2}, {}, "hold 120 s, now 120.2 s"),
        ({"climb": CLIMB}, {}, "climb none, now from 1/s"),
        ({}, {"timeout_s": 2.0}, "timeout 10 s, now 2 s"),
        ({}, {"arrivals": Arrivals.POISSON}, "arrivals constant, now poisson"),
        ({}, {"engine": Engine.K6}, "engine built-in, now k6"),
    ],
)
def test_another_phase_than_was_run_is_an_error(
    run: RunFolder, changes: dict[str, Any], load: dict[str, Any], says: str
) -> None:
    plan = replace(spec(phase("peak", LATENCY, **changes)), load=LoadSettings(generators=2, **load))
    mine = again(run, plan)
    record = mine.record("peak")
    assert record.result is None
    assert says in (record.problem or "")
    with pytest.raises(PhaseInvalid, match="run the phase again"):
        mine.result("peak")
    verdict = mine.verdict(LATENCY)
    assert (verdict.ruling, verdict.reason) == (Ruling.INCONCLUSIVE, record.problem)


def test_headroom_is_above_the_rate_that_slo_yaml_holds_now(tmp_path: Path) -> None:
    """A peak that was raised since is none the run knew: what was enough headroom then may be none."""
    headroom = replace(target(ERRORS, ">", 20), name="headroom", metric="load.headroom", statistic=None)
    climbs = phase("peak", headroom, climb=CLIMB)
    run = RunFolder(tmp_path / ".syncload" / RUN)
    keep_run(run, spec(climbs, phase("soak", LATENCY, rate_per_s=3000.0)), LATENCY)
    measured = reading(answers(LATENCY))
    run.keep("peak", PhaseRecord(result=result(climb=FOUND), reading=measured, problem=None))
    for rate, value, ruling in ((3000.0, 40.0, Ruling.PASS), (4000.0, 5.0, Ruling.BREACH)):
        verdict = again(run, spec(climbs, phase("soak", LATENCY, rate_per_s=rate))).verdict(headroom)
        assert verdict.observation is not None
        assert verdict.ruling is ruling
        assert verdict.observation.value == pytest.approx(value)
    alone = again(run, spec(climbs)).verdict(headroom)
    assert (alone.ruling, "slo.yaml has none" in alone.reason) == (Ruling.INCONCLUSIVE, True)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"step_percent": 5.0}, "by 10 % every 60 s until 'failed > 1 %', now from 1/s to 9/s by 5 %"),
        ({"until": "failed > 2 %", "failed_percent": 2.0}, "until 'failed > 1 %', now from 1/s to 9/s by 10 % every"),
        ({"recovers_within_s": 90.0}, "until 'failed > 1 %', recovers_within 90 s"),
    ],
)
def test_another_climb_than_was_run_is_told_by_what_changed(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    run = RunFolder(tmp_path / ".syncload" / RUN)
    keep_run(run, spec(phase("peak", LATENCY, climb=CLIMB)), LATENCY)
    plan = spec(phase("peak", LATENCY, climb=replace(CLIMB, **changes)))
    assert says in again(run, plan).verdict(LATENCY).reason


def test_another_request_than_was_sent_is_an_error(run: RunFolder) -> None:
    plan = replace(spec(phase("peak", LATENCY)), request_digest="0123456789")
    assert "request of digest none, now of digest 01234567" in again(run, plan).verdict(LATENCY).reason


def test_how_many_processes_offered_it_does_not_matter(run: RunFolder) -> None:
    plan = replace(spec(phase("peak", LATENCY)), load=LoadSettings(generators=3, seed=1))
    assert again(run, plan).verdict(LATENCY).ruling is Ruling.PASS


@pytest.mark.parametrize("name", ["soak", "stress"])
def test_a_phase_that_was_not_run_is_an_error(run: RunFolder, name: str) -> None:
    row = replace(LATENCY, phase=name)
    plan = spec(phase("peak", LATENCY), phase(name, row))
    earlier = find_run(run.path.parent.parent, LAST, run.path)
    folder = RunFolder(run.path.with_name("again"))
    folder.make()
    mine = Conductor(plan, folder, lambda: [name], lambda _: None, Replay(earlier, plan))
    verdict = mine.verdict(row)
    assert (verdict.ruling, verdict.before) == (
        Ruling.INCONCLUSIVE,
        Before(slo=LATENCY if name == "soak" else None),
    )
    assert f"run {RUN} did not run phase '{name}' (it ran: peak)" in verdict.reason
    with pytest.raises(Inconclusive, match="'peak' was not selected"):
        mine.record("peak")


def test_a_phase_that_was_begun_and_lost_is_an_error(run: RunFolder) -> None:
    (run.path / "peak.result.json").unlink()
    verdict = judged(run, LATENCY)
    assert (verdict.ruling, "lost phase 'peak'" in verdict.reason) == (Ruling.INCONCLUSIVE, True)


def test_another_phases_file_in_its_place_is_an_error(run: RunFolder) -> None:
    run.keep("peak", PhaseRecord(result=result(phase="soak"), reading=None, problem=None))
    verdict = judged(run, LATENCY)
    assert (verdict.ruling, "what is kept as phase 'peak' is 'soak'" in verdict.reason) == (Ruling.INCONCLUSIVE, True)


def test_what_made_the_run_prove_nothing_does_so_again(run: RunFolder) -> None:
    invalid = result(invalid=(Invalidity(side=Side.GENERATOR, what="late"),))
    for record, says in (
        (PhaseRecord(result=invalid, reading=None, problem="the phase is invalid"), "the phase is invalid: late"),
        (PhaseRecord(result=result(), reading=None, problem="not settled"), "not settled"),
        (PhaseRecord(result=None, reading=None, problem="interrupted"), "interrupted"),
    ):
        run.keep("peak", record)
        (run.path / "peak.answers.json").unlink(missing_ok=True)
        verdict = judged(run, LATENCY)
        assert (verdict.ruling, verdict.reason) == (Ruling.INCONCLUSIVE, says)


def test_a_row_that_is_new_or_was_not_judged_has_no_old_verdict(run: RunFolder) -> None:
    renamed = replace(LATENCY, name="p95")
    assert judged(run, renamed).before == Before()
    file = run.path / "verdicts" / f"peak--{LATENCY.name}.json"
    file.write_text('{"ruling": "pass"', "utf-8")
    verdict = judged(run, LATENCY)
    assert (verdict.ruling, verdict.before) == (Ruling.PASS, Before(slo=LATENCY))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(value=st.floats(0, 1e6), op=st.sampled_from(["<", "<=", "==", ">=", ">"]))
def test_any_target_is_judged_as_a_run_of_its_own_would_be(run: RunFolder, value: float, op: str) -> None:
    row = replace(LATENCY, target=Target(op=op, value=value, kind=Kind.TIME, text="any"))
    expected = Ruling.PASS if row.target.met_by(120.0) else Ruling.BREACH
    assert judged(run, row).ruling is expected
