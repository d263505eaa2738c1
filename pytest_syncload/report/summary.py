"""A run → summary.json, which dashboards and scripts read. Its form, and the promise of its names: `summary_form`."""

from __future__ import annotations

from datetime import UTC, datetime

from pytest_syncload.facts import bottleneck
from pytest_syncload.facts.climb import ClimbFound
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.comparison import Compared
from pytest_syncload.facts.events import ClimbRanked
from pytest_syncload.facts.histogram import Histogram
from pytest_syncload.facts.observation import Before, Ruling, Verdict
from pytest_syncload.facts.parity import ParityFound
from pytest_syncload.facts.place import Placed
from pytest_syncload.facts.plan import Rejudged, Slo, Target
from pytest_syncload.facts.report import PhaseReport, RunReport
from pytest_syncload.facts.result import Outcome, PhaseResult, Window
from pytest_syncload.facts.units import CANONICAL
from pytest_syncload.report.climb import climb_sentence
from pytest_syncload.report.summary_cost import cost_model, run_price_model
from pytest_syncload.report.summary_form import (
    FORMAT,
    BeforeModel,
    ClimbModel,
    ClimbPlanModel,
    ComparedModel,
    CountsModel,
    DifferenceModel,
    DocumentModel,
    EstimateModel,
    FirstModel,
    GeneratorModel,
    GeneratorPlaceModel,
    InvalidModel,
    LawModel,
    MeasuredModel,
    OtherRunModel,
    ParityModel,
    PercentilesModel,
    PhaseModel,
    PlanModel,
    QueryModel,
    RangeModel,
    RejudgedModel,
    RowModel,
    RunModel,
    StepModel,
    SummaryModel,
    TargetModel,
    WindowModel,
)
from pytest_syncload.report.table import headroom

_PERCENTILES = (50, 75, 90, 95, 99, 99.9)


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
        production=where.production,
        speed=where.speed,
        rate_scale=where.rate_scale,
        rejudged=_rejudged(report.rejudged),
        compared=None
        if report.compared is None
        else OtherRunModel(run_id=report.compared.run_id, begun_at=_moment(report.compared.begun_at)),
        not_looked_at=list(report.not_looked_at),
        generator=None if report.placed is None else _generator(report.placed),
        parity=None if report.parity is None else _parity(report.parity),
        estimated=None if report.estimated is None else run_price_model(report.estimated),
        spent=None if report.spent is None else run_price_model(report.spent),
        proven=report.proven,
        counts=CountsModel(
            passed=counts[Ruling.PASS], breach=counts[Ruling.BREACH], inconclusive=counts[Ruling.INCONCLUSIVE]
        ),
    )


def _generator(placed: Placed) -> GeneratorPlaceModel:
    place = placed.place
    return GeneratorPlaceModel(region=place.region, known_by=place.known_by, accepted=placed.accepted)


def _parity(found: ParityFound) -> ParityModel:
    terraform, reference = (
        DocumentModel(name=used.name, digest=used.digest, kind=used.kind) for used in (found.terraform, found.reference)
    )
    differences, noted = (
        [
            DifferenceModel(
                address=each.address,
                attribute=each.attribute,
                here=each.here,
                reference=each.reference,
                accepted=each.accepted,
            )
            for each in some
        ]
        for some in (found.differences, found.noted)
    )
    return ParityModel(
        terraform=terraform,
        reference=reference,
        compared=found.compared,
        passed_over=found.passed_over,
        differences=differences,
        noted=noted,
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
        cost=None if phase.cost is None else cost_model(phase.cost),
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
                engine=each.engine or None,
                tokens_refreshed=each.refreshes.count,
                refreshes_failed=each.refreshes.failed,
            )
            for each in result.generators
        ],
        ramp_arrivals=result.ramp.arrivals,
        aborted=result.aborted,
        not_measured=dict(result.not_measured),
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
        bounds=None if seen is None or seen.bounds is None else RangeModel(low=seen.bounds[0], high=seen.bounds[1]),
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
