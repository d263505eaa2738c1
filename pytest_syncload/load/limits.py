"""How many requests may be open at once, and why: a bound with a name, so that a full one can be explained."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from pathlib import Path

#: Descriptors that the process needs for itself.
_RESERVED_FILES = 64
_PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
#: Linux's default range has 28,232 ports; assumed where the system does not say.
_PORTS_WHERE_UNKNOWN = 28_000


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine lets one process, and all of them together, have open. ``files`` None: as many as one likes."""

    files: int | None
    ports: int


@dataclass(frozen=True, slots=True)
class Cap:
    """At most ``value`` requests in flight in one generator, because of ``reason``."""

    value: int
    reason: str


def raise_file_limit() -> int:
    """Raise this process's open-file limit as far as it may; gives the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):
            return soft  # macOS refuses what it calls unlimited; the soft limit stands
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def in_flight_cap(
    rate_per_s: float, timeout_s: float, shards: int, *, on: Machine | None = None, sharing: int | None = None
) -> Cap:
    """The cap of each of ``shards`` generators that share ``rate_per_s``, ``sharing`` of them (None: all) the machine
    ``on`` (None: this one)."""
    machine, sharing = on or this_machine(), sharing or shards
    candidates = [
        Cap(int(rate_per_s * timeout_s / shards) + 1, "rate × timeout: more cannot be open before they time out"),
        Cap(machine.ports // sharing, "ephemeral ports, shared by all generators"),
    ]
    if (files := machine.files) is not None:
        candidates.append(Cap(files - _RESERVED_FILES, f"open files (RLIMIT_NOFILE {files} less {_RESERVED_FILES})"))
    smallest = min(candidates, key=lambda cap: cap.value)
    return Cap(max(1, smallest.value), smallest.reason)


def this_machine() -> Machine:
    """What this one allows."""
    # The hard limit: each generator raises its own soft one to it before it starts.
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return Machine(files=None if files == resource.RLIM_INFINITY else files, ports=ephemeral_ports())


def ephemeral_ports() -> int:
    """How many connections to one address this machine can have."""
    try:
        low, high = map(int, _PORT_RANGE.read_text("ascii").split())
    except (OSError, ValueError):
        return _PORTS_WHERE_UNKNOWN
    return high - low + 1
