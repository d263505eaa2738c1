"""Rows, answers and results for tests: what a phase of three minutes at 10/s looks like when all is well."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_syncload.facts.catalogue import Query
from pytest_syncload.facts.histogram import Histogram
from pytest_syncload.facts.plan import Resources, Slo, Target
from pytest_syncload.facts.result import GeneratorReport, Outcome, PhaseResult, Refreshes, Tally, Window
from pytest_syncload.facts.units import Kind
from pytest_syncload.sources.cloudwatch import COMPLETE, Answer, Ask, asks_of, traffic_ask
from pytest_syncload.sources.settle import Reading

START = 1_700_000_040.0 - 1_700_000_040.0 % 60
WINDOW = Window(start=START, end=START + 180)
MINUTES = (START, START + 60, START + 120)
RESOURCES = Resources(
    rest_api="syncwell",
    stage="v1",
    tables={"sync-jobs": ()},
    queue="hot-path",
    ecs_cluster="syncwell",
    ecs_service="worker",
    cache=("syncwell-001", "syncwell-002"),
)

LATENCY = Slo(
    name="api-latency-p95",
    phase="peak",
    target=Target(op="<", value=500.0, kind=Kind.TIME, text="< 500 ms"),
    line=30,
    metric="apigateway.latency",
    statistic="p95",
)
ERRORS = Slo(
    name="api-5xx-rate",
    phase="peak",
    target=Target(op="<", value=0.1, kind=Kind.SHARE, text="< 0.1 %"),
    line=31,
    metric="apigateway.5xx",
)
THROTTLES = Slo(
    name="dynamodb-throttles",
    phase="peak",
    target=Target(op="==", value=0.0, kind=Kind.COUNT, text="== 0"),
    line=32,
    metric="dynamodb.throttles",
)
DEPTH = Slo(
    name="queue-depth",
    phase="peak",
    target=Target(op="<", value=1000.0, kind=Kind.COUNT, text="< 1000"),
    line=33,
    metric="sqs.visible",
)
CACHE = Slo(
    name="cache-cpu",
    phase="peak",
    target=Target(op="<", value=80.0, kind=Kind.SHARE, text="< 80 %"),
    line=34,
    metric="elasticache.cpu",
)
TASKS = Slo(
    name="task-errors",
    phase="peak",
    target=Target(op="<", value=0.5, kind=Kind.SHARE, text="< 0.5 %"),
    line=35,
    metric="ecs.task_errors",
)


_ALIKE = {ms: Histogram.of([ms] * 1800).to_json() for ms in (20.0, 0.5)}


def alike(ms: float) -> Histogram:
    """Of 1,800 values that are all ``ms``. Hundreds of results are made: each counts no value again."""
    return Histogram.from_json(_ALIKE[ms])


def result(**changes: object) -> PhaseResult:
    """A valid phase of 1,800 arrivals, all ok, changed as asked."""
    plain = PhaseResult(
        phase="peak",
        window=WINDOW,
        rate_per_s=10.0,
        scheduled_in_hold=1800,
        wall_seconds=180.0,
        ramp=Tally(),
        hold=Tally(outcomes={Outcome.OK: 1800}),
        latency=alike(20.0),
        service_time=alike(20.0),
        lag=alike(0.5),
        wire_requests=1800,
        in_flight_edges=2,
        statuses={202: 1800},
        generators=(
            GeneratorReport(index=0, cpu_percent=10.0, lag_p99_ms=0.5, peak_in_flight=3, refreshes=Refreshes(count=7)),
        ),
        timeline=(),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


#: The values of a healthy minute, by metric name and statistic.
HEALTHY = {
    ("Latency", "p95"): 120.0,
    ("Latency", "SampleCount"): 600.0,
    ("Count", "Sum"): 600.0,
    ("5XXError", "Sum"): 0.0,
    ("ConsumedReadCapacityUnits", "Sum"): 600.0,
    ("ConsumedWriteCapacityUnits", "Sum"): 600.0,
    ("ApproximateNumberOfMessagesVisible", "Maximum"): 3.0,
    ("ApproximateNumberOfMessagesVisible", "SampleCount"): 1.0,
    ("EngineCPUUtilization", "Average"): 20.0,
    ("EngineCPUUtilization", "SampleCount"): 1.0,
    ("CPUUtilization", "Average"): 12.0,
    ("CPUUtilization", "SampleCount"): 1.0,
}


def answer(ask: Ask, value: float | None, status: str = COMPLETE) -> Answer:
    """An answer with ``value`` in each period, or without a data point."""
    stamps = () if value is None else (ask.window.minutes if ask.period_s == 60 else (ask.window.start,))
    return Answer(ask=ask, status=status, timestamps=stamps, values=tuple(value or 0.0 for _ in stamps))


def answers(*slos: Slo, **changed: float | None) -> dict[Ask, Answer]:
    """Healthy answers to all that the rows ask, with metrics changed by name (None: no data point)."""
    asks = [ask for slo in slos for ask in asks_of(slo, RESOURCES, WINDOW)]
    return {ask: answer(ask, _value(ask.query, changed)) for ask in [*asks, traffic_ask(RESOURCES, WINDOW)]}


def reading(answers: Mapping[Ask, Answer], **rest: Any) -> Reading:
    """A settled reading of these answers, changed as asked."""
    plain = Reading(answers=dict(answers), problem=None, attempts=2)
    return replace(plain, **rest)


def _value(query: Query, changed: dict[str, float | None]) -> float | None:
    key = query.name if not query.name[0].isdigit() else f"_{query.name}"
    return changed[key] if key in changed else HEALTHY.get((query.name, query.statistic))
