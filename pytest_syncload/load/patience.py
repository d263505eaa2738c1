"""How long a request of httpx's door may stand still, in httpx's own terms: connecting, writing, reading.

It reads no socket and sets no timer: the transport's sweep asks it. A stage's time begins anew with each byte that
moves, as httpx has it, so an answer that trickles is never late; the hot path bounds the whole request instead.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from enum import StrEnum

from pytest_syncload.load.connection import Exchange


class Stage(StrEnum):
    """What a request waits for; the values are the names in httpx's ``extensions["timeout"]``."""

    CONNECT = "connect"
    WRITE = "write"
    READ = "read"


class Patience:
    """With one exchange. ``limits_s`` are seconds by stage; a stage that is absent or None may take for ever."""

    def __init__(self, exchange: Exchange, limits_s: Mapping[str, float | None]) -> None:
        self.exchange = exchange
        self._limits_s = limits_s
        self._ended_in: Stage | None = None
        self._seen = (Stage.CONNECT, 0, 0)  # nothing goes out before this turn of the loop ends
        self._since = time.monotonic()

    @property
    def stage(self) -> Stage:
        """What it waits for, or waited for in vain."""
        connection = self.exchange.connection
        if self._ended_in is not None:
            return self._ended_in  # its connection is closed, and no longer tells
        if connection is None:
            return Stage.CONNECT
        return Stage.WRITE if connection.unsent or connection.choked else Stage.READ

    def is_at_an_end(self, now: float) -> bool:
        """Whether nothing has moved for longer than this stage may take; ``now`` is monotonic."""
        progress = self._progress()
        if progress != self._seen:
            self._seen, self._since = progress, now
        limit_s = self._limits_s.get(progress[0])
        if limit_s is None or now - self._since < limit_s:
            return False
        self._ended_in = progress[0]
        return True

    def _progress(self) -> tuple[Stage, int, int]:
        connection = self.exchange.connection
        moved = (0, 0) if connection is None else (connection.unsent, connection.received)
        return self.stage, *moved
