"""Whole runs as reports have them: a breach, a pass, an inconclusive row; a climb; a run that measured nothing."""

from __future__ import annotations

from dataclasses import replace

from pytest_syncload.bottleneck import fit_usl, rank
from pytest_syncload.facts.climb import ClimbFound, End, Finding, Part, Step
from pytest_syncload.facts.events import ClimbRanked
from pytest_syncload.facts.observation import Observation, Ruling, Series, Verdict
from pytest_syncload.facts.plan import Climb, Phase, Slo, Target
from pytest_syncload.facts.report import PhaseReport, RunReport, Where
from pytest_syncload.facts.result import Invalidity, Outcome, Second, Side, Tally
from pytest_syncload.facts.units import Kind
from tests.bottleneck.seen import START, climbing, track
from tests.rows import ERRORS, LATENCY, MINUTES, THROTTLES, WINDOW, result

REAL = Where(
    environment="load-testing",
    is_sandbox=False,
    target="https://api.toy.example",
    region="eu-central-1",
    account="123456789012",
)
TOY = Where(
    environment="toy",
    is_sandbox=True,
    target="http://127.0.0.1:4711",
    region="us-east-1",
    account="000000000000",
    speed=60.0,
    rate_scale=0.4,
)
BREAKING_POINT = Slo(
    name="breaking-point",
    phase="stress",
    target=Target(op=">", value=3000.0, kind=Kind.RATE, text="> 3000/s"),
    line=61,
    metric="load.breaking_point",
)


def observation(slo: Slo = LATENCY, value: float | None = 612.0, **changes: object) -> Observation:
    plain = Observation(
        slo=slo,
        window=WINDOW,
        kind=slo.target.kind,
        value=value,
        samples=1800,
        series=Series(timestamps=MINUTES, values=(120.0, 612.0, 480.0), period_s=60),
        sources=("AWS/ApiGateway Latency p95 {ApiName=syncwell}",),
        parts={},
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


BREACH = Verdict(slo=LATENCY, ruling=Ruling.BREACH, reason="612 ms is not < 500 ms", observation=observation())
PASS = Verdict(
    slo=ERRORS,
    ruling=Ruling.PASS,
    reason="0.02 % is < 0.1 %",
    observation=observation(ERRORS, 0.02, series=Series(timestamps=MINUTES, values=(0.0, 0.04, 0.02), period_s=60)),
)
UNREAD = Verdict(slo=THROTTLES, ruling=Ruling.INCONCLUSIVE, reason="no data point for AWS/DynamoDB WriteThrottleEvents")
TIMELINE = tuple(
    Second(
        at_s=at,
        tally=Tally(outcomes={Outcome.OK: 600 - at, Outcome.SERVER_ERROR: at}),
        in_flight=3 + at,
        p50_ms=20.0,
        p95_ms=38.0 + at,
        p99_ms=50.0 + at,
        max_ms=61.0 + at,
    )
    for at in range(6)
)
PEAK = Phase(name="peak", slos=(LATENCY, ERRORS, THROTTLES), line=20, rate_per_s=3000.0, ramp_s=180.0, hold_s=180.0)
STRESS = Phase(
    name="stress",
    slos=(BREAKING_POINT,),
    line=59,
    climb=Climb(
        from_per_s=500.0,
        step_percent=10.0,
        every_s=60.0,
        until="failed > 1 %",
        failed_percent=1.0,
        at_most_per_s=20_000.0,
    ),
)


def peak(*verdicts: Verdict, **changes: object) -> PhaseReport:
    plain = PhaseReport(
        plan=PEAK, result=result(timeline=TIMELINE), problem=None, verdicts=verdicts or (BREACH, PASS, UNREAD)
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def stress() -> PhaseReport:
    climbed = climbing()
    seen = [
        track([0.0] * 10 + [70.0] * 5, "sync-jobs WriteThrottleEvents", limit=0.0),
        track([0.03 * (500 + 50 * at) for at in range(15)], "worker CPUUtilization", kind=Kind.SHARE, ceiling=100.0),
    ]
    steps = tuple(
        Step(
            number=6 + number,
            part=Part.STEP,
            rate_per_s=step.rate_per_s,
            starts_at=step.window.start,
            ends_at=step.window.end,
            finding=Finding.HELD if step.held else Finding.BROKE,
            arrivals=600,
            failed=0 if step.held else 30,
            p95_ms=38.0,
            lag_p99_ms=1.0,
            mean_ms=21.0,
        )
        for number, step in enumerate(climbed.steps)
    )
    found = ClimbFound(
        end=End.FOUND,
        why="1200/s did not hold",
        held_per_s=1150.0,
        broke_per_s=1200.0,
        judged=steps[-2].number,
        steps=steps,
        recovered_after_s=3.5,
        peak_per_s=3000.0,
        begins_at=START - 60,
    )
    row = Verdict(
        slo=BREAKING_POINT,
        ruling=Ruling.BREACH,
        reason="1150/s is not > 3000/s",
        observation=observation(BREAKING_POINT, 1150.0, series=Series(timestamps=(), values=(), period_s=60)),
    )
    return PhaseReport(
        plan=STRESS,
        result=replace(result(phase="stress", timeline=TIMELINE), climb=found),
        problem=None,
        verdicts=(row,),
        climb=ClimbRanked(
            phase="stress", climbed=climbed, ranking=rank(climbed, seen), law=fit_usl(climbed), speed=60.0
        ),
    )


def refused() -> PhaseReport:
    """A phase whose load never began."""
    says = "the target refused the request: 403 Forbidden; nothing was sent"
    rows = tuple(Verdict(slo=slo, ruling=Ruling.INCONCLUSIVE, reason=says) for slo in PEAK.slos)
    return PhaseReport(plan=PEAK, result=None, problem=says, verdicts=rows)


def invalid() -> PhaseReport:
    """A phase whose load proves nothing."""
    what = "the generator's own lag was 250 ms at p99 (limit 100 ms); give it a less busy machine"
    rows = tuple(
        Verdict(slo=slo, ruling=Ruling.INCONCLUSIVE, reason=f"the phase is invalid: {what}") for slo in PEAK.slos
    )
    measured = result(timeline=TIMELINE, invalid=(Invalidity(side=Side.GENERATOR, what=what),))
    return PhaseReport(plan=PEAK, result=measured, problem="the phase is invalid", verdicts=rows)


def run_report(*phases: PhaseReport, **changes: object) -> RunReport:
    plain = RunReport(
        service="syncwell",
        run_id="20261124T090000Z-aaaaaa",
        begun_at=START,
        version="0.1.0",
        file="slo.yaml",
        folder=".syncload/20261124T090000Z-aaaaaa",
        command="pytest -m peak --syncload-env load-testing",
        where=REAL,
        phases=phases or (peak(),),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]
