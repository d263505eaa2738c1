"""What was read for a row, and what was judged from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pytest_syncload.facts.comparison import Compared
from pytest_syncload.facts.plan import Slo
from pytest_syncload.facts.result import Window
from pytest_syncload.facts.units import Kind, format_quantity, format_range


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Data points in order of time: epoch seconds at which each period of ``period_s`` begins, and values."""

    timestamps: tuple[float, ...]
    values: tuple[float, ...]
    period_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A row's value over ``window``, in the canonical unit of ``kind``, with where it came from.

    Either ``value`` is a finite number or ``problem`` says why there is none. ``samples`` is how many measurements
    stand behind the value (None where the question has no meaning). ``sources`` are the queries, for a person.
    ``parts`` name the numbers the value was made of. ``after`` are the minutes behind the window, for a row that says
    what must hold there. ``notes`` are sentences that a reader of the value should know. ``bounds``, the lower
    first, are what the value is known to lie between, where that is all that is known; ``value`` is the one that
    decides.
    """

    slo: Slo
    window: Window
    kind: Kind
    value: float | None
    samples: int | None
    series: Series
    sources: tuple[str, ...]
    parts: Mapping[str, float]
    problem: str | None = None
    after: Series | None = None
    notes: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None

    @property
    def in_words(self) -> str | None:
        """Its value with the unit, or its bounds; None where there is none."""
        if self.value is None:
            return None
        return format_quantity(self.value, self.kind) if self.bounds is None else format_range(*self.bounds, self.kind)


class Ruling(StrEnum):
    """The three verdicts. There is no fourth, and nothing but a proof is the first."""

    PASS = "pass"
    BREACH = "breach"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What an earlier run ruled on the row of that name: ``slo`` as the row was then, None where there was none.

    ``ruling`` is None where it was not judged; ``value`` is in the canonical unit of ``slo``'s target.
    """

    slo: Slo | None = None
    ruling: Ruling | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A row's ruling. ``reason`` is one sentence; ``observation`` is None where nothing could be asked.

    ``before`` is what the run that is judged again ruled; None where this is no judging again. ``compared`` is the row
    beside another run; None where none was asked for.
    """

    slo: Slo
    ruling: Ruling
    reason: str
    observation: Observation | None = None
    before: Before | None = None
    compared: Compared | None = None
