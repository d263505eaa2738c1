"""The parent's side of the generator processes: start them together, follow them, stop them within a second.

Load always runs in children, even one: garbage collection, event loop, signals and secrets stay out of pytest. A child
is told its job over its stdin, and the end of that pipe tells it to stop. Nothing here knows what a job says.
"""

from __future__ import annotations

import json
import queue
import re
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_syncload.facts.errors import PhaseInvalid

#: How long a child may take to import and say something, and then between two words of how its users' sign-in goes on.
READY_SECONDS = 120.0
#: How long a stopped child may take to hand over what it measured; load itself has ended within a second.
FAREWELL_SECONDS = 3.0
#: A running child speaks every second; one that is silent for this long is lost.
SILENCE_SECONDS = 5.0
_TICK_SECONDS = 0.1
#: What a child's last words may carry and nobody may read: an API key in a URL, a token, a proxy's password.
_SECRETS = re.compile(
    r"(?<=key=)[^&\s'\"]+|(?<=//)[^\s/@]+(?=@)|[^\s/@:'\"]+:[^\s/@'\"]+(?=@)|eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"
)


@dataclass(slots=True)
class _Child:
    index: int
    process: subprocess.Popen[str]
    heard_at: float
    report: dict[str, Any] | None = None
    lost: str | None = None
    stderr: list[str] = field(default_factory=list)
    overhearing: threading.Thread | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fared:
    """How the children ended: final reports by index, what became of the lost ones, and who else stopped them."""

    reports: tuple[dict[str, Any], ...]
    lost: tuple[str, ...]
    stopped: str | None


class Fleet:
    """Child processes running ``command``, one for each of ``jobs`` (one line of JSON each).

    Use as a context manager: leaving it ends every child.
    """

    def __init__(self, command: Sequence[str], jobs: Sequence[str], *, pass_fds: Sequence[int] = ()) -> None:
        self._inbox: queue.Queue[tuple[_Child, dict[str, Any] | None]] = queue.Queue()
        self._children: list[_Child] = []
        try:
            for index, job in enumerate(jobs):
                self._start(index, command, job, pass_fds)
        except OSError as error:
            # The ones that run hold the phase's lock; leaving them would stop every later phase.
            self.__exit__()
            raise PhaseInvalid(f"generator {len(self._children)} could not be started: {error}") from None

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()
        deadline = time.monotonic() + FAREWELL_SECONDS
        for child in self._children:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()

    def _start(self, index: int, command: Sequence[str], job: str, pass_fds: Sequence[int]) -> None:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            pass_fds=tuple(pass_fds),
            # Ctrl-C goes to the terminal's process group; the children hear of it from us, once.
            start_new_session=True,
        )
        child = _Child(index, process, time.monotonic())
        self._children.append(child)
        threading.Thread(target=self._listen, args=(child,), daemon=True).start()
        child.overhearing = threading.Thread(target=self._overhear, args=(child,), daemon=True)
        child.overhearing.start()
        self._say(child, job)

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
                raise PhaseInvalid(f"generator {child.index} ended before it was ready: {self._last_words(child)}")
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
        start: dict[str, Any],
        on_snapshot: Callable[[dict[str, Any]], None],
        keep_going: Callable[[], str | None],
    ) -> Fared:
        """Start all together and follow them to their ends.

        A lost child, one that gave up, or a word from ``keep_going`` stops all.
        """
        now = time.monotonic()
        for child in self._children:
            child.heard_at = max(now, float(start["start_at"]))
            self._say(child, json.dumps(start))
        stopped: str | None = None
        stop_by: float | None = None
        while any(child.report is None and child.lost is None for child in self._children):
            received = self._receive()
            now = time.monotonic()
            if received is not None:
                self._take_in(*received, on_snapshot)
            self._notice_silence(now)
            if stop_by is None:
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
                child.lost = f"generator {child.index} was lost: {self._last_words(child)}"
        elif "snapshot" in message:
            on_snapshot(message["snapshot"])
        elif "report" in message:
            child.report = message["report"]
        elif "error" in message:
            child.lost = f"generator {child.index} failed: {message['error']}"

    def _notice_silence(self, now: float) -> None:
        for child in self._children:
            if child.report is None and child.lost is None and now - child.heard_at > SILENCE_SECONDS:
                child.lost = f"generator {child.index} was silent for {SILENCE_SECONDS:.0f} s and is lost"
                child.process.kill()

    def _receive(self) -> tuple[_Child, dict[str, Any] | None] | None:
        try:
            return self._inbox.get(timeout=_TICK_SECONDS)
        except queue.Empty:
            return None

    def _listen(self, child: _Child) -> None:
        assert child.process.stdout is not None
        with child.process.stdout as stdout:
            for line in stdout:
                try:
                    message = json.loads(line)
                except ValueError:
                    continue  # a torn last line of a killed child
                if not isinstance(message, dict):
                    continue  # not ours: a library's print
                self._inbox.put((child, message))
        self._inbox.put((child, None))

    def _overhear(self, child: _Child) -> None:
        assert child.process.stderr is not None
        with child.process.stderr as stderr:
            for line in stderr:
                child.stderr = [*child.stderr[-9:], line.rstrip()]

    def _last_words(self, child: _Child) -> str:
        try:
            code = child.process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "it closed its output"
        if child.overhearing is not None:
            child.overhearing.join(1.0)
        said = _SECRETS.sub("<secret>", child.stderr[-1]) if child.stderr else "it said nothing"
        return f"exit code {code}, {said}"

    def _say(self, child: _Child, line: str) -> None:
        assert child.process.stdin is not None
        try:
            child.process.stdin.write(line + "\n")
            child.process.stdin.flush()
        except (BrokenPipeError, ValueError):
            # Either means that it has ended, which `_listen` reports with its last words.
            pass

    def _hang_up(self) -> None:
        for child in self._children:
            assert child.process.stdin is not None
            try:
                child.process.stdin.close()
            except BrokenPipeError:
                pass
