"""k6 as a process: started with nothing of this machine's settings, followed line by line, stopped within a second."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_syncload.facts.errors import Refused
from pytest_syncload.k6.log import Log
from pytest_syncload.k6.script import BASE_URL, GATE, KEY_PREFIX, PRIVATE, Script

#: What k6 is given of the environment: where programs and certificates are, and what Go itself heeds. Not K6_…, which
#: would change the load behind the script's back; no proxy, whose answers would be the target's; and no secret.
_PASSED_ON = (
    "PATH",
    "TMPDIR",
    "TZ",
    "LANG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GODEBUG",
    "GOGC",
    "GOMAXPROCS",
    "GOMEMLIMIT",
)
#: How long k6 may take to end once it was told to; after that it is killed.
STOP_WITHIN_S = 1.0
_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What k6 counted, its set-up included: requests, iterations that it dropped, checks that failed."""

    requests: int
    dropped: int
    wrong: int


class K6:
    """One `k6 run`. ``folder`` is private to it, and holds the script, its private file and k6's own summary."""

    def __init__(self, folder: Path, process: asyncio.subprocess.Process) -> None:
        self._folder = folder
        self._process = process

    @classmethod
    async def begin(
        cls,
        path: str,
        folder: Path,
        script: Script,
        private: str,
        settings: Mapping[str, str],
        environ: Mapping[str, str],
    ) -> K6:
        """Start it. ``settings`` are the script's variables besides the private file's. Raises `Refused`."""
        for name, text in (("script.js", script.text), ("private.json", private), ("config.json", "{}")):
            _write_privately(folder / name, text)
        given = {PRIVATE: str(folder / "private.json"), **settings}
        command = [path, "run", "--quiet", "--no-color", "--no-usage-report", "--address", ""]
        command += ["--config", str(folder / "config.json"), "--out", "json=-"]
        command += ["--summary-export", str(folder / "summary.json")]
        for name, value in given.items():
            command += ["--env", f"{name}={value}"]
        environment = {name: environ[name] for name in _PASSED_ON if name in environ}
        # Its home is the private folder, where no settings of the user's are; and it fetches no extension from anybody.
        environment |= {"HOME": str(folder), "K6_AUTO_EXTENSION_RESOLUTION": "false"}
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                str(folder / "script.js"),
                cwd=folder,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                # Not a file: where this process is killed, k6 has nobody to write to and ends (by SIGPIPE, as Go does).
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                # The phase's lock is handed on, so that it is free only once k6 is gone.
                close_fds=False,
            )
        except OSError as error:
            raise Refused(f"{path} could not be started: {error.strerror or error}; nothing was sent") from None
        return cls(folder, process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code, a signal's number below zero; None while it runs."""
        return self._process.returncode

    def forget_secrets(self) -> None:
        """Remove the private file: every virtual user has read it by now."""
        with suppress(FileNotFoundError):
            (self._folder / "private.json").unlink()

    async def read(self, take: Callable[[bytes], object]) -> None:
        """Hand over every line that it prints, until it ends."""
        assert self._process.stdout is not None
        rest = b""
        while chunk := await self._process.stdout.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                take(line)
        if rest:
            take(rest)

    async def overhear(self, log: Log) -> None:
        """Keep what it says of itself, until it ends."""
        assert self._process.stderr is not None
        rest = b""
        while chunk := await self._process.stderr.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                log.take(line.decode("utf-8", "replace"))
        log.take(rest.decode("utf-8", "replace"))

    async def wait(self) -> int:
        """Until it has ended; gives its code."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Tell it to end, and have it ended where it does not. Does nothing once it has."""
        if self.code is not None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(self._process.wait(), STOP_WITHIN_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def totals(self) -> Totals | None:
        """What k6 itself has counted, from its summary; None where it wrote none."""
        try:
            data: dict[str, Any] = json.loads((self._folder / "summary.json").read_text("utf-8"))
            # A metric of which there was nothing is not there.
            metrics = {"dropped_iterations": {"count": 0}, "checks": {"fails": 0}} | data["metrics"]
            return Totals(
                requests=int(metrics["http_reqs"]["count"]),
                dropped=int(metrics["dropped_iterations"]["count"]),
                wrong=int(metrics["checks"]["fails"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None


def settings_of(base_url: str, key_prefix: str, gate: str) -> dict[str, str]:
    """The script's variables besides its private file's."""
    return {BASE_URL: base_url, KEY_PREFIX: key_prefix, GATE: gate}


def _write_privately(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
