"""Who offers a phase's load: how many generators, what each may have open, and the fleet that they make.

Two kinds, `LocalCrew` here and `dask_crew.DaskCrew`; whoever carries a load knows no difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from pytest_syncload.load.fleet import Fleet
from pytest_syncload.load.limits import Cap, in_flight_cap
from pytest_syncload.load.local import local_fleet

#: Wall seconds between "all ready" and the first arrival, so that the start reaches every process before it is due.
LEAD_SECONDS = 0.3


class Crew(Protocol):
    """Generators to be; a context manager, whose end is theirs."""

    @property
    def generators(self) -> int:
        """How many there are."""
        ...

    @property
    def lead_s(self) -> float:
        """Seconds before the first arrival, so that the start reaches every generator before it is due."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def cap(self, rate_per_s: float, timeout_s: float) -> Cap:
        """What each generator may have in flight of a rate that all of them share."""
        ...

    def fleet(self, jobs: Sequence[str]) -> Fleet:
        """The generators, told their jobs. Raises `PhaseInvalid` where one cannot be."""
        ...

    def ready(self) -> None:
        """All generators are, and are about to be told when to start. Raises `PhaseInvalid` where they cannot."""
        ...

    def parted(self) -> tuple[str, ...]:
        """Of each generator whose clock and this one's may have parted during the load, why. Takes seconds."""
        ...


class LocalCrew:
    """Processes of this machine, all with one clock. They hold ``lock`` until the last one ends."""

    lead_s = LEAD_SECONDS

    def __init__(self, generators: int, command: Sequence[str], lock: int) -> None:
        self.generators = generators
        self._command = command
        self._lock = lock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def cap(self, rate_per_s: float, timeout_s: float) -> Cap:
        """All of them share this machine's ports."""
        return in_flight_cap(rate_per_s, timeout_s, self.generators)

    def fleet(self, jobs: Sequence[str]) -> Fleet:
        """A process for each."""
        return local_fleet(self._command, jobs, pass_fds=[self._lock])

    def ready(self) -> None:
        """Nothing has changed."""

    def parted(self) -> tuple[str, ...]:
        """All processes of a machine have one monotonic clock."""
        return ()
