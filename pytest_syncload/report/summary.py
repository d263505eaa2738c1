"""A run → summary.json: what a dashboard or a script reads. Its names are a promise: add, do not rename.

    python -m pytest_syncload.report.summary > pytest_syncload/summary.schema.json

A number is in the unit that its name ends with (`_ms`, `_s`, `_percent`, `_per_s`); of a row, in `unit`. What is not
known is null, and never zero. Moments are ISO 8601 in UTC. A reader must pass over names that it does not know;
`format` is raised when one that was there changes its meaning or goes.
"""

from __future__ import annotations

import json
import math
import sys
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pytest_syncload.facts import bottleneck
from pytest_syncload.facts.climb import ClimbFound
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.comparison import Compared, Regression
from pytest_syncload.facts.events import ClimbRanked
from pytest_syncload.facts.histogram import Histogram
from pytest_syncload.facts.observation import Before, Ruling, Verdict
from pytest_syncload.facts.plan import Rejudged, Slo, Target
from pytest_syncload.facts.report import PhaseReport, RunReport
from pytest_syncload.facts.result import Outcome, PhaseResult, Side, Window
from pytest_syncload.facts.units import CANONICAL
from pytest_syncload.report.climb import climb_sentence
from pytest_syncload.report.table import headroom

#: Raised when a name changes its meaning or goes. New names do not raise it.
FORMAT = 1
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PERCENTILES = (50, 75, 90, 95, 99, 99.9)


def _finite(value: Any) -> Any:
    """JSON has neither NaN nor infinity: such a number is not known."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_finite)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WindowModel(_Model):
    """``[start, end)``, in the time that CloudWatch lives in: the sandbox's runs ahead of the wall."""

    start: datetime
    end: datetime
    seconds: float = Field(description="Its length in service seconds.")


class CountsModel(_Model):
    """How many rows were ruled what."""

    passed: int = Field(serialization_alias="pass")
    breach: int
    inconclusive: int


class RejudgedModel(_Model):
    """The run whose measurements were judged again: no load was offered."""

    run_id: str
    begun_at: datetime | None


class OtherRunModel(_Model):
    """The run that every row is shown beside."""

    run_id: str
    begun_at: datetime | None


class RunModel(_Model):
    """The run as a whole."""

    service: str
    id: str
    begun_at: datetime | None = Field(description="Wall time; of a judging again, when the judged run began.")
    version: str = Field(description="Of pytest-syncload.")
    file: str
    folder: str
    command: str = Field(description="Begins the same run again.")
    environment: str
    target: str
    region: str | None
    account: str | None
    sandbox: bool = Field(description="True: nothing here says anything about a real target.")
    speed: float = Field(description="Service seconds a wall second; above 1 only in the sandbox.")
    rate_scale: float = Field(description="What planned rates were multiplied by; other than 1 only in the sandbox.")
    rejudged: RejudgedModel | None
    compared: OtherRunModel | None
    not_looked_at: list[str]
    proven: bool = Field(description="Whether every row that was asked for passed, and each phase had one.")
    counts: CountsModel


class ClimbPlanModel(_Model):
    """How the phase was to climb."""

    from_per_s: float
    step_percent: float
    every_s: float
    until: str
    at_most_per_s: float
    recovers_within_s: float | None


class PlanModel(_Model):
    """The phase as slo.yaml has it, before any `rate_scale`. Durations are service seconds."""

    line: int
    rate_per_s: float | None
    ramp_s: float | None
    hold_s: float | None
    climb: ClimbPlanModel | None
    rows: int = Field(description="How many rows slo.yaml has for it.")
    rows_asked_for: int


class InvalidModel(_Model):
    """Why the load proves nothing, and whose doing that is."""

    side: Side
    what: str


class PercentilesModel(_Model):
    """Of all arrivals of the hold; nearest rank, within 0.25 %."""

    samples: int
    mean_ms: Number
    p50_ms: Number
    p75_ms: Number
    p90_ms: Number
    p95_ms: Number
    p99_ms: Number
    p99_9_ms: Number
    max_ms: Number


class GeneratorModel(_Model):
    """One generator process over the hold."""

    index: int
    cpu_percent: Number = Field(description="Of one core.")
    lag_p99_ms: Number
    peak_in_flight: int
    tokens_refreshed: int
    refreshes_failed: int


class MeasuredModel(_Model):
    """What the client saw. Counts, rates and percentiles are of the arrivals that were due in `window`."""

    window: WindowModel
    load_began_at: datetime | None = Field(description="Wall time of the first arrival's second, ramp included.")
    wall_s: Number = Field(description="How long ramp and hold lasted, or the climb.")
    rate_per_s: Number = Field(description="Offered, after `rate_scale`.")
    scheduled: int
    arrivals: int
    outcomes: dict[Outcome, int] = Field(description="All of them; they add up to `arrivals`.")
    throttled: int = Field(description="The 429 answers among `unexpected_status`.")
    dropped_late: int = Field(description="The drops that were the generator's own doing.")
    failed: int = Field(description="5xx, 429, timeouts, connect and protocol errors, drops at the in-flight cap.")
    failed_percent: Number
    sent_per_s: Number = Field(description="Arrivals that became a request, a wall second.")
    ok_per_s: Number
    statuses: dict[str, int] = Field(description="Answers by HTTP status, of the whole phase.")
    wire_requests: int = Field(description="What CloudWatch's count is compared with, probes included.")
    latency: PercentilesModel = Field(description="From the intended time.")
    service_time: PercentilesModel = Field(description="From the actual send.")
    lag: PercentilesModel = Field(description="How late the generator itself was.")
    generators: list[GeneratorModel]
    ramp_arrivals: int = Field(description="Arrivals outside `window`.")
    aborted: str | None = Field(description="What the phase's own rule said when it stopped the load.")


class StepModel(_Model):
    """One step of a climb. `part` and `finding` are words of their own."""

    number: int
    part: str
    finding: str
    rate_per_s: float
    start: datetime | None
    end: datetime | None
    arrivals: int
    failed: int
    failed_percent: Number
    p95_ms: Number
    mean_ms: Number
    lag_p99_ms: Number


class FirstModel(_Model):
    """What broke first: the series, when it left its normal range (service time), and what speaks for it."""

    name: str
    resource: str
    at: datetime | None
    value: Number
    expected: Number = Field(description="What its load explains.")
    unit: str
    how: str
    because: str | None
    confidence_percent: Number
    of_its_limit_percent: Number = Field(description="At the last step that held.")


class EstimateModel(_Model):
    """A fitted number with its 95 % confidence interval."""

    value: Number
    low: Number
    high: Number


class LawModel(_Model):
    """The universal scalability law fitted to the climb, or why it was not."""

    ceiling_per_s: EstimateModel | None
    contention: EstimateModel | None
    coherency: EstimateModel | None
    no_fit: str | None


class ClimbModel(_Model):
    """What a climb found. Of `first` and `undetermined` one is null where the target broke; both where it did not."""

    sentence: str | None
    held_per_s: Number
    broke_per_s: Number
    at_least: bool = Field(description="True: nothing broke above `held_per_s`, so it may hold more.")
    end: str
    why: str
    recovered_after_s: Number = Field(description="Wall seconds.")
    steps: list[StepModel]
    first: FirstModel | None
    undetermined: str | None
    law: LawModel | None


class PhaseModel(_Model):
    """A phase that was asked for."""

    name: str
    plan: PlanModel
    problem: str | None = Field(description="Why nothing was measured, or why what was measured proves nothing.")
    invalid: list[InvalidModel]
    measured: MeasuredModel | None
    climb: ClimbModel | None


class TargetModel(_Model):
    """A limit: what a value must be, in the row's `unit`, or in percent."""

    text: str
    op: str = Field(description="`<`, `<=`, `==`, `>=` or `>`.")
    value: float


class QueryModel(_Model):
    """A CloudWatch metric that slo.yaml writes out."""

    namespace: str
    name: str
    dimensions: dict[str, str]


class BeforeModel(_Model):
    """What the run that is judged again ruled on the row of that name. `verdict` is null where it was not judged."""

    verdict: Ruling | None
    value: Number
    unit: str | None
    target: str | None


class ComparedModel(_Model):
    """The row beside the run of `run.compared`. Either the change is known or `problem` says why it is not."""

    finding: Regression = Field(description="By the row's `regression`; of a row without one, whether at all.")
    value: Number = Field(description="The row's value then, in the row's `unit`.")
    change_percent: Number = Field(description="Of the mean of its minutes; above zero it rose, be that worse or not.")
    change_low_percent: Number = Field(description="Of the 95 % interval, which knows the noise within both holds.")
    change_high_percent: Number
    minutes_then: int | None
    minutes_now: int | None
    problem: str | None


class RowModel(_Model):
    """A row that was asked for."""

    id: str = Field(description="Its path in slo.yaml: phase::name.")
    phase: str
    name: str
    line: int = Field(description="In slo.yaml.")
    metric: str | None
    query: QueryModel | None
    statistic: str | None = Field(description="As slo.yaml has it; null: the metric's own.")
    verdict: Ruling
    reason: str
    value: Number
    unit: str = Field(description="`ms`, `%` or `/s`, of `value` and `target.value`; empty for a count.")
    target: TargetModel
    headroom_percent: Number = Field(
        description="How far the value may move before the target breaks, in percent of the target; negative beyond."
    )
    samples: int | None
    window: WindowModel | None
    sources: list[str]
    parts: dict[str, Number] = Field(description="What the value was made of, in `unit` unless the name says another.")
    notes: list[str]
    before: BeforeModel | None
    regression: TargetModel | None = Field(description="What it may be worse by than in the compared run, in percent.")
    compared: ComparedModel | None


class SummaryModel(_Model):
    """A run of pytest-syncload. Pass over names that you do not know: there may be more of them in a later version."""

    format: Literal[1]
    run: RunModel
    phases: list[PhaseModel]
    rows: list[RowModel]


def summary(report: RunReport) -> SummaryModel:
    """The run as data."""
    return SummaryModel(
        format=FORMAT,
        run=_run(report),
        phases=[_phase(phase, report) for phase in report.phases],
        rows=[_row(verdict) for verdict in report.verdicts],
    )


def summary_text(report: RunReport) -> str:
    """The run as summary.json has it."""
    return summary(report).model_dump_json(indent=1, by_alias=True) + "\n"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of summary.json. It allows other names, because a later version has more."""
    said = SummaryModel.model_json_schema(mode="serialization", by_alias=True)
    return {"$schema": DIALECT, **_open(said), "title": "summary.json"}


def schema_text() -> str:
    """`json_schema` as it is shipped."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _open(said: Any) -> Any:
    """Without the titles that pydantic makes of names, and without `additionalProperties: false`."""
    if isinstance(said, list):
        return [_open(each) for each in said]
    if not isinstance(said, dict):
        return said
    return {
        key: {name: _open(each) for name, each in value.items()} if key in ("properties", "$defs") else _open(value)
        for key, value in said.items()
        if not (key == "title" and isinstance(value, str)) and (key, value) != ("additionalProperties", False)
    }


def _run(report: RunReport) -> RunModel:
    where, counts = report.where, report.counts
    return RunModel(
        service=report.service,
        id=report.run_id,
        begun_at=_moment(report.begun_at),
        version=report.version,
        file=report.file,
        folder=report.folder,
        command=report.command,
        environment=where.environment,
        target=where.target,
        region=where.region,
        account=where.account,
        sandbox=where.is_sandbox,
        speed=where.speed,
        rate_scale=where.rate_scale,
        rejudged=_rejudged(report.rejudged),
        compared=None
        if report.compared is None
        else OtherRunModel(run_id=report.compared.run_id, begun_at=_moment(report.compared.begun_at)),
        not_looked_at=list(report.not_looked_at),
        proven=report.proven,
        counts=CountsModel(
            passed=counts[Ruling.PASS], breach=counts[Ruling.BREACH], inconclusive=counts[Ruling.INCONCLUSIVE]
        ),
    )


def _rejudged(rejudged: Rejudged | None) -> RejudgedModel | None:
    if rejudged is None:
        return None
    return RejudgedModel(run_id=rejudged.run_id, begun_at=_moment(rejudged.begun_at))


def _phase(phase: PhaseReport, report: RunReport) -> PhaseModel:
    result = phase.result
    return PhaseModel(
        name=phase.name,
        plan=_plan(phase),
        problem=phase.problem,
        invalid=[] if result is None else [InvalidModel(side=each.side, what=each.what) for each in result.invalid],
        measured=None if result is None else _measured(result, phase, report.where.speed),
        climb=None if result is None or result.climb is None else _climb(result.climb, phase.climb),
    )


def _plan(phase: PhaseReport) -> PlanModel:
    plan, climb = phase.plan, phase.plan.climb
    holds = climb is None
    return PlanModel(
        line=plan.line,
        rate_per_s=plan.rate_per_s if holds else None,
        ramp_s=plan.ramp_s if holds else None,
        hold_s=plan.hold_s if holds else None,
        climb=None
        if climb is None
        else ClimbPlanModel(
            from_per_s=climb.from_per_s,
            step_percent=climb.step_percent,
            every_s=climb.every_s,
            until=climb.until,
            at_most_per_s=climb.at_most_per_s,
            recovers_within_s=climb.recovers_within_s,
        ),
        rows=len(plan.slos),
        rows_asked_for=len(phase.verdicts),
    )


def _measured(result: PhaseResult, phase: PhaseReport, speed: float) -> MeasuredModel:
    hold = result.hold
    wall_s = ServiceClock(origin=0.0, monotonic_origin=0.0, speed=speed).wall_seconds(result.window.seconds)
    return MeasuredModel(
        window=_window(result.window),
        load_began_at=None if phase.load_began_at is None else _moment(phase.load_began_at),
        wall_s=result.wall_seconds,
        rate_per_s=result.rate_per_s,
        scheduled=result.scheduled_in_hold,
        arrivals=hold.arrivals,
        outcomes={outcome: hold[outcome] for outcome in Outcome},
        throttled=hold.throttled,
        dropped_late=hold.dropped_late,
        failed=hold.failed,
        failed_percent=hold.failed_percent,
        sent_per_s=hold.on_wire / wall_s,
        ok_per_s=hold[Outcome.OK] / wall_s,
        statuses={str(status): count for status, count in sorted(result.statuses.items())},
        wire_requests=result.wire_requests,
        latency=_percentiles(result.latency),
        service_time=_percentiles(result.service_time),
        lag=_percentiles(result.lag),
        generators=[
            GeneratorModel(
                index=each.index,
                cpu_percent=each.cpu_percent,
                lag_p99_ms=each.lag_p99_ms,
                peak_in_flight=each.peak_in_flight,
                tokens_refreshed=each.refreshes.count,
                refreshes_failed=each.refreshes.failed,
            )
            for each in result.generators
        ],
        ramp_arrivals=result.ramp.arrivals,
        aborted=result.aborted,
    )


def _percentiles(histogram: Histogram) -> PercentilesModel:
    p50, p75, p90, p95, p99, p99_9 = (histogram.percentile(percent) for percent in _PERCENTILES)
    return PercentilesModel(
        samples=histogram.count,
        mean_ms=histogram.mean(),
        p50_ms=p50,
        p75_ms=p75,
        p90_ms=p90,
        p95_ms=p95,
        p99_ms=p99,
        p99_9_ms=p99_9,
        max_ms=histogram.percentile(100),
    )


def _climb(found: ClimbFound, ranked: ClimbRanked | None) -> ClimbModel:
    return ClimbModel(
        sentence=None if ranked is None else climb_sentence(ranked),
        held_per_s=found.held_per_s,
        broke_per_s=found.broke_per_s,
        at_least=found.at_least,
        end=_word(found.end.name),
        why=found.why,
        recovered_after_s=found.recovered_after_s,
        steps=[
            StepModel(
                number=step.number,
                part=_word(step.part.name),
                finding=_word(step.finding.name),
                rate_per_s=step.rate_per_s,
                start=_moment(step.starts_at),
                end=_moment(step.ends_at),
                arrivals=step.arrivals,
                failed=step.failed,
                failed_percent=step.failed_percent,
                p95_ms=step.p95_ms,
                mean_ms=step.mean_ms,
                lag_p99_ms=step.lag_p99_ms,
            )
            for step in found.steps
        ],
        first=None if ranked is None else _first(ranked.ranking),
        undetermined="nobody could look for what broke first" if ranked is None else ranked.ranking.undetermined,
        law=None if ranked is None else _law(ranked.law),
    )


def _first(ranking: bottleneck.Ranking) -> FirstModel | None:
    found = ranking.first
    if found is None or found.departure is None:
        return None
    left, share = found.departure, found.utilisation
    return FirstModel(
        name=found.track.name,
        resource=found.track.resource,
        at=_moment(left.at),
        value=left.value,
        expected=left.expected,
        unit=CANONICAL[found.track.kind],
        how=_word(left.how.name),
        because=ranking.because,
        confidence_percent=100 * left.confidence,
        of_its_limit_percent=None if share is None else 100 * share,
    )


def _law(law: bottleneck.Usl | bottleneck.NoFit) -> LawModel:
    if isinstance(law, bottleneck.NoFit):
        return LawModel(ceiling_per_s=None, contention=None, coherency=None, no_fit=law.why)
    return LawModel(
        ceiling_per_s=_estimate(law.ceiling_per_s),
        contention=_estimate(law.contention),
        coherency=_estimate(law.coherency),
        no_fit=None,
    )


def _estimate(fitted: bottleneck.Estimate) -> EstimateModel:
    return EstimateModel(value=fitted.value, low=fitted.low, high=fitted.high)


def _row(verdict: Verdict) -> RowModel:
    slo, seen = verdict.slo, verdict.observation
    return RowModel(
        id=slo.id,
        phase=slo.phase,
        name=slo.name,
        line=slo.line,
        metric=slo.metric,
        query=_query(slo),
        statistic=slo.statistic,
        verdict=verdict.ruling,
        reason=verdict.reason,
        value=None if seen is None else seen.value,
        unit=CANONICAL[slo.target.kind],
        target=_target(slo.target),
        headroom_percent=headroom(verdict),
        samples=None if seen is None else seen.samples,
        window=None if seen is None else _window(seen.window),
        sources=[] if seen is None else list(seen.sources),
        parts={} if seen is None else dict(seen.parts),
        notes=[] if seen is None else list(seen.notes),
        before=None if verdict.before is None else _before(verdict.before),
        regression=None if slo.regression is None else _target(slo.regression),
        compared=None if verdict.compared is None else _compared(verdict.compared),
    )


def _target(target: Target) -> TargetModel:
    return TargetModel(text=target.text, op=target.op, value=target.value)


def _compared(compared: Compared) -> ComparedModel:
    change = compared.change
    return ComparedModel(
        finding=compared.finding,
        value=compared.value,
        change_percent=None if change is None else change.percent,
        change_low_percent=None if change is None else change.low_percent,
        change_high_percent=None if change is None else change.high_percent,
        minutes_then=None if change is None else change.minutes_then,
        minutes_now=None if change is None else change.minutes_now,
        problem=compared.problem,
    )


def _query(slo: Slo) -> QueryModel | None:
    query = slo.query
    if query is None:
        return None
    return QueryModel(namespace=query.namespace, name=query.name, dimensions=dict(query.dimensions))


def _before(before: Before) -> BeforeModel:
    target = None if before.slo is None else before.slo.target
    return BeforeModel(
        verdict=before.ruling,
        value=before.value,
        unit=None if target is None else CANONICAL[target.kind],
        target=None if target is None else target.text,
    )


def _window(window: Window) -> WindowModel:
    return WindowModel(
        start=datetime.fromtimestamp(window.start, UTC),
        end=datetime.fromtimestamp(window.end, UTC),
        seconds=window.seconds,
    )


def _moment(epoch_s: float) -> datetime | None:
    """None for what is no moment: zero stands where a run's folder was damaged."""
    try:
        return datetime.fromtimestamp(epoch_s, UTC) if epoch_s else None
    except (OverflowError, ValueError, OSError):
        return None


def _word(name: str) -> str:
    """A word that stays, where the sentence for a person may be put better."""
    return name.lower()


if __name__ == "__main__":
    sys.stdout.write(schema_text())
