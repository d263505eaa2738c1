"""A climb's folder that somebody has damaged: its rows end in a verdict; what broke first is evidence or nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_syncload.conductor.conductor import Conductor
from pytest_syncload.conductor.earlier import find_run
from pytest_syncload.conductor.replay import Replay
from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.facts.observation import Ruling
from pytest_syncload.report.text import explain
from tests.conductor.plans import keep_run, phase, spec
from tests.conductor.test_climbing import CLIMB
from tests.conductor.test_damaged import DELETED, ODD, paths, put
from tests.conductor.test_ranking import FOUND, answered
from tests.rows import LATENCY, answers, reading, result
from tests.sources.test_climbed import row

RUN = "20261124T090000Z-aaaaaa"
POINT = replace(row("load.breaking_point", "> 300/s"), name="point")
PLAN = spec(phase("peak", LATENCY, POINT, climb=CLIMB))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("root") / ".syncload" / RUN)
    keep_run(folder, PLAN, LATENCY)
    measured = reading(answers(LATENCY))
    series = answered(FOUND, {})
    folder.keep("peak", PhaseRecord(result=result(climb=FOUND), reading=measured, problem=None, series=series))
    return folder


def judge_all(run: RunFolder) -> list[Ruling]:
    again = RunFolder(run.path.with_name("again"))
    again.make()
    (again.path / "peak.ranking.json").unlink(missing_ok=True)
    earlier = find_run(run.path.parent.parent, RUN, run.path)
    plan = replace(PLAN, environment=earlier.environment, rejudged=earlier.rejudged)
    mine = Conductor(plan, again, lambda: ["peak"], lambda _: None, Replay(earlier, plan))
    verdicts = [mine.verdict(slo) for slo in (LATENCY, POINT)]
    assert all(explain(verdict, plan) for verdict in verdicts)
    return [verdict.ruling for verdict in verdicts]


def test_undamaged_it_is_judged(run: RunFolder) -> None:
    assert judge_all(run) == [Ruling.PASS, Ruling.PASS]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(data=st.data())
def test_one_wrong_thing_in_a_climb_is_no_traceback(run: RunFolder, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["peak.result.json", "peak.series.json"]))
    below = ("result", "climb") if name == "peak.result.json" else ()
    text = (run.path / name).read_text("utf-8")
    document = json.loads(text)
    places = [path for path in paths(document) if path[: len(below)] == below]
    path = data.draw(st.sampled_from(places))
    value = data.draw(st.one_of(st.just(DELETED), ODD) if path else ODD)
    try:
        (run.path / name).write_text(json.dumps(put(document, path, value)), "utf-8")
        assert len(judge_all(run)) == 2, "each row is judged and explained"
    finally:
        (run.path / name).write_text(text, "utf-8")
