"""`--syncload-compare`: rows beside an earlier run, a regression that fails, and never a pass for want of a run."""

from __future__ import annotations

import json

import pytest

from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.facts.result import Outcome, Tally, Window
from pytest_syncload.sources.cloudwatch import COMPLETE, Answer, Ask, asks_of, traffic_ask
from pytest_syncload.sources.observe import observe
from pytest_syncload.spec import read
from pytest_syncload.verdict import judge
from tests.rows import RESOURCES, START, reading, result
from tests.shell.conftest import Project, outcomes
from tests.shell.test_rejudge import RUN, measured, rewrite

LATENCY = "slo.yaml::peak::api-latency-p95"
#: A healthy run's minutes, ms.
MINUTES = (120.0, 122.0, 119.0, 121.0, 118.0, 120.0, 123.0, 117.0)
OTHER = "20261125T090000Z-cccccc"


def answer(ask: Ask, factor: float) -> Answer:
    """The ask's answer, where latency is ``factor`` times a healthy run's."""
    stamps = ask.window.minutes if ask.period_s == 60 else (ask.window.start,)
    if (ask.query.name, ask.query.statistic) == ("Latency", "p95"):
        values = tuple(factor * value for value in (MINUTES if len(stamps) > 1 else MINUTES[:1]))
    else:
        values = tuple({"Count": 600.0, "Latency": 600.0}.get(ask.query.name, 1.0) for _ in stamps)
    return Answer(ask=ask, status=COMPLETE, timestamps=stamps, values=values)


def kept(project: Project, run_id: str, factor: float) -> RunFolder:
    """A run of phase peak whose load held for eight minutes, judged as it ended."""
    folder = measured(project, run_id=run_id)
    plan = read(project.pytester.path / "slo.yaml", environment="sandbox", environ={})
    window = Window(start=START, end=START + 60 * len(MINUTES))
    rows = [slo for slo in plan.phase("peak").slos if slo.metric == "apigateway.latency"]
    asks = [ask for slo in rows for ask in asks_of(slo, RESOURCES, window)]
    read_of_it = reading({ask: answer(ask, factor) for ask in [*asks, traffic_ask(RESOURCES, window)]})
    many = 600 * len(MINUTES)
    load = result(window=window, scheduled_in_hold=many, hold=Tally(outcomes={Outcome.OK: many}), wire_requests=many)
    folder.keep("peak", PhaseRecord(result=load, reading=read_of_it, problem=None))
    for slo in rows:
        folder.keep_verdict(judge(observe(slo, read_of_it, RESOURCES, load), load, None))
    return folder


def with_a_regression(project: Project) -> None:
    """A plan that bounds it, and two runs: in the other one the target takes twice as long."""
    rewrite(project, "hold: 3m", "hold: 8m")
    rewrite(
        project,
        "    slos: *rows",
        '    slos:\n      mine: {metric: apigateway.latency, regression: "< 50 %", target: "< 500 ms"}\n'
        '      plain: {metric: apigateway.latency, target: "< 500 ms"}',
    )
    kept(project, RUN, 1.0)
    kept(project, OTHER, 2.0)


@pytest.mark.parametrize("workers", [(), ("-n", "1", "-p", "no:rerunfailures")], ids=["alone", "xdist"])
def test_a_slower_target_is_a_regression_although_it_holds_its_target(
    project: Project, workers: tuple[str, ...]
) -> None:
    with_a_regression(project)
    beside = project.run("-m", "peak", "-rA", "--syncload-run", OTHER, "--syncload-compare", RUN, *workers)
    assert outcomes(beside)["slo.yaml::peak::mine"] == "FAILED"
    assert outcomes(beside)["slo.yaml::peak::plain"] == "PASSED"
    beside.stdout.fnmatch_lines(
        [
            f"peak::mine: breach: worse than in run {RUN} by more than 50 %: +100 % (95 % from *",
            "*compared: 120 ms then; its minutes +100 % (95 % from *): worse",
            f"compared with: run {RUN} of *",
        ]
    )
    told = json.loads((project.run_folder / "summary.json").read_text("utf-8"))
    mine = next(row for row in told["rows"] if row["name"] == "mine")
    assert (told["run"]["compared"]["run_id"], mine["compared"]["finding"]) == (RUN, "worse")
    assert told["run"]["command"] == f"pytest -m peak --syncload-run {OTHER} --syncload-compare {RUN}"


def test_a_faster_target_is_none_and_without_a_run_beside_nothing_is_proven(project: Project) -> None:
    with_a_regression(project)
    alone = project.run("-m", "peak", "-rA", "--syncload-run", OTHER)
    assert outcomes(alone)["slo.yaml::peak::mine"] == "ERROR"
    alone.stdout.fnmatch_lines(["*regression < 50 % needs a run to compare with: add --syncload-compare last*"])
    better = project.run("-m", "peak", "-rA", "--syncload-run", RUN, "--syncload-compare", OTHER)
    assert outcomes(better)["slo.yaml::peak::mine"] == "PASSED"


def test_a_run_that_is_not_there_is_refused(project: Project) -> None:
    result = project.run("-m", "peak", "--syncload-compare", "last")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--syncload-compare: there is no earlier run: none in *measured anything*"])
    assert not project.started_load()
    result = project.run("-m", "peak", "--syncload-compare", "20261124T090000Z-ffffff")
    result.stderr.fnmatch_lines(["*--syncload-compare: there is no run '20261124T090000Z-ffffff'*"])


def test_a_run_is_not_compared_with_itself(project: Project) -> None:
    measured(project)
    result = project.run("-m", "peak", "--syncload-run", "last", "--syncload-compare", RUN)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*run {RUN} is judged again and would be compared with itself*"])


def test_what_cannot_be_compared_is_shown_and_rules_nothing_without_the_rule(project: Project) -> None:
    measured(project)
    other = measured(project, run_id="20261125T090000Z-cccccc")
    result = project.run("-m", "peak", "-rA", "--syncload-run", RUN, "--syncload-compare", other.run_id)
    assert outcomes(result)[LATENCY] == "PASSED"
    result.stdout.fnmatch_lines(["*compared: 120 ms then; not compared: now it has 3 minutes, and noise shows in 6*"])
