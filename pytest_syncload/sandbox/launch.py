"""The parent's side of the sandbox: start it, learn its addresses, let it go. Imports neither boto3 nor uvicorn.

The supervisor (`python -m pytest_syncload.sandbox`) reads one JSON line {"faults", "capacities", "clock", "log"} on
stdin and prints one line, the announcement, when both of its children answer. It lives until its stdin ends, so it
cannot outlive this process, however this process goes.
"""

from __future__ import annotations

import dataclasses
import json
import select
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import AwsAccess, Environment, Firebase, Resources, SandboxSettings
from pytest_syncload.sandbox.processes import start

_SUPERVISOR = "pytest_syncload.sandbox"
#: It takes about a second; a loaded CI machine may need many.
_READY_WITHIN_S = 30.0
_CLOSED_WITHIN_S = 2.0
_TAIL = 1_500


class Sandbox:
    """A running sandbox. ``announcement`` is plain JSON: another process of the run rebuilds addresses from it."""

    def __init__(self, process: subprocess.Popen[bytes], announcement: dict[str, Any]) -> None:
        self._process = process
        self.announcement = announcement

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._process.pid

    def fill(self, environment: Environment) -> Environment:
        """``environment`` with this sandbox's addresses, keys and resources."""
        return fill_from(environment, self.announcement)

    def close(self) -> None:
        """End the sandbox: within two seconds by its stdin, else by force. Calling it again does nothing."""
        _end(self._process)

    def __repr__(self) -> str:
        state = "ended" if self._process.poll() is not None else "running"
        return f"<Sandbox {self.announcement['base_url']} pid {self.pid} {state}>"


def launch(settings: SandboxSettings, clock: ServiceClock, log: Path | None) -> Sandbox:
    """Start a sandbox that lives in ``clock``'s service time; ``log`` gets a JSON line a service minute.

    Raises:
        Refused: it did not come up; the message holds the end of what it said on stderr.
    """
    asked = {
        "faults": dataclasses.asdict(settings.faults),
        "capacities": dataclasses.asdict(settings.capacities),
        "clock": {"origin": clock.origin, "monotonic_origin": clock.monotonic_origin, "speed": clock.speed},
        "log": None if log is None else str(log.resolve()),
    }
    with tempfile.TemporaryFile() as said:
        process = start(_SUPERVISOR, stderr=said)
        try:
            return Sandbox(process, _announced(process, asked))
        except (OSError, ValueError, TimeoutError) as error:
            _end(process)
            raise Refused(
                f"the embedded sandbox did not start ({error}); it said:\n{_tail(said)}\n"
                "Check that this Python can import pytest_syncload, and that 127.0.0.1 can be listened on"
            ) from None
        except BaseException:
            _end(process)
            raise


def fill_from(environment: Environment, announcement: Mapping[str, Any]) -> Environment:
    """``environment`` with the addresses and keys that a sandbox announced.

    It keeps its own resources where slo.yaml lists some, and is asked in the region that slo.yaml gives it: either may
    be wrong, and must then be found out as in a real environment.
    """
    resources = announcement["resources"]
    settings = environment.sandbox or SandboxSettings(region=announcement["aws"]["region"])
    announced = Resources(
        rest_api=resources["rest_api"],
        stage=resources["stage"],
        tables={table: tuple(indexes) for table, indexes in resources["tables"].items()},
        queue=resources["queue"],
        ecs_cluster=resources["ecs"]["cluster"],
        ecs_service=resources["ecs"]["service"],
        cache=tuple(resources["cache"]),
    )
    return dataclasses.replace(
        environment,
        base_url=announcement["base_url"],
        aws=AwsAccess(**{**announcement["aws"], "region": settings.region}),
        firebase=Firebase(**announcement["firebase"], users=settings.users),
        resources=announced if environment.resources is None else environment.resources,
    )


def _announced(process: subprocess.Popen[bytes], asked: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(asked).encode() + b"\n")
    process.stdin.flush()
    line = bytearray()
    deadline = time.monotonic() + _READY_WITHIN_S
    while not line.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise TimeoutError(f"not ready within {_READY_WITHIN_S:.0f} s")
        chunk = process.stdout.read1(65_536)  # type: ignore[attr-defined]
        if not chunk:
            raise ValueError(f"it ended with {process.wait(_CLOSED_WITHIN_S)}")
        line += chunk
    announcement: dict[str, Any] = json.loads(line)
    return announcement


def _tail(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read()[-_TAIL:].decode("utf-8", "replace").strip()


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                pass
    try:
        process.wait(_CLOSED_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
