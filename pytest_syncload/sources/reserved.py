"""A row's answers → how much of what is reserved or provisioned was used, in percent. Pure; raises as `fold` does."""

from __future__ import annotations

from dataclasses import replace

from pytest_syncload.facts.catalogue import Query, Role
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.observation import Series
from pytest_syncload.sources.case import Case, Folded
from pytest_syncload.sources.cloudwatch import MINUTE_S, Ask, reaching_back, told_minutes
from pytest_syncload.sources.fold import fold_one, held_for, worst_of
from pytest_syncload.sources.required import require_points


def fold_used(case: Case) -> Folded:
    """What is used of what is reserved: CloudWatch's average of each, over the window, and for each minute."""
    by_itself = replace(case, slo=replace(case.slo, sustained_s=None))
    (used,) = (fold_one(by_itself, query) for query in case.of_role(Role.NUMERATOR))
    (reserved,) = (fold_one(by_itself, query) for query in case.of_role(Role.DENOMINATOR))
    if min(reserved.value, *reserved.series.values) <= 0:
        raise Inconclusive(f"{case.preset.name} has minutes in which nothing is reserved: a share of it proves nothing")
    shares = [100 * above / below for above, below in zip(used.series.values, reserved.series.values, strict=True)]
    series = replace(used.series, values=tuple(shares))
    parts = {"used": used.value, "reserved": reserved.value}
    if case.slo.sustained_s is None:
        return Folded(value=100 * used.value / reserved.value, samples=used.samples, series=series, parts=parts)
    level = held_for(shares, case.slo.sustained_s, case.slo.target)
    (query,) = case.of_role(Role.NUMERATOR)
    fewest = int(min(case.answer(replace(query, statistic="SampleCount")).values))
    return Folded(value=level, samples=fewest, series=series, parts=parts)


def fold_capacity(case: Case) -> Folded:
    """Of each table and index, of reads and of writes, how much of what is provisioned; and of those the worst."""
    consumed = case.of_role(Role.NUMERATOR)
    for query in consumed:
        case.require_alive(query)
    pairs = zip(consumed, case.of_role(Role.DENOMINATOR), strict=True)
    found = [_share_of_capacity(case, query, provisioned) for query, provisioned in pairs]
    parts = {f"{query.name} {query.part}": each.value for query, each in zip(consumed, found, strict=True)}
    return replace(worst_of(found, case.slo.target), parts=parts)


def _share_of_capacity(case: Case, consumed: Query, provisioned: Query) -> Folded:
    window = case.result.window
    answer = case.whole(Ask(provisioned, MINUTE_S, reaching_back(window, provisioned)))
    require_points(answer)
    told = told_minutes(answer, window)
    if set(told) != set(window.minutes):
        raise Inconclusive(f"{provisioned} speaks of {len(told)} of the window's {len(window.minutes)} minutes")
    if min(told.values()) <= 0:
        raise Inconclusive(f"{provisioned} is 0: on demand nothing is provisioned, so judge dynamodb.throttles instead")
    minutes = case.answer(consumed)
    units = dict(zip(minutes.timestamps, minutes.values, strict=True))
    # Units a second. A sandbox, in which a service minute is shorter, has no provisioned table.
    available = {minute: told[minute] * MINUTE_S for minute in window.minutes}
    shares = tuple(100 * units.get(minute, 0.0) / available[minute] for minute in window.minutes)
    series = Series(timestamps=window.minutes, values=shares, period_s=MINUTE_S)
    value = 100 * sum(minutes.values) / sum(available.values())
    if case.slo.sustained_s is not None:
        value = held_for(shares, case.slo.sustained_s, case.slo.target)
    return Folded(value=value, samples=None, series=series)
