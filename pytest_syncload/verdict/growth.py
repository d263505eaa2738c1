"""The rule `growth: none`: a hold's minutes must not grow. Never takes silence, or too short a look, for a level queue.

Whether there is a trend is Mann and Kendall's test, Kendall's tau of the values against time (Mann, "Nonparametric
Tests Against Trend", 1945), how steep it is Theil and Sen's slope, the median of all pairs' (Sen, "Estimates of the
Regression Coefficient Based on Kendall's Tau", 1968): a few odd minutes move neither. The normal approximation is used
throughout, because scipy's exact test knows no ties; in short series it errs towards growth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_syncload.facts.catalogue import GROWTH_MINUTES
from pytest_syncload.facts.clock import MINUTE
from pytest_syncload.facts.observation import Observation, Ruling
from pytest_syncload.facts.units import Kind, format_duration, format_number, format_quantity
from pytest_syncload.verdict.part import Part

#: A trend is believed if values in random order would show as much of it in fewer cases than this.
SIGNIFICANT = 0.05
#: The second half is a second look at the same minutes, so it must say it louder: at 0.05, two teeth of a sawtooth do.
SIGNIFICANT_IN_HALF = 0.01
#: What adds less than this share of the target's limit over a hold is jitter: the limit is twenty holds away. In
#: simulated holds of 15 minutes at 1,000 and 3,000/s, with a limit of 1,000, a queue whose workers are used to 90 % was
#: taken for a growing one in at most one hold of 400, used to 98 % in one of 25; used to 102 %, in all.
MATERIAL_SHARE = 0.05
#: A level is back only after so many minutes: one low minute may be SQS's approximation.
BACK_MINUTES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """``slope`` in the values' unit a minute; ``p`` how likely values in random order show as much upward trend."""

    slope: float
    p: float

    def grows(self, significant: float, minutes: int, material: float) -> bool:
        """Whether it is no chance, and adds more than ``material`` in so many minutes."""
        return self.p < significant and self.slope * minutes > material


def trend(values: tuple[float, ...]) -> Trend:
    """The trend of values that are a minute apart. Values that are all the same have none (tau is NaN there)."""
    if min(values) == max(values):
        return Trend(slope=0.0, p=1.0)
    # Takes most of a second, and only a row about growth needs it.
    from scipy import stats  # noqa: PLC0415

    minutes = range(len(values))
    tau = stats.kendalltau(minutes, values, alternative="greater", method="asymptotic")
    return Trend(slope=float(stats.theilslopes(values, minutes).slope), p=float(tau.pvalue))


def judge_growth(observation: Observation) -> Part:
    """Whether the observation's minutes grew over its window.

    They did if the trend of the hold is significant and material, or that of its second half, before which the backlog
    of a ramp may have drained. A late step moves no median, so they also did if the trend of the hold is significant
    and the last minute stands materially above all that was before the last third; without significance such a minute
    is a doubt. They did not if the last minutes are back at the lowest there was before the last third: a hump that
    drained.
    """
    problem = too_short(observation) or minutes_missing(observation) or not_numbers(observation)
    if problem is not None:
        return Part(ruling=Ruling.INCONCLUSIVE, says=problem)
    values, kind = observation.series.values, observation.kind
    material = MATERIAL_SHARE * observation.slo.target.value
    third = len(values) // 3
    before, half = values[:-third], values[-max(GROWTH_MINUTES, math.ceil(len(values) / 2)) :]
    hold = trend(values)
    figures = f"slope {_pace(hold, kind)}, {_chance(hold.p)}"
    if max(values[-BACK_MINUTES:]) <= min(before) + material:
        hump = "; what there was has drained" if hold.p < SIGNIFICANT else ""
        return Part(ruling=Ruling.PASS, says=f"no growth over {len(values)} minutes ({figures}{hump})")
    if hold.grows(SIGNIFICANT, len(values) - 1, material):
        return Part(ruling=Ruling.BREACH, says=f"it grows by {_pace(hold, kind)} ({_chance(hold.p)})")
    late = trend(half)
    if late.grows(SIGNIFICANT_IN_HALF, len(values) - 1, material):
        return Part(
            ruling=Ruling.BREACH,
            says=f"in its last {len(half)} minutes it grows by {_pace(late, kind)} ({_chance(late.p)})",
        )
    if hold.p < SIGNIFICANT and stepped_late(values[-1], middle := values[third:-third], material):
        # A ramp's backlog in the first third must not hide what the last one does.
        top = f"{format_quantity(values[-1], kind)} in the last minute, "
        top += f"at most {format_quantity(max(middle), kind)} in its middle third"
        return Part(ruling=Ruling.BREACH, says=f"it grows: {top} ({_chance(hold.p)})")
    if stepped_late(values[-1], before, material):
        top = f"{format_quantity(values[-1], kind)} in the last minute, "
        top += f"at most {format_quantity(max(before), kind)} before its last third"
        return Part(ruling=Ruling.INCONCLUSIVE, says=f"it jumped: {top}; only a longer hold shows whether it grows on")
    return Part(ruling=Ruling.PASS, says=f"no growth over {len(values)} minutes ({figures})")


def stepped_late(last: float, before: Sequence[float], material: float) -> bool:
    """Whether the last minute stands above all of ``before``, minutes of before the last third: it moves no median."""
    return last > max(before) + material


def too_short(observation: Observation) -> str | None:
    """Whether the hold is too short for growth, or the absence of it, to be seen."""
    if len(observation.window.minutes) >= GROWTH_MINUTES:
        return None
    return (
        f"a hold of {format_duration(observation.window.seconds)} cannot show whether it grows; hold for at least "
        f"{format_duration(GROWTH_MINUTES * MINUTE)}"
    )


def minutes_missing(observation: Observation) -> str | None:
    """Whether the series is anything but one value for each minute of the hold."""
    series, wanted = observation.series, observation.window.minutes
    if series.timestamps == wanted and series.period_s == MINUTE:
        return None
    there = len({*series.timestamps} & {*wanted})
    return f"whether it grows cannot be seen: {there} of the hold's {len(wanted)} minutes are there"


def not_numbers(observation: Observation) -> str | None:
    """Whether a minute came back as something that cannot be ranked."""
    for value in observation.series.values:
        if not math.isfinite(value):
            return f"whether it grows cannot be seen: one of its minutes came back as {value}"
    return None


def _pace(seen: Trend, kind: Kind) -> str:
    return f"{format_quantity(seen.slope, kind)} a minute"


def _chance(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {format_number(p)}"
