"""A row beside an earlier run: only where both asked the same of the same under the same load, and it was proven."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.conductor.comparing import Comparing
from pytest_syncload.conductor.conductor import Conductor
from pytest_syncload.conductor.earlier import find_run
from pytest_syncload.conductor.replay import Replay
from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.facts.comparison import Compared, Regression
from pytest_syncload.facts.observation import Observation, Ruling, Series, Verdict
from pytest_syncload.facts.plan import AwsAccess, Climb, RawQuery, SandboxSettings, Slo, Spec, Target
from pytest_syncload.facts.result import Invalidity, Side, Window
from pytest_syncload.facts.units import Kind
from tests.conductor.plans import REAL, SANDBOX, keep_run, phase, spec
from tests.rows import ERRORS, LATENCY, RESOURCES, START, THROTTLES, answers, reading, result

RUN = "20261124T090000Z-aaaaaa"
TEN = Target(op="<", value=10.0, kind=Kind.SHARE, text="< 10 %")
RULED = replace(LATENCY, regression=TEN)
PLAN = spec(phase("peak", RULED, ERRORS, THROTTLES))
MINUTES = (120.0, 122.0, 119.0, 121.0, 118.0, 120.0, 123.0, 117.0)


def seen(slo: Slo = RULED, factor: float = 1.0) -> Observation:
    """Eight minutes of the row."""
    window = Window(start=START, end=START + 60 * len(MINUTES))
    values = tuple(factor * value for value in MINUTES)
    return Observation(
        slo=slo,
        window=window,
        kind=slo.target.kind,
        value=max(values),
        samples=4800,
        series=Series(timestamps=window.minutes, values=values, period_s=60),
        sources=(),
        parts={},
    )


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run of peak whose latency row saw eight minutes."""
    folder = RunFolder(tmp_path / ".syncload" / RUN)
    keep_run(folder, PLAN, *PLAN.phase("peak").slos)
    folder.keep_verdict(Verdict(slo=RULED, ruling=Ruling.PASS, reason="123 ms is < 500 ms", observation=seen()))
    return folder


def compared(run: RunFolder, plan: Spec = PLAN, slo: Slo = RULED, factor: float = 1.0) -> Compared:
    earlier = find_run(run.path.parent.parent, RUN, run.path)
    resources = plan.environment.resources or RESOURCES
    return Comparing(earlier, plan).compared(seen(slo, factor), resources)


@pytest.mark.parametrize(
    ("factor", "finding"), [(1.0, Regression.NO_WORSE), (1.5, Regression.WORSE), (1.1, Regression.CANNOT_TELL)]
)
def test_the_same_row_is_compared(run: RunFolder, factor: float, finding: Regression) -> None:
    found = compared(run, factor=factor)
    assert (found.finding, found.problem, found.value, found.run_id) == (finding, None, 123.0, RUN)
    assert found.change is not None
    assert found.change.percent == pytest.approx(100 * (factor - 1))


def load(plan: Spec, **changes: Any) -> Spec:
    return replace(plan, phases=(replace(plan.phases[0], **changes),))


def moved(plan: Spec, **changes: Any) -> Spec:
    return replace(plan, environment=replace(plan.environment, **changes))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda plan: load(plan, rate_per_s=120.0), "that run offered another load: rate 60/s, now 120/s"),
        (lambda plan: load(plan, hold_s=180.0), "that run offered another load: hold 120 s, now 180 s"),
        (lambda plan: replace(plan, request_digest="ff"), "that run offered another load: request of digest none"),
        (lambda plan: moved(plan, name="production"), "that run went to environment 'load-testing', this one to 'prod"),
        (lambda plan: moved(plan, base_url="https://b.example"), "that run went to https://api.toy.example in eu-cen"),
        (
            lambda plan: moved(plan, aws=AwsAccess(region="eu-west-1")),
            "this one to https://api.toy.example in eu-we",
        ),
        (
            lambda plan: moved(plan, sandbox=SandboxSettings()),
            "was a sandbox in one of the two runs only",
        ),
        (
            lambda plan: moved(plan, resources=replace(RESOURCES, rest_api="other")),
            "the row of that name asked for another statistic, or of other resources",
        ),
    ],
)
def test_another_load_or_place_is_not_compared(run: RunFolder, change: Callable[[Spec], Spec], says: str) -> None:
    found = compared(run, change(PLAN))
    assert says in (found.problem or "")
    assert (found.change, found.finding) == (None, Regression.CANNOT_TELL)


@pytest.mark.parametrize(
    ("slo", "says"),
    [
        (replace(RULED, name="new"), "that run had no row of that name"),
        (
            replace(RULED, target=replace(RULED.target, kind=Kind.COUNT)),
            "the row of that name asked for another metric",
        ),
        (replace(RULED, statistic="p99"), "the row of that name asked for another statistic"),
        (replace(RULED, metric="apigateway.integration_latency"), "the row of that name asked for another metric"),
        (
            replace(RULED, metric=None, query=RawQuery(namespace="N", name="n", dimensions=())),
            "the row of that name asked for another metric",
        ),
    ],
)
def test_another_row_is_not_compared(run: RunFolder, slo: Slo, says: str) -> None:
    assert says in (compared(run, load(PLAN, slos=(slo,)), slo).problem or "")


def test_a_sandbox_is_compared_with_a_sandbox_of_the_same_clock_and_rates(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / ".syncload" / RUN)
    plan = replace(PLAN, environment=replace(SANDBOX, resources=RESOURCES))
    keep_run(folder, plan, *plan.phase("peak").slos)
    folder.keep_verdict(Verdict(slo=RULED, ruling=Ruling.PASS, reason="", observation=seen()))
    assert compared(folder, plan).problem is None
    slower = moved(plan, sandbox=SandboxSettings(speed=30.0))
    assert compared(folder, slower).problem == "the sandbox had speed 60, now 30"
    fewer = moved(plan, sandbox=SandboxSettings(rate_scale=0.5))
    assert compared(folder, fewer).problem == "the sandbox had rate_scale 1, now 0.5"


def invalid(folder: RunFolder) -> None:
    late = result(invalid=(Invalidity(side=Side.GENERATOR, what="it was late"),))
    folder.keep("peak", PhaseRecord(result=late, reading=None, problem="the phase is invalid"))


def unsettled(folder: RunFolder) -> None:
    unread = replace(reading(answers(LATENCY)), problem="CloudWatch has not settled")
    folder.keep("peak", PhaseRecord(result=result(), reading=unread, problem=None))


def never_read(folder: RunFolder) -> None:
    folder.keep("peak", PhaseRecord(result=result(), reading=None, problem="the run ended"))


def refused(folder: RunFolder) -> None:
    folder.keep("peak", PhaseRecord(result=None, reading=None, problem="the target refused it"))


def damaged(folder: RunFolder) -> None:
    (folder.path / "peak.result.json").write_text("{", "utf-8")


def lost(folder: RunFolder) -> None:
    (folder.path / "peak.result.json").unlink()


def unjudged(folder: RunFolder) -> None:
    (folder.path / "verdicts" / "peak--api-latency-p95.json").unlink()


def unseen(folder: RunFolder) -> None:
    folder.keep_verdict(Verdict(slo=RULED, ruling=Ruling.INCONCLUSIVE, reason="nothing was asked"))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (invalid, "the phase was invalid in that run: it was late"),
        (unsettled, "what that run measured of phase 'peak' proves nothing: CloudWatch has not settled"),
        (never_read, "what that run measured of phase 'peak' proves nothing: the run ended"),
        (refused, "that run has no result of phase 'peak': the target refused it"),
        (damaged, "the recorded result cannot be read"),
        (lost, "that run has no result of phase 'peak'"),
        (unjudged, "that run did not judge the row"),
        (unseen, "that run saw nothing of it: nothing was asked"),
    ],
)
def test_a_run_that_proved_nothing_is_nothing_to_compare_with(
    run: RunFolder, spoil: Callable[[RunFolder], None], says: str
) -> None:
    spoil(run)
    found = compared(run)
    assert found.finding is Regression.CANNOT_TELL
    assert says in (found.problem or "")


def test_a_phase_that_was_not_run_is_not_compared(run: RunFolder) -> None:
    soak = replace(RULED, phase="soak")
    plan = replace(PLAN, phases=(*PLAN.phases, phase("soak", soak)))
    assert compared(run, plan, soak).problem == "that run did not run phase 'soak'"


def test_a_climb_is_compared_with_nothing(run: RunFolder) -> None:
    climb = Climb(
        from_per_s=10.0, step_percent=10.0, every_s=60.0, until="failed > 1 %", failed_percent=1.0, at_most_per_s=50.0
    )
    assert "whose rate is another each time" in (compared(run, load(PLAN, climb=climb)).problem or "")


def test_the_conductor_rules_by_it_and_keeps_it(run: RunFolder) -> None:
    other = RunFolder(run.path.with_name("20261125T090000Z-cccccc"))
    keep_run(other, PLAN, *PLAN.phase("peak").slos)
    mine = RunFolder(run.path.with_name("again"))
    mine.make()
    root = run.path.parent.parent
    replay = Replay(find_run(root, other.run_id, root), PLAN)
    plan = replace(PLAN, environment=replace(REAL, resources=RESOURCES))
    comparing = Comparing(find_run(root, RUN, root), plan)
    conductor = Conductor(plan, mine, lambda: ["peak"], lambda _: None, replay, comparing)
    verdict = conductor.verdict(RULED)
    # Of three minutes no noise is known: the rule is not proven, whatever the target says.
    assert verdict.ruling is Ruling.INCONCLUSIVE
    assert "now it has 3 minutes, and noise shows in 6 or more" in verdict.reason
    assert mine.verdict("peak", LATENCY.name) == verdict
    errors = conductor.verdict(ERRORS)
    assert errors.ruling is Ruling.PASS
    assert errors.compared is not None
