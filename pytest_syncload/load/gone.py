"""Notices a target that has closed everything, so that load stops instead of hammering it until the hold is over.

Must never take slowness, silence or a 503 for it: any answer, and a timeout too, says that somebody may be there.
"""

from __future__ import annotations

from pytest_syncload.facts.result import Outcome

#: Beyond a restart's gap, and early enough that load has stopped a second after the last connection was closed.
GONE_SECONDS = 0.8
#: At low rates a second holds one or two arrivals, and a few lost connections in a row are no absence.
GONE_ARRIVALS = 10
_NO_ANSWER = (Outcome.CONNECT_ERROR, Outcome.PROTOCOL_ERROR)


class Absence:
    """Since when, and over how many arrivals, every connection was refused, closed or broken. Times are monotonic."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._arrivals = 0

    def note(self, outcome: Outcome, now: float) -> None:
        """An arrival has ended."""
        if outcome not in _NO_ANSWER:
            self._since = None
            self._arrivals = 0
            return
        if self._since is None:
            self._since = now
        self._arrivals += 1

    def is_certain(self, now: float) -> bool:
        """Whether the target is gone."""
        return self._since is not None and self._arrivals >= GONE_ARRIVALS and now - self._since >= GONE_SECONDS
