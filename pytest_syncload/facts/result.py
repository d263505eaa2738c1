"""What a load phase was: every arrival's outcome, latencies, timeline, and whether all of it proves anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_syncload.facts.climb import ClimbFound
from pytest_syncload.facts.clock import MINUTE
from pytest_syncload.facts.histogram import Histogram
from pytest_syncload.facts.idempotency import RuleCount


class Outcome(StrEnum):
    """What became of an arrival: exactly one of these, the first that matches in this order."""

    DROPPED = "dropped"
    CONNECT_ERROR = "connect_error"
    TIMEOUT = "timeout"
    PROTOCOL_ERROR = "protocol_error"
    SERVER_ERROR = "5xx"
    UNEXPECTED_STATUS = "unexpected_status"
    WRONG_BODY = "wrong_body"
    OK = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The outcomes of a set of arrivals.

    ``throttled`` are the 429 answers among `unexpected_status`; ``dropped_late`` the drops by the generator's own
    doing, while its loop was late or for want of a good token, which say nothing about the target.
    """

    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    throttled: int = 0
    dropped_late: int = 0

    def __getitem__(self, outcome: Outcome) -> int:
        return self.outcomes.get(outcome, 0)

    def __add__(self, other: Tally) -> Tally:
        total = Counter(dict(self.outcomes))
        total.update(dict(other.outcomes))
        return Tally(
            outcomes=dict(total),
            throttled=self.throttled + other.throttled,
            dropped_late=self.dropped_late + other.dropped_late,
        )

    @property
    def arrivals(self) -> int:
        """All arrivals."""
        return sum(self.outcomes.values())

    @property
    def on_wire(self) -> int:
        """Arrivals that became a request on a connection. A timeout while connecting is counted as one: it may have."""
        return self.arrivals - self[Outcome.DROPPED] - self[Outcome.CONNECT_ERROR]

    @property
    def failed(self) -> int:
        """What the target failed: 5xx, 429, timeouts, connect and protocol errors, drops at the in-flight cap."""
        return (
            self[Outcome.SERVER_ERROR]
            + self.throttled
            + self[Outcome.TIMEOUT]
            + self[Outcome.CONNECT_ERROR]
            + self[Outcome.PROTOCOL_ERROR]
            + self[Outcome.DROPPED]
            - self.dropped_late
        )

    @property
    def failed_percent(self) -> float | None:
        """`failed` in percent of all arrivals; None where there were none."""
        return 100 * self.failed / self.arrivals if self.arrivals else None

    @property
    def wrong_answers(self) -> int:
        """Answers that show a wrong test rather than a slow target: other unexpected statuses, and wrong bodies."""
        return self[Outcome.UNEXPECTED_STATUS] - self.throttled + self[Outcome.WRONG_BODY]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The judged stretch of service time, ``[start, end)`` in epoch seconds, on whole minutes."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length in service seconds."""
        return self.end - self.start

    @property
    def minutes(self) -> tuple[float, ...]:
        """When each of its minutes begins, epoch seconds."""
        return tuple(self.start + MINUTE * number for number in range(round(self.seconds / MINUTE)))

    def covers(self, moment: float) -> bool:
        """Whether the moment, epoch seconds, lies in it."""
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """One wall second of a phase, by intended time. ``at_s`` counts from its start; latencies are ms or None.

    ``in_flight`` is the most that any one generator had open, None where that is not measured. Where latency is not,
    the percentiles are the service time's.
    """

    at_s: int
    tally: Tally
    in_flight: int | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class Figure(StrEnum):
    """What an engine may be unable to say of its load. The values are names in summary.json."""

    LATENCY = "latency"
    LAG = "lag"
    IN_FLIGHT = "in_flight"


class Side(StrEnum):
    """Whose doing it is that a phase is invalid."""

    GENERATOR = "generator"
    TARGET = "target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invalidity:
    """Why a phase proves nothing: what happened and what to do."""

    side: Side
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshes:
    """How often a token was renewed beside the load, and how often that failed."""

    count: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorReport:
    """How one generator process fared over the hold. ``cpu_percent`` is of one core, ``refreshes`` are of its users.

    What is None was not measured. Another engine than ours is named in ``engine``, with its version.
    """

    index: int
    cpu_percent: float | None
    lag_p99_ms: float | None
    peak_in_flight: int | None
    refreshes: Refreshes = field(default_factory=Refreshes)
    engine: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseResult:
    """One phase as it was offered and answered.

    ``hold`` tallies the arrivals whose intended time lies in ``window``, ``ramp`` those before it. ``latency`` counts
    from the intended time, ``service_time`` from the actual send, ``lag`` is how late the generator itself handed the
    arrival to the transport (connecting is the target's time), all over the hold, in ms.
    ``wire_requests`` are the requests put on a connection inside the window, probes included; ``in_flight_edges`` those
    that were open at its two ends. ``examples`` show unexpected answers, secrets masked. ``idempotency`` counts the
    checks of arrivals due in the hold, by rule; it is empty where no row asks for them. Of a ``climb``, the
    window is the last step that held (the first of all where none did), and ``ramp`` is all that lies outside it.
    ``aborted`` is what the phase's own rule said when it stopped the load.

    ``not_measured`` has the figures that the engine cannot say, each with why: of those, a histogram is empty and a
    number None, and nobody may take either for a zero.
    """

    phase: str
    window: Window
    rate_per_s: float
    scheduled_in_hold: int
    wall_seconds: float
    ramp: Tally
    hold: Tally
    latency: Histogram
    service_time: Histogram
    lag: Histogram
    wire_requests: int
    in_flight_edges: int
    statuses: Mapping[int, int]
    generators: tuple[GeneratorReport, ...]
    timeline: tuple[Second, ...]
    examples: tuple[str, ...] = ()
    idempotency: tuple[RuleCount, ...] = ()
    invalid: tuple[Invalidity, ...] = ()
    climb: ClimbFound | None = None
    aborted: str | None = None
    not_measured: Mapping[Figure, str] = field(default_factory=dict)

    @property
    def generator_faults(self) -> tuple[str, ...]:
        """Why the generator's side makes the phase invalid: a set-up error of its `load` item."""
        return tuple(reason.what for reason in self.invalid if reason.side is Side.GENERATOR)

    @property
    def target_faults(self) -> tuple[str, ...]:
        """Why the target's answers make the phase invalid: a failure of its `load` item."""
        return tuple(reason.what for reason in self.invalid if reason.side is Side.TARGET)
