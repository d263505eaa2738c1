"""What a request costs the tasks and the cache, so that a limited one is at 100 % where its capacity is at its end."""

from __future__ import annotations

from pytest_syncload.facts.capacity import Capacities
from pytest_syncload.sandbox.cache import COMMAND_S
from pytest_syncload.sandbox.capacity import EASY, EFFORT

#: CPU time of a task that a request costs: 3,000/s are 75 % of four tasks of one vCPU each.
REQUEST_CPU_MS = 1.0


def slots_per_s(capacities: Capacities, service_s: float) -> float | None:
    """Requests a second that the service's slots bear, each taken for ``service_s`` (Little's law)."""
    return None if capacities.concurrency is None else capacities.concurrency / service_s


def request_cpu_ms(capacities: Capacities, service_s: float, tasks: int) -> float:
    """Task CPU that a request costs: where slots are limited, all of ``tasks`` at that limit; else at most half of them
    at the least of the other limits, so that no task stands in the way of it."""
    slots = slots_per_s(capacities, service_s)
    if slots is not None:
        return 1000 * tasks / _work(slots)
    limits = (
        capacities.table_per_s,
        capacities.index_per_s,
        capacities.workers_per_s,
        capacities.cache_per_s,
        capacities.third_party_per_s,
    )
    return min([REQUEST_CPU_MS, *(1000 * tasks / (2 * per_s) for per_s in limits if per_s is not None)])


def command_s(capacities: Capacities) -> float:
    """Engine time of a cache command: where the cache is limited, all of it at that limit."""
    return COMMAND_S if capacities.cache_per_s is None else 1 / _work(capacities.cache_per_s)


def _work(per_s: float) -> float:
    """What is done a second at that capacity, in easy jobs."""
    return per_s * (EASY + EFFORT * (1 - EASY))
