"""What the service counted, a service minute at a time, by the time a request arrived.

Requests count when they arrive; latency and status when they end, still for the minute of arrival. A minute is handed
out when nothing of it is in flight any more, or after a grace; what ends later is handed out as an addition to it. A
minute that something began is handed out even if it is empty.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pytest_syncload.facts.clock import MINUTE, ServiceClock, minute_floor

#: Key prefixes named in a minute's log line; random keys would fill it without end.
_PREFIX_LIMIT = 1_000


class Writes:
    """Write units ``consumed`` and ``throttles``, of a table or of an index."""

    __slots__ = ("consumed", "throttles")

    def __init__(self) -> None:
        self.consumed = 0
        self.throttles = 0

    def counts(self) -> dict[str, int]:
        """As JSON."""
        return {"consumed": self.consumed, "throttles": self.throttles}


class Minute:
    """Counts of one service minute. ``latency`` is whole milliseconds → requests; ``foreign`` requests did not come
    here. ``commands`` went to each cache node; ``waited`` for a slot of the service; ``calls`` of the third party are
    whole milliseconds → calls, of which some ``failed_calls``. ``gauges`` is what the back end showed at the minute's
    end; None in an addition to a minute."""

    __slots__ = (
        "accepted",
        "calls",
        "commands",
        "duplicates",
        "failed_calls",
        "foreign",
        "gauges",
        "in_flight",
        "index",
        "keys",
        "latency",
        "requests",
        "start",
        "statuses",
        "table",
        "waited",
    )

    def __init__(self, start: int) -> None:
        self.start = start
        self.requests = 0
        self.in_flight = 0
        self.latency: Counter[int] = Counter()
        self.statuses: Counter[int] = Counter()
        self.accepted = 0
        self.commands = 0
        self.waited = 0
        self.calls: Counter[int] = Counter()
        self.failed_calls = 0
        self.foreign = 0
        self.table = Writes()
        self.index = Writes()
        self.gauges: dict[str, Any] | None = None
        self.duplicates = 0
        self.keys: dict[str, list[float]] = {}

    def end(self, status: int, latency_s: float) -> None:
        """A request of this minute was answered. API Gateway's latencies are whole milliseconds."""
        self.in_flight -= 1
        self.statuses[status] += 1
        self.latency[int(latency_s * 1000 + 0.5)] += 1

    def saw_key(self, key: bytes) -> None:
        """Note an Idempotency-Key under its prefix (up to its last "-"), with the wall time."""
        prefix = key.rpartition(b"-")[0].decode("latin-1")
        now = time.time()
        seen = self.keys.get(prefix)
        if seen is None:
            if len(self.keys) >= _PREFIX_LIMIT:
                prefix = "(others)"
                seen = self.keys.get(prefix)
            if seen is None:
                self.keys[prefix] = [1, now, now]
                return
        seen[0] += 1
        seen[2] = now

    def counts(self) -> dict[str, Any]:
        """What the publisher needs, as JSON."""
        return {
            "minute": self.start,
            "requests": self.requests,
            "latency": dict(self.latency),
            "statuses": dict(self.statuses),
            "accepted": self.accepted,
            "foreign": self.foreign,
            "calls": dict(self.calls),
            "failed_calls": self.failed_calls,
            "table": self.table.counts(),
            "index": self.index.counts(),
            "gauges": self.gauges,
        }

    def log_line(self) -> dict[str, Any]:
        """What the sandbox's log says of this minute, as JSON. ``first`` and ``last`` are wall epoch seconds."""
        return {
            "minute": self.start,
            "requests": self.requests,
            "statuses": dict(self.statuses),
            "duplicates": self.duplicates,
            "keys": {
                prefix: {"count": int(count), "first": first, "last": last}
                for prefix, (count, first, last) in self.keys.items()
            },
        }


class Minutes:
    """The minutes that have begun and were not handed out yet."""

    def __init__(self, clock: ServiceClock, grace_s: float) -> None:
        self._clock = clock
        self._grace_s = grace_s
        self._open: dict[int, Minute] = {}
        self._current: Minute | None = None
        self._current_ends = float("-inf")

    def at(self, monotonic: float) -> Minute:
        """The minute of a reading of the monotonic clock, begun if need be."""
        if self._current is not None and monotonic < self._current_ends:
            return self._current
        start = int(minute_floor(self._clock.at(monotonic)))
        self._current = self.begin(start)
        self._current_ends = self._clock.monotonic_at(start + MINUTE)
        return self._current

    def begin(self, start: int) -> Minute:
        """The minute that starts at ``start`` (epoch seconds), to be handed out when it is over."""
        return self._open.setdefault(start, Minute(start))

    def late(self, minute: Minute) -> Minute:
        """The minute that counts for a request that ends now: ``minute``, or an addition where that is handed out."""
        if self._open.get(minute.start) is minute:
            return minute
        addition = self.begin(minute.start)
        # The arrival was counted in the minute that went out; `end` takes it back off here.
        addition.in_flight += 1
        return addition

    def over(self, monotonic: float) -> Iterator[Minute]:
        """Hand out, oldest first, the minutes that are over at ``monotonic`` and complete, or beyond the grace."""
        for start in sorted(self._open):
            ended = self._clock.monotonic_at(start + MINUTE)
            minute = self._open[start]
            if monotonic >= ended and (minute.in_flight == 0 or monotonic >= ended + self._grace_s):
                yield self._open.pop(start)

    def rest(self) -> Iterator[Minute]:
        """Hand out all that is left, over or not: the process ends."""
        self._current, self._current_ends = None, float("-inf")
        for start in sorted(self._open):
            yield self._open.pop(start)
