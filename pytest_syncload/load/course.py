"""When a climb's arrivals are due. Legs of constant rate follow each other; those to come may be replaced.

Pure but for that: every generator that was told the same legs and turns, in whatever moment, knows the same schedule.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_syncload.facts.climb import Leg
from pytest_syncload.facts.plan import Arrivals


@dataclass(frozen=True, slots=True, kw_only=True)
class Legs:
    """A climb's course as a generator is told it before the start."""

    legs: tuple[Leg, ...]
    arrivals: Arrivals = Arrivals.CONSTANT
    seed: int = 1

    @property
    def ends_s(self) -> float:
        """Wall seconds from the start to the end of the last leg."""
        return self.legs[-1].to_s

    @property
    def rate_per_s(self) -> float:
        """The highest rate of any leg."""
        return max(leg.rate_per_s for leg in self.legs)

    def begin(self) -> Course:
        """A generator's own course."""
        return Course(self.legs, arrivals=self.arrivals, seed=self.seed)


class Course:
    """Legs in order, without gap or overlap, from the phase's start on. One generator's own: it knows how far it is."""

    def __init__(self, legs: Sequence[Leg], *, arrivals: Arrivals = Arrivals.CONSTANT, seed: int = 1) -> None:
        self._legs = list(legs)
        self._arrivals = arrivals
        self._seed = seed
        self._next = 0  # the leg to take arrivals from once that under way gives none
        self._counts: list[int] = []  # arrivals of the first legs, as far as they were asked for
        self._cut = math.inf
        #: Turns that were told after they applied: what was sent meanwhile is on no schedule.
        self.late_turns = 0
        #: Where each leg lies, by number: the windows of the recording.
        self.windows: list[tuple[float, float]] = []
        self._draw()

    @property
    def ends_s(self) -> float:
        """Wall seconds from the start to the end of the last leg that is known."""
        return self._legs[-1].to_s

    @property
    def goes_on(self) -> bool:
        """Whether a leg is left that `arrivals_of` has not come to."""
        return self._next < len(self._legs)

    def turn(self, at_s: float, legs: Sequence[Leg], now_s: float = -math.inf) -> None:
        """From ``at_s`` on, ``legs`` and nothing else: what was to come is forgotten, the leg under way is cut there.

        ``at_s`` must lie ahead of every arrival that was sent: told at ``now_s``, after it, it is counted as late.
        """
        self.late_turns += now_s >= at_s
        kept = sum(leg.from_s < at_s for leg in self._legs)
        self._legs = turned(self._legs, at_s, legs)
        self._next = min(self._next, kept)
        self._cut = min(self._cut, at_s)
        del self._counts[max(0, kept - 1) :]  # the last of them may have been cut
        self._draw()

    def stands(self, due_s: float) -> bool:
        """Whether the arrival that `arrivals_of` gave last was not turned away since."""
        return due_s < self._cut

    def arrivals_of(self, shard: int, shards: int) -> Iterator[tuple[int, float]]:
        """``(index, seconds from the start)`` of the arrivals with index mod ``shards`` == ``shard``, in order.

        It ends where no leg is left, and may be asked again once another was added.
        """
        while self._next < len(self._legs):
            number = self._next
            self._next += 1
            first, count = self._before(number), -1
            for count, due_s in enumerate(self._dues(number)):
                if (first + count) % shards != shard:
                    continue
                self._cut = math.inf
                yield first + count, due_s
                if not self.stands(due_s) or number >= self._next:
                    break
            else:
                if number == len(self._counts):
                    # Counted on the way: to draw a long leg again would hold up the next one's first arrivals.
                    self._counts.append(count + 1)

    def _dues(self, number: int) -> Iterator[float]:
        for due_s in dues(self._legs[number], number, self._arrivals, self._seed):
            if due_s >= self._legs[number].to_s:  # cut since
                return
            yield due_s

    def _before(self, number: int) -> int:
        """How many arrivals the legs before this one have."""
        for at in range(len(self._counts), number):
            self._counts.append(scheduled(self._legs[at], at, self._arrivals, self._seed))
        return sum(self._counts[:number])

    def _draw(self) -> None:
        self.windows[:] = [(leg.from_s, leg.to_s) for leg in self._legs]


def turned(legs: Sequence[Leg], at_s: float, then: Sequence[Leg]) -> list[Leg]:
    """The legs up to ``at_s``, the one under way cut there, followed by ``then``."""
    kept = [Leg(leg.from_s, min(leg.to_s, at_s), leg.rate_per_s) for leg in legs if leg.from_s < at_s]
    return [*kept, *then]


def dues(leg: Leg, number: int, arrivals: Arrivals, seed: int) -> Iterator[float]:
    """When the leg's arrivals are due, in order, over all shards. ``number`` tells its draw from those of others."""
    if leg.rate_per_s <= 0:
        return
    if arrivals is Arrivals.CONSTANT:
        for count in range(scheduled(leg, number, arrivals, seed)):
            yield _due(leg, count)
        return
    draw = random.Random(f"{seed}/{number}")
    due_s = leg.from_s + draw.expovariate(leg.rate_per_s)
    while due_s < leg.to_s:
        yield due_s
        due_s += draw.expovariate(leg.rate_per_s)


def scheduled(leg: Leg, number: int, arrivals: Arrivals, seed: int) -> int:
    """How many arrivals the leg has, over all shards."""
    if leg.rate_per_s <= 0:
        return 0
    if arrivals is not Arrivals.CONSTANT:
        return sum(1 for _ in dues(leg, number, arrivals, seed))
    count = max(0, math.ceil(leg.seconds * leg.rate_per_s))
    # Rounding may put an arrival at the end on the wrong side of it; `_due` decides.
    while count and _due(leg, count - 1) >= leg.to_s:
        count -= 1
    while _due(leg, count) < leg.to_s:
        count += 1
    return count


def _due(leg: Leg, count: int) -> float:
    return leg.from_s + count / leg.rate_per_s
