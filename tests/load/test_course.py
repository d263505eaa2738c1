"""The climb's schedule: however often it is turned, all generators together offer what the legs say, once each."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.climb import Leg
from pytest_syncload.facts.plan import Arrivals
from pytest_syncload.load.course import Course, dues, scheduled, turned


@dataclass(frozen=True)
class Turn:
    told_s: float
    at_s: float
    legs: tuple[Leg, ...]


def chain(start: float, parts: list[tuple[float, float]]) -> tuple[Leg, ...]:
    legs = []
    for seconds, rate in parts:
        legs.append(Leg(start, start + seconds, rate))
        start += seconds
    return tuple(legs)


PARTS = st.lists(st.tuples(st.floats(0.1, 2), st.sampled_from([0.0, 3.0, 7.5, 20.0])), min_size=1, max_size=4)


@st.composite
def turns(draw: st.DrawFn) -> list[Turn]:
    """In order, each told before it applies."""
    found, told = [], 0.0
    for _ in range(draw(st.integers(0, 3))):
        told += draw(st.floats(0.0, 3))
        at = told + draw(st.floats(0.01, 1))
        found.append(Turn(told, at, chain(at, draw(PARTS))))
        told = at
    return found


def sent(course: Course, shard: int, shards: int, turning: list[Turn]) -> list[tuple[int, float]]:
    """What a generator sends that hears of each turn when it is told."""
    out, ahead = [], list(turning)
    while True:
        for index, due_s in course.arrivals_of(shard, shards):
            while ahead and ahead[0].told_s <= due_s:
                turn = ahead.pop(0)
                course.turn(turn.at_s, turn.legs)
            if course.stands(due_s):
                out.append((index, due_s))
        if not ahead:
            return out
        turn = ahead.pop(0)
        course.turn(turn.at_s, turn.legs)


@given(
    parts=PARTS, turning=turns(), shards=st.integers(1, 4), arrivals=st.sampled_from(Arrivals), seed=st.integers(0, 9)
)
def test_generators_together_offer_the_legs_however_they_are_turned(
    parts: list[tuple[float, float]], turning: list[Turn], shards: int, arrivals: Arrivals, seed: int
) -> None:
    first = chain(0.0, parts)
    legs = list(first)
    for turn in turning:
        if turn.told_s > legs[-1].to_s:  # nobody turns a climb that is over
            turning = turning[: turning.index(turn)]
            break
        legs = turned(legs, turn.at_s, turn.legs)
    expected = [due_s for number, leg in enumerate(legs) for due_s in dues(leg, number, arrivals, seed)]
    together = sorted(
        each
        for shard in range(shards)
        for each in sent(Course(first, arrivals=arrivals, seed=seed), shard, shards, turning)
    )
    assert together == list(enumerate(expected))


@given(leg=st.builds(Leg, st.floats(0, 100), st.floats(100, 130), st.floats(0.1, 1000)))
def test_a_leg_has_its_rate_and_nothing_at_its_end(leg: Leg) -> None:
    all_due = list(dues(leg, 0, Arrivals.CONSTANT, 1))
    assert len(all_due) == scheduled(leg, 0, Arrivals.CONSTANT, 1)
    assert math.isclose(len(all_due), leg.seconds * leg.rate_per_s, abs_tol=1.001)
    assert all(leg.from_s <= due < leg.to_s for due in all_due)


@pytest.mark.parametrize("arrivals", Arrivals)
def test_a_rest_has_no_arrivals(arrivals: Arrivals) -> None:
    assert list(dues(Leg(0, 9, 0.0), 0, arrivals, 1)) == []
    assert scheduled(Leg(0, 9, 0.0), 0, arrivals, 1) == 0


def test_windows_are_the_legs_and_the_end_is_the_last_ones() -> None:
    course = Course(chain(0, [(1, 5.0), (1, 6.0), (2, 0.0)]))
    windows = course.windows
    assert (windows, course.ends_s) == ([(0, 1), (1, 2), (2, 4)], 4)
    course.turn(1.5, [Leg(1.5, 3.5, 2.0)])
    assert (windows, course.ends_s) == ([(0, 1), (1, 1.5), (1.5, 3.5)], 3.5)


def test_a_leg_that_was_gone_through_is_not_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute of thousands a second takes longer to draw than the next leg's first arrivals may be late."""
    legs = chain(0.0, [(2, 20.0), (2, 0.0), (3, 30.0)])
    whole = [scheduled(leg, number, Arrivals.POISSON, 1) for number, leg in enumerate(legs)]
    course = Course(legs, arrivals=Arrivals.POISSON)
    monkeypatch.setattr("pytest_syncload.load.course.scheduled", None)
    assert [index for index, _ in course.arrivals_of(1, 2)] == list(range(1, sum(whole), 2))
