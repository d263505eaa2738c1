"""What its load explains of a series: the normal ranges that it may leave.

Each range says of every period whether it lies beyond it. Values are turned so that larger is worse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pytest_syncload.bottleneck.approach import Floats
from pytest_syncload.facts.units import Kind

Flags = npt.NDArray[np.bool_]

#: A period is beyond a line if so far above it lies by chance one in a hundred.
BEYOND = 0.01
#: ... and if it is so much more than the load explains: a relation is a line only roughly, and a curve is no change.
MATERIAL = 0.25
#: What is near its ceiling has no quarter more to give: there a quarter of the room that is left is enough, if it is at
#: least this share of the line.
LEAST_MATERIAL = 0.1
#: Values are told with two or three digits, so nothing scatters less than this share of its level.
LEAST_SPREAD = 0.01
#: Residuals beyond so many spreads (of median absolute deviation) are left out of the second fit: a cold start, a pause
#: of a garbage collector. Rousseeuw and Leroy, "Robust Regression and Outlier Detection", 1987, take 2.5; with the few
#: minutes of a climb that takes out good ones.
ODD = 3.5
#: A utilisation is at its ceiling from here on: at 95 % a queue waits for twenty times as long as it is served.
SATURATED = 0.95


class Range(Protocol):
    """The normal range of a series."""

    def beyond(self, rates: Floats, values: Floats) -> Flags:
        """Which periods lie beyond it."""
        ...

    def expected(self, rate: float) -> float:
        """What is normal at an offered rate."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a series before it is looked at. ``curve``: it is its logarithm that is a line; values must then
    be positive. ``grain`` is the step in which values are told: nothing scatters less than half of it. ``ceiling`` is
    what they cannot exceed."""

    curve: bool = False
    grain: float = 0.0
    ceiling: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line in the offered rate, fitted to ``count`` periods by weighted least squares.

    Of a curve it is the values' logarithm that is a line: what waits in a queue does so longer by a factor and not by
    an amount. Else the spread of a value is in proportion to its level, never less than ``floor``: what grows with the
    load also scatters with it. ``spread`` is the residuals' standard deviation as a share of the
    level, ``echo`` their autocorrelation from one period to the next, 0 or more. ``weight`` is the sum of the periods'
    weights, ``middle`` the weighted mean of their rates, ``width`` the weighted sum of squares about it.
    """

    intercept: float
    slope: float
    floor: float
    weight: float
    middle: float
    width: float
    spread: float
    count: int
    echo: float
    known: Known

    def expected(self, rate: float) -> float:
        """The line at that rate."""
        line = self.intercept + self.slope * rate
        return float(np.exp(line)) if self.known.curve else line

    def away(self, rates: Floats, values: Floats) -> Floats:
        """How far each value lies above the line, in spreads of a single one."""
        return self._above(rates, values, self._levels(rates)) / self.spread

    def beyond(self, rates: Floats, values: Floats) -> Flags:
        """Above the one-sided prediction interval of a single period, and materially above the line."""
        from scipy import special  # noqa: PLC0415 - a fifth of a second, and only a climb needs it

        level = self._levels(rates)
        prolonged = (1 / self.weight + (rates - self.middle) ** 2 / self.width) / level**2
        margin = special.stdtrit(self.count - 2, 1 - BEYOND) * self.spread * np.sqrt(1 + prolonged)
        result: Flags = self._above(rates, values, level) > np.maximum(margin, self._material(level))
        return result

    def chance(self, rates: Floats, values: Floats) -> float:
        """How likely, without any change, the mean of these periods lies so far above the line.

        Chow's predictive test ("Tests of Equality Between Sets of Coefficients in Two Linear Regressions", 1960) of one
        common shift: a t test that takes into account how far the line is prolonged. Periods that resemble the one
        before count as fewer, by Bartlett's factor (1 − r) / (1 + r).
        """
        from scipy import special  # noqa: PLC0415 - as above

        level = self._levels(rates)
        worth = (1 - self.echo) / (1 + self.echo)
        ones, moved = float(np.mean(1 / level)), float(np.mean((rates - self.middle) / level))
        prolonged = ones**2 / self.weight + moved**2 / self.width
        variance = 1 / max(1.0, len(rates) * worth) + prolonged / worth
        t = float(self._above(rates, values, level).mean()) / (self.spread * np.sqrt(variance))
        return float(special.stdtr(self.count - 2, -t))

    def _levels(self, rates: Floats) -> Floats:
        """What a spread is a share of."""
        if self.known.curve:
            return np.ones(len(rates))
        return np.maximum(np.abs(self.intercept + self.slope * rates), self.floor)

    def _material(self, level: Floats) -> Floats:
        """How far above the line a value must lie to matter, as a share of the level."""
        ceiling = self.known.ceiling
        if ceiling is None or self.known.curve:
            return np.full(len(level), MATERIAL)
        return np.maximum(MATERIAL * np.minimum(1.0, (ceiling - level) / level), LEAST_MATERIAL)

    def _above(self, rates: Floats, values: Floats, level: Floats) -> Floats:
        above: Floats = (_bent(values, self.known) - self.intercept - self.slope * rates) / level
        return above


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """For what counts something bad and is zero, or nearly: nothing above ``most``."""

    most: float

    def expected(self, rate: float) -> float:
        """Nothing above this."""
        return self.most

    def beyond(self, rates: Floats, values: Floats) -> Flags:
        """More than ever before."""
        result: Flags = values > self.most
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """For what cannot exceed ``top``: anything below its last twentieth."""

    top: float

    def expected(self, rate: float) -> float:
        """Where it counts as saturated."""
        return SATURATED * self.top

    def beyond(self, rates: Floats, values: Floats) -> Flags:
        """At the ceiling."""
        result: Flags = values >= SATURATED * self.top
        return result

    def chance(self, values: Floats, line: Line) -> float:
        """How likely values that scatter as they did about ``line`` are at the ceiling though their mean is below."""
        from scipy import special  # noqa: PLC0415 - as above

        above = float(values.mean()) - SATURATED * self.top
        return float(special.stdtr(line.count - 2, -above / (line.spread * self.top) * np.sqrt(len(values))))


def fit_line(rates: Floats, values: Floats, known: Known | None = None) -> Line:
    """The line through periods at two or more rates, four or more periods, without what is odd among them."""
    known = known or Known()
    line = _weighted(rates, values, known)
    away = np.abs(line.away(rates, values)) * line.spread
    usual = 1.4826 * float(np.median(away))  # the standard deviation of a normal distribution with that MAD
    keep = away <= ODD * max(usual, LEAST_SPREAD)
    if keep.all() or keep.sum() < max(4, 0.7 * len(rates)) or len(np.unique(rates[keep])) < 2:
        return line
    return _weighted(rates[keep], values[keep], known)


def grain(values: Floats, kind: Kind) -> float:
    """In which steps the values are told: whole seconds or ms of a time, whole numbers of a count, else as they are."""
    steps = {Kind.TIME: (1000.0, 1.0), Kind.COUNT: (1.0,)}.get(kind, ())
    return next((step for step in steps if not np.mod(values, step).any()), 0.0)


def _bent(values: Floats, known: Known) -> Floats:
    return np.log(np.maximum(values, np.finfo(np.float64).tiny)) if known.curve else values


def _weighted(rates: Floats, values: Floats, known: Known) -> Line:
    typical = float(np.median(np.abs(values)))
    values = _bent(values, known)
    floor = max(0.2 * float(np.median(np.abs(values))), 1e-12)
    line = _least_squares(rates, values, np.ones(len(rates)))
    level = np.ones(len(rates))
    if not known.curve:  # weights need levels, and levels a line: the first was fitted without
        level = np.maximum(np.abs(line[0] + line[1] * rates), floor)
        line = _least_squares(rates, values, level)
    intercept, slope, weight, middle, width = line
    residuals = (values - intercept - slope * rates) / level
    square = float(residuals @ residuals)
    spread = float(np.sqrt(square / (len(rates) - 2)))
    told = max(LEAST_SPREAD, known.grain / 2 / typical if typical else 0.0)
    # What is smaller than the values can tell is rounding, which has no memory.
    echo = float(residuals[1:] @ residuals[:-1]) / square if spread > told else 0.0
    return Line(
        intercept=intercept,
        slope=slope,
        floor=floor,
        weight=weight,
        middle=middle,
        width=width,
        spread=max(spread, told),
        count=len(rates),
        echo=min(max(echo, 0.0), 0.7),
        known=known,
    )


def _least_squares(rates: Floats, values: Floats, level: Floats) -> tuple[float, float, float, float, float]:
    """Intercept and slope in weights of 1 / level², then the weights' sum, the rates' mean and sum of squares in them.

    More load explains more of what is bad, never less. Where it seems to, as when caches fill, the line is level, or a
    series that stays as it is would leave it one day. How uncertain its slope is stays as it was.
    """
    weights = level**-2.0
    weight = float(weights.sum())
    middle, mean = float(weights @ rates) / weight, float(weights @ values) / weight
    width = float(weights @ (rates - middle) ** 2)
    slope = max(0.0, float(weights @ ((rates - middle) * (values - mean))) / width)
    return mean - slope * middle, slope, weight, middle, width
