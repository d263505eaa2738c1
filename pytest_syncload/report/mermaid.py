"""A phase → pictures that GitHub draws: Mermaid's `xychart-beta`, of a bounded number of points.

A chart has one axis for all its lines and no legend, so each says in its title what is drawn, and rate and latency are
two charts. A line has no gaps: where there is no value it is drawn at zero, which the caption tells.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import ceil, isfinite

from pytest_syncload.facts.climb import ClimbFound
from pytest_syncload.facts.result import Figure, Second
from pytest_syncload.report.unmeasured import counts_from, latency_name

#: Points of a line: what 700 pixels tell apart.
POINTS = 60
#: Pixels: two charts of a phase on one screen.
_WIDTH, _HEIGHT = 850, 300
#: Mermaid's own first colour is hardly seen on white; these are told apart on white and on GitHub's dark ground.
_BLUE, _RED, _GREEN = "#3b82f6", "#dc2626", "#16a34a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """``lines`` are Mermaid's own language, without a fence; ``caption`` also says it to who sees no picture."""

    lines: tuple[str, ...]
    caption: str


def pictures_of_seconds(timeline: Sequence[Second], not_measured: Collection[Figure] = ()) -> list[Picture]:
    """Rate and p95 over wall time; none where less than two seconds were recorded. ``not_measured`` is the phase's."""
    name, since = latency_name(not_measured), counts_from(not_measured)
    if len(timeline) < 2:
        return []
    seconds = ceil(len(timeline) / POINTS)
    parts = [timeline[at : at + seconds] for at in range(0, len(timeline), seconds)]
    if len(parts) > 2 and len(parts[-1]) < seconds:
        parts.pop()  # fewer seconds than the others: it would look like a fall of the load
    end = parts[-1][-1].at_s + 1
    every = "" if seconds == 1 else f", each point the mean of {seconds} s"
    worst = "" if seconds == 1 else f", each point the worst second of {seconds}"
    p95 = [_worst([second.p95_ms for second in part]) for part in parts]
    silent = sum(value is None for value in p95)
    return [
        _chart(
            "arrivals a second (blue) and failed of them (red)",
            f'x-axis "seconds of load" {timeline[0].at_s} --> {end}',
            "per second",
            _means(parts, lambda second: second.tally.arrivals),
            _means(parts, lambda second: second.tally.failed),
            caption=f"Arrivals and failures a second, of {end - timeline[0].at_s} s of load{every}.",
        ),
        _chart(
            f"p95 {name} of each second, ms",
            f'x-axis "seconds of load" {timeline[0].at_s} --> {end}',
            "ms",
            [value or 0.0 for value in p95],
            caption=f"p95 {name} as the client saw it, from {since}{worst}."
            + (f" Nothing was answered in {silent} of {len(p95)} points, which are drawn at zero." if silent else ""),
        ),
    ]


def pictures_of_climb(found: ClimbFound) -> list[Picture]:
    """What was offered and what was answered well, step by step; none of a climb with fewer than two."""
    steps = found.steps[-POINTS:]
    if len(steps) < 2:
        return []
    good = [
        0.0 if not step.arrivals else step.rate_per_s * (step.arrivals - step.failed) / step.arrivals for step in steps
    ]
    first = len(found.steps) - len(steps) + 1
    left = f" The first {first - 1} are left out." if len(steps) < len(found.steps) else ""
    return [
        _chart(
            "offered (blue) and not failed (green), per second",
            f'x-axis "step, in order of time" {first} --> {len(found.steps)}',
            "per second",
            [step.rate_per_s for step in steps],
            good,
            second=_GREEN,
            caption=f"What was offered in each step, and what of it did not fail.{left}",
        )
    ]


def _means(parts: Sequence[Sequence[Second]], of: Callable[[Second], int]) -> list[float]:
    return [sum(of(second) for second in part) / len(part) for part in parts]


def _worst(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _chart(title: str, x_axis: str, unit: str, *lines: Sequence[float], caption: str, second: str = _RED) -> Picture:
    top = max((value for line in lines for value in line if isfinite(value)), default=0.0)
    return Picture(
        lines=(
            f'%%{{init: {{"xyChart": {{"width": {_WIDTH}, "height": {_HEIGHT}}}, '
            f'"themeVariables": {{"xyChart": {{"plotColorPalette": "{_BLUE}, {second}"}}}}}}}}%%',
            "xychart-beta",
            f'  title "{title}"',
            f"  {x_axis}",
            f'  y-axis "{unit}" 0 --> {_number(top * 1.1 or 1.0)}',
            *(f"  line [{', '.join(_number(value) for value in line)}]" for line in lines),
        ),
        caption=caption,
    )


def _number(value: float) -> str:
    """Without an exponent, which Mermaid does not read, and short."""
    return f"{value if isfinite(value) else 0.0:.2f}".rstrip("0").rstrip(".")
