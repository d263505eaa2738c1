"""Waits until a queue's metrics are published. An idle queue publishes nothing, and needs minutes after it was touched.

Amazon SQS developer guide, "Available CloudWatch metrics for Amazon SQS": a delay of up to 15 minutes when a queue is
activated from an inactive state. Without the wait, the first minutes of a phase would be missing, which proves nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from pytest_syncload.facts.catalogue import Query, Role
from pytest_syncload.facts.clock import MINUTE, ServiceClock, minute_floor
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.result import Window
from pytest_syncload.sources.cloudwatch import MINUTE_S, Ask, fetch

#: What needs waking.
_NAMESPACE = "AWS/SQS"
#: Service minutes after which load is offered all the same: the rows say what is missing.
LONGEST_MINUTES = 15
#: A point this many minutes old shows that the queue is awake: a minute is published one to three minutes late.
_RECENT_MINUTES = 5


def wait_until_awake(
    client: Any,
    queries: Sequence[Query],
    clock: ServiceClock,
    *,
    waiting: Callable[[str], None],
    keep_going: Callable[[], bool],
) -> str | None:
    """Wait until each query of a queue has a recent data point; why not, in words, where that did not come to pass.

    ``waiting(what)`` is told once, before a second look. Never raises for AWS errors: they are the answer.
    """
    sleepy = [query for query in dict.fromkeys(queries) if query.namespace == _NAMESPACE and query.role is Role.VALUE]
    until = clock.now() + LONGEST_MINUTES * MINUTE
    told = False
    while True:
        silent = _silent(client, sleepy, clock)
        if silent is None or clock.now() >= until or not keep_going():
            return silent
        if not told:
            waiting(f"{silent} (a queue that was idle needs up to {LONGEST_MINUTES} minutes to publish its metrics)")
            told = True
        time.sleep(clock.wall_seconds(MINUTE / 2))


def _silent(client: Any, queries: Sequence[Query], clock: ServiceClock) -> str | None:
    if not queries:
        return None
    end = minute_floor(clock.now()) + MINUTE
    window = Window(start=end - _RECENT_MINUTES * MINUTE, end=end)
    asks = [Ask(query, MINUTE_S, window) for query in queries]
    try:
        answers = fetch(client, asks)
    except Inconclusive as error:
        return str(error)
    empty = [str(ask.query) for ask in asks if not answers[ask].values]
    return (
        f"a data point for {', '.join(empty)}, which has none in the last {_RECENT_MINUTES} minutes" if empty else None
    )
