"""One generator's part of a phase, as it is told, and how it fared, as it tells. No line of the loop itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pytest_syncload.facts.idempotency import RuleCount
from pytest_syncload.facts.plan import Passage, RequestTemplate
from pytest_syncload.facts.result import GeneratorReport, Refreshes
from pytest_syncload.load.course import Legs
from pytest_syncload.load.pacer import Pacer


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One generator's part of a phase. Seconds count from the phase's start, on the wall.

    ``verify_percent`` of the arrivals due in the hold check what their Idempotency-Key promises; 0 for none. A climb's
    legs are its windows, and its hold is all of it.
    """

    base_url: str
    request: RequestTemplate
    pacer: Pacer | Legs
    shard: int
    shards: int
    hold_from_s: float
    hold_to_s: float
    timeout_s: float
    in_flight_cap: int
    key_prefix: str
    transport: Passage = Passage.BUILT_IN
    verify_percent: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardReport:
    """How the generator fared. ``cpu_percent`` is of one core, over the hold.

    ``gave_up`` says that the target had closed everything; then it was ``interrupted`` by itself. ``expired`` arrivals
    had only an expired token and were not sent. ``refreshes`` of tokens worked while it ran, ``failed_refreshes`` did
    not, and ``refresh_problem`` is what the last of them said. ``idempotency`` are the checks of Idempotency-Keys, a
    count a rule. Of the turns of a climb's course, ``late_turns`` came after they applied. ``engine`` names another
    than ours: of that one lag and requests in flight are not measured, whatever stands here, nor CPU where it is NaN.
    """

    index: int
    sent: int
    interrupted: bool
    cpu_percent: float
    lag_p99_ms: float
    peak_in_flight: int
    gave_up: bool = False
    idempotency: tuple[RuleCount, ...] = ()
    expired: int = 0
    refreshes: int = 0
    failed_refreshes: int = 0
    refresh_problem: str | None = None
    late_turns: int = 0
    engine: str = ""

    def to_generator_report(self) -> GeneratorReport:
        """The part of it that stays in the phase's result."""
        return GeneratorReport(
            index=self.index,
            cpu_percent=None if math.isnan(self.cpu_percent) else self.cpu_percent,
            lag_p99_ms=None if self.engine else self.lag_p99_ms,
            peak_in_flight=None if self.engine else self.peak_in_flight,
            refreshes=Refreshes(count=self.refreshes, failed=self.failed_refreshes),
            engine=self.engine,
        )
