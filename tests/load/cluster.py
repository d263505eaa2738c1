"""A Dask scheduler and its workers, each a process of its own, on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self


class Processes:
    """A context manager. ``address`` is the scheduler's, ``workers`` are the workers' processes. With ``tls``, which
    are variables of Dask's settings, they speak TLS."""

    def __init__(self, folder: Path, workers: int, *, tls: Mapping[str, str] | None = None) -> None:
        self._file = folder / "scheduler.json"
        self._wanted = workers
        self._tls = tls or {}
        self._log = folder / "dask.log"
        self.scheduler: subprocess.Popen[bytes]
        self.workers: list[subprocess.Popen[bytes]] = []
        self.address = ""

    def __enter__(self) -> Self:
        try:
            self.start_scheduler()
            self.workers = [self.start_worker() for _ in range(self._wanted)]
            self._wait_for("Register worker", self._wanted)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        every = [*self.workers, *([self.scheduler] if hasattr(self, "scheduler") else [])]
        for process in every:
            process.kill()
        for process in every:
            process.wait(20)

    def start_scheduler(self, port: int = 0) -> None:
        """It says where it is in a file."""
        self._file.unlink(missing_ok=True)
        where = ["--protocol", "tls"] if self._tls else []
        options = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--scheduler-file", str(self._file)]
        self.scheduler = self._start("scheduler", [*options, *where])
        self.address = str(self._announced()["address"])

    def start_worker(self) -> subprocess.Popen[bytes]:
        """One without a nanny: what is killed stays so."""
        where = ["--protocol", "tls"] if self._tls else []
        plain = [self.address, "--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1"]
        return self._start("worker", [*plain, *where])

    def freeze(self, number: int) -> None:
        """Until `thaw`."""
        self.workers[number].send_signal(signal.SIGSTOP)

    def thaw(self, number: int) -> None:
        """It goes on."""
        self.workers[number].send_signal(signal.SIGCONT)

    def _start(self, what: str, options: Sequence[str]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *options]
        environ = {**os.environ, **self._tls, "PYTHONWARNINGS": "ignore"}
        with self._log.open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env=environ)

    def _wait_for(self, words: str, times: int) -> None:
        """Until the scheduler's log has them so often: a busy machine starts processes slowly."""
        until = time.monotonic() + 120
        while self._log.read_text("utf-8").count(words) < times:
            if time.monotonic() > until:
                raise TimeoutError(f"not {times} workers: {self._log.read_text('utf-8')[-2000:]}")
            time.sleep(0.1)

    def _announced(self) -> dict[str, Any]:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                found: dict[str, Any] = json.loads(self._file.read_text("utf-8"))
            except (FileNotFoundError, ValueError):
                time.sleep(0.05)
            else:
                return found
        raise TimeoutError(f"the scheduler said nothing: {self._log.read_text('utf-8')[-2000:]}")
