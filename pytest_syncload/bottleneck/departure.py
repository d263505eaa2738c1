"""When a series left its normal range, and stayed out of it until the target broke; with what confidence.

The range is what the load explained in the minutes before the change (`relation`). Where those end is found by an exact
search for one change of mean in the standardised residuals: `ruptures.KernelCPD` with its linear kernel (Truong, Oudre
and Vayatis, "Selective review of offline change point detection methods", 2020). The moment of leaving is then the
first minute from which on the series stays beyond the range. A line's confidence is Chow's predictive test over all
minutes from there on, corrected by Bonferroni for all that could have been found. What counts something bad and is
mostly zero has no line: it left when it began to count more than ever before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_syncload.bottleneck.approach import Approach, Beside, Floats, beside
from pytest_syncload.bottleneck.relation import (
    Ceiling,
    Flags,
    Known,
    Line,
    Range,
    Silence,
    fit_line,
    grain,
)
from pytest_syncload.facts.bottleneck import Departure, How, Track, Worse
from pytest_syncload.facts.units import Kind

#: A range needs so many periods, at so many different rates: with fewer, any line fits.
NORMAL_PERIODS = 6
NORMAL_RATES = 3
#: The chance at which a change of a line is believed. Small, because a climb looks at dozens of series.
BELIEVED = 0.001
#: The chance at which a counter's is: it has few minutes to tell by. One that was never above zero before needs none.
COUNTER_BELIEVED = 0.01
#: The share of periods that must lie beyond the range from the departure on: one that throttles comes and goes.
STAYS = 0.8
COUNTER_STAYS = 0.6
#: What never rises by this share of the row's limit is jitter, as with growth (`verdict.growth`): a queue that has
#: three messages now and then, where there were none and a thousand are allowed.
MATERIAL_OF_LIMIT = 0.05
#: So few, all minutes together, are chance where no row says how many matter: a message that waits now and then.
LEAST_COUNTED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A departure, and the range that was left, by which a second approach can be looked at."""

    departure: Departure
    range: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Why a series cannot be judged. ``counted_early``: it may have left before anything that could be seen to."""

    why: str
    counted_early: bool = False


def departure(track: Track, approach: Approach) -> Left | Unknown | None:
    """When ``track`` left its normal range in this approach; None where it did not."""
    seen = turned(track, approach)
    base = _base(seen.rates)
    if base is None or base >= len(seen):
        return Unknown(
            why=f"too few periods ({len(seen)}) for a normal range, which needs {NORMAL_PERIODS} at {NORMAL_RATES} "
            "rates and one beyond them; start lower, or climb in smaller steps"
        )
    is_counter = np.count_nonzero(seen.values[:base]) <= base / 2
    found = [_counter(track, seen, base) if is_counter else _line(track, seen, base), _ceiling(track, seen, base)]
    first = min((left for left in found if left is not None), key=lambda left: left.departure.at, default=None)
    if first is None and is_counter and _counted_early(seen.values, base):
        return Unknown(
            why=f"it counted more and more from its first {base} periods on, so nobody saw what is normal; start lower",
            counted_early=True,
        )
    return first


def left_again(track: Track, approach: Approach, left: Left) -> tuple[bool, float | None]:
    """Whether a second approach could show that the series leaves that range, and from when on it did."""
    seen = turned(track, approach)
    if not len(seen):
        return False, None
    stays = COUNTER_STAYS if left.departure.how is How.COUNTED else STAYS
    start = onset(left.range.beyond(seen.rates, seen.values), 0, stays)
    return True, None if start is None else float(seen.times[start])


def turned(track: Track, approach: Approach) -> Beside:
    """The series beside its load, turned so that larger is worse."""
    seen = beside(track, approach)
    return seen if track.worse is Worse.UP else Beside(times=seen.times, rates=seen.rates, values=-seen.values)


def onset(beyond: Flags, least: int, share: float) -> int | None:
    """The first period, not before ``least``, from which on the series stays beyond its range."""
    candidates = (int(start) for start in np.flatnonzero(beyond) if start >= least)
    return next((start for start in candidates if _stays(beyond[start:], share)), None)


def _stays(beyond: Flags, share: float) -> bool:
    """Whether the series is beyond its range from the first of these periods to the last, but for lapses.

    The last two may not both be lapses. Where lapses are rare the second is none, or the first may be the one in a
    hundred that chance puts there.
    """
    if not beyond[0] or not beyond[-2:].any() or beyond.mean() < share:
        return False
    return len(beyond) == 1 or share < STAYS or bool(beyond[1])


def _base(rates: Floats) -> int | None:
    """How many periods at the beginning are taken for normal before anything is known."""
    for count in range(NORMAL_PERIODS, len(rates) + 1):
        if len(np.unique(rates[:count])) >= NORMAL_RATES:
            return count
    return None


def _line(track: Track, seen: Beside, base: int) -> Left | None:
    known = Known(
        curve=track.kind is Kind.TIME and bool((seen.values > 0).all()),
        grain=grain(seen.values, track.kind),
        ceiling=track.ceiling if track.worse is Worse.UP else None,
    )

    def fit(count: int) -> tuple[Line, int | None]:
        """The line of the first ``count`` periods, and when the series left it."""
        line = fit_line(seen.rates[:count], seen.values[:count], known)
        return line, onset(line.beyond(seen.rates, seen.values), base, STAYS)

    normal = base
    # Found by a line, the end of what is normal makes a better line. By inverse hyperbolic sine, or an explosion at the
    # end would hide where it began.
    for _ in range(2):
        line, _ = fit(normal)
        normal = max(base, end_of_normal(np.arcsinh(line.away(seen.rates, seen.values))))
    line, start = fit(normal)
    if start is not None and start > normal:
        line, start = fit(start)  # all that came before it was normal
    while start is not None and start > base:  # and if what came last before it was not, it left earlier
        shorter, earlier = fit(start - 1)
        if earlier is None or earlier >= start:
            break
        line, start = shorter, earlier
    if start is None or not _matters(track, float(seen.values[start:].max()) - line.expected(float(seen.rates[-1]))):
        return None
    # As many pairs of an end of what is normal and a beginning of what is not could have been found.
    candidates = len(seen) - base
    chance = line.chance(seen.rates[start:], seen.values[start:]) * candidates * (candidates + 1) / 2
    return _left(track, seen, start, line, How.CHANGED, chance) if chance <= BELIEVED else None


def _counter(track: Track, seen: Beside, base: int) -> Left | None:
    """A counter's departure. Its chance: that each of its minutes beyond the range falls by chance on the requests that
    were offered from there on."""
    for start in range(base, len(seen)):
        silence = Silence(most=float(seen.values[:start].max()))
        beyond = silence.beyond(seen.rates[start:], seen.values[start:])
        if not _stays(beyond, COUNTER_STAYS) or not _matters(track, float(seen.values[start:].max()) - silence.most):
            continue
        if track.kind is Kind.COUNT and seen.values[start:].sum() < LEAST_COUNTED:
            continue
        chance = float(seen.rates[start:].sum() / seen.rates.sum()) ** int(beyond.sum())
        if silence.most == 0 or chance <= COUNTER_BELIEVED:
            return _left(track, seen, start, silence, How.COUNTED, chance)
    return None


def _counted_early(values: Floats, base: int) -> bool:
    """Whether what was taken for normal counted something already, and what came later counted more."""
    return bool(0 < values[:base].max() < values[base:].max()) and not values[0]


def _matters(track: Track, rise: float) -> bool:
    """Whether what a series rose by at most is more than jitter beside its limit."""
    return rise >= MATERIAL_OF_LIMIT * abs(track.limit or 0.0)


def _ceiling(track: Track, seen: Beside, base: int) -> Left | None:
    """When it reached its ceiling. What was there in its first minutes already did not leave anything."""
    if track.ceiling is None or track.worse is Worse.DOWN:
        return None
    ceiling = Ceiling(top=track.ceiling)
    flags = ceiling.beyond(seen.rates, seen.values)
    start = onset(flags, base, STAYS)
    if start is None or flags[:base].mean() > 1 - STAYS:
        return None
    chance = ceiling.chance(seen.values[start:], fit_line(seen.rates[:start], seen.values[:start]))
    return _left(track, seen, start, ceiling, How.SATURATED, chance)


def end_of_normal(values: Floats) -> int:
    """Where one change of mean divides the values best, by least squares: how many come before it."""
    # A third of a second, and only a climb needs it.
    import ruptures  # noqa: PLC0415

    search = ruptures.KernelCPD(kernel="linear", min_size=1).fit(values.reshape(-1, 1))
    return int(search.predict(n_bkps=1)[0])


def _left(track: Track, seen: Beside, start: int, normal: Range, how: How, chance: float) -> Left:
    turn = 1 if track.worse is Worse.UP else -1
    at = float(seen.times[start])
    return Left(
        departure=Departure(
            at=at,
            after=float(seen.times[start - 1]) + track.period_s,
            by=at + track.period_s,
            how=how,
            confidence=1 - min(1.0, chance),
            value=turn * float(seen.values[start]),
            expected=turn * normal.expected(float(seen.rates[start])),
        ),
        range=normal,
    )
