"""One client's run, seen from outside: its CPU from /proc and its requests from the server's own counter.

Between two looks in the middle of the run, so that neither start-up nor connecting nor the end counts. Nothing that a
client says enters the figures of throughput and CPU; where it claims more than the server had, that is told.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine.told import Parser, Told

#: From the first request that the server sees to the first look: connections are open, a JIT has warmed.
SETTLE_S = 0.5
#: What a client runs on after the second look.
AFTER_S = 0.3
_START_S = 30.0
_END_S = 45.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """``rate_per_s`` and ``cpu_us`` a request are of the window; ``served`` is all that the server had of this client.

    ``others_percent`` of the client's core went to somebody else: where that is much, its throughput says little.
    """

    rate_per_s: float
    cpu_us: float
    cpu_percent: float
    others_percent: float
    served: int
    told: Told

    @property
    def never_had(self) -> int:
        """Requests that the client claims and the server never had."""
        return max(0, (self.told.requests or 0) - self.served)


class Failed(Exception):
    """A client did not come through; the message says why, the rest of the benchmark goes on."""


def run_client(
    command: Sequence[str],
    *,
    environ: Mapping[str, str],
    core: int,
    served: Callable[[], int],
    seconds: float,
    parse: Parser,
    folder: Path,
) -> Run:
    """Run one client on one core and look at it for ``seconds``. Raises Failed."""
    before = served()
    output, errors = folder / "stdout", folder / "stderr"
    with output.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            stdout=out,
            stderr=err,
            stdin=subprocess.DEVNULL,
            env=dict(environ),
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )
        try:
            _await_first(process, served, before)
            time.sleep(SETTLE_S)
            first = (time.monotonic(), served(), cpu_seconds(process.pid), core_seconds(core))
            time.sleep(seconds)
            last = (time.monotonic(), served(), cpu_seconds(process.pid), core_seconds(core))
            code = process.wait(_END_S)
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            raise Failed(f"{error}; it said {_tail(errors) or _tail(output)}") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if code:
        raise Failed(f"ended with {code}; it said {_tail(errors) or _tail(output)}")
    wall, requests, cpu, busy = (b - a for a, b in zip(first, last, strict=True))
    if requests <= 0:
        raise Failed("the server had no request of it in the window")
    try:
        told = parse(output.read_text("utf-8", "replace"))
    except (ValueError, KeyError, TypeError) as error:
        raise Failed(f"its output is not as expected: {error}") from error
    return Run(
        rate_per_s=requests / wall,
        cpu_us=cpu / requests * 1e6,
        cpu_percent=100 * cpu / wall,
        others_percent=max(0.0, 100 * (busy - cpu) / wall),
        served=served() - before,
        told=told,
    )


def _await_first(process: subprocess.Popen[bytes], served: Callable[[], int], before: int) -> None:
    deadline = time.monotonic() + _START_S
    while served() <= before:
        if process.poll() is not None:
            raise TimeoutError(f"ended with {process.returncode} before its first request")
        if time.monotonic() > deadline:
            raise TimeoutError(f"no request within {_START_S:g} s")
        time.sleep(0.05)


def cpu_seconds(pid: int) -> float:
    """CPU of a process, all its threads and all its descendants, to the nanosecond where the kernel keeps schedstat.

    A thread or child that has ended no longer counts; none of the clients ends one in the middle of a run.
    """
    return sum(_own_cpu(each) for each in [pid, *descendants(pid)])


def descendants(pid: int) -> list[int]:
    """Children and theirs, now."""
    found: list[int] = []
    for task in _tasks(pid):
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text("ascii").split():
                found += [int(child), *descendants(int(child))]
    return found


def core_seconds(core: int) -> float:
    """Seconds that a core has been busy with anything, or was taken by the host, to a hundredth (proc(5), stat)."""
    for line in Path("/proc/stat").read_text("ascii").splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _waiting, irq, softirq, stolen = map(int, ticks[:8])
            return (user + nice + system + irq + softirq + stolen) / os.sysconf("SC_CLK_TCK")
    raise ValueError(f"/proc/stat knows no core {core}")


def _own_cpu(pid: int) -> float:
    total = 0
    for task in _tasks(pid):
        try:
            total += int((task / "schedstat").read_text("ascii").split()[0])
        except FileNotFoundError:  # a thread that has just ended
            continue
    return total / 1e9


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except FileNotFoundError:
        return []


def _tail(path: Path) -> str:
    lines = path.read_text("utf-8", "replace").strip().splitlines()
    return " / ".join(lines[-3:])[-300:]
