"""How often the comparison with an earlier run is wrong, and what it finds, on simulated holds.

    python -m benchmarks.comparison [--holds 2000]

Minutes are an AR(1) process around a level, as a service whose minutes resemble their neighbours; ``scatter`` is their
standard deviation in percent of the level. Every pair of holds goes through the interval of `regression: "< 10 %"`.
Beside it stand two that are often used: Student's without a thought of correlation, and a moving-block bootstrap
(Künsch 1989) with blocks of the cube root of the minutes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pytest_syncload.verdict.regression import change_of

Holds = NDArray[np.float64]
#: Low and high, in percent, of one comparison.
Interval = Callable[[Holds, Holds, np.random.Generator], tuple[float, float]]
LIMIT_PERCENT = 10.0
MINUTES = (6, 10, 15, 30, 60)
CORRELATIONS = (0.0, 0.3, 0.5, 0.7, 0.9)
SCATTERS_PERCENT = (2.0, 5.0, 10.0)
_RESAMPLES = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Of simulated comparisons, in percent, those that came out so."""

    passed: float
    breached: float

    @property
    def unknown(self) -> float:
        """Inconclusive."""
        return 100 - self.passed - self.breached


def holds(count: int, minutes: int, correlation: float, scatter: float, rng: np.random.Generator) -> Holds:
    """So many holds of minutes around 100, of a standard deviation of ``scatter``."""
    noise = rng.standard_normal((count, minutes))
    seen = np.empty_like(noise)
    seen[:, 0] = noise[:, 0]
    for at in range(1, minutes):
        seen[:, at] = correlation * seen[:, at - 1] + np.sqrt(1 - correlation**2) * noise[:, at]
    return 100 + scatter * seen


def ours(then: Holds, now: Holds, _: np.random.Generator) -> tuple[float, float]:
    """The rule's own interval."""
    change = change_of(then.tolist(), now.tolist())
    return (-np.inf, np.inf) if change is None else (change.low_percent, change.high_percent)


def student(then: Holds, now: Holds, _: np.random.Generator) -> tuple[float, float]:
    """Welch's interval of the ratio, as if every minute were independent."""
    shares = [each.var(ddof=1) / len(each) / each.mean() ** 2 for each in (then, now)]
    freedom = sum(shares) ** 2 / sum(share**2 / (len(then) - 1) for share in shares)
    reach = np.sqrt(sum(shares)) * stats.t.ppf(0.975, freedom)
    ratio = np.log(now.mean() / then.mean())
    return 100 * np.expm1(ratio - reach), 100 * np.expm1(ratio + reach)


def bootstrap(then: Holds, now: Holds, rng: np.random.Generator) -> tuple[float, float]:
    """The percentile interval of a moving-block bootstrap."""
    block = max(2, round(len(then) ** (1 / 3)))

    def means(hold: Holds) -> Holds:
        starts = rng.integers(0, len(hold) - block + 1, (_RESAMPLES, -(-len(hold) // block)))
        drawn = (starts[..., None] + np.arange(block)).reshape(_RESAMPLES, -1)[:, : len(hold)]
        resampled: Holds = hold[drawn].mean(axis=1)
        return resampled

    low, high = np.percentile(100 * (means(now) / means(then) - 1), [2.5, 97.5])
    return float(low), float(high)


def judged(
    interval: Interval, minutes: int, correlation: float, scatter: float, change: float, count: int, seed: int = 1
) -> Share:
    """What becomes of the rule where the level changed by ``change`` percent."""
    rng = np.random.default_rng(seed)
    then = holds(count, minutes, correlation, scatter, rng)
    now = holds(count, minutes, correlation, scatter, rng) * (1 + change / 100)
    found = [interval(one, other, rng) for one, other in zip(then, now, strict=True)]
    return Share(
        passed=100 * sum(high < LIMIT_PERCENT for _, high in found) / count,
        breached=100 * sum(low > LIMIT_PERCENT for low, _ in found) / count,
    )


def wrong(interval: Interval, minutes: int, correlation: float, count: int) -> float:
    """How often, in percent, an interval of 95 % misses what is true, with a scatter of 5 %."""
    # At a change of exactly the limit, whoever passes or breaches has missed it.
    share = judged(interval, minutes, correlation, 5.0, LIMIT_PERCENT, count)
    return share.passed + share.breached


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Print the tables of docs/comparison.md."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--holds", type=int, default=2000, help="simulated comparisons a cell")
    count = parser.parse_args().holds
    _say("An interval of 95 % misses the truth, in percent of comparisons (5 is right), by correlation of minutes")
    head = " | ".join(f"{correlation:g}" for correlation in CORRELATIONS)
    _say(f"\n| minutes | interval | {head} |\n|---|---|{'---|' * len(CORRELATIONS)}")
    for minutes in MINUTES:
        for name, interval in (("this one", ours), ("Student's", student), ("block bootstrap", bootstrap)):
            cells = " | ".join(f"{wrong(interval, minutes, each, count):.1f}" for each in CORRELATIONS)
            _say(f"| {minutes} | {name} | {cells} |")
    _say('\nWhat `regression: "< 10 %"` comes to, pass / breach / inconclusive in percent of comparisons')
    _say("\n| minutes | scatter | correlation | no change | +10 % | +20 % | +30 % |\n|---|---|---|---|---|---|---|")
    for minutes in (10, 15, 30):
        for scatter in SCATTERS_PERCENT:
            for correlation in (0.0, 0.5):
                cells = " | ".join(
                    f"{share.passed:.0f} / {share.breached:.0f} / {share.unknown:.0f}"
                    for change in (0.0, 10.0, 20.0, 30.0)
                    for share in [judged(ours, minutes, correlation, scatter, change, count)]
                )
                _say(f"| {minutes} | {scatter:g} % | {correlation:g} | {cells} |")


if __name__ == "__main__":
    main()
