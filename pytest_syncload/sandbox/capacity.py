"""The limited capacity of one resource of the sandbox: what it grants easily, what only with effort, what not at all.

A resource bears `EASY` of its capacity without a sign; what comes beyond goes to its reserve, which shows in the
resource's own metrics; beyond both it refuses, so that under a steady load of ``offered`` a share of
1 - capacity ÷ offered fails. No socket and no clock of its own: every method is told the time (monotonic seconds).
"""

from __future__ import annotations

from enum import Enum

from pytest_syncload.facts.capacity import Recovery
from pytest_syncload.sandbox.collapse import Collapse

#: Share of its capacity that a resource bears easily. A step of 10 % that first fails, at 1.01 of the capacity or more,
#: comes after one at 0.918 or more, which the resource's own metrics must show already.
EASY = 0.85
#: Bursts, in seconds of capacity: short, so that a climb whose steps are a wall second still fails at the right one.
_EASY_BURST_S = 0.05
_RESERVE_BURST_S = 0.03
_LEAST_BURST = 5.0
#: Without a request for so long, the process stood still and not the load: what arrives then in one piece has saved up.
_PAUSE_S = 0.02
_PAUSE_REQUESTS = 10
_LONGEST_PAUSE_S = 0.5


class Grant(Enum):
    """What a resource says to one job."""

    EASY = "easy"
    RESERVE = "from the reserve"
    REFUSED = "refused"


class Limit:
    """Two token buckets over wall seconds, which together refill at ``per_s``."""

    __slots__ = ("_at", "_collapse", "_easy", "_pause_s", "_per_s", "_reserve", "_saved_until")

    def __init__(self, per_s: float, recovery: Recovery | None, now: float) -> None:
        self._per_s = per_s
        self._collapse = None if recovery is None else Collapse(per_s, recovery, now)
        self._easy = _burst(_EASY_BURST_S, per_s)
        self._reserve = _burst(_RESERVE_BURST_S, per_s)
        self._pause_s = max(_PAUSE_S, _PAUSE_REQUESTS / per_s)
        self._saved_until = now
        self._at = now

    @property
    def pressure(self) -> float:
        """How much of the reserve is gone: 0 while load is within capacity, 1 when it refuses."""
        return 1 - min(self._reserve / _burst(_RESERVE_BURST_S, self._per_s), 1.0)

    def ask(self, now: float) -> Grant:
        """One more job, at ``now``."""
        per_s = self._per_s if self._collapse is None else self._collapse.per_s
        self._refill(now, per_s)
        if self._easy >= 1:
            self._easy -= 1
            grant = Grant.EASY
        elif self._reserve >= 1:
            self._reserve -= 1
            grant = Grant.RESERVE
        else:
            grant = Grant.REFUSED
        if self._collapse is not None:
            self._collapse.note(now, refused=grant is Grant.REFUSED)
        return grant

    def _refill(self, now: float, per_s: float) -> None:
        passed = now - self._at
        self._at = now
        if passed > self._pause_s:
            self._saved_until = now + min(passed, _LONGEST_PAUSE_S)
        saved_s = _LONGEST_PAUSE_S if now < self._saved_until else 0.0
        easy, reserve = EASY * per_s, (1 - EASY) * per_s
        most_easy, most_reserve = _burst(_EASY_BURST_S, per_s), _burst(_RESERVE_BURST_S, per_s)
        self._easy = min(self._easy + passed * easy, most_easy + saved_s * easy)
        self._reserve = min(self._reserve + passed * reserve, most_reserve + saved_s * reserve)


def _burst(seconds: float, per_s: float) -> float:
    return max(seconds * per_s, _LEAST_BURST)
