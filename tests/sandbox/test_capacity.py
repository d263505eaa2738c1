"""What a limited resource grants: by the arithmetic of the load, with a sign before the end, and no end of a pause."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_syncload.facts.capacity import Recovery
from pytest_syncload.sandbox.capacity import EASY, Grant, Limit
from pytest_syncload.sandbox.collapse import LEFT


def offer(limit: Limit, per_s: float, begin: float, seconds: float) -> Counter[Grant]:
    """A steady load."""
    return Counter(limit.ask(begin + number / per_s) for number in range(int(per_s * seconds)))


def shares(grants: Counter[Grant]) -> tuple[float, float]:
    """From the reserve, and refused."""
    return grants[Grant.RESERVE] / grants.total(), grants[Grant.REFUSED] / grants.total()


@settings(max_examples=20)
@given(per_s=st.floats(60, 250), load=st.floats(0.1, 3))
def test_steady_load_is_refused_by_what_it_is_beyond_capacity(per_s: float, load: float) -> None:
    limit = Limit(per_s, None, 0.0)
    # Near capacity bursts last long: 2.5 % of a second at 1 % too much are two and a half.
    offer(limit, load * per_s, 0.0, 12)
    reserve, refused = shares(offer(limit, load * per_s, 12.0, 12))
    assert refused == pytest.approx(max(1 - 1 / load, 0.0), abs=0.012)
    assert reserve == pytest.approx(max(min(1 - EASY / load, (1 - EASY) / load), 0.0), abs=0.012)
    if load < EASY:
        assert (reserve, refused) == (0, 0)


@pytest.mark.parametrize(("load", "pressure"), [(0.5, 0.0), (0.97, 0.0), (1.1, 1.0)])
def test_pressure_is_there_beyond_capacity_only(load: float, pressure: float) -> None:
    limit = Limit(1_000, None, 0.0)
    offer(limit, load * 1_000, 0.0, 5)
    assert limit.pressure == pytest.approx(pressure, abs=0.05)


@settings(max_examples=20)
@given(start=st.floats(0.4, 0.8), step=st.floats(0.025, 0.1))
def test_climb_sees_the_reserve_in_a_step_before_more_than_one_percent_is_refused(start: float, step: float) -> None:
    """And the first step of which more is refused lies within 5 % and a step of the capacity."""
    limit = Limit(500, None, 0.0)
    seen: list[tuple[float, float, float]] = []
    load, at = start, 0.0
    while not seen or seen[-1][2] <= 0.01:
        seen.append((load, *shares(offer(limit, load * 500, at, 3))))
        load, at = load * (1 + step), at + 3
    assert seen[-2][1] > 0
    assert 1 < seen[-1][0] < 1.05 * (1 + step)


@pytest.mark.parametrize(("load", "pause_s"), [(0.5, 0.9), (0.8, 0.5), (0.9, 0.4), (0.98, 0.4)])
def test_what_a_standstill_of_the_process_saved_up_is_no_overload(load: float, pause_s: float) -> None:
    limit = Limit(1_000, None, 0.0)
    per_s = load * 1_000
    offer(limit, per_s, 0.0, 3)
    at_once = Counter(limit.ask(3 + pause_s) for _ in range(int(pause_s * per_s)))
    assert at_once[Grant.REFUSED] == 0


def test_idleness_saves_up_for_half_a_second_only() -> None:
    limit = Limit(1_000, None, 0.0)
    at_once = Counter(limit.ask(3_600.0) for _ in range(5_000))
    assert 500 < 5_000 - at_once[Grant.REFUSED] < 530
    assert at_once[Grant.EASY] > at_once[Grant.RESERVE] > 0


@pytest.mark.parametrize("per_s", [250, 1_000, 4_200])
@pytest.mark.parametrize("before", [0.0, 0.3, 0.5, 0.95])
def test_step_of_one_second_fails_within_five_percent_of_the_capacity_whatever_came_before(
    per_s: int, before: float
) -> None:
    def refused(load: float) -> float:
        limit = Limit(per_s, None, 0.0)
        begin = 600.0
        if before:
            offer(limit, before * per_s, begin - 3, 3)
        else:  # idle until the ramp of a climb, five legs in a second
            for fifth in range(5):
                offer(limit, load * per_s * (fifth + 1) / 5, begin - 1 + fifth / 5, 0.2)
        return shares(offer(limit, load * per_s, begin, 1))[1]

    assert refused(1.0) <= 0.01
    assert refused(1.05) > 0.01


def test_collapsed_resource_serves_a_tenth_until_load_was_low_for_a_while() -> None:
    limit = Limit(500, Recovery(after_s=2.0), 0.0)
    refused = []
    for per_s, begin, seconds in ((450, 0, 4), (550, 4, 4), (450, 8, 4), (250, 12, 5), (450, 17, 3)):
        refused.append(shares(offer(limit, per_s, begin, seconds))[1])
    assert refused[0] == 0
    assert refused[1] > 0.3  # it collapsed about half-way
    assert refused[2] == pytest.approx(1 - 500 * LEFT / 450, abs=0.01)
    assert 0.2 < refused[3] < 0.6  # and recovered in this one
    assert refused[4] == 0
