"""What the parent makes of its generators' snapshots while a load runs: told, kept, and held against the abort rule."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.events import Listener, PhaseProgress
from pytest_syncload.facts.plan import Phase
from pytest_syncload.facts.result import Figure
from pytest_syncload.load.abort import tripped
from pytest_syncload.load.snapshot import Merged, Snapshot


class Following:
    """One phase's snapshots, from its start (monotonic) on. ``wall_s`` is how long it lasts at most, and
    ``intended(second)`` how many arrivals are due in a second. ``not_measured`` are figures that its engine cannot say.
    """

    def __init__(
        self,
        phase: Phase,
        folder: RunFolder,
        listen: Listener,
        *,
        start_at: float,
        wall_s: float,
        intended: Callable[[int], float],
        not_measured: Collection[Figure] = (),
    ) -> None:
        self.merged = Merged(not_measured)
        self._not_measured = frozenset(not_measured)
        #: Why load must stop by the phase's own rule.
        self.aborted: str | None = None
        self._phase = phase
        self._folder = folder
        self._listen = listen
        self._start_at = start_at
        self._wall_s = wall_s
        self._intended = intended
        self._shown = self._kept = -1
        self._unkept: str | None = None

    @property
    def elapsed_s(self) -> float:
        """Wall seconds since the start."""
        return time.monotonic() - self._start_at

    @property
    def stop(self) -> str | None:
        """Why load must not go on, None while it may."""
        return self._unkept or self.aborted

    def take(self, data: dict[str, Any]) -> None:
        """A generator's snapshot."""
        self.merged.add(Snapshot.from_json(data))
        elapsed_s = self.elapsed_s
        last = self.merged.last_second_before(int(elapsed_s) - 1)
        if last is not None and last > self._shown:
            self._shown = last
            self._listen(
                PhaseProgress(
                    phase=self._phase.name,
                    second=self.merged.second(last),
                    intended=self._intended(last),
                    lag_p99_ms=self.merged.last_lag.percentile(99),
                    elapsed_s=elapsed_s,
                    wall_s=self._wall_s,
                    not_measured=self._not_measured,
                )
            )
        self._keep(elapsed_s)
        if self._phase.abort is not None and self.aborted is None:
            self.aborted = tripped(self._phase.abort, self.merged.tallies(), elapsed_s)

    def _keep(self, elapsed_s: float) -> None:
        # A second late, when every generator has told of it.
        whole = self.merged.last_second_before(int(elapsed_s) - 1)
        if whole is None or whole <= self._kept or self._unkept is not None:
            return
        try:
            self._folder.keep_seconds(self._phase.name, self.merged.timeline(self._kept, whole))
        except Refused as error:
            self._unkept = str(error)  # load that nobody can keep is stopped
        self._kept = whole
