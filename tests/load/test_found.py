"""From a climb's course and what was seen to an interval that nothing contradicts."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pytest_syncload.facts.climb import ClimbFound, End, Finding, Part
from pytest_syncload.load.found import found
from tests.load.test_climber import WAY, Collapsing, Ridden, Slow, capacity, ride


def summed(ridden: Ridden, *, gone: bool = False) -> ClimbFound:
    return found(ridden.climber, ridden.seen, ridden.seconds, lambda wall: 6000 + 60 * wall, gone=gone)


def test_the_step_that_rows_look_at_is_the_highest_that_held() -> None:
    what = summed(ride(WAY, capacity(777.0)))
    assert what.end is End.FOUND
    assert what.held_per_s is not None
    assert what.broke_per_s is not None
    assert what.held_per_s <= 777 / 0.99 < what.broke_per_s + 1
    judged = next(step for step in what.steps if step.number == what.judged)
    assert (judged.rate_per_s, judged.finding, judged.part) == (what.held_per_s, Finding.HELD, Part.FINE)
    assert (judged.starts_at % 60, judged.ends_at - judged.starts_at) == (0, 60)
    assert (judged.failed_percent or 0) < 1
    assert not what.at_least
    assert all(step.rate_per_s > what.held_per_s for step in what.steps if step.finding is Finding.BROKE)


def test_where_nothing_broke_it_is_at_least_what_held() -> None:
    what = summed(ride(WAY, capacity(math.inf)))
    assert (what.end, what.held_per_s, what.broke_per_s, what.at_least) == (End.NEVER_BROKE, 2000.0, None, True)


def test_where_nothing_held_the_first_step_is_looked_at() -> None:
    what = summed(ride(WAY, capacity(100.0)))
    assert (what.held_per_s, what.broke_per_s, what.at_least) == (None, 300.0, False)
    assert what.judged == what.steps[0].number


def test_what_the_generator_could_not_offer_did_not_break() -> None:
    what = summed(ride(WAY, capacity(1000.0), lag_ms=lambda rate: 1.0 if rate < 900 else 250.0))
    assert what.end is End.GENERATOR
    assert what.at_least
    assert (what.held_per_s or 0) < 900
    assert {step.finding for step in what.steps if step.rate_per_s > 900 and step.arrivals} <= {
        Finding.LIMITED,
        Finding.CUT,
    }


def test_what_held_and_broke_when_it_was_repeated_too_soon_is_told() -> None:
    """Only rest tells a target that comes back slowly from one that holds the rate no longer than its credits last."""
    assert summed(ride(WAY, capacity(777.0))).broke_again == 0
    slow = summed(ride(replace(WAY, recovers_within_s=120.0), Slow(per_s=700.0, back_per_s=40.0)))
    assert (slow.end, slow.broke_again > 0) == (End.FOUND, True)
    assert slow.repeated_per_s is not None
    assert (slow.undoubted_per_s or 0) < slow.repeated_per_s <= (slow.held_per_s or 0)


@pytest.mark.parametrize(("gone", "end"), [(True, End.NOT_RECOVERED), (False, End.STOPPED)])
def test_a_climb_that_was_stopped_says_so(gone: bool, end: End) -> None:
    ridden = ride(WAY, Collapsing(per_s=700.0, rest_per_s=0.0, rest_s=1e9))
    ridden.climber.end = None
    what = summed(ridden, gone=gone)
    assert what.end is end
    assert what.held_per_s is not None
    assert what.why
