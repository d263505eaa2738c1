"""Something that is looked at every service minute while a load runs, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from pytest_syncload.facts.clock import MINUTE, ServiceClock

#: How long closing waits for a look under way, wall seconds. The thread only reads: it may be left.
_PATIENCE_S = 1.0


class EachMinute:
    """Calls ``look`` at once and then every service minute, until it is closed. ``look`` must not raise."""

    def __init__(self, look: Callable[[], None], clock: ServiceClock, name: str) -> None:
        self._look = look
        self._pause_s = clock.wall_seconds(MINUTE)
        self._closed = threading.Event()
        # A daemon, so that an answer that does not come keeps no process alive.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.join(_PATIENCE_S)

    def _run(self) -> None:
        self._look()
        while not self._closed.wait(self._pause_s):
            self._look()
