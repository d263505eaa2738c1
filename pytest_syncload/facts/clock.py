"""One clock a run. Service time is what CloudWatch and ECS live in; wall time is what sockets and tokens live in.

In a real environment both run at the same speed and differ by a measured offset. In the sandbox the service's time runs
`speed` times faster: at 60, one wall second is one CloudWatch minute. Counts are never scaled; whoever turns a Sum over
a service period into a rate per second divides by `ServiceClock.wall_seconds`, here and nowhere else.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class ServiceClock:
    """Maps this machine's monotonic clock to service time (epoch seconds).

    CLOCK_MONOTONIC is one clock for all processes of a machine, so the three numbers can be handed to children.
    """

    origin: float
    monotonic_origin: float
    speed: float = 1.0

    @classmethod
    def starting_now(cls, *, offset_s: float = 0.0, speed: float = 1.0) -> ServiceClock:
        """A clock whose service time is now the wall time plus ``offset_s``."""
        return cls(origin=time.time() + offset_s, monotonic_origin=time.monotonic(), speed=speed)

    def now(self) -> float:
        """Service time, epoch seconds."""
        return self.at(time.monotonic())

    def at(self, monotonic: float) -> float:
        """The service time (epoch seconds) of a reading of this machine's monotonic clock."""
        return self.origin + (monotonic - self.monotonic_origin) * self.speed

    def monotonic_at(self, service: float) -> float:
        """The reading that this machine's monotonic clock has at service time ``service`` (epoch seconds)."""
        return self.monotonic_origin + (service - self.origin) / self.speed

    def wall_seconds(self, service_seconds: float) -> float:
        """How long ``service_seconds`` last on the wall."""
        return service_seconds / self.speed


def minute_ceil(service: float) -> float:
    """The first whole minute (epoch seconds) that is not before ``service``."""
    return math.ceil(service / MINUTE) * MINUTE


def minute_floor(service: float) -> float:
    """The last whole minute (epoch seconds) that is not after ``service``."""
    return math.floor(service / MINUTE) * MINUTE
