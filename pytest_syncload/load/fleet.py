"""The parent's side of the generators, wherever they run: start them together, follow them, stop them within a second.

A generator is told its job first and then its start, and tells what it does, in lines of JSON. How the lines travel is
its `Link`'s: `local` for processes of this machine, `dask` for those of others. Nothing here knows what a job says.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_syncload.facts.errors import PhaseInvalid

#: How long a generator may take to import and say something, and then between two words of how its users' sign-in goes
#: on.
READY_SECONDS = 120.0
#: How long a stopped one may take to hand over what it measured; load itself has ended within a second.
FAREWELL_SECONDS = 3.0
#: A running one speaks every second; one that is silent for this long is lost.
SILENCE_SECONDS = 5.0
_TICK_SECONDS = 0.1

#: What generators say, each by its index; None: its output has ended.
Inbox = queue.Queue[tuple[int, dict[str, Any] | None]]


class Link(Protocol):
    """The way to one generator. Nothing of it raises, and but for `leave` and `last_words` nothing waits."""

    def say(self, message: Mapping[str, Any]) -> None:
        """Tell it something; where it has ended, the inbox says so."""
        ...

    def start(self, at: float) -> None:
        """Tell it to begin at ``at``, by this process's monotonic clock."""
        ...

    def attend(self) -> None:
        """Somebody follows it, or waits for it: said ten times a second."""
        ...

    def hang_up(self) -> None:
        """Tell it to stop, and that nobody will say more."""
        ...

    def give_up(self) -> str:
        """It is lost: end it if that can be done. Gives what is known of it, or nothing."""
        ...

    def leave(self, seconds: float) -> None:
        """Wait for its end, at most so long, and then end it."""
        ...

    def last_words(self) -> str:
        """Why it may have ended, without secrets."""
        ...


@dataclass(slots=True)
class _Child:
    index: int
    link: Link
    heard_at: float
    report: dict[str, Any] | None = None
    lost: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fared:
    """How the generators ended: final reports by index, what became of the lost ones, and who else stopped them."""

    reports: tuple[dict[str, Any], ...]
    lost: tuple[str, ...]
    stopped: str | None


class Fleet:
    """Generators by their links, in order of index, who say what they have to say to ``inbox``.

    Use as a context manager: leaving it ends every one. One that is silent for ``silence_s``
    (`SILENCE_SECONDS` where that is None) is lost.
    """

    def __init__(self, links: Sequence[Link], inbox: Inbox, *, silence_s: float | None = None) -> None:
        now = time.monotonic()
        self._inbox = inbox
        self._silence_s = SILENCE_SECONDS if silence_s is None else silence_s
        self._children = [_Child(index, link, now) for index, link in enumerate(links)]

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()
        deadline = time.monotonic() + FAREWELL_SECONDS
        for child in self._children:
            child.link.leave(max(0.0, deadline - time.monotonic()))

    def muster(
        self,
        keep_going: Callable[[], str | None],
        on_warming: Callable[[int, dict[str, Any]], None] = lambda index, said: None,
    ) -> tuple[dict[str, Any], ...]:
        """Wait until all are ready: their messages, in order of index.

        ``on_warming`` gets a child's index and what it says before.

        Raises:
            PhaseInvalid: with a child's own words, or ``keep_going``'s.
        """
        ready: dict[int, dict[str, Any]] = {}
        deadline = time.monotonic() + READY_SECONDS
        while len(ready) < len(self._children):
            if (reason := keep_going()) is not None:
                raise PhaseInvalid(reason)
            if time.monotonic() > deadline:
                raise PhaseInvalid(f"a generator was not ready within {READY_SECONDS:.0f} s; nothing was sent")
            received = self._receive()
            if received is None:
                continue
            child, message = received
            if message is None:
                raise PhaseInvalid(f"generator {child.index} ended before it was ready: {child.link.last_words()}")
            if "error" in message:
                raise PhaseInvalid(str(message["error"]))
            if "warming" in message:
                deadline = time.monotonic() + READY_SECONDS
                on_warming(child.index, message["warming"])
                continue
            ready[child.index] = message
        return tuple(ready[index] for index in sorted(ready))

    def follow(
        self,
        start_at: float,
        on_snapshot: Callable[[dict[str, Any]], None],
        keep_going: Callable[[], str | None],
        steer: Callable[[], dict[str, Any] | None] = lambda: None,
    ) -> Fared:
        """Start all together at ``start_at`` (monotonic) and follow them to their ends. What ``steer`` gives, ten times
        a second, is told to all.

        A lost child, one that gave up, or a word from ``keep_going`` stops all.
        """
        now = time.monotonic()
        for child in self._children:
            child.heard_at = max(now, start_at)
            child.link.start(start_at)
        stopped: str | None = None
        stop_by: float | None = None
        while any(child.report is None and child.lost is None for child in self._children):
            received = self._receive()
            now = time.monotonic()
            if received is not None:
                self._take_in(*received, on_snapshot)
            self._notice_silence(now)
            if stop_by is None:
                if (said := steer()) is not None:
                    for child in self._children:
                        child.link.say(said)
                stopped = keep_going() or next((child.lost for child in self._children if child.lost), None)
                gave_up = any(child.report is not None and child.report.get("gave_up") for child in self._children)
                if gave_up or stopped is not None:
                    self._hang_up()
                    stop_by = now + FAREWELL_SECONDS
            elif now > stop_by:
                break
        return Fared(
            reports=tuple(child.report for child in self._children if child.report is not None),
            lost=tuple(
                child.lost or f"generator {child.index} did not report within {FAREWELL_SECONDS:.0f} s of being stopped"
                for child in self._children
                if child.report is None
            ),
            stopped=stopped,
        )

    def _take_in(
        self, child: _Child, message: dict[str, Any] | None, on_snapshot: Callable[[dict[str, Any]], None]
    ) -> None:
        child.heard_at = max(child.heard_at, time.monotonic())
        if message is None:
            if child.report is None:
                child.lost = f"generator {child.index} was lost: {child.link.last_words()}"
        elif "snapshot" in message:
            on_snapshot(message["snapshot"])
        elif "report" in message:
            child.report = message["report"]
        elif "error" in message:
            child.lost = f"generator {child.index} failed: {message['error']}"

    def _notice_silence(self, now: float) -> None:
        for child in self._children:
            if child.report is None and child.lost is None and now - child.heard_at > self._silence_s:
                known = child.link.give_up()
                lost = f"generator {child.index} was silent for {self._silence_s:.0f} s and is lost"
                child.lost = f"{lost}: {known}" if known else lost

    def _receive(self) -> tuple[_Child, dict[str, Any] | None] | None:
        for child in self._children:
            child.link.attend()
        try:
            index, message = self._inbox.get(timeout=_TICK_SECONDS)
        except queue.Empty:
            return None
        return self._children[index], message

    def _hang_up(self) -> None:
        for child in self._children:
            child.link.hang_up()
