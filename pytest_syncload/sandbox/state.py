"""What the stand-in service remembers: capacity, whose turn a fault is, whether load is steady.

Counted state and no socket, no clock of its own: every method is told the time. It must never invent an answer.
"""

from __future__ import annotations

#: A share of 100 % in millionths of a percent: whole numbers, so that a thousand times 0.1 % is exactly one.
_WHOLE = 100_000_000

#: Writes a second that the table takes, and its index too, unless a fault says otherwise: far above what one core of a
#: laptop offers.
DEFAULT_CAPACITY_PER_S = 20_000.0

#: Arrivals in a window that are load, and not somebody who tries the service out.
_LOAD = 10


class Turn:
    """Spreads ``percent`` of requests evenly by error diffusion: 0.5 % of 1,000 is five, wherever they start."""

    __slots__ = ("_owed", "_step")

    def __init__(self, percent: float) -> None:
        self._step = round(percent * _WHOLE / 100)
        self._owed = 0

    def accrue(self) -> None:
        """One more request came by."""
        self._owed += self._step

    def take(self) -> bool:
        """Whether this request is one of the share. A turn that is not taken is kept for the next request."""
        if self._owed < _WHOLE:
            return False
        self._owed -= _WHOLE
        return True


class Capacity:
    """Write capacity of a DynamoDB table or index: a token bucket over wall seconds, with a burst of one second.

    A write that finds no token is throttled once and waits; later refill serves it, as an SDK's retry would be.
    """

    __slots__ = ("_at", "_capacity_per_s", "_tokens", "_waiting")

    def __init__(self, capacity_per_s: float, now: float) -> None:
        self._capacity_per_s = capacity_per_s
        self._tokens = capacity_per_s
        self._waiting = 0
        self._at = now

    def serve(self, now: float) -> int:
        """Refill up to ``now`` (monotonic seconds) and serve waiting writes. The write units consumed by them."""
        # The refill comes in small steps, so what waits is served before the burst is capped.
        tokens = self._tokens + (now - self._at) * self._capacity_per_s
        self._at = now
        served = min(self._waiting, int(tokens))
        self._waiting -= served
        self._tokens = min(tokens - served, self._capacity_per_s)
        return served

    def write(self, now: float) -> tuple[int, int]:
        """One write at ``now``: the write units consumed by then (waiting ones included), and throttle events."""
        consumed = self.serve(now)
        if self._waiting or self._tokens < 1:
            self._waiting += 1
            return consumed, 1
        self._tokens -= 1
        return consumed + 1, 0


class Steadiness:
    """Whether load has come and does not grow any more: what happens under load must not be over before the hold.

    Arrivals are counted in windows of ``window_s`` (monotonic seconds), and compared with the window before.
    """

    __slots__ = ("_before", "_count", "_ends", "_window_s")

    def __init__(self, window_s: float, now: float) -> None:
        self._window_s = window_s
        self._ends = now + window_s
        self._count = 0
        self._before = 0

    def came(self) -> None:
        """One more arrival."""
        self._count += 1

    def reached(self, now: float) -> bool:
        """Whether a window that ended by ``now``, since the last call, had steady load."""
        steady = False
        while now >= self._ends:
            # A step of 5 % is the end of a ramp over ten windows, or noise; one arrival is nobody's growth.
            steady = steady or _LOAD <= self._count <= 1.05 * self._before + 1
            self._before, self._count = self._count, 0
            self._ends += self._window_s
        return steady
