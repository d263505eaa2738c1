"""A row's answers → its value: the worst of several resources, a share, or a sum. Pure.

A value stands on data points that are there, or there is none: each fold raises `Inconclusive` instead. Missing data
follows the metric's policy in the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pytest_syncload.facts.catalogue import Absent, Query, Role
from pytest_syncload.facts.observation import Series
from pytest_syncload.facts.plan import Target
from pytest_syncload.sources.case import Case, Folded, series_of
from pytest_syncload.sources.cloudwatch import COUNTING, MINUTE_S, Ask, behind, whole
from pytest_syncload.sources.required import (
    client_failures,
    require_all_minutes_or_none,
    require_every_minute,
    require_sampled,
    require_samples_of_this_load,
    runs_of_minutes,
    share_of_requests,
    value_of_the_window,
)


def fold_worst(case: Case) -> Folded:
    """The value of each resource by itself, and of those the one that is worst for the target."""
    values = case.of_role(Role.VALUE)
    found = [fold_one(case, query) for query in values]
    worst = worst_of(found, case.slo.target)
    if len(values) == 1:
        return worst
    parts = {f"{query.name} {query.part}".strip(): each.value for query, each in zip(values, found, strict=True)}
    # Each series must have been seen often enough, not all of them together.
    return replace(worst, parts=parts, samples=None if worst.samples is None else min(f.samples or 0 for f in found))


def fold_one(case: Case, query: Query) -> Folded:
    """The value of one resource: over the window, or the level that was held where the row says for how long."""
    minutes = case.answer(query)
    factor = case.preset.factor
    series = series_of(minutes, factor)
    if query.statistic in COUNTING:
        if case.preset.absent is Absent.ZERO_WHILE_ALIVE:
            case.require_alive(query)
        else:
            require_every_minute(minutes)
        return Folded(value=sum(minutes.values) * factor, samples=None, series=series)
    counts = case.answer(replace(query, statistic="SampleCount"))
    require_every_minute(minutes)
    require_every_minute(counts)
    require_sampled(counts)
    if case.preset.every_request:
        require_samples_of_this_load(counts, case.result)
    after = None
    if case.slo.drains_within_s is not None:
        window = behind(case.result.window, case.slo.drains_within_s)
        after = series_of(case.whole(Ask(query, MINUTE_S, window)), factor)
    if case.slo.sustained_s is not None:
        target = case.slo.target
        level = held_for(series.values, case.slo.sustained_s, target)
        extreme = min(series.values) if target.op in (">", ">=") else max(series.values)
        # Each minute stands by itself here, so the one with the fewest samples decides whether there were enough.
        fewest = int(min(counts.values))
        return Folded(value=level, samples=fewest, series=series, parts={"worst minute": extreme}, after=after)
    value = value_of_the_window(case.answer(query, whole(case.result.window)), minutes)
    return Folded(value=value * factor, samples=int(sum(counts.values)), series=series, after=after)


def worst_of(found: Sequence[Folded], target: Target) -> Folded:
    """Of the values of several resources the one that is furthest from what ``target`` wants."""
    worst = found[0]
    for other in found[1:]:
        if is_worse(other.value, worst.value, target):
            worst = other
    return worst


def is_worse(value: float, than: float, target: Target) -> bool:
    """Whether ``value`` is further from what ``target`` wants than ``than`` is."""
    if target.op in ("<", "<="):
        return value > than
    if target.op in (">", ">="):
        return value < than
    return abs(value - target.value) > abs(than - target.value)


def held_for(values: Sequence[float], seconds: float, target: Target) -> float:
    """The worst level that was held for so many service seconds without a break; ``values`` is one a minute.

    For ``< 1000`` and three minutes: of each three minutes in a row the lowest, and of those the highest. It meets the
    target exactly where no three minutes in a row break it. Raises `Inconclusive` where there are too few minutes.
    """
    runs = runs_of_minutes(values, seconds)
    if target.op in (">", ">="):
        return min(max(run) for run in runs)
    return max(min(run) for run in runs)


def fold_ratio(case: Case) -> Folded:
    """Failed requests of all requests, as the side saw it that saw more of them."""
    (above,) = (case.answer(query) for query in case.of_role(Role.NUMERATOR))
    (below,) = (case.answer(query) for query in case.of_role(Role.DENOMINATOR))
    require_every_minute(below)
    require_all_minutes_or_none(above)
    share = share_of_requests(above, below)
    errors = dict(zip(above.timestamps, above.values, strict=True))
    series = Series(
        timestamps=below.timestamps,
        values=tuple(
            100 * errors.get(stamp, 0.0) / count if count else 0.0
            for stamp, count in zip(below.timestamps, below.values, strict=True)
        ),
        period_s=MINUTE_S,
    )
    parts = {"CloudWatch": share}
    if case.preset.client_view == "failed":
        parts["client"] = client_failures(case.result)
    return Folded(value=worse_view(parts), samples=int(sum(below.values)), series=series, parts=parts)


def worse_view(views: Mapping[str, float]) -> float:
    """The share of failures, in percent, as the side saw it that saw more of them."""
    return max(views.values())


def fold_sum(case: Case) -> Folded:
    """All that was counted, of each resource, over the window."""
    parts: dict[str, float] = {}
    minutes: dict[float, float] = {}
    for query in case.of_role(Role.VALUE):
        answer = case.answer(query)
        if case.preset.absent is Absent.ZERO_WHILE_ALIVE:
            case.require_alive(query)
        else:
            require_every_minute(answer)
        parts[f"{query.part} {query.name}"] = sum(answer.values)
        for stamp, value in zip(answer.timestamps, answer.values, strict=True):
            minutes[stamp] = minutes.get(stamp, 0.0) + value
    stamps = case.result.window.minutes
    series = Series(timestamps=stamps, values=tuple(minutes.get(stamp, 0.0) for stamp in stamps), period_s=MINUTE_S)
    return Folded(value=sum(parts.values()), samples=None, series=series, parts=parts)
