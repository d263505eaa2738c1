"""How the sandbox's processes are started and how they end: with the pipe on their stdin, whatever kills the writer.

A child must never outlive its parent, see the user's AWS or proxy variables, or hear the terminal's Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from pytest_syncload.facts.capacity import Capacities, Recovery
from pytest_syncload.facts.idempotency import KeyRule
from pytest_syncload.facts.plan import Faults

#: What a child may see. COVERAGE_* lets coverage measure it; everything else of the user's stays outside.
_KEPT = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "TMPDIR", "LANG", "LC_ALL", "SYSTEMROOT")


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of ``environ`` that a sandbox process needs: no AWS_*, no proxies, no PYTHONWARNINGS."""
    kept = {name: value for name, value in environ.items() if name in _KEPT or name.startswith("COVERAGE_")}
    return kept | {"PYTHONUNBUFFERED": "1"}


def start(module: str, *, stderr: int | IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    """Start ``python -m module`` in a session of its own, stdin and stdout as pipes.

    ``-P`` keeps the working directory out of the child's import path: a user's jwt.py there must not become ours.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=clean_environment(os.environ),
        start_new_session=True,
    )


def end_with_stdin(at_end: Callable[[], None] = lambda: None, on_line: Callable[[bytes], None] | None = None) -> None:
    """End this process as soon as its stdin reaches EOF, after ``at_end``; ignore SIGINT until then.

    Each whole line that comes before is given to ``on_line``, without its end, in the thread that watches stdin.
    os._exit, because an event loop or a client's thread must not be able to hold the process back.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        status = 1
        try:
            for line in _lines():
                if on_line is not None:
                    on_line(line)
            status = 0
            at_end()
        except Exception:  # noqa: BLE001  # a process border: one that cannot hear its parent any more must not live on
            traceback.print_exc()
        finally:
            os._exit(status)

    threading.Thread(target=watch, name="stdin", daemon=True).start()


def _lines() -> Iterator[bytes]:
    """The lines on stdin until EOF; what stands after the last line end is dropped."""
    held = b""
    while chunk := os.read(0, 65_536):
        *lines, held = (held + chunk).split(b"\n")
        yield from lines


def read_line() -> bytes:
    """The first line on this process's stdin, byte by byte: a buffered reader would swallow what comes after it."""
    line = bytearray()
    while byte := os.read(0, 1):
        if byte == b"\n":
            break
        line += byte
    return bytes(line)


def say(line: bytes) -> None:
    """Write one line on this process's stdout. A reader that is gone is no error: the end is near then."""
    try:
        os.write(1, line + b"\n")
    except BrokenPipeError:
        pass


def faults_from(given: Mapping[str, Any]) -> Faults:
    """`Faults` as they were before they came as JSON, which has no tuples and no enumerations."""
    members: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
    }
    rule = members.get("idempotency")
    return Faults(**members | {"idempotency": None if rule is None else KeyRule(rule)})


def capacities_from(given: Mapping[str, Any]) -> Capacities:
    """`Capacities` as they were before they came as JSON."""
    recovery = given.get("recovery")
    return Capacities(**{**given, "recovery": None if recovery is None else Recovery(**recovery)})
