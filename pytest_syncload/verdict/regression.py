"""A row beside an earlier run, and its rule `regression: "< 10 %"`. Never takes noise, or silence, for "no worse".

What is compared is the mean of the minutes that the row was judged from, as now ÷ then. Minutes resemble their
neighbours, so they count for fewer than they are: each hold is taken for an AR(1) process, its lag-1 correlation is
estimated and freed from its bias (Kendall, "Note on Bias in the Estimation of Autocorrelation", 1954), and Welch's
t-interval of the logarithm of the ratio is made of the equivalent sample sizes (Zwiers and von Storch, "Taking Serial
Correlation into Account in Tests of the Mean", 1995). It is no block bootstrap because of what a hold is: 15 minutes.
There a moving-block bootstrap's 95 % interval missed the truth in 9 to 40 cases of 100 as correlation rose from 0 to
0.7, this one in 3 to 5; docs/comparison.md has the figures, `python -m benchmarks.comparison` measures them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pytest_syncload.facts.catalogue import COMPARED_MINUTES
from pytest_syncload.facts.clock import MINUTE
from pytest_syncload.facts.comparison import Change, Compared, Regression
from pytest_syncload.facts.observation import Observation, Ruling
from pytest_syncload.facts.plan import Rejudged, Slo, Target
from pytest_syncload.facts.units import Kind, format_number
from pytest_syncload.verdict.part import Part

#: Beyond this the process is next to no process: its mean is not known from any hold.
_MOST_CORRELATED = 0.95
#: Of a two-sided interval of 95 %.
_UPPER = 0.975
#: What a row without the rule is shown by.
_AT_ALL = Target(op="<=", value=0.0, kind=Kind.SHARE, text="<= 0 %")
#: Beyond it a number is damage, and its square is none; below its inverse it is nothing.
_LARGEST = 1e100
_SMALLEST = 1 / _LARGEST
#: What exp still gives a number for.
_LARGEST_LOGARITHM = 700.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The mean of a hold's minutes, its variance, and how many independent minutes would know it as well."""

    mean: float
    variance: float
    equivalent: float


def level(values: Sequence[float]) -> Level:
    """The level of minutes that resemble their neighbours, of which there are `COMPARED_MINUTES` or more."""
    count = len(values)
    mean = math.fsum(values) / count
    squares = math.fsum((value - mean) ** 2 for value in values)
    if not squares:
        return Level(mean=mean, variance=0.0, equivalent=count)
    seen = math.fsum((one - mean) * (other - mean) for one, other in pairwise(values)) / squares
    # E(seen) is about φ - (1 + 3φ) / n. Minutes that alternate are not taken for more than they are.
    correlation = min(max((seen + 1 / count) / (1 - 3 / count), 0.0), _MOST_CORRELATED)
    inflation = 1 + 2 * math.fsum((1 - lag / count) * correlation**lag for lag in range(1, count))
    # The minutes of one hold scatter about their own mean, by less the more they resemble each other.
    scatter = squares / (count - inflation)
    return Level(mean=mean, variance=scatter * inflation / count, equivalent=count / inflation)


def change_of(then: Sequence[float], now: Sequence[float]) -> Change | None:
    """By how much the level changed, None where a percentage of it means nothing: a mean that is zero or below."""
    before, after = level(then), level(now)
    if before.mean < _SMALLEST or after.mean < 0:
        return None
    if after.mean < _SMALLEST:
        low = middle = high = -100.0
    else:
        shares = [each.variance / each.mean**2 for each in (before, after)]
        spread = math.sqrt(sum(shares))
        reach = spread * _quantile(shares, [before.equivalent, after.equivalent]) if spread else 0.0
        ratio = math.log(after.mean) - math.log(before.mean)
        low, middle, high = (_percent(ratio - reach), _percent(ratio), _percent(ratio + reach))
    return Change(percent=middle, low_percent=low, high_percent=high, minutes_then=len(then), minutes_now=len(now))


def _quantile(shares: list[float], equivalents: list[float]) -> float:
    """Student's t at Welch's degrees of freedom (Welch and Satterthwaite), of equivalent sample sizes; 1 at least."""
    from scipy.special import stdtrit  # noqa: PLC0415  # only a run that is compared needs it

    parts = [share**2 / max(size - 1, 0.5) for share, size in zip(shares, equivalents, strict=True)]
    freedom = sum(shares) ** 2 / sum(parts)
    return float(stdtrit(max(freedom, 1.0), _UPPER))


def _percent(logarithm: float) -> float:
    return 100 * math.expm1(min(logarithm, _LARGEST_LOGARITHM))


def compare(now: Observation, then: Observation | None, run: Rejudged, problem: str | None) -> Compared:
    """The row beside ``run``. ``then`` is what the run saw of it; ``problem`` says why it may not be compared."""
    value = None if then is None else then.value
    change = None
    if problem is None:
        problem = (
            _no_direction(now.slo.target)
            or _not_whole(now, "now")
            or ("that run saw nothing of this row" if then is None else _not_whole(then, f"in run {run.run_id}"))
        )
    if problem is None and then is not None:
        change = change_of(then.series.values, now.series.values)
        if change is None:
            problem = "minutes of zero or less have no percentage"
    return Compared(
        run_id=run.run_id,
        begun_at=run.begun_at,
        finding=Regression.CANNOT_TELL if change is None else _finding(change, now.slo),
        value=value,
        change=change,
        problem=problem,
    )


def judge_regression(limit: Target, compared: Compared | None) -> Part:
    """The rule: worse than then by at most ``limit``, with 95 % confidence, or it is not known."""
    if compared is None:
        return Part(
            ruling=Ruling.INCONCLUSIVE,
            says=f"regression {limit.text} needs a run to compare with: add --syncload-compare last, or a run id or "
            "the path of a run folder",
        )
    allowed = f"{format_number(limit.value)} %"
    if compared.change is None:
        return Part(
            ruling=Ruling.INCONCLUSIVE,
            says=f"regression {limit.text} cannot be judged beside run {compared.run_id}: {compared.problem}",
        )
    said = f"{compared.change}, over {compared.change.minutes_then} and {compared.change.minutes_now} minutes"
    match compared.finding:
        case Regression.NO_WORSE:
            return Part(
                ruling=Ruling.PASS,
                says=f"worse than in run {compared.run_id} by less than {allowed}, if at all: {said}",
            )
        case Regression.WORSE:
            return Part(
                ruling=Ruling.BREACH, says=f"worse than in run {compared.run_id} by more than {allowed}: {said}"
            )
        case Regression.CANNOT_TELL:
            return Part(
                ruling=Ruling.INCONCLUSIVE,
                says=f"whether it is worse than in run {compared.run_id} by more than {allowed} cannot be told: "
                f"{said}; longer holds, in both runs, know it better",
            )


def _finding(change: Change, slo: Slo) -> Regression:
    limit, rises = slo.regression or _AT_ALL, slo.target.op in ("<", "<=")
    least = change.low_percent if rises else -change.high_percent
    most = change.high_percent if rises else -change.low_percent
    if limit.met_by(most):
        return Regression.NO_WORSE
    return Regression.CANNOT_TELL if limit.met_by(least) else Regression.WORSE


def _no_direction(target: Target) -> str | None:
    return "a target with == says no direction in which it gets worse" if target.op == "==" else None


def _not_whole(seen: Observation, when: str) -> str | None:
    """Why the row's minutes are no basis, None where each minute of the hold has one number."""
    series, count = seen.series, seen.window.seconds / MINUTE
    if seen.value is None or seen.problem is not None:
        return f"{when} it has no value: {seen.problem}"
    if not series.values:
        return f"{when} it has no minutes, only a value"
    # Counted first: what was kept may be damaged, and the minutes of a window without an end would fill the memory.
    if not len(series.values) == len(series.timestamps) == count:
        return f"{when} {len(series.values)} of the hold's {count:g} minutes are there"
    if series.timestamps != seen.window.minutes or series.period_s != MINUTE:
        return f"{when} its minutes are not the hold's"
    if not all(abs(value) < _LARGEST for value in series.values):
        return f"{when} one of its minutes is no number"
    if count < COMPARED_MINUTES:
        return f"{when} it has {count:g} minutes, and noise shows in {COMPARED_MINUTES} or more"
    return None
