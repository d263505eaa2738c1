"""The way to one worker's generator: what is said goes in order, by functions that its worker runs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pytest_syncload.load.local import without_secrets

#: How often a generator is told that somebody is there.
_ALIVE_SECONDS = 1.0


class Carrier(Protocol):
    """Who reaches workers."""

    async def tell(self, worker: str, key: str, lines: Sequence[str] | None) -> None:
        """Have the generator of this key hear these lines; None: there are no more."""
        ...

    def whereabouts(self, worker: str) -> str:
        """What is known of a worker that is silent."""
        ...


class DaskLink:
    """The way to one worker's generator. What is said goes in order, one word after the other has arrived."""

    def __init__(self, crew: Carrier, index: int, worker: str, key: str, offset_s: float) -> None:
        self.index = index
        self.worker = worker
        self.key = key
        self.future: Any = None
        #: Its last words, once its output has ended.
        self.ended: str | None = None
        self._crew = crew
        self._offset_s = offset_s
        self._waiting: list[str | None] = []

    def say(self, message: Mapping[str, Any]) -> None:
        """Behind what was said before."""
        self._waiting.append(json.dumps(message))

    def start(self, at: float) -> None:
        """By the worker's own clock."""
        self.say({"start_at": at + self._offset_s})

    def hang_up(self) -> None:
        """Behind all else."""
        if None not in self._waiting:
            self._waiting.append(None)

    def give_up(self) -> str:
        """Nobody can reach it: its generator ends because nobody tells it that somebody is there."""
        return self._crew.whereabouts(self.worker)

    def leave(self, seconds: float) -> None:
        """Wait for its last words."""
        until = time.monotonic() + seconds
        while self.ended is None and time.monotonic() < until:
            time.sleep(0.05)

    def last_words(self) -> str:
        """As its worker told them."""
        return "its worker said nothing" if self.ended is None else without_secrets(self.ended)

    async def talk(self) -> None:
        """Say what is waiting, and every second that somebody is there."""
        alive_at = 0.0
        while True:
            waiting, self._waiting = self._waiting, []
            lines = [line for line in waiting if line is not None]
            if lines or time.monotonic() - alive_at > _ALIVE_SECONDS:
                alive_at = time.monotonic()
                await self._crew.tell(self.worker, self.key, lines or [""])
            if None in waiting:
                await self._crew.tell(self.worker, self.key, None)
                return
            await asyncio.sleep(0.02)
