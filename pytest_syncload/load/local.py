"""Generators as child processes of this one, and the way to them: their stdin and stdout.

Load always runs in children, even one: garbage collection, event loop, signals and secrets stay out of pytest. The end
of its stdin tells a child to stop.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_syncload.facts.errors import PhaseInvalid
from pytest_syncload.load.fleet import FAREWELL_SECONDS, Fleet, Inbox

#: What a child's last words may carry and nobody may read: an API key in a URL, a token, a proxy's password.
_SECRETS = re.compile(
    r"(?<=key=)[^&\s'\"]+|(?<=//)[^\s/@]+(?=@)|[^\s/@:'\"]+:[^\s/@'\"]+(?=@)|eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"
)


def local_fleet(command: Sequence[str], jobs: Sequence[str], *, pass_fds: Sequence[int] = ()) -> Fleet:
    """Processes running ``command``, one for each of ``jobs`` (one line of JSON each).

    Raises:
        PhaseInvalid: one could not be started; none is left behind.
    """
    inbox: Inbox = Inbox()
    children: list[Process] = []
    try:
        for index, job in enumerate(jobs):
            children.append(Process(index, command, inbox, pass_fds))
            children[-1].write(job)
    except OSError as error:
        # The ones that run hold the phase's lock; leaving them would stop every later phase.
        for child in children:
            child.hang_up()
        for child in children:
            child.leave(FAREWELL_SECONDS)
        raise PhaseInvalid(f"generator {len(children)} could not be started: {error}") from None
    return Fleet(children, inbox)


def without_secrets(line: str) -> str:
    """A line that somebody else wrote, as it may be shown."""
    return _SECRETS.sub("<secret>", line)


class Process:
    """One child and the threads that listen to it. Raises OSError where it cannot be started."""

    def __init__(self, index: int, command: Sequence[str], inbox: Inbox, pass_fds: Sequence[int] = ()) -> None:
        self._index = index
        self._inbox = inbox
        self._stderr: list[str] = []
        self._process = subprocess.Popen(
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
        threading.Thread(target=self._listen, daemon=True).start()
        self._overhearing = threading.Thread(target=self._overhear, daemon=True)
        self._overhearing.start()

    def say(self, message: Mapping[str, Any]) -> None:
        """One line of JSON."""
        self.write(json.dumps(message))

    def write(self, line: str) -> None:
        """One line."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            # Either means that it has ended, which `_listen` reports.
            pass

    def start(self, at: float) -> None:
        """All processes of a machine have one monotonic clock."""
        self.say({"start_at": at})

    def attend(self) -> None:
        """It ends with this process, by its stdin and the controller's lock."""

    def hang_up(self) -> None:
        """End its stdin."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass

    def give_up(self) -> str:
        """Kill it."""
        self._process.kill()
        return ""

    def leave(self, seconds: float) -> None:
        """Wait for its end, and then kill it."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        """Its exit code, and the end of what it said on stderr."""
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "it closed its output"
        self._overhearing.join(1.0)
        said = without_secrets(self._stderr[-1]) if self._stderr else "it said nothing"
        return f"exit code {code}, {said}"

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stdout:
            for line in stdout:
                try:
                    message = json.loads(line)
                except ValueError:
                    continue  # a torn last line of a killed child
                if not isinstance(message, dict):
                    continue  # not ours: a library's print
                self._inbox.put((self._index, message))
        self._inbox.put((self._index, None))

    def _overhear(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stderr:
            for line in stderr:
                self._stderr = [*self._stderr[-9:], line.rstrip()]
