"""A service minute's counts, as the service's process hands them out."""

from __future__ import annotations

import json
from typing import Any

from pytest_syncload.sandbox.minutes import Minute

#: What the back end showed at the end of some minute.
GAUGES: dict[str, Any] = {
    "queue": {"visible": 7, "not_visible": 3, "age_s": 2.9, "sent": 395, "received": 390, "deleted": 388},
    "task_cpu": 12.3456,
    "task_memory": [33.5, 34.5, 34.5],
    "nodes": [{"engine": 90.5, "host": 47.25}, {"engine": 1.5, "host": 2.75}],
}


def counts(start: int, *, busy: bool = True, **more: Any) -> dict[str, Any]:
    """Through JSON. A busy minute had 400 requests; one that is not had none. ``more`` replaces members."""
    minute = Minute(start)
    if busy:
        minute.requests = 400
        minute.latency.update(dict.fromkeys(range(200), 2))
        minute.statuses.update({202: 395, 500: 3, 503: 1, 401: 1})
        minute.accepted = minute.table.consumed = 395
        minute.index.consumed = 300
        minute.index.throttles = 95
    return dict(json.loads(json.dumps(minute.counts() | more)))
