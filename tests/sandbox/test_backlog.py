"""Laws of the queue: what is sent is waiting, in work or deleted, and no worker is faster than it can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.sandbox.backlog import HANDLING_S, HELD_S, Backlog, QueueMinute


def test_message_waits_is_worked_on_and_is_gone() -> None:
    queue = Backlog(10, 0.0)
    queue.send(0.001)
    assert (queue.visible, queue.not_visible) == (1, 0)
    queue.advance(0.0101)
    assert (queue.visible, queue.not_visible) == (0, 1)
    queue.advance(0.0201)
    assert (queue.visible, queue.not_visible) == (0, 0)
    assert queue.minute(1.0) == QueueMinute(visible=0, not_visible=0, age_s=0, sent=1, received=1, deleted=1)
    assert queue.minute(2.0) == QueueMinute(visible=0, not_visible=0, age_s=0, sent=0, received=0, deleted=0)


@given(
    steps=st.lists(st.tuples(st.floats(0, 0.2), st.integers(0, 30), st.integers(0, 8)), max_size=40),
    workers=st.integers(0, 8),
)
def test_no_message_is_lost_and_no_worker_does_two_at_once(steps: list[tuple[float, int, int]], workers: int) -> None:
    queue, now, sent, received, deleted = Backlog(workers, 0.0), 0.0, 0, 0, 0
    most = workers * 1.0
    for gap, messages, hired in steps:
        queue.employ(hired, now)
        now += gap
        most += max(hired, workers) * (gap / HANDLING_S + 1)
        for number in range(messages):
            queue.send(now, held=number % 3 == 2)
        minute = queue.minute(now)
        sent, received, deleted = sent + minute.sent, received + minute.received, deleted + minute.deleted
        assert sent == minute.visible + received
        assert received == minute.not_visible + deleted
        assert received <= most
        assert minute.not_visible <= max(hired, *(h for _, _, h in steps), workers)
        assert minute.age_s >= 0
    queue.employ(5, now)
    queue.advance(now + 60)
    assert (queue.visible, queue.not_visible) == (0, 0)


def test_workers_too_few_leave_a_backlog_that_grows_old() -> None:
    queue = Backlog(5, 0.0)  # 500/s
    for number in range(2_000):  # 1,000/s for two seconds
        queue.send(number / 1_000)
    minute = queue.minute(2.0)
    assert 990 <= minute.visible <= 1_010
    assert minute.not_visible == 5
    assert minute.sent == 2_000
    assert 0.95 < minute.age_s < 1.05  # the oldest came in the middle of the time
    assert queue.minute(4.1).visible == 0


def test_without_workers_nothing_moves() -> None:
    queue = Backlog(0, 0.0)
    queue.send(0.5)
    minute = queue.minute(30.5)
    assert (minute.visible, minute.received) == (1, 0)
    assert 30.0 <= minute.age_s <= 30.0 + HANDLING_S


def test_message_after_a_long_idle_time_is_young() -> None:
    queue = Backlog(1, 0.0)
    queue.advance(86_400.0)
    queue.send(86_400.5)
    assert queue.minute(86_400.5).age_s <= HANDLING_S


def test_message_that_is_held_up_waits_and_is_old_before_workers_come_to_it() -> None:
    queue = Backlog(10, 0.0)
    queue.send(0.0, held=True)
    queue.send(1.0)
    minute = queue.minute(HELD_S - HANDLING_S)
    assert (minute.visible, minute.received) == (1, 1)
    assert minute.age_s == pytest.approx(HELD_S, abs=2 * HANDLING_S)
    minute = queue.minute(HELD_S + 3 * HANDLING_S)
    assert (minute.visible, minute.not_visible, minute.received, minute.age_s) == (0, 0, 1, 0)


def test_message_that_was_held_up_is_received_before_younger_ones() -> None:
    queue = Backlog(0, 0.0)
    for at in (0.0, 0.5):
        queue.send(at, held=True)
    queue.send(1.0)
    queue.employ(1, HELD_S + 1)  # all three are due, and each round has room for one
    ages = [queue.minute(HELD_S + 1 + (rounds + 0.5) * HANDLING_S).age_s for rounds in (1, 2, 3)]
    assert ages == pytest.approx([HELD_S + 1, HELD_S + 0.5, HELD_S], abs=5 * HANDLING_S)
