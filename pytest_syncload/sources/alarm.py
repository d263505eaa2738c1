"""A preset by the minute, while a load runs: what is asked for it, and each resource's values. Pure.

Evidence to stop a load by, and no verdict: it is what CloudWatch says at that moment, settled or not.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_syncload.facts.catalogue import Absent, Fold, Query, Role, preset_of, queries_for
from pytest_syncload.facts.plan import Resources, Slo
from pytest_syncload.facts.result import Window
from pytest_syncload.sources.case import whole_answer
from pytest_syncload.sources.cloudwatch import MINUTE_S, Answer, Ask

#: The values of one series, in the canonical unit of its kind, by the service time at which their minutes begin.
Minutes = Mapping[float, float]


def alarm_asks(row: Slo, resources: Resources, window: Window) -> tuple[Ask, ...]:
    """A minute's value of each query. Raises `Inconclusive` where the environment lists no such resource."""
    return tuple(Ask(query, MINUTE_S, window) for query in _queries(row, resources))


def alarm_minutes(
    row: Slo, resources: Resources, window: Window, answers: Mapping[Ask, Answer]
) -> Mapping[str, Minutes]:
    """What each series says of the window's minutes; of some it may say nothing.

    Where silence means zero, only a minute with a value is in it. Raises `Inconclusive` where an answer is not whole.
    """
    preset, queries = preset_of(row), _queries(row, resources)
    told = {query: _told(query, window, answers) for query in queries}
    match preset.fold:
        case Fold.SUM:
            added: dict[float, float] = {}
            for minutes in told.values():
                for at, value in minutes.items():
                    added[at] = added.get(at, 0.0) + value * preset.factor
            return {preset.name: added}
        case Fold.RATIO | Fold.USED:
            (above,), (below,) = (
                [told[query] for query in queries if query.role is role] for role in (Role.NUMERATOR, Role.DENOMINATOR)
            )
            return {preset.name: {at: 100 * above[at] / below[at] for at in above if below.get(at, 0.0) > 0}}
        case _:
            return {str(query): {at: value * preset.factor for at, value in told[query].items()} for query in queries}


def is_silent_at_zero(row: Slo) -> bool:
    """Whether no value may mean that all is well: of what is only counted where it happens."""
    return preset_of(row).fold in (Fold.SUM, Fold.RATIO) or preset_of(row).absent is Absent.ZERO_WHILE_ALIVE


def _queries(row: Slo, resources: Resources) -> list[Query]:
    # That a resource is in use at all is no question here: where nothing is known, nothing trips.
    return [query for query in queries_for(row, resources) if query.role is not Role.ALIVE]


def _told(query: Query, window: Window, answers: Mapping[Ask, Answer]) -> dict[float, float]:
    answer = whole_answer(answers, Ask(query, MINUTE_S, window))
    return dict(zip(answer.timestamps, answer.values, strict=True))
