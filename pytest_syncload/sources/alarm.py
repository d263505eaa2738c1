"""A preset by the minute, while a load runs: what is asked for it, and each resource's values. Pure.

Evidence to stop a load by, and no verdict: it is what CloudWatch says at that moment, settled or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_syncload.facts.catalogue import Absent, Fold, Query, Role, preset_of, queries_for
from pytest_syncload.facts.clock import MINUTE
from pytest_syncload.facts.plan import Resources, Slo
from pytest_syncload.facts.result import Window
from pytest_syncload.sources.case import siblings_of, whole_answer
from pytest_syncload.sources.cloudwatch import MINUTE_S, Answer, Ask

#: The values of one series, in the canonical unit of its kind, by the service time at which their minutes begin.
Minutes = Mapping[float, float]


def alarm_asks(row: Slo, resources: Resources, window: Window) -> tuple[Ask, ...]:
    """A minute's value of each query. Raises `Inconclusive` where the environment lists no such resource."""
    return tuple(Ask(query, MINUTE_S, window) for query in queries_for(row, resources))


def alarm_minutes(
    row: Slo, resources: Resources, window: Window, answers: Mapping[Ask, Answer]
) -> Mapping[str, Minutes]:
    """What each series says of the window's minutes; of some it may say nothing.

    Raises `Inconclusive` where an answer is not whole.
    """
    preset, told = preset_of(row), _told(row, resources, window, answers)
    values = [query for query in told if query.role is not Role.ALIVE]
    match preset.fold:
        case Fold.SUM:
            added: dict[float, float] = {}
            for query in values:
                for at, value in told[query].items():
                    added[at] = added.get(at, 0.0) + value * preset.factor
            return {preset.name: added}
        case Fold.RATIO | Fold.USED:
            above, below = ({} if not one else told[one[0]] for one in _sides(values))
            return {preset.name: {at: 100 * above[at] / below[at] for at in above if below.get(at, 0.0) > 0}}
        case _:
            return {str(query): {at: value * preset.factor for at, value in told[query].items()} for query in values}


def known_until(
    row: Slo, resources: Resources, window: Window, answers: Mapping[Ask, Answer]
) -> Mapping[str, float | None]:
    """By series, until when (service time) it is known whether the rule was met; None: not at all.

    Where a missing value is zero beside its denominator, or while a sibling shows traffic, that one must be known.
    """
    preset, told = preset_of(row), _told(row, resources, window, answers)
    values = [query for query in told if query.role is not Role.ALIVE]
    alive = [query for query in told if query.role is Role.ALIVE]
    if preset.fold in (Fold.RATIO, Fold.USED):
        values = [query for query in values if query.role is Role.DENOMINATOR]
    found: dict[str, float | None] = {}
    for query in values:
        shown = [told[query]]
        if preset.absent is Absent.ZERO_WHILE_ALIVE:
            shown += [told[sibling] for sibling in siblings_of(query, alive)]
        found[str(query)] = max((at + MINUTE for minutes in shown for at in minutes), default=None)
    return found


def _sides(queries: Sequence[Query]) -> tuple[list[Query], list[Query]]:
    above, below = ([query for query in queries if query.role is role] for role in (Role.NUMERATOR, Role.DENOMINATOR))
    return above, below


def _told(
    row: Slo, resources: Resources, window: Window, answers: Mapping[Ask, Answer]
) -> Mapping[Query, dict[float, float]]:
    told = {}
    for query in queries_for(row, resources):
        answer = whole_answer(answers, Ask(query, MINUTE_S, window))
        told[query] = dict(zip(answer.timestamps, answer.values, strict=True))
    return told
