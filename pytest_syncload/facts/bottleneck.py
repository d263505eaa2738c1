"""A climb as it was seen, and what it says about the target: when each series left its normal range, what broke first,
how throughput scales. Shapes only; times are epoch seconds of service time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from pytest_syncload.facts.result import Window
from pytest_syncload.facts.units import Kind


class Worse(StrEnum):
    """In which direction a series gets worse."""

    UP = "up"
    DOWN = "down"


class Place(IntEnum):
    """Where in the chain of calls a series is measured; what is deeper is larger.

    The latency and the errors of one place contain those of all that is behind it, so of two that left their normal
    range in the same minute the deeper one explains the other.
    """

    CLIENT = 0
    API = 1
    SERVICE = 2
    BACKEND = 3
    #: What a backend waits for itself, such as an index of a table.
    BEHIND = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One series over a climb: the moments at which its periods begin, in order of time, and a value for each.

    ``resource`` is whose series it is, such as a table, or a cache with all its nodes: it may have several. A silence
    that means zero is a zero here; any other silence is a moment that is not there. ``limit`` is the number in the
    target of its row, ``ceiling`` what it cannot exceed, such as 100 % of a CPU; None where there is none. ``unread``
    says why there is no value at all where it could not be read.
    """

    name: str
    resource: str
    kind: Kind
    worse: Worse
    place: Place
    timestamps: tuple[float, ...]
    values: tuple[float, ...]
    period_s: float = 60.0
    limit: float | None = None
    ceiling: float | None = None
    unread: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSeen:
    """One step of a climb. ``held`` says that the climb's condition was not met in it.

    ``throughput_per_s`` counts good answers only. ``latency_mean_ms`` is the mean over all its arrivals, None where
    nothing was answered.
    """

    rate_per_s: float
    throughput_per_s: float
    failed_percent: float
    window: Window
    held: bool
    latency_mean_ms: float | None = None

    @property
    def concurrency(self) -> float | None:
        """Mean number of requests in flight, by Little's law: the offered rate × the mean time in the system."""
        return None if self.latency_mean_ms is None else self.rate_per_s * self.latency_mean_ms / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Climbed:
    """The steps of a climb in order of time, without what was offered between them for the target to recover.

    ``generator_fault`` says why the generator, and not the target, ended it.
    """

    steps: tuple[StepSeen, ...]
    generator_fault: str | None = None

    @property
    def broke_per_s(self) -> float | None:
        """The lowest rate that did not hold; None where all did."""
        return min((step.rate_per_s for step in self.steps if not step.held), default=None)

    @property
    def held_per_s(self) -> float | None:
        """The highest rate that held below the lowest that did not; None where there is none."""
        broke = self.broke_per_s
        held = (step.rate_per_s for step in self.steps if step.held and (broke is None or step.rate_per_s < broke))
        return max(held, default=None)

    @property
    def last_good(self) -> StepSeen | None:
        """The last step at the rate that held."""
        good = [step for step in self.steps if step.held and step.rate_per_s == self.held_per_s]
        return good[-1] if good else None


class How(StrEnum):
    """In which way a series left its normal range."""

    CHANGED = "left its relation to the load"
    COUNTED = "counted more than ever before"
    SATURATED = "reached its ceiling"


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """When a series left its normal range, and stayed out of it until the target broke.

    It did so after the moment ``after``, at which the last minute that looked normal had passed, and before ``by``, the
    end of the first that did not, which began at ``at``. ``confidence`` is 1 − p of the test named by ``how``;
    ``value`` is that minute's, ``expected`` what its load explains, both in the track's unit.
    """

    at: float
    after: float
    by: float
    how: How
    confidence: float
    value: float
    expected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a climb says about one series.

    ``again`` is the moment at which it left its normal range in the approach that confirmed the breaking point, None
    where it did not; ``confirmable`` whether that approach could have shown it. ``over_limit_at`` is when it first was
    beyond its limit. ``utilisation`` is value ÷ limit at the last good step. ``problem`` says why nothing can be said;
    ``counted_early`` that it is one that counted from the beginning on, and so may have been first.
    """

    track: Track
    departure: Departure | None = None
    again: float | None = None
    confirmable: bool = False
    over_limit_at: float | None = None
    utilisation: float | None = None
    problem: str | None = None
    counted_early: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Every series, first those that left their normal range, in order of time.

    ``first`` is the one that broke first and ``because`` what speaks for it, or ``undetermined`` says why none can be
    named. ``seen`` is what the client saw first: the moment others are counted from.
    """

    findings: tuple[Finding, ...]
    first: Finding | None = None
    because: str | None = None
    undetermined: str | None = None
    seen: Finding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A fitted number with its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Usl:
    """The universal scalability law, X(N) = λN / (1 + σ(N − 1) + κN(N − 1)), fitted to a climb.

    N is the number of requests in flight. ``rate_per_s`` is λ, what one alone would get; ``contention`` σ;
    ``coherency`` κ; ``ceiling_per_s`` the most throughput there is at any N.
    """

    rate_per_s: Estimate
    contention: Estimate
    coherency: Estimate
    ceiling_per_s: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class NoFit:
    """Why the law was not fitted."""

    why: str
