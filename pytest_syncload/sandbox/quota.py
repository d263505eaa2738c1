"""How many calls a second Firebase takes of a project: a token bucket over wall seconds, with a burst of one second.

Google counts by the minute (Firebase: "Firebase Authentication limits"); by the second it is the same rate, and is
used up within a test.
"""

from __future__ import annotations

import math


class Quota:
    """``per_s`` None: there is no end to it."""

    __slots__ = ("_at", "_burst", "_left", "_per_s")

    def __init__(self, per_s: float | None, now: float) -> None:
        self._per_s = math.inf if per_s is None else per_s
        self._burst = self._left = max(1.0, self._per_s)
        self._at = now

    def admit(self, now: float) -> bool:
        """Whether one more call is within the quota at ``now`` (monotonic seconds)."""
        if self._burst == math.inf:
            return True
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
