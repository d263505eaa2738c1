"""What happens in a run, in order, as typed facts. The conductor emits them; reports and the shell listen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_syncload.facts.bottleneck import Climbed, NoFit, Ranking, Usl
from pytest_syncload.facts.check import Check
from pytest_syncload.facts.result import Figure, PhaseResult, Second, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was looked at before the phase's load. Where one failed, no load follows."""

    phase: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The phase's load waits for something that must be there before: ``waiting_for`` says what."""

    phase: str
    waiting_for: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warming:
    """The phase's users sign in: ``done`` of ``of`` have."""

    phase: str
    done: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStarted:
    """Load begins. ``window`` is the hold that will be judged; ``wall_s`` how long ramp and hold last. ``engine`` is
    another than ours, in words."""

    phase: str
    rate_per_s: float
    generators: int
    window: Window
    wall_s: float
    engine: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseProgress:
    """One more second of the phase is behind us, and the one after it: by then most of its answers are known.

    ``intended`` is how many arrivals were due in it, ``lag_p99_ms`` the generators' own in the window that was judged
    last, None where none was yet. ``not_measured`` are the figures that the engine cannot say.
    """

    phase: str
    second: Second
    intended: float
    lag_p99_ms: float | None
    elapsed_s: float
    wall_s: float
    not_measured: frozenset[Figure] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseMeasured:
    """Load has ended, for whatever reason; ``result`` has it."""

    phase: str
    result: PhaseResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ClimbRanked:
    """What broke first in a climb, and how its throughput scales. ``speed`` is service seconds a wall second."""

    phase: str
    climbed: Climbed
    ranking: Ranking
    law: Usl | NoFit
    speed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """CloudWatch was asked for the ``attempt``-th time and is not settled: ``waiting_for`` says what is missing."""

    phase: str
    attempt: int
    waiting_for: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """CloudWatch's answers no longer change, or the deadline has passed: then ``problem`` says what is missing."""

    phase: str
    attempts: int
    problem: str | None


Event = Checked | Waiting | Warming | PhaseStarted | PhaseProgress | PhaseMeasured | ClimbRanked | Settling | Settled
Listener = Callable[[Event], None]
