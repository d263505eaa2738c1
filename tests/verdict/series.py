"""Observations for tests of verdicts: a queue-depth row over a hold with these minutes, and minutes behind it."""

from collections.abc import Sequence
from dataclasses import replace

from pytest_syncload.facts.observation import Observation, Series
from pytest_syncload.facts.plan import Slo, Target
from pytest_syncload.facts.result import Window
from pytest_syncload.facts.units import Kind

START = 1_700_000_040.0 - 1_700_000_040.0 % 60

QUEUE = Slo(
    name="queue-depth",
    phase="peak",
    target=Target(op="<", value=1000.0, kind=Kind.COUNT, text="< 1000"),
    line=33,
    metric="sqs.visible",
)


def minutes(values: Sequence[float], start: float = START) -> Series:
    """One value a minute from ``start`` on."""
    stamps = tuple(start + 60.0 * number for number in range(len(values)))
    return Series(timestamps=stamps, values=tuple(values), period_s=60)


def watched(values: Sequence[float], slo: Slo = QUEUE, **changes: object) -> Observation:
    """The row over a hold of as many minutes as there are values, judged by the largest of them."""
    plain = Observation(
        slo=slo,
        window=Window(start=START, end=START + 60.0 * len(values)),
        kind=slo.target.kind,
        value=max(values),
        samples=None,
        series=minutes(values),
        sources=("AWS/SQS ApproximateNumberOfMessagesVisible Maximum {QueueName=hot-path}",),
        parts={},
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def with_limit(limit: float, op: str = "<") -> Slo:
    """The row with another target."""
    return replace(QUEUE, target=Target(op=op, value=limit, kind=Kind.COUNT, text=f"{op} {limit:g}"))
