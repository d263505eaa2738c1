"""What the sandbox's resources can bear before requests fail, and how they come back from a collapse.

Rates are jobs a wall second, times are wall seconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """How a resource that collapsed comes back: ``after_s`` of little load (None: never), then over ``over_s``."""

    after_s: float | None
    over_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacities:
    """Jobs a second that each resource bears; None: more than anybody offers. Beyond it, requests fail.

    ``workers_per_s`` drain the queue, ``concurrency`` is how many requests the service works on at a time,
    ``third_party_per_s`` is the limit of the API that the service calls. With a ``recovery``, a resource that stays
    overloaded collapses; None: it goes on to do what it can.
    """

    table_per_s: float | None = None
    index_per_s: float | None = None
    workers_per_s: float | None = None
    cache_per_s: float | None = None
    third_party_per_s: float | None = None
    concurrency: int | None = None
    recovery: Recovery | None = None
