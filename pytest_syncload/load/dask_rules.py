"""What must be true of a Dask cluster before its workers are told anything, pure; and making one that is not there."""

from __future__ import annotations

import importlib
import ipaddress
import platform
from collections.abc import Sequence
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


def require_tls(addresses: Sequence[str]) -> None:
    """Raise `PhaseInvalid` where anything would leave this machine in clear."""
    for address in addresses:
        if urlsplit(address).scheme != "tls" and not is_loopback(host_of(address)):
            raise PhaseInvalid(
                f"{address} is no tls:// address, and what a generator is told holds secrets; nothing was sent. Give "
                "scheduler, workers and this process a certificate (distributed.comm.tls, distributed.comm.require-"
                "encryption)"
            )


def require_alike(workers: Sequence[str], told: Sequence[About]) -> None:
    """Raise `PhaseInvalid` where a worker's Python or plugin is another one than this process's."""
    python, plugin = platform.python_version_tuple()[:2], version("pytest-syncload")
    for worker, about in zip(workers, told, strict=True):
        other = []
        if about.python.split(".")[:2] != list(python):
            other.append(f"Python {about.python}, and here is {platform.python_version()}")
        if about.plugin != plugin:
            other.append(f"pytest-syncload {about.plugin}, and here is {plugin}")
        if other:
            raise PhaseInvalid(f"worker {worker} has {'; '.join(other)}; make them alike; nothing was sent")


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
    try:
        cluster = kind(**plan.cluster_kwargs)
        cluster.scale(plan.workers)
    except Exception as error:  # noqa: BLE001 - a cluster's class may raise anything
        raise PhaseInvalid(f"{path} could not be made: {said(error)}; nothing was sent") from None
    return cluster


def said(error: BaseException) -> str:
    """Its kind and first line, without secrets."""
    return without_secrets(f"{type(error).__name__}: {error}".splitlines()[0])
