"""When arrivals are due, as a pure function of the phase. Reads no clock.

The rate rises linearly from zero over the ramp and is constant through the hold. Arrival i of a constant schedule is
due where the integrated rate reaches i; a Poisson schedule maps unit-rate exponential gaps through the same inverse
(Çinlar, "Introduction to Stochastic Processes", time change of a Poisson process).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from pytest_syncload.facts.plan import Arrivals


class Schedule(Protocol):
    """When arrivals are due, as the engine asks. A climb's may change while it runs; a phase's never does."""

    @property
    def ends_s(self) -> float:
        """Seconds from the start to the end of what is known of it."""

    @property
    def goes_on(self) -> bool:
        """Whether there may be arrivals behind those that `arrivals_of` gave."""

    def stands(self, due_s: float) -> bool:
        """Whether the arrival that `arrivals_of` gave last is still to be sent."""

    def arrivals_of(self, shard: int, shards: int) -> Iterator[tuple[int, float]]:
        """``(index, seconds from the start)`` of the arrivals with index mod ``shards`` == ``shard``, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacer:
    """A phase in wall seconds from its start: ``ramp_s`` from 0 to ``rate_per_s``, then ``hold_s`` of it."""

    rate_per_s: float
    ramp_s: float
    hold_s: float
    arrivals: Arrivals = Arrivals.CONSTANT
    seed: int = 1

    def begin(self) -> Pacer:
        """Itself: it knows nothing of how far anybody is."""
        return self

    @property
    def goes_on(self) -> bool:
        """See `Schedule`."""
        return False

    def stands(self, _: float) -> bool:
        """See `Schedule`."""
        return True

    @property
    def ends_s(self) -> float:
        """Seconds from the start to the end of the hold."""
        return self.ramp_s + self.hold_s

    def expected_by(self, at_s: float) -> float:
        """The integrated rate: how many arrivals are due before ``at_s``, as a real number."""
        at_s = min(max(at_s, 0.0), self.ends_s)
        if at_s < self.ramp_s:
            return self.rate_per_s * at_s * at_s / (2 * self.ramp_s)
        return self.rate_per_s * (at_s - self.ramp_s / 2)

    def due_at(self, expected: float) -> float:
        """The inverse of `expected_by`: seconds from the start."""
        in_ramp = self.rate_per_s * self.ramp_s / 2
        if expected < in_ramp:
            # Rounding may not carry the last of the ramp past the first of the hold.
            return min(math.sqrt(2 * self.ramp_s * expected / self.rate_per_s), self.ramp_s)
        return self.ramp_s + (expected - in_ramp) / self.rate_per_s

    def arrivals_of(self, shard: int, shards: int) -> Iterator[tuple[int, float]]:
        """``(index, seconds from the start)`` of the arrivals with index mod ``shards`` == ``shard``, in order."""
        if self.arrivals is Arrivals.CONSTANT:
            for index in range(shard, self._constant_before(self.ends_s), shards):
                yield index, self.due_at(index)
            return
        for index, due in enumerate(self._poisson()):
            if index % shards == shard:
                yield index, due

    def scheduled(self, start_s: float, end_s: float) -> int:
        """How many arrivals are due in ``[start_s, end_s)``, over all shards."""
        if self.arrivals is Arrivals.CONSTANT:
            return self._constant_before(end_s) - self._constant_before(start_s)
        return sum(start_s <= due < end_s for due in self._poisson())

    def _constant_before(self, at_s: float) -> int:
        # The integral's own rounding may put an arrival at a boundary on the wrong side of it; `due_at` decides.
        at_s = min(at_s, self.ends_s)
        count = math.ceil(self.expected_by(at_s))
        while count and self.due_at(count - 1) >= at_s:
            count -= 1
        while self.rate_per_s and self.due_at(count) < at_s:
            count += 1
        return count

    def _poisson(self) -> Iterator[float]:
        # Every shard draws the same sequence, so the union of the shards is the schedule whatever their number.
        draw = random.Random(self.seed)
        total = self.expected_by(self.ends_s)
        expected = draw.expovariate(1.0)
        while expected < total and (due := self.due_at(expected)) < self.ends_s:
            yield due
            expected += draw.expovariate(1.0)
