"""What one generator was found to carry on a machine, and how many of them a rate needs there."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Of what one generator carried, how much a plan may count on: bursts, other work and a target over TLS want the rest.
SPARE = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A rate that one generator was asked for. ``fell_short`` says why it proves nothing, None where it was carried."""

    rate_per_s: float
    lag_p99_ms: float
    cpu_percent: float
    fell_short: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """All steps, in the order in which they were tried."""

    steps: tuple[Step, ...]

    @property
    def carried_per_s(self) -> float | None:
        """The highest rate that was carried, None where none was."""
        return max((step.rate_per_s for step in self.steps if step.fell_short is None), default=None)

    def generators_for(self, rate_per_s: float) -> int | None:
        """How many generators this rate needs here, with room to spare; None where not even one rate was carried."""
        carried = self.carried_per_s
        return None if carried is None else max(1, math.ceil(rate_per_s / (SPARE * carried)))
