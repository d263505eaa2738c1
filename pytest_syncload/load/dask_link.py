"""The way to one worker's generator: what is said goes in order, by functions that its worker runs."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pytest_syncload.load.local import without_secrets

#: How often a generator is told that somebody is there.
_ALIVE_SECONDS = 1.0
#: Who has not looked for so long does not follow the load, and nobody could stop it: then nothing is said any more.
_ATTENDED_SECONDS = 2.0


class Carrier(Protocol):
    """Who reaches workers."""

    async def tell(self, worker: str, key: str, lines: Sequence[str] | None) -> None:
        """Have the generator of this key hear these lines; None: there are no more."""
        ...

    def lose(self, index: int, why: str) -> None:
        """This generator cannot be told anything any more."""
        ...

    def whereabouts(self, worker: str) -> str:
        """What is known of a worker that is silent."""
        ...


class DaskLink:
    """One worker's generator. ``offset_s`` is how far the worker's monotonic clock is ahead of this process's."""

    def __init__(self, carrier: Carrier, index: int, worker: str, key: str, offset_s: float) -> None:
        self.index = index
        self.worker = worker
        self.key = key
        self.offset_s = offset_s
        self.future: Any = None
        #: Its last words, once its output has ended.
        self.ended: str | None = None
        self._carrier = carrier
        self._attended_at = time.monotonic()
        # Both ends are safe between threads.
        self._waiting: deque[str | None] = deque()

    def say(self, message: Mapping[str, Any]) -> None:
        """Behind what was said before."""
        self._waiting.append(json.dumps(message))

    def start(self, at: float) -> None:
        """By the worker's own clock."""
        self.say({"start_at": at + self.offset_s})

    def attend(self) -> None:
        """Somebody follows the load."""
        self._attended_at = time.monotonic()

    def hang_up(self) -> None:
        """Behind all else."""
        if None not in self._waiting:
            self._waiting.append(None)

    def give_up(self) -> str:
        """Nobody can reach it: its generator ends because nobody tells it that somebody is there."""
        return self._carrier.whereabouts(self.worker)

    def leave(self, seconds: float) -> None:
        """Wait for its last words."""
        until = time.monotonic() + seconds
        while self.ended is None and time.monotonic() < until:
            time.sleep(0.05)

    def last_words(self) -> str:
        """As its worker told them."""
        return "its worker said nothing" if self.ended is None else without_secrets(self.ended)

    async def talk(self) -> None:
        """Say what is waiting, and every second that somebody is there, as long as somebody is."""
        alive_at = 0.0
        while True:
            said: list[str | None] = []
            while self._waiting:
                said.append(self._waiting.popleft())
            lines = [line for line in said if line is not None]
            now = time.monotonic()
            is_due = now - alive_at > _ALIVE_SECONDS and now - self._attended_at < _ATTENDED_SECONDS
            try:
                if lines or is_due:
                    alive_at = now
                    await self._carrier.tell(self.worker, self.key, lines or [""])
                if None in said:
                    await self._carrier.tell(self.worker, self.key, None)
                    return
            except Exception as error:  # noqa: BLE001 - the way to it is gone, whatever Dask calls that
                self._carrier.lose(self.index, f"it cannot be told anything any more: {type(error).__name__}: {error}")
                return
            await asyncio.sleep(0.02)
