"""Waits until CloudWatch shows what the checks before load have left in it: the one request, and a touched queue.

A request that does not show in the API's count means that the count is another API's, and no row could be proven. An
idle queue publishes nothing, and needs minutes after it was touched (Amazon SQS developer guide, "Available CloudWatch
metrics for Amazon SQS": up to 15); without the wait, the first minutes of a phase would be missing.
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
#: Service minutes after which it is given up.
LONGEST_MINUTES = 15
#: A point this many minutes old shows that the metric is alive: a minute is published one to three minutes late.
_RECENT_MINUTES = 5


def wait_until_published(
    client: Any,
    traffic: Query,
    queries: Sequence[Query],
    clock: ServiceClock,
    *,
    waiting: Callable[[str], None],
    keep_going: Callable[[], bool],
) -> tuple[Query, ...]:
    """Wait until ``traffic`` and each query of a queue has a recent data point; gives those that still have none.

    ``waiting(what)`` is told once, before a second look. What AWS refuses is no data point.
    """
    queues = [query for query in queries if query.namespace == _NAMESPACE and query.role is Role.VALUE]
    silent = tuple(dict.fromkeys((traffic, *queues)))
    until = clock.now() + LONGEST_MINUTES * MINUTE
    told = False
    while True:
        # What was seen once is not asked for again: the one request is soon too long ago.
        silent = _silent(client, silent, clock)
        if not silent or clock.now() >= until or not keep_going():
            return silent
        if not told:
            names = ", ".join(map(str, silent))
            patience = (
                f" (an idle queue needs up to {LONGEST_MINUTES} minutes to publish)" if {*silent} & {*queues} else ""
            )
            waiting(f"a data point for {names}{patience}")
            told = True
        time.sleep(clock.wall_seconds(MINUTE / 2))


def _silent(client: Any, queries: Sequence[Query], clock: ServiceClock) -> tuple[Query, ...]:
    end = minute_floor(clock.now()) + MINUTE
    window = Window(start=end - _RECENT_MINUTES * MINUTE, end=end)
    asks = [Ask(query, MINUTE_S, window) for query in queries]
    try:
        answers = fetch(client, asks)
    except Inconclusive:
        return tuple(queries)
    return tuple(ask.query for ask in asks if not answers[ask].values)
