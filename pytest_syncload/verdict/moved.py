"""What else moved in the minute in which a row was worst: a hint where to look, never a cause and never a verdict.

A series moved if that minute lies far from the median of its others, by their median absolute deviation (Rousseeuw and
Croux, "Alternatives to the Median Absolute Deviation", 1993), and by a quarter of that median at least.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from pytest_syncload.facts.bottleneck import Track
from pytest_syncload.facts.observation import Observation
from pytest_syncload.facts.units import Kind, format_number, format_quantity

#: Minutes beside the worst one that a series needs, or nobody knows what is usual.
_OTHERS = 2
#: So many deviations from the median are far.
_FAR = 5.0
_MATERIAL = 0.25
#: Nothing scatters less than this share of its level.
_LEAST_SPREAD = 0.05
#: A median absolute deviation × this is the standard deviation of a normal distribution.
_TO_DEVIATION = 1.4826
_MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A series whose ``value`` in that minute was far from ``usual``, the median of its others; in its own unit."""

    name: str
    kind: Kind
    value: float
    usual: float
    far: float


def worst_minute(seen: Observation) -> float | None:
    """When the row's series was furthest beyond its target (epoch seconds); None where no minute was beyond it."""
    pairs = zip(seen.series.timestamps, seen.series.values, strict=True)
    beyond = [(at, value) for at, value in pairs if not seen.slo.target.met_by(value)]
    if not beyond:
        return None
    sign = -1 if seen.slo.target.op in (">", ">=") else 1
    return max(beyond, key=lambda pair: (sign * pair[1], -pair[0]))[0]


def moved_at(tracks: Iterable[Track], at: float) -> tuple[Moved, ...]:
    """The series that moved in the minute that begins at ``at``, the furthest first, three at most."""
    found = [moved for track in tracks if (moved := _moved(track, at)) is not None]
    return tuple(sorted(found, key=lambda moved: (-moved.far, moved.name))[:_MOST])


def moved_in_words(moved: tuple[Moved, ...], at: float) -> str | None:
    """``at 22:15 UTC moved too: sync-jobs WriteThrottleEvents 84 (usually 0)``; None where nothing did."""
    if not moved:
        return None
    each = (f"{one.name} {_shown(one.value, one.kind)} (usually {_shown(one.usual, one.kind)})" for one in moved)
    return f"at {datetime.fromtimestamp(at, UTC):%H:%M} UTC moved too: {', '.join(each)}"


def _shown(value: float, kind: Kind) -> str:
    return format_number(value) if kind is Kind.COUNT else format_quantity(value, kind)


def _moved(track: Track, at: float) -> Moved | None:
    values = dict(zip(track.timestamps, track.values, strict=True))
    value = values.pop(at, None)
    if value is None or len(values) < _OTHERS:
        return None
    usual = statistics.median(values.values())
    scatter = _TO_DEVIATION * statistics.median(abs(one - usual) for one in values.values())
    spread = max(scatter, _LEAST_SPREAD * abs(usual))
    change = abs(value - usual)
    if not change or change < _MATERIAL * abs(usual) or change < _FAR * spread:
        return None
    # From nothing to something is further than any factor.
    far = change / spread if spread else float("inf")
    return Moved(name=track.name, kind=track.kind, value=value, usual=usual, far=far)
