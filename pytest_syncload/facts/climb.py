"""What a climb offers and what it found: legs of constant rate, judged steps, the breaking point as an interval."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Leg:
    """``rate_per_s`` from ``from_s`` until before ``to_s``, wall seconds from the phase's start. Rate 0 is a rest."""

    from_s: float
    to_s: float
    rate_per_s: float

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.to_s - self.from_s


class Part(StrEnum):
    """What a leg of a climb is for."""

    RAMP = "ramp"
    STEP = "step"
    RECOVERY = "recovery"
    FINE = "fine step"
    LISTENING = "waiting for the last answers"


class Finding(StrEnum):
    """What became of a step."""

    HELD = "held"
    BROKE = "broke"
    CUT = "cut short"
    LIMITED = "more than the generator could offer"


class End(StrEnum):
    """Why a climb ended."""

    FOUND = "the breaking point was found"
    NOTHING_HELD = "the first step did not hold"
    NEVER_BROKE = "nothing broke up to at_most"
    GENERATOR = "the generator was at its own limit"
    NOT_RECOVERED = "the target did not recover"
    NOT_CONFIRMED = "what held in the climb did not hold again"
    STOPPED = "the load was stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One judged leg, ``[starts_at, ends_at)`` in service time (epoch seconds). ``number`` is its window's in the
    recording. Of ``arrivals`` that ended ``failed`` failed; latencies and lag are ms, None where nothing was."""

    number: int
    part: Part
    rate_per_s: float
    starts_at: float
    ends_at: float
    finding: Finding
    arrivals: int
    failed: int
    p95_ms: float | None
    lag_p99_ms: float | None
    mean_ms: float | None = None

    @property
    def failed_percent(self) -> float | None:
        """Of the arrivals; None where there were none."""
        return 100 * self.failed / self.arrivals if self.arrivals else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClimbFound:
    """What a climb found, rates per wall second.

    ``held_per_s`` is the highest rate that held below all that broke, None where none did; ``broke_per_s`` the lowest
    that broke, None where none did: then the breaking point is at least ``held_per_s``. ``judged`` is the number of the
    step that rows look at: the one of ``held_per_s``, or the first of all. ``recovered_after_s`` are wall seconds from
    the fall of the load until the target held again, None where it did not or was not asked to; until then what had
    held broke ``broke_again`` times when it was repeated. ``peak_per_s`` is the
    highest rate that another phase of the plan holds; the load began at ``begins_at`` (service time, epoch seconds).
    """

    end: End
    why: str
    held_per_s: float | None
    broke_per_s: float | None
    judged: int
    steps: tuple[Step, ...]
    recovered_after_s: float | None = None
    peak_per_s: float | None = None
    begins_at: float = 0.0
    broke_again: int = 0
    repeated_per_s: float | None = None

    @property
    def undoubted_per_s(self) -> float | None:
        """The highest rate that held and never broke, not even when it was repeated too soon; None where there is none.

        A rate that breaks when it is repeated, and holds after a longer rest, may be borne only by what a rest refills.
        """
        doubted = self.repeated_per_s if self.broke_again else self.broke_per_s
        below = [
            step.rate_per_s
            for step in self.steps
            if step.finding is Finding.HELD and (doubted is None or step.rate_per_s < doubted)
        ]
        return max(below, default=None)

    @property
    def at_least(self) -> bool:
        """Whether the target never broke above what held, so that it may hold more."""
        return self.held_per_s is not None and self.broke_per_s is None
