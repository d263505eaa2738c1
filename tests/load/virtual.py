"""An event loop whose time jumps from event to event: a minute of load takes no time and is never late.

Our own few lines: looptime, which does this for asyncio, breaks every pytest run that has no pytest-asyncio beside it.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

#: A timer never fires early, whatever floats add up to.
_LATE_S = 1e-9


class _Leap(selectors.DefaultSelector):
    """A selector that never waits, and tells how long it would have."""

    def __init__(self) -> None:
        super().__init__()
        self.passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise AssertionError("nothing will ever happen again in this loop")
            self.passed_s += max(timeout, 0.0) + _LATE_S
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Begins at 0."""

    def __init__(self) -> None:
        self._leap = _Leap()
        super().__init__(self._leap)

    def time(self) -> float:
        """The virtual time, seconds."""
        return self._leap.passed_s


def run_virtually(main: Any) -> Any:
    """`asyncio.run` in a loop of virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
