"""What must be true of a Dask cluster before its workers are told anything, pure; and making one that is not there."""

from __future__ import annotations

import importlib
import ipaddress
import platform
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_syncload.facts.dask import DaskCluster
from pytest_syncload.facts.errors import PhaseInvalid
from pytest_syncload.load.local import without_secrets

if TYPE_CHECKING:
    from pytest_syncload.load.courier import About

#: A clock that is known no better than this shifts a generator's part of the schedule against the others' by as much.
OFFSET_WITHIN_S = 0.25
#: Two monotonic clocks may part by this much over a phase.
PARTED_S = 0.5


def require_tls(addresses: Sequence[str]) -> None:
    """Raise `PhaseInvalid` where anything would leave this machine in clear."""
    for address in addresses:
        if urlsplit(address).scheme != "tls" and not is_loopback(host_of(address)):
            raise PhaseInvalid(
                f"{address} is no tls:// address, and what a generator is told holds secrets; nothing was sent. Give "
                "scheduler, workers and this process a certificate (distributed.comm.tls, distributed.comm.require-"
                "encryption)"
            )


def require_alike(workers: Sequence[str], told: Sequence[About], digest: str) -> None:
    """Raise `PhaseInvalid` where a worker's Python or plugin is another one than this process's, of that ``digest``."""
    python, plugin = platform.python_version_tuple()[:2], version("pytest-syncload")
    for worker, about in zip(workers, told, strict=True):
        other = []
        if about.python.split(".")[:2] != list(python):
            other.append(f"Python {about.python}, and here is {platform.python_version()}")
        if about.plugin != plugin:
            other.append(f"pytest-syncload {about.plugin}, and here is {plugin}")
        elif about.digest != digest:
            other.append(f"other files in its pytest-syncload {plugin} than this process")
        if other:
            raise PhaseInvalid(f"worker {worker} has {'; '.join(other)}; make them alike; nothing was sent")


def parted(
    workers: Sequence[str], before: Sequence[tuple[float, float]], after: Sequence[tuple[float, float] | None]
) -> tuple[str, ...]:
    """Of each generator whose clock may have parted from this one's by more than drift explains, why."""
    found = []
    for index, (worker, (was, _), now) in enumerate(zip(workers, before, after, strict=True)):
        if now is None or now[1] > OFFSET_WITHIN_S:
            found.append(
                f"generator {index}: its worker {worker} did not tell its time when the load was over, so nobody knows "
                "whether its clock jumped; run the phase again"
            )
        elif abs(now[0] - was) > PARTED_S:
            found.append(
                f"generator {index}: the clock of its worker {worker} parted by {abs(now[0] - was):.1f} s during the "
                "phase; its part of the window cannot be trusted; run it again"
            )
    return tuple(found)


def require_known(workers: Sequence[str], offsets: Sequence[tuple[float, float]]) -> None:
    """Raise `PhaseInvalid` where a worker's clock is not known well enough for it to start with the others."""
    for worker, (_, within_s) in zip(workers, offsets, strict=True):
        if within_s > OFFSET_WITHIN_S:
            raise PhaseInvalid(
                f"worker {worker} answers in {2000 * within_s:.0f} ms at best, so when it starts is known within "
                f"{1000 * within_s:.0f} ms only, and {1000 * OFFSET_WITHIN_S:.0f} are the most; run pytest nearer to "
                "its cluster; nothing was sent"
            )


def host_of(address: str) -> str:
    """The host of a worker's or scheduler's address."""
    return urlsplit(address).hostname or ""


def is_loopback(host: str) -> bool:
    """Whether it is this machine by an address that no other has."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def made(plan: DaskCluster) -> Any:
    """The cluster, with as many workers as are wanted on their way. Raises `PhaseInvalid`."""
    path = plan.cluster_class or ""
    module, _, name = path.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise PhaseInvalid(f"cluster_class {path!r} cannot be imported: {error}; nothing was sent") from None
    cluster: Any = None
    try:
        cluster = kind(**plan.cluster_kwargs)
        cluster.scale(plan.workers)
    except BaseException as error:
        if cluster is not None:
            with suppress(Exception):  # it costs money while it stands
                cluster.close()
        if not isinstance(error, Exception):
            raise
        raise PhaseInvalid(f"{path} could not be made: {said(error)}; nothing was sent") from None
    return cluster


def said(error: BaseException) -> str:
    """Its kind and first line, without secrets."""
    return without_secrets(f"{type(error).__name__}: {error}".splitlines()[0])
