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
class Line:
    """A line in the offered rate, fitted to ``count`` periods by weighted least squares.

    Where it is a ``curve``, it is the values' logarithm that is a line: what waits in a queue does so longer by a
    factor and not by an amount. Else the spread of a value is in proportion to its level, never less than ``floor``:
    what grows with the load also scatters with it. ``spread`` is the residuals' standard deviation as a share of the
    level, ``inverse`` (X'X)⁻¹ of the weighted design, ``echo`` the residuals' autocorrelation from one period to the
    next, 0 or more.
    """

    intercept: float
    slope: float
    floor: float
    inverse: Floats
    spread: float
    count: int
    echo: float
    curve: bool

    def expected(self, rate: float) -> float:
        """The line at that rate."""
        line = self.intercept + self.slope * rate
        return float(np.exp(line)) if self.curve else line

    def away(self, rates: Floats, values: Floats) -> Floats:
        """How far each value lies above the line, in spreads of a single one."""
        away, _ = self._standing(rates, values)
        return away / self.spread

    def beyond(self, rates: Floats, values: Floats) -> Flags:
        """Above the one-sided prediction interval of a single period, and materially above the line."""
        from scipy import special  # noqa: PLC0415 - a fifth of a second, and only a climb needs it

        away, design = self._standing(rates, values)
        leverage = np.einsum("ij,jk,ik->i", design, self.inverse, design)
        margin = special.stdtrit(self.count - 2, 1 - BEYOND) * self.spread * np.sqrt(1 + leverage)
        result: Flags = away > np.maximum(margin, MATERIAL)
        return result

    def chance(self, rates: Floats, values: Floats) -> float:
        """How likely, without any change, the mean of these periods lies so far above the line.

        Chow's predictive test ("Tests of Equality Between Sets of Coefficients in Two Linear Regressions", 1960) of one
        common shift: a t test that takes into account how far the line is prolonged. Periods that resemble the one
        before count as fewer, by Bartlett's factor (1 − r) / (1 + r).
        """
        from scipy import special  # noqa: PLC0415 - as above

        away, design = self._standing(rates, values)
        worth = (1 - self.echo) / (1 + self.echo)
        middle = design.mean(axis=0)
        variance = 1 / max(1.0, len(rates) * worth) + float(middle @ self.inverse @ middle) / worth
        t = float(away.mean()) / (self.spread * np.sqrt(variance))
        return float(special.stdtr(max(1.0, self.count * worth - 2), -t))

    def _standing(self, rates: Floats, values: Floats) -> tuple[Floats, Floats]:
        """How far above the line the values lie, as a share of the level, and the rows of the weighted design."""
        line = self.intercept + self.slope * rates
        level = np.ones(len(rates)) if self.curve else np.maximum(np.abs(line), self.floor)
        away: Floats = (_bent(values, self.curve) - line) / level
        return away, np.column_stack([1 / level, rates / level])


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


def fit_line(rates: Floats, values: Floats, *, curve: bool = False, grain: float = 0.0) -> Line:
    """The line through periods at two or more rates, four or more periods, without what is odd among them.

    A ``curve`` needs positive values. ``grain`` is the step in which values are told: nothing scatters less than half.
    """
    line = _weighted(rates, values, curve, grain)
    away = np.abs(line.away(rates, values)) * line.spread
    usual = 1.4826 * float(np.median(away))  # the standard deviation of a normal distribution with that MAD
    keep = away <= ODD * max(usual, LEAST_SPREAD)
    if keep.all() or keep.sum() < max(4, 0.7 * len(rates)) or len(np.unique(rates[keep])) < 2:
        return line
    return _weighted(rates[keep], values[keep], curve, grain)


def grain(values: Floats, kind: Kind) -> float:
    """The smallest step between two values: whole seconds, say, where they are told in those. A count's is at most 1."""
    steps = np.diff(np.unique(values))
    least = float(steps.min()) if len(steps) else 0.0
    return min(1.0, least) if kind is Kind.COUNT else least


def _bent(values: Floats, curve: bool) -> Floats:
    return np.log(np.maximum(values, np.finfo(np.float64).tiny)) if curve else values


def _weighted(rates: Floats, values: Floats, curve: bool, grain: float) -> Line:
    middle = float(np.median(np.abs(values)))
    values = _bent(values, curve)
    floor = max(0.2 * float(np.median(np.abs(values))), 1e-12)
    level = np.ones(len(rates))
    intercept, slope, inverse = _least_squares(rates, values, level)
    if not curve:  # weights need levels, and levels a line: the first was fitted without
        level = np.maximum(np.abs(intercept + slope * rates), floor)
        intercept, slope, inverse = _least_squares(rates, values, level)
    residuals = (values - intercept - slope * rates) / level
    square = float(residuals @ residuals)
    echo = float(residuals[1:] @ residuals[:-1]) / square if square > 0 else 0.0
    return Line(
        intercept=intercept,
        slope=slope,
        floor=floor,
        inverse=inverse,
        spread=max(float(np.sqrt(square / (len(rates) - 2))), LEAST_SPREAD, grain / 2 / middle if middle else 0.0),
        count=len(rates),
        echo=min(max(echo, 0.0), 0.7),
        curve=curve,
    )


def _least_squares(rates: Floats, values: Floats, level: Floats) -> tuple[float, float, Floats]:
    """Intercept and slope in weights of 1 / level, and (X'X)⁻¹.

    More load explains more of what is bad, never less. Where it seems to, as when caches fill, the line is level, or a
    series that stays as it is would leave it one day.
    """
    design = np.column_stack([1 / level, rates / level])
    inverse: Floats = np.asarray(np.linalg.pinv(design.T @ design), dtype=np.float64)
    intercept, slope = inverse @ (design.T @ (values / level))
    if slope >= 0:
        return float(intercept), float(slope), inverse
    # How uncertain the slope is stays as it was: that it is not negative does not make it known.
    return float(np.average(values, weights=level**-2.0)), 0.0, inverse
