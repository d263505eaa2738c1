"""The universal scalability law fitted to the steps of a climb, and the ceiling that it predicts.

X(N) = λN / (1 + σ(N − 1) + κN(N − 1)) (Gunther, "Guerrilla Capacity Planning", 2007; with three parameters since "USL
Scalability Modeling with Three Parameters", 2018). N is the number of requests in flight and not the offered rate:
load that arrives on its own does not wait for answers, so below the ceiling throughput *is* the offered rate and says
nothing of the ceiling, while the requests in flight (Little, "A Proof for the Queuing Formula L = λW", 1961) grow
before throughput stops to. Intervals are percentiles of refits to the law's own curve with residuals drawn again
(Efron and Tibshirani, "An Introduction to the Bootstrap", 1993): at the bounds of σ and κ nothing is nearly normal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_syncload.bottleneck.approach import Floats
from pytest_syncload.facts.bottleneck import Climbed, Estimate, NoFit, Usl
from pytest_syncload.facts.units import format_number

#: Three parameters are fitted, and twice as many steps leave something to judge the fit by.
STEPS = 6
#: Requests in flight must have grown so many times, or the curve's bend is not in the data.
SPAN = 2.0
#: A ceiling that lies further beyond the highest throughput there was is prophecy.
BEYOND = 1.5
#: The interval of the ceiling, upper end ÷ lower end, that is still an answer.
WIDE = 1.5
#: Mean deviation of the steps from the curve beyond which it does not describe them.
ASTRAY = 0.1
REFITS = 400
#: Fixed, so that the same climb always says the same.
SEED = 1961


@dataclass(frozen=True, slots=True)
class _Law:
    rate: float
    contention: float
    coherency: float

    def throughput(self, flying: Floats) -> Floats:
        result: Floats = self.rate * flying / _slowdown(flying, self.contention, self.coherency)
        return result

    @property
    def ceiling(self) -> float:
        """The most there is at any N of one or more; infinite where nothing limits it."""
        if self.coherency > 0:
            best = np.array([max(1.0, np.sqrt(max(0.0, 1 - self.contention) / self.coherency))])
            return float(self.throughput(best)[0])
        return self.rate / self.contention if self.contention > 0 else np.inf


def fit_usl(climbed: Climbed) -> Usl | NoFit:
    """The law that fits the climb's steps best, by least squares of relative deviations with σ and κ not negative."""
    seen = [
        (step.concurrency, step.throughput_per_s)
        for step in climbed.steps
        if step.concurrency is not None and step.concurrency > 0 and step.throughput_per_s > 0
    ]
    if len(seen) < STEPS:
        return NoFit(why=f"{len(seen)} steps with answers are too few for a law of three parameters; it needs {STEPS}")
    flying, throughput = np.array(seen).T
    span = float(flying.max() / flying.min())
    if span < SPAN:
        return NoFit(
            why=f"requests in flight grew only by a factor of {format_number(span)}; it needs {format_number(SPAN)}"
        )
    law = _fit(flying, throughput)
    away = throughput / law.throughput(flying) - 1
    astray = float(np.sqrt(np.mean(away**2)))
    if astray > ASTRAY:
        return NoFit(
            why=f"the steps lie {format_number(100 * astray)} % off the best curve: the law does not describe them"
        )
    if law.ceiling > BEYOND * throughput.max():
        return NoFit(why="throughput still grew with the requests in flight: its ceiling lies beyond what was offered")
    return _with_intervals(law, flying, away, len(seen))


def _with_intervals(law: _Law, flying: Floats, away: Floats, count: int) -> Usl | NoFit:
    dice = np.random.default_rng(SEED)
    # Residuals of a fit are smaller than the scatter they came from.
    away = away * np.sqrt(count / (count - 3))
    curve = law.throughput(flying)
    refits = [_fit(flying, curve * np.maximum(0.01, 1 + dice.choice(away, count))) for _ in range(REFITS)]
    ceiling = _estimate(law.ceiling, [refit.ceiling for refit in refits])
    if ceiling.high > WIDE * ceiling.low:
        high = "nothing" if np.isinf(ceiling.high) else f"{format_number(ceiling.high)}/s"
        return NoFit(why=f"its ceiling may be anything from {format_number(ceiling.low)}/s to {high}")
    return Usl(
        rate_per_s=_estimate(law.rate, [refit.rate for refit in refits]),
        contention=_estimate(law.contention, [refit.contention for refit in refits]),
        coherency=_estimate(law.coherency, [refit.coherency for refit in refits]),
        ceiling_per_s=ceiling,
    )


def _estimate(value: float, refitted: list[float]) -> Estimate:
    low, high = np.percentile(refitted, [2.5, 97.5], method="nearest")
    return Estimate(value=value, low=float(low), high=float(high))


def _slowdown(flying: Floats, contention: float, coherency: float) -> Floats:
    result: Floats = 1 + contention * (flying - 1) + coherency * flying * (flying - 1)
    return result


def _fit(flying: Floats, throughput: Floats) -> _Law:
    """The law's least squares, by those of N ÷ X = (1 − σ)/λ + σ/λ N + κ/λ N(N − 1).

    That is linear in three numbers which must not be negative, so the best of them, with σ from 0 to 1 and κ from 0, is
    found without a search or a guess to start from.
    """
    # A fifth of a second, and only a climb needs it.
    from scipy import optimize  # noqa: PLC0415

    design = np.column_stack([np.ones_like(flying), flying, flying * (flying - 1)])
    # Each row ÷ its own N ÷ X: deviations count as shares of it. Columns to one size, or κ's would drown the others.
    design *= (throughput / flying)[:, np.newaxis]
    size = np.linalg.norm(design, axis=0)
    solved, _ = optimize.nnls(design / size, np.ones_like(flying))
    alone, shared, crosstalk = (float(part) for part in solved / size)
    inverse = max(alone + shared, np.finfo(np.float64).tiny)  # 1 ÷ λ
    return _Law(1 / inverse, shared / inverse, crosstalk / inverse)
