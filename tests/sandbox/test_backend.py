"""What stands behind the service, minute by minute: every one gets its gauges, and what costs what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.capacity import Capacities
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.plan import Faults
from pytest_syncload.sandbox.backend import Backend
from pytest_syncload.sandbox.minutes import Minutes

#: A wall second is a service minute; the first begins at 100 s.
CLOCK = ServiceClock(origin=6_000.0, monotonic_origin=100.0, speed=60.0)


class Driven:
    """A back end that gets an even load, as the service would give it."""

    def __init__(
        self, now: float = 100.0, *, capacities: Capacities | None = None, service_s: float = 0.0, **faults: Any
    ) -> None:
        self.minutes = Minutes(CLOCK, 0.0)
        self.backend = Backend(
            clock=CLOCK,
            faults=Faults(**faults),
            minutes=self.minutes,
            now=now,
            capacities=capacities,
            service_s=service_s,
        )
        self.now = now
        self.ended: list[dict[str, Any]] = []

    def work(self, seconds: float, per_s: int) -> None:
        """So many wall seconds of accepted jobs, with a tick every 50 ms."""
        for _ in range(round(seconds * 20)):
            for number in range(per_s // 20):
                at = self.now + 0.05 * number * 20 / per_s
                self.minutes.at(at).requests += 1
                self.backend.accept(at)
                self.minutes.at(at).accepted += 1
                self.minutes.at(at).commands += 1
            self.now = round(self.now + 0.05, 6)
            self.tick()

    def tick(self) -> None:
        self.backend.tick(self.now)
        self.ended += [minute.counts() for minute in self.minutes.over(self.now)]

    def gauges(self, *names: str) -> list[Any]:
        found: list[Any] = [minute["gauges"] for minute in self.ended]
        for name in names:
            found = [None if value is None else value[name] for value in found]
        return found


def test_every_minute_has_gauges_once_and_in_order_also_without_requests() -> None:
    driven = Driven()
    driven.now = 103.2  # nobody looked for three minutes
    driven.tick()
    driven.work(2, 100)
    assert [minute["minute"] for minute in driven.ended] == [6_000 + 60 * n for n in range(5)]
    assert all(driven.gauges())
    assert driven.gauges("task_cpu")[:3] == [0, 0, 0]
    assert [len(memory) for memory in driven.gauges("task_memory")] == [4] * 5


def test_first_minute_may_begin_in_its_middle() -> None:
    driven = Driven(now=100.75)
    driven.work(0.3, 400)
    (gauges,) = driven.gauges()
    # 100 requests of 1 ms in a quarter of a second of four tasks.
    assert gauges["task_cpu"] == pytest.approx(10, rel=0.1)
    assert gauges["nodes"][0]["engine"] == pytest.approx(0.8, rel=0.1)


@pytest.mark.parametrize(("per_s", "cost_ms", "cpu"), [(400, None, 10), (400, 8.0, 80), (400, 20.0, 100)])
def test_requests_cost_task_cpu(per_s: int, cost_ms: float | None, cpu: float) -> None:
    driven = Driven(request_cpu_ms=cost_ms)
    driven.work(3.05, per_s)
    assert driven.gauges("task_cpu") == pytest.approx([cpu] * 3, rel=0.06)


def test_jobs_cost_both_cache_nodes() -> None:
    driven = Driven(hot_cache_node_share=60)
    driven.work(1.05, 1_000)
    ((primary, replica),) = driven.gauges("nodes")
    assert primary["engine"] == pytest.approx(62, abs=0.2)
    assert replica["engine"] == pytest.approx(2, abs=0.2)


def test_idle_queue_sleeps_until_a_message_came() -> None:
    driven = Driven()
    driven.work(2, 0)
    driven.work(5.05, 100)
    published = [minute["minute"] for minute in driven.ended if minute["gauges"]["queue"] is not None]
    # It woke in the minute that began at 6,120.
    assert published == [6_240 + 60 * n for n in range(3)]


def test_queue_that_is_touched_wakes_and_shows_that_it_is_empty() -> None:
    driven = Driven()
    driven.backend.touch(100.5)
    driven.work(2, 0)
    driven.backend.touch(102.0)  # it does not fall asleep again
    driven.work(2.05, 0)
    assert [queue is None for queue in driven.gauges("queue")] == [True, True, False, False]
    assert set(driven.gauges("queue")[2].values()) == {0}


def test_queue_is_counted_a_minute_and_drained() -> None:
    driven = Driven()
    driven.work(4.05, 1_000)
    for queue in driven.gauges("queue")[2:]:
        assert 980 <= queue["sent"] <= 1_020
        assert queue["visible"] + queue["not_visible"] <= 60  # two rounds, and a tick that came in one piece
        assert queue["age_s"] < 0.1


def test_too_few_workers_leave_a_backlog_that_grows() -> None:
    driven = Driven(workers=4)
    driven.work(5.05, 1_000)
    depths = [queue["visible"] for queue in driven.gauges("queue")[2:]]
    assert depths == pytest.approx([1_800, 2_400, 3_000], rel=0.05)  # 1,000/s came and 400/s went
    assert driven.gauges("queue", "age_s")[-1] > 1


@given(
    crashing=st.integers(0, 2),
    leaking=st.integers(0, 2),
    deployment=st.booleans(),
    per_s=st.sampled_from([60, 1_200]),
)
def test_no_tasks_fault_shows_in_another_row(crashing: int, leaking: int, deployment: bool, per_s: int) -> None:
    if crashing + leaking > 2:
        crashing = 0
    driven = Driven(crashing_tasks=crashing, out_of_memory_tasks=leaking, deployment=deployment)
    driven.work(6.05, per_s)
    for gauges in driven.gauges():
        assert gauges["task_cpu"] < 80
        assert sum(gauges["task_memory"]) / len(gauges["task_memory"]) < 80
        if gauges["queue"] is not None:
            assert gauges["queue"]["visible"] < 200


def revisions(driven: Driven) -> set[int]:
    """Of the tasks that are to run."""
    driven.work(1, 0)  # a minute's end brings news
    news = driven.backend.news()
    assert news is not None
    assert {task["stop_code"] for task in news["tasks"]} <= {None, "ServiceSchedulerInitiated"}
    return {task["revision"] for task in news["tasks"] if task["desired_status"] == "RUNNING"}


def test_deployment_waits_for_load_that_does_not_grow_any_more() -> None:
    driven = Driven(deployment=True)
    for _ in range(5):  # a request now and then is no load
        driven.work(0.05, 20)
        driven.work(0.95, 0)
    for tenth in range(1, 11):  # a ramp of five minutes
        driven.work(0.5, 40 * tenth)
    assert {task["revision"] for task in driven.backend.news()["tasks"]} == {1}  # type: ignore[index]
    driven.work(3, 400)
    assert revisions(driven) == {2}


def test_deployment_needs_no_ramp_and_comes_once() -> None:
    driven = Driven(deployment=True)
    driven.work(3, 60)
    assert revisions(driven) == {2}
    driven.work(3, 60)
    assert revisions(driven) == {2}


@pytest.mark.parametrize(("crashing", "least", "most"), [(0, 0, 20), (4, 40, 150)])
def test_workers_stop_with_their_tasks_and_go_on_with_them(crashing: int, least: int, most: int) -> None:
    driven = Driven(crashing_tasks=crashing)
    depth = 0
    for _ in range(40):
        driven.work(0.05, 1_000)
        if (news := driven.backend.news()) is not None:
            depth = max(depth, news["queue"]["visible"])
    assert least <= depth <= most
    driven.work(1, 0)
    news = driven.backend.news()
    assert news is not None
    assert news["queue"] == {"visible": 0, "not_visible": 0}


def test_without_a_running_task_there_is_no_utilisation() -> None:
    # All four have crashed 65 service seconds after the first request, and 70 after it the first is replaced.
    driven = Driven(now=100.88, crashing_tasks=4)
    driven.work(3.2, 100)
    assert [cpu is None for cpu in driven.gauges("task_cpu")] == [False, True, False, False]
    assert [bool(memory) for memory in driven.gauges("task_memory")] == [True, False, True, True]


def test_foreign_requests_are_counted_by_the_time_that_passed() -> None:
    driven = Driven(foreign_traffic_per_s=33.3)
    driven.work(10.05, 0)
    assert sum(minute["foreign"] for minute in driven.ended) == 333
    assert {minute["foreign"] for minute in driven.ended} == {33, 34}
    assert {minute["requests"] for minute in driven.ended} == {0}


def test_news_come_with_each_minute_and_with_each_change_only() -> None:
    driven = Driven(crashing_tasks=1)
    first = driven.backend.news()
    assert first is not None
    assert set(first) == {"queue", "service", "tasks"}
    assert driven.backend.news() is None
    driven.work(1.05, 0)
    assert driven.backend.news() is not None
    assert driven.backend.news() is None
    driven.work(0.9, 20)  # it crashes about 0.8 s after the first request
    news = driven.backend.news()
    assert news is not None
    assert [task["stop_code"] for task in news["tasks"] if task["stop_code"]] == ["EssentialContainerExited"]


def test_limited_slots_are_all_of_the_tasks_cpu_at_their_end() -> None:
    driven = Driven(capacities=Capacities(concurrency=8), service_s=0.02)  # 400/s
    driven.work(1, 300)
    driven.minutes.at(driven.now).waited += 60
    driven.work(1, 400)
    # Seven requests cost 0.85 + 3 × 0.15 of ten at the end, see `capacity`.
    assert driven.gauges("task_cpu") == pytest.approx([100 * 300 / 400 / 1.3, 100], abs=1)


def test_commands_are_what_the_cache_is_busy_with_up_to_its_capacity() -> None:
    driven = Driven(capacities=Capacities(cache_per_s=500))
    driven.work(1, 400)
    driven.minutes.at(driven.now).commands += 150
    driven.work(1, 500)
    assert [node["engine"] for (node, _) in driven.gauges("nodes")] == pytest.approx(
        [100 * 400 / 500 / 1.3, 100], abs=1
    )


def test_messages_that_are_held_up_are_the_queues_depth_and_age() -> None:
    driven = Driven()
    for number in range(300):
        driven.backend.accept(100 + number / 100, held=number % 2 == 0)
    driven.now = 103.0
    driven.tick()
    (queue,) = [queue for queue in driven.gauges("queue") if queue is not None]
    assert queue["visible"] == pytest.approx(100, abs=3)  # 50/s for two seconds
    assert 1.95 < queue["age_s"] < 2.05
