"""The limited capacity of one resource of the sandbox: what it grants easily, what only with effort, what not at all.

A resource bears `EASY` of its capacity without a sign; what comes beyond goes to its reserve, which shows in the
resource's own metrics; beyond both it refuses, so that under a steady load of ``offered`` a share of
1 - capacity ÷ offered fails. No socket and no clock of its own: every method is told the time (monotonic seconds).
"""

from __future__ import annotations

import math
from enum import Enum

from pytest_syncload.facts.capacity import Recovery
from pytest_syncload.sandbox.collapse import Collapse

#: Share of its capacity that a resource bears easily. A step of 10 % that first fails, at 1.01 of the capacity or more,
#: comes after one at 0.918 or more, which the resource's own metrics must show already.
EASY = 0.85
#: What a job from the reserve costs, easy ones being 1: enough for CPU to leave its relation to load before the end.
EFFORT = 3
#: Bursts, in seconds of what refills: short, so that a climb whose steps are a wall second fails at the right one. What
#: they lend such a step, with the 1 % that may fail, is 4 % of it.
_EASY_BURST_S = 0.02
_RESERVE_BURST_S = 0.05
_LEAST_BURST = 4.0
#: Beyond a burst, what a process that stands still saves up bears all that arrives in one piece when it goes on; it is
#: lost again at once, so that idleness bears no load.
_STANDSTILL_S = 0.5
_LOST_S = 0.1


class Grant(Enum):
    """What a resource says to one job."""

    EASY = "easy"
    RESERVE = "from the reserve"
    REFUSED = "refused"


class _Bucket:
    """Tokens that refill at ``per_s`` up to a burst, and beyond it for a moment."""

    __slots__ = ("_burst_s", "tokens")

    def __init__(self, per_s: float, burst_s: float) -> None:
        self._burst_s = burst_s
        self.tokens = self.burst(per_s)

    def burst(self, per_s: float) -> float:
        """What it holds without loss."""
        return max(self._burst_s * per_s, _LEAST_BURST)

    def refill(self, passed_s: float, per_s: float) -> None:
        """So many seconds passed."""
        burst = self.burst(per_s)
        excess = self.tokens - burst
        if excess > 0:
            self.tokens = burst + excess * math.exp(-passed_s / _LOST_S)
        self.tokens = min(self.tokens + passed_s * per_s, burst + _STANDSTILL_S * per_s)

    def take(self) -> bool:
        """Whether there is one more."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Limit:
    """Two token buckets over wall seconds, which together refill at ``per_s``."""

    __slots__ = ("_at", "_collapse", "_easy", "_per_s", "_reserve")

    def __init__(self, per_s: float, recovery: Recovery | None, now: float) -> None:
        self._per_s = per_s
        self._collapse = None if recovery is None else Collapse(per_s, recovery, now)
        self._easy = _Bucket(EASY * per_s, _EASY_BURST_S)
        self._reserve = _Bucket((1 - EASY) * per_s, _RESERVE_BURST_S)
        self._at = now

    @property
    def pressure(self) -> float:
        """How much of the reserve is gone: 0 while load is within capacity, 1 when it refuses."""
        whole = self._reserve.burst((1 - EASY) * self._per_s)
        # Less than one token is none.
        return 1 - min(max(self._reserve.tokens - 1, 0.0) / (whole - 1), 1.0)

    def ask(self, now: float) -> Grant:
        """One more job, at ``now``."""
        passed_s, self._at = now - self._at, now
        per_s = self._per_s if self._collapse is None else self._collapse.per_s
        self._easy.refill(passed_s, EASY * per_s)
        self._reserve.refill(passed_s, (1 - EASY) * per_s)
        grant = Grant.EASY if self._easy.take() else Grant.RESERVE if self._reserve.take() else Grant.REFUSED
        if self._collapse is not None:
            self._collapse.note(now, refused=grant is Grant.REFUSED)
        return grant
