"""On a worker of a Dask cluster: one generator process, and its lines carried to the client and back.

The load never runs in the worker itself, whose interpreter has a scheduler and a nanny to answer. The generator's lines
go out as Dask's events; what the client says comes in by `hear`, which it has every worker run.
"""

from __future__ import annotations

import hashlib
import platform
import queue
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from distributed import get_worker

import pytest_syncload
from pytest_syncload.load.fleet import FAREWELL_SECONDS, Inbox
from pytest_syncload.load.limits import Machine, this_machine
from pytest_syncload.load.local import Process

#: Without a word of the client for so long, it is gone. Its generator, which is told as little, stops sooner.
FORSAKEN_SECONDS = 8.0
_TICK_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """A worker, as it tells of itself."""

    python: str
    plugin: str
    #: Of the plugin's own files: two installations of one version may differ.
    digest: str
    host: str
    machine: Machine
    #: By which address it speaks with its scheduler, which its jobs come from.
    scheduler: str = ""


@dataclass(slots=True)
class _Courier:
    process: Process
    heard_at: float
    hung_up_at: float | None = None

    def hang_up(self) -> None:
        self.process.hang_up()
        self.hung_up_at = self.hung_up_at or time.monotonic()


#: The generators of this process, by key.
_COURIERS: dict[str, _Courier] = {}
_LOCK = threading.Lock()


def about(dask_worker: Any = None) -> About:
    """What must fit before load. ``dask_worker`` is given by Dask: the worker that is asked."""
    return About(
        scheduler="" if dask_worker is None else str(dask_worker.scheduler.address),
        python=platform.python_version(),
        plugin=version("pytest-syncload"),
        digest=digest_of_the_plugin(),
        host=socket.gethostname(),
        machine=this_machine(),
    )


def digest_of_the_plugin() -> str:
    """Of every file of Python in it, by path and content."""
    whole, folder = hashlib.sha256(), Path(pytest_syncload.__file__).parent
    for file in sorted(folder.rglob("*.py")):
        whole.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes() + b"\0")
    return whole.hexdigest()


def carry(topic: str, key: str, index: int, job: str) -> None:
    """The task: a generator told ``job``, its words logged under ``topic`` as (index, message), until it has ended.

    The last of them is ``ended``, with its last words.
    """
    worker = get_worker()
    inbox: Inbox = Inbox()
    try:
        courier = _Courier(Process(index, [sys.executable, "-m", "pytest_syncload.generator"], inbox), time.monotonic())
    except OSError as error:
        worker.log_event(topic, [index, {"error": f"it could not be started: {error}"}])
        return
    with _LOCK:
        _COURIERS[key] = courier
    try:
        courier.process.write(job)
        while True:
            try:
                _, message = inbox.get(timeout=_TICK_SECONDS)
            except queue.Empty:
                if _is_over(courier):
                    break
                continue
            if message is None:
                break
            worker.log_event(topic, [index, message])
        courier.process.leave(1.0)
        worker.log_event(topic, [index, {"ended": courier.process.last_words()}])
    finally:
        with _LOCK:
            _COURIERS.pop(key, None)
        courier.process.leave(0.0)


def hear(key: str, lines: Sequence[str] | None) -> None:
    """What the client says to the generator of this key; None: nothing more. Empty lines keep it alive."""
    with _LOCK:
        courier = _COURIERS.get(key)
    if courier is None:
        return
    courier.heard_at = time.monotonic()
    if lines is None:
        courier.hang_up()
        return
    for line in lines:
        courier.process.write(line)


def _is_over(courier: _Courier) -> bool:
    """Whether a generator that was told to stop has not done so, or nobody is there to tell it."""
    now = time.monotonic()
    if courier.hung_up_at is None and now - courier.heard_at > FORSAKEN_SECONDS:
        courier.hang_up()
    return courier.hung_up_at is not None and now - courier.hung_up_at > FAREWELL_SECONDS
