"""The resources that a new job needs, in the order in which the service comes to them; any may be the bottleneck.

Each counts in the minute what its own CloudWatch metrics are made of, and shows it from `capacity.EASY` of its capacity
on; waiting comes with `Limit.pressure`, which is beyond it, and then refusal. Nothing here is a metric by itself.
"""

from __future__ import annotations

import math
import random
from enum import Enum
from typing import Protocol

from pytest_syncload.facts.capacity import Capacities
from pytest_syncload.sandbox.capacity import EFFORT, Grant, Limit
from pytest_syncload.sandbox.costs import slots_per_s
from pytest_syncload.sandbox.minutes import Minute, Writes


class Refusal(Enum):
    """What refuses, and what a service makes of it: the status and the code of its answer."""

    SLOTS = (503, "overloaded")
    CACHE = (504, "cache_timeout")
    THIRD_PARTY = (502, "third_party_limit")
    TABLE = (503, "table_throttled")
    INDEX = (503, "index_throttled")
    QUEUE = (429, "queue_full")


#: The longest waits, wall seconds: for a free slot of the service, for the cache's engine, between an SDK's retries.
_SLOT_S = 0.25
_ENGINE_S = 0.1
_CACHE_TIMEOUT_S = 0.25
_RETRIES_S = 0.1
#: Attempts at a write until the SDK gives up: botocore's standard mode.
_ATTEMPTS = 3
#: A call of the third-party API: while all is well, how much it varies, and when its reserve is in use.
_CALL_MS = 8.0
_CALL_JITTER_MS = 1.0
_BUSY_MS = 8.0
_CALL_QUEUE_MS = 150.0
#: It stays busy for so long after it had to use its reserve, for whoever calls.
_BUSY_S = 0.1
_SEED = 2


class Job:
    """A new job on its way, which claims a ``key`` of a ``user`` for a payload of that ``digest``.

    ``wait_s`` is what it waits and ``call_s`` how long its call of the third party takes; its message may be ``held``
    up in the queue; a ``refusal`` ends it.
    """

    __slots__ = ("call_s", "digest", "held", "key", "refusal", "user", "wait_s")

    def __init__(self, user: str, key: bytes, digest: int) -> None:
        self.user = user
        self.key = key
        self.digest = digest
        self.wait_s = 0.0
        self.call_s = 0.0
        self.held = False
        self.refusal: Refusal | None = None


class _Resource(Protocol):
    longest_s: float

    def take(self, job: Job, minute: Minute, now: float) -> None:
        """One more job, at ``now``; sets its ``refusal`` where there is no more."""


class Bottlenecks:
    """All of them. ``service_s`` is how long a request takes that waits for nothing."""

    def __init__(self, capacities: Capacities, service_s: float, now: float) -> None:
        def limit(per_s: float | None) -> Limit | None:
            return None if per_s is None else Limit(per_s, capacities.recovery, now)

        made: list[_Resource] = []
        if slots := limit(slots_per_s(capacities, service_s)):
            made.append(_Slots(slots))
        made += [_Cache(limit(capacities.cache_per_s)), _ThirdParty(limit(capacities.third_party_per_s))]
        if table := limit(capacities.table_per_s):
            made.append(_Table(table, index=False))
        if index := limit(capacities.index_per_s):
            made.append(_Table(index, index=True))
        if workers := limit(capacities.workers_per_s):
            made.append(_Workers(workers))
        self._resources = tuple(made)

    @property
    def longest_s(self) -> float:
        """The longest that a job can wait on top of its time, wall seconds."""
        return sum(resource.longest_s for resource in self._resources)

    def take(self, job: Job, minute: Minute, now: float) -> None:
        """One more job at ``now``, counted in ``minute``: it needs all of them, up to the first that refuses."""
        for resource in self._resources:
            resource.take(job, minute, now)
            if job.refusal is not None:
                return


class _Slots:
    """Requests that the service works on at a time. Who waits for one costs CPU as well."""

    longest_s = _SLOT_S

    def __init__(self, limit: Limit) -> None:
        self._limit = limit

    def take(self, job: Job, minute: Minute, now: float) -> None:
        grant = self._limit.ask(now)
        job.wait_s += self._limit.pressure * _SLOT_S
        if grant is not Grant.EASY:
            minute.waited += 1
        if grant is Grant.REFUSED:
            job.refusal = Refusal.SLOTS


class _Cache:
    """A job's command on each node. One that finds the engine busy is sent again until it gets through."""

    def __init__(self, limit: Limit | None) -> None:
        self._limit = limit
        self.longest_s = 0.0 if limit is None else _ENGINE_S + _CACHE_TIMEOUT_S

    def take(self, job: Job, minute: Minute, now: float) -> None:
        minute.commands += 1
        if self._limit is None:
            return
        grant = self._limit.ask(now)
        job.wait_s += self._limit.pressure * _ENGINE_S
        if grant is not Grant.EASY:
            minute.commands += EFFORT - 1
        if grant is Grant.REFUSED:
            job.wait_s += _CACHE_TIMEOUT_S
            job.refusal = Refusal.CACHE


class _ThirdParty:
    """The API of somebody else that a job calls beside its other work: its limit is theirs, and so is its latency."""

    def __init__(self, limit: Limit | None) -> None:
        self._limit = limit
        self.longest_s = 0.0 if limit is None else _CALL_QUEUE_MS / 1000
        jitter = random.Random(_SEED)
        self._calls_ms = [_CALL_MS + jitter.uniform(-_CALL_JITTER_MS, _CALL_JITTER_MS) for _ in range(1024)]
        self._turn = 0
        self._busy_until = -math.inf

    def take(self, job: Job, minute: Minute, now: float) -> None:
        self._turn = turn = (self._turn + 1) & 1023
        call_ms = self._calls_ms[turn]
        if self._limit is not None:
            grant = self._limit.ask(now)
            if grant is not Grant.EASY:
                self._busy_until = now + _BUSY_S
            if now < self._busy_until:
                call_ms += _BUSY_MS
            call_ms += self._limit.pressure * _CALL_QUEUE_MS
            if grant is Grant.REFUSED:
                minute.failed_calls += 1
                job.refusal = Refusal.THIRD_PARTY
        minute.calls[int(call_ms + 0.5)] += 1
        job.call_s = call_ms / 1000


class _Table:
    """Writes of a table or its index, which an SDK tries again when they are throttled."""

    longest_s = _RETRIES_S

    def __init__(self, limit: Limit, *, index: bool) -> None:
        self._limit = limit
        self._index = index

    def take(self, job: Job, minute: Minute, now: float) -> None:
        grant = self._limit.ask(now)
        if grant is Grant.EASY:
            return
        writes: Writes = minute.index if self._index else minute.table
        job.wait_s += self._limit.pressure * _RETRIES_S
        if grant is Grant.RESERVE:
            writes.throttles += 1
        else:
            writes.throttles += _ATTEMPTS
            job.refusal = Refusal.INDEX if self._index else Refusal.TABLE


class _Workers:
    """Those that drain the queue. A message they do not come to in time is held up; a full queue is said to clients."""

    longest_s = 0.0

    def __init__(self, limit: Limit) -> None:
        self._limit = limit

    def take(self, job: Job, minute: Minute, now: float) -> None:
        grant = self._limit.ask(now)
        job.held = grant is Grant.RESERVE
        if grant is Grant.REFUSED:
            job.refusal = Refusal.QUEUE
