"""Asks CloudWatch every question of the run once before load, so that a wrong or forbidden one is known in seconds.

Whether a metric has data is not looked at: before load most have none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_syncload.facts.catalogue import Query
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.clock import MINUTE, ServiceClock, minute_floor
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.result import Window
from pytest_syncload.sources.aws import Passing, Rejected
from pytest_syncload.sources.cloudwatch import COMPLETE, MINUTE_S, MISSING, PARTIAL, Ask, fetch

#: The last whole service minutes that are asked for.
MINUTES = 3
_NAME = "queries"


def queries(client: Any, rows: Mapping[Query, tuple[str, ...]], clock: ServiceClock) -> tuple[Check, ...]:
    """Ask each query for the last minutes. ``rows`` are the ids of the rows that need it; ``client`` is CloudWatch's.

    One GetMetricData for all of them; only where CloudWatch rejects it as wrong, further ones that find which.
    """
    end = minute_floor(clock.now())
    window = Window(start=end - MINUTES * MINUTE, end=end)
    asks = [Ask(query, MINUTE_S, window) for query in rows]
    found = _ask(client, asks, rows) if asks else []
    right = len(asks) - len(found)
    if any(check.failed for check in found) or not right:
        return tuple(found)
    return (Check(name=_NAME, finding=Finding.OK, says=f"CloudWatch answers {right} of {len(asks)}"), *found)


def _ask(client: Any, asks: Sequence[Ask], rows: Mapping[Query, tuple[str, ...]]) -> list[Check]:
    """A check for each query that is not answered, or one for all where CloudWatch answers nothing."""
    try:
        answers = fetch(client, asks)
    except Rejected as error:
        if len(asks) == 1:
            return [_failed(f"{asks[0].query}: {error}; correct the row", rows[asks[0].query])]
        half = len(asks) // 2
        return [*_ask(client, asks[:half], rows), *_ask(client, asks[half:], rows)]
    except Inconclusive as error:
        says = f"{error}; try again in a minute" if isinstance(error, Passing) else str(error)
        return [_failed(says, tuple(dict.fromkeys(row for ask in asks for row in rows[ask.query])))]
    checks = []
    for ask, answer in answers.items():
        if answer.status in (PARTIAL, "InternalError", MISSING):
            # It passes; the verdict asks again until it is whole.
            says = f"{ask.query} is {answer.status} at present, not {COMPLETE}"
            checks.append(Check(name=_NAME, finding=Finding.NOTE, says=says, rows=rows[ask.query]))
        elif answer.status != COMPLETE:
            says = f"{ask.query} is {answer.status}, not {COMPLETE}; allow cloudwatch:GetMetricData for it"
            checks.append(_failed(says, rows[ask.query]))
        elif answer.messages:
            says = f"{ask.query}: CloudWatch says {'; '.join(answer.messages)}"
            checks.append(Check(name=_NAME, finding=Finding.NOTE, says=says, rows=rows[ask.query]))
    return checks


def _failed(says: str, rows: tuple[str, ...]) -> Check:
    return Check(name=_NAME, finding=Finding.FAILED, says=says, rows=rows)
