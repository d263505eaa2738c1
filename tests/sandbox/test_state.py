"""Laws of the stand-in's memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.sandbox.state import Capacity, Steadiness, Turn


@pytest.mark.parametrize(("percent", "of", "taken"), [(0.5, 1000, 5), (0.1, 1000, 1), (0, 50, 0), (100, 50, 50)])
def test_share_is_exact(percent: float, of: int, taken: int) -> None:
    turn = Turn(percent)
    count = 0
    for _ in range(of):
        turn.accrue()
        count += turn.take()
    assert count == taken


@given(percent=st.integers(0, 10_000), requests=st.integers(0, 500))
def test_share_never_strays_by_one_request(percent: int, requests: int) -> None:
    turn = Turn(percent / 100)
    count = 0
    for _ in range(requests):
        turn.accrue()
        count += turn.take()
    assert count == requests * percent // 10_000


def test_turn_not_taken_is_kept() -> None:
    turn = Turn(50)
    for _ in range(4):
        turn.accrue()
    assert [turn.take(), turn.take(), turn.take()] == [True, True, False]


@given(gaps=st.lists(st.floats(0, 0.5), max_size=200), capacity=st.floats(0, 50))
def test_capacity_serves_no_more_than_it_may_and_loses_no_write(gaps: list[float], capacity: float) -> None:
    bucket, now, consumed, throttled = Capacity(capacity, 0.0), 0.0, 0, 0
    for gap in gaps:
        now += gap
        units, events = bucket.write(now)
        consumed += units
        throttled += events
    assert consumed <= capacity * (1 + now) + 1e-6
    assert len(gaps) - throttled <= consumed <= len(gaps)
    if capacity >= 1:
        for _ in range(len(gaps) + 2):  # at least one token a second
            now += 1
            consumed += bucket.serve(now)
        assert consumed == len(gaps)


def test_idle_capacity_saves_one_second_of_capacity_only() -> None:
    bucket = Capacity(10, 0.0)
    events = [bucket.write(100.0)[1] for _ in range(12)]
    assert events == [0] * 10 + [1, 1]


def steady_in(*counts: int) -> list[int]:
    """The windows after which load was called steady."""
    steadiness, found = Steadiness(0.5, 0.0), []
    for number, count in enumerate(counts):
        for _ in range(count):
            steadiness.came()
        if steadiness.reached(0.5 * (number + 1)):
            found.append(number)
    return found


@pytest.mark.parametrize(
    ("counts", "steady"),
    [
        ((0, 1, 1, 0, 9, 9), []),  # not load
        ((20, 20), [1]),
        ((15, 20, 20), [2]),  # it came in the middle of a window
        ((20, 40, 60, 80, 100, 120, 140, 160, 180, 200), []),
        ((180, 200, 200, 201), [2, 3]),
        ((25, 26), [1]),
    ],
)
def test_load_is_steady_when_it_has_come_and_grows_no_more(counts: tuple[int, ...], steady: list[int]) -> None:
    assert steady_in(*counts) == steady


def test_windows_that_nobody_looked_at_are_not_forgotten() -> None:
    steadiness = Steadiness(0.5, 0.0)
    for _ in range(2):
        for _ in range(50):
            steadiness.came()
        assert not steadiness.reached(0.4)
    assert not steadiness.reached(0.5)
    for _ in range(100):
        steadiness.came()
    assert steadiness.reached(5.0)
    assert not steadiness.reached(5.4)
