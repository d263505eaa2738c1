"""What stands behind the service, together: the queue, the tasks, the cache; sampled at the end of each service minute.

Every minute since the sandbox began gets its gauges, in order, also one without requests, and before it is handed out.
Workers follow the running tasks from tick to tick. It must never publish what AWS would not: an idle queue sleeps.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from pytest_syncload.facts.capacity import Capacities
from pytest_syncload.facts.clock import MINUTE, ServiceClock, minute_floor
from pytest_syncload.facts.plan import Faults
from pytest_syncload.sandbox.backlog import DEFAULT_WORKERS, Backlog
from pytest_syncload.sandbox.cache import node_cpu
from pytest_syncload.sandbox.capacity import EFFORT
from pytest_syncload.sandbox.costs import command_s, request_cpu_ms
from pytest_syncload.sandbox.fleet import DESIRED, Fleet
from pytest_syncload.sandbox.minutes import Minute, Minutes
from pytest_syncload.sandbox.state import Steadiness

#: From waking to the first minute of a queue that is published. AWS says up to 15 minutes.
_WAKING_S = 2 * MINUTE
#: Of which load must be steady for a deployment to begin: it takes less than two minutes and must fall into a hold.
_STEADY_S = MINUTE / 2


class Backend:
    """Told the time in monotonic seconds. ``minutes`` are the service's, whose gauges it fills in; ``service_s`` is how
    long a request takes that waits for nothing."""

    def __init__(
        self,
        *,
        clock: ServiceClock,
        faults: Faults,
        minutes: Minutes,
        now: float,
        capacities: Capacities | None = None,
        service_s: float = 0.0,
    ) -> None:
        self._clock = clock
        self._minutes = minutes
        self._workers = DEFAULT_WORKERS if faults.workers is None else faults.workers
        given = capacities or Capacities()
        cost_ms = faults.request_cpu_ms
        self._request_cpu_ms = request_cpu_ms(given, service_s, DESIRED) if cost_ms is None else cost_ms
        self._command_s = command_s(given)
        self._hot_share = faults.hot_cache_node_share
        self._foreign_per_s = faults.foreign_traffic_per_s
        self._foreign = 0
        self._backlog = Backlog(self._workers, now)
        self._fleet = Fleet(faults, clock.at(now))
        self._queue_from = math.inf
        self._worked = False
        #: While a deployment is still to come.
        self._undeployed = Steadiness(clock.wall_seconds(_STEADY_S), now) if faults.deployment else None
        self._told: tuple[int, int] | None = None
        self._began = self._since = now
        self._minute = int(minute_floor(clock.at(now)))
        self._minute_ends = clock.monotonic_at(self._minute + MINUTE)

    def catch_up(self, now: float) -> None:
        """Take the gauges of every minute that ended by ``now``, before anything is counted in the next one."""
        if now >= self._minute_ends:
            self.tick(now)

    def accept(self, now: float, *, held: bool = False) -> None:
        """A job was accepted: its message goes to the queue, where workers may be long in coming to it (``held``)."""
        self.catch_up(now)
        if not self._worked:
            self._worked = True
            self._fleet.begin(self._clock.at(now))
            self.touch(now)
        if self._undeployed is not None:
            self._undeployed.came()
        self._backlog.send(now, held=held)

    def touch(self, now: float) -> None:
        """Somebody asked for the queue's attributes, which wakes it."""
        self._queue_from = min(self._queue_from, minute_floor(self._clock.at(now)) + _WAKING_S)

    def tick(self, now: float) -> None:
        """Let everything come as far as ``now``, and take the gauges of every minute that ended by then."""
        while now >= self._minute_ends:
            ends = self._minute_ends
            self._move(ends)
            self._sample(self._minutes.begin(self._minute), ends)
            self._since = ends
            self._minute += int(MINUTE)
            self._minute_ends = self._clock.monotonic_at(self._minute + MINUTE)
        self._move(now)
        if self._undeployed is not None and self._undeployed.reached(now):
            self._undeployed = None
            self._fleet.deploy(self._clock.at(now))

    def news(self) -> dict[str, Any] | None:
        """What the doubles need to know, as JSON; None where no task changed and no minute ended since it was asked."""
        told = (self._fleet.changes, self._minute)
        if told == self._told:
            return None
        self._told = told
        queue = {"visible": self._backlog.visible, "not_visible": self._backlog.not_visible}
        return {"queue": queue, **self._fleet.described()}

    def _move(self, now: float) -> None:
        self._fleet.advance(self._clock.at(now))
        # Each task has its share of the workers. Rounded up: the last worker stands in a task that runs.
        running = min(self._fleet.running, DESIRED)
        self._backlog.employ(-(-self._workers * running // DESIRED), now)

    def _sample(self, minute: Minute, ends: float) -> None:
        # Somebody else's requests do not come through our socket, so they are counted by the time that passed.
        foreign = int((ends - self._began) * self._foreign_per_s)
        minute.foreign, self._foreign = foreign - self._foreign, foreign
        queue = dataclasses.asdict(self._backlog.minute(ends))
        task_seconds, memory = self._fleet.minute(self._clock.at(ends))
        # Requests that wait for a slot take turns, which costs as well.
        cost_s = (minute.requests + (EFFORT - 1) * minute.waited) * self._request_cpu_ms / 1000
        nodes = node_cpu(minute.commands, ends - self._since, self._hot_share, self._command_s)
        minute.gauges = {
            "queue": queue if minute.start >= self._queue_from else None,
            "task_cpu": min(100 * cost_s / self._clock.wall_seconds(task_seconds), 100.0) if memory else None,
            "task_memory": memory,
            "nodes": [dataclasses.asdict(node) for node in nodes],
        }
