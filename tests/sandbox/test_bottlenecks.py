"""Each resource as the bottleneck: what it counts, and what becomes of a job, below, near and beyond its capacity."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from pytest_syncload.facts.capacity import Capacities
from pytest_syncload.sandbox.bottlenecks import Bottlenecks, Job, Refusal
from pytest_syncload.sandbox.capacity import EFFORT
from pytest_syncload.sandbox.minutes import Minute

SERVICE_S = 0.02
#: Every resource at 500 jobs a second, by the key of slo.yaml.
EACH: dict[str, tuple[Capacities, Refusal]] = {
    "table": (Capacities(table_per_s=500), Refusal.TABLE),
    "index": (Capacities(index_per_s=500), Refusal.INDEX),
    "workers": (Capacities(workers_per_s=500), Refusal.QUEUE),
    "cache": (Capacities(cache_per_s=500), Refusal.CACHE),
    "concurrency": (Capacities(concurrency=10), Refusal.SLOTS),
    "third_party": (Capacities(third_party_per_s=500), Refusal.THIRD_PARTY),
}


class Seen:
    """A load of four seconds, and what was counted of its last two."""

    def __init__(self, capacities: Capacities, per_s: float) -> None:
        bottlenecks = Bottlenecks(capacities, SERVICE_S, 0.0)
        self.minute = Minute(0)
        self.jobs: list[Job] = []
        for number in range(int(4 * per_s)):
            at = number / per_s
            if at < 2:
                bottlenecks.take(job(), Minute(0), at)
            else:
                self.jobs.append(job())
                bottlenecks.take(self.jobs[-1], self.minute, at)

    def refused(self) -> Counter[Refusal | None]:
        return Counter(job.refusal for job in self.jobs)

    def counted(self) -> dict[str, Any]:
        minute = self.minute
        return {
            "table": minute.table.throttles,
            "index": minute.index.throttles,
            "workers": sum(job.held for job in self.jobs),
            # Without slots, a job does not come so far.
            "cache": max(minute.commands - len(self.jobs), 0),
            "concurrency": minute.waited,
            "third_party": sum(count for ms, count in minute.calls.items() if ms >= 12),
        }


def job() -> Job:
    return Job("ann", b"key", 0)


def test_without_capacities_nothing_waits_and_each_job_is_one_command_and_one_call() -> None:
    seen = Seen(Capacities(), 2_000)
    assert seen.refused() == {None: 4_000}
    assert set(seen.counted().values()) == {0}
    assert (seen.minute.commands, seen.minute.calls.total(), seen.minute.failed_calls) == (4_000, 4_000, 0)
    assert {job.wait_s for job in seen.jobs} == {0}
    assert max(job.call_s for job in seen.jobs) < 0.012
    assert Bottlenecks(Capacities(), SERVICE_S, 0.0).longest_s == 0


@pytest.mark.parametrize("name", EACH)
def test_well_below_capacity_nothing_is_seen_of_any(name: str) -> None:
    seen = Seen(EACH[name][0], 400)
    assert seen.refused() == {None: 800}
    assert set(seen.counted().values()) == {0}


@pytest.mark.parametrize("name", EACH)
def test_near_capacity_that_resource_alone_is_seen_and_no_client_sees_it(name: str) -> None:
    seen = Seen(EACH[name][0], 475)
    assert seen.refused() == {None: 950}
    counted = seen.counted()
    assert counted.pop(name) > 50
    assert set(counted.values()) == {0}
    assert max(job.wait_s for job in seen.jobs) < 0.002
    assert max(job.call_s for job in seen.jobs) < SERVICE_S - 0.002  # the least that a request takes


@pytest.mark.parametrize("name", EACH)
def test_beyond_capacity_jobs_wait_and_the_rest_is_refused(name: str) -> None:
    capacities, refusal = EACH[name]
    seen = Seen(capacities, 625)
    assert seen.refused()[refusal] / len(seen.jobs) == pytest.approx(0.2, abs=0.01)
    assert set(seen.refused()) == {None, refusal}
    counted = seen.counted()
    assert counted.pop(name) > 50
    assert set(counted.values()) == {0}
    longest = max(job.wait_s + max(job.call_s - SERVICE_S, 0) for job in seen.jobs)
    assert longest <= Bottlenecks(capacities, SERVICE_S, 0.0).longest_s
    assert (longest > 0.05) == (name != "workers")  # a full queue is said at once


def test_sdk_gives_up_after_three_attempts() -> None:
    seen = Seen(Capacities(table_per_s=500), 625)
    refused = seen.refused()[Refusal.TABLE]
    reserve = 0.15 * 500 * 2
    assert seen.minute.table.throttles == pytest.approx(3 * refused + reserve, rel=0.02)


def test_cache_is_busy_with_what_is_tried_again() -> None:
    seen = Seen(Capacities(cache_per_s=500), 500)
    assert seen.minute.commands == pytest.approx(1_000 * (0.85 + 0.15 * EFFORT), rel=0.02)


def test_third_party_answers_what_it_refuses_and_it_counts_as_failed() -> None:
    seen = Seen(Capacities(third_party_per_s=500), 625)
    assert seen.minute.failed_calls == seen.refused()[Refusal.THIRD_PARTY]
    assert seen.minute.calls.total() == len(seen.jobs)


def test_first_that_refuses_spares_the_rest() -> None:
    seen = Seen(Capacities(cache_per_s=500, table_per_s=600, workers_per_s=590), 1_000)
    assert set(seen.refused()) == {None, Refusal.CACHE}
    assert seen.counted()["table"] == 0


def test_least_of_several_is_the_bottleneck_wherever_it_stands() -> None:
    seen = Seen(Capacities(cache_per_s=900, workers_per_s=500), 600)
    assert set(seen.refused()) == {None, Refusal.QUEUE}
