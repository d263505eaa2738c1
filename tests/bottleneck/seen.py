"""Steps and series written out by hand."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_syncload.facts.bottleneck import Climbed, Place, StepSeen, Track, Worse
from pytest_syncload.facts.result import Window
from pytest_syncload.facts.units import Kind

START = 1_800_000_000.0


def step(
    rate: float, first: int, minutes: int = 1, *, held: bool = True, latency_ms: float = 20.0, good: float | None = None
) -> StepSeen:
    """A step that begins in minute ``first``."""
    good = rate if good is None else good
    return StepSeen(
        rate_per_s=rate,
        throughput_per_s=good,
        failed_percent=100 * (1 - good / rate),
        window=Window(start=START + 60 * first, end=START + 60 * (first + minutes)),
        held=held,
        latency_mean_ms=latency_ms,
    )


def climbing(steps: int = 15, *, minutes: int = 1, breaks: bool = True, first: int = 0, rate: float = 500.0) -> Climbed:
    """Steps of one tenth, the last of which breaks."""
    return Climbed(
        steps=tuple(
            step(
                rate + 50 * number, first + number * minutes, minutes, held=not breaks or number < steps - 1, good=None
            )
            for number in range(steps)
        )
    )


def track(
    values: Sequence[float | None],
    name: str = "table events",
    *,
    resource: str | None = None,
    place: Place = Place.BACKEND,
    kind: Kind = Kind.COUNT,
    worse: Worse = Worse.UP,
    limit: float | None = None,
    ceiling: float | None = None,
    first: int = 0,
) -> Track:
    """A value a minute, from minute ``first`` on; None where it is missing."""
    there = [(START + 60.0 * (first + minute), value) for minute, value in enumerate(values) if value is not None]
    return Track(
        name=name,
        resource=resource or name.split()[0],
        kind=kind,
        worse=worse,
        place=place,
        timestamps=tuple(moment for moment, _ in there),
        values=tuple(value for _, value in there),
        limit=limit,
        ceiling=ceiling,
    )
