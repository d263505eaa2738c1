"""Hysteresis: a resource that stays overloaded collapses, and comes back only when load has been low for a while.

Wall seconds by the monotonic clock, told by the caller. It must never collapse of a load within capacity.
"""

from __future__ import annotations

from pytest_syncload.facts.capacity import Recovery

_WINDOW_S = 0.5
#: More than this share refused, for so long, is a collapse: as retries of retries would bring it about.
_OVERLOADED = 0.01
_OVERLOADED_S = 2.0
#: A window with fewer arrivals says nothing of a share.
_LEAST_ARRIVALS = 20
#: Share of the capacity that is left of a collapsed resource.
LEFT = 0.1
#: Load below this share of the whole capacity lets it recover.
CALM = 0.6


class Collapse:
    """``per_s`` is what the resource bears now, out of ``whole_per_s``."""

    __slots__ = (
        "_calm_s",
        "_ends",
        "_offered",
        "_overloaded_s",
        "_recovery",
        "_refused",
        "_whole_per_s",
        "per_s",
    )

    def __init__(self, whole_per_s: float, recovery: Recovery, now: float) -> None:
        self.per_s = self._whole_per_s = whole_per_s
        self._recovery = recovery
        self._overloaded_s = self._calm_s = 0.0
        self._offered = self._refused = 0
        self._ends = now + _WINDOW_S

    def note(self, now: float, *, refused: bool) -> None:
        """One more job came at ``now``, and was refused or not."""
        while now >= self._ends:
            self._close_window()
        self._offered += 1
        self._refused += refused

    def _close_window(self) -> None:
        if self.per_s == self._whole_per_s:
            overloaded = self._offered >= _LEAST_ARRIVALS and self._refused > _OVERLOADED * self._offered
            self._overloaded_s = self._overloaded_s + _WINDOW_S if overloaded else 0.0
            if self._overloaded_s >= _OVERLOADED_S:
                self.per_s = LEFT * self._whole_per_s
                self._calm_s = self._overloaded_s = 0.0
        else:
            self._recover()
        self._offered = self._refused = 0
        self._ends += _WINDOW_S

    def _recover(self) -> None:
        calm = self._offered < CALM * self._whole_per_s * _WINDOW_S
        self._calm_s = self._calm_s + _WINDOW_S if calm else 0.0
        after_s, over_s = self._recovery.after_s, self._recovery.over_s
        if after_s is None or self._calm_s < after_s:
            return
        gained = self._whole_per_s * ((1 - LEFT) * _WINDOW_S / over_s if over_s else 1.0)
        self.per_s = min(self.per_s + gained, self._whole_per_s)
