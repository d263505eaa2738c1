import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_syncload.facts.catalogue import GROWTH_MINUTES
from pytest_syncload.facts.observation import Ruling
from pytest_syncload.verdict.growth import judge_growth, trend
from tests.verdict.series import START, minutes, watched, with_limit

SEVERITY = {Ruling.PASS: 0, Ruling.INCONCLUSIVE: 1, Ruling.BREACH: 2}

#: Whole numbers, so that a trend that is added is added exactly; enough of them small for ties.
DEPTHS = st.lists(
    st.one_of(st.integers(0, 5), st.integers(0, 120), st.integers(0, 5000)), min_size=GROWTH_MINUTES, max_size=30
)


def jitter(base: Sequence[float], noise: float, seed: int = 7) -> list[float]:
    rng = random.Random(seed)
    return [max(0.0, round(value + rng.gauss(0.0, noise))) for value in base]


LEVEL: dict[str, Sequence[float]] = {
    "empty": [0] * 15,
    "always the same": [400] * 15,
    "two to four messages": [2, 3, 3, 2, 4, 3, 2, 3, 4, 2, 3, 3, 4, 3, 4],
    "two to four messages, in order": [2] * 5 + [3] * 5 + [4] * 5,
    "a busy queue": jitter([200] * 15, 20),
    "a backlog of the ramp that drains": [800, 600, 400, 200, 10, 3, 2, 4, 3, 2, 3, 3, 4, 2, 3],
    "a hump in the middle": [0, 0, 0, 0, 300, 600, 900, 600, 300, 0, 0, 0, 0, 0, 0],
    "a late hump that drained": [0] * 6 + [200, 400, 600, 800, 600, 400, 200, 5, 0],
    "a tall late hump that drained": [0, 1, 2, 3, 4, 5, 6, 300, 600, 900, 900, 600, 300, 40, 40],
    "one odd minute": [3, 2, 3, 4, 3, 2, 900, 3, 2, 3, 4, 3, 2, 3, 4],
    "one odd minute near the end": [3, 2, 3, 4, 3, 2, 3, 3, 2, 3, 4, 3, 2, 900, 4],
    "a sawtooth": [0, 150, 300, 450, 600] * 3,
    "a step down": [500] * 7 + [20] * 8,
    "falling": list(range(900, 0, -60)),
    "an early step that stays": [0, 0, *[500] * 28],
}

GROWING: dict[str, Sequence[float]] = {
    "slowly, below the limit": list(range(0, 900, 60)),
    "by the least that counts": jitter([4 * minute for minute in range(15)], 3),
    "noisily": jitter([30 * minute for minute in range(15)], 60),
    "in steps": [100] * 5 + [300] * 5 + [500] * 5,
    "after a spike": [950, *range(0, 840, 60)],
    "with one low minute at the end": [*range(0, 840, 60), 0],
    "after the ramp's backlog": [800, 600, 400, 200, 0, *range(0, 300, 30)],
    "after the ramp's backlog, in a short hold": [800, 600, 400, 200, 0, *range(20, 120, 20)],
    "only in its second half": jitter([10] * 8 + [120 * minute for minute in range(1, 8)], 3),
    "after a late step": [0] * 12 + [800] * 3,
    "in its last two minutes, from nothing": [0] * 13 + [400, 900],
    "and never stops, at 102 %": [1200 * minute for minute in range(10)],
}

JUMPED: dict[str, Sequence[float]] = {
    "last minute": [2, 3, 3, 2, 4, 3, 2, 3, 4, 2, 3, 2, 3, 2, 990],
    "last minute, from nothing": [0] * 14 + [990],
}


@pytest.mark.parametrize("values", LEVEL.values(), ids=LEVEL)
def test_a_level_queue_does_not_grow(values: Sequence[float]) -> None:
    part = judge_growth(watched(values))
    assert part.ruling is Ruling.PASS
    assert part.says.startswith(f"no growth over {len(values)} minutes (slope ")


@pytest.mark.parametrize("values", GROWING.values(), ids=GROWING)
def test_a_growing_queue_is_a_breach(values: Sequence[float]) -> None:
    part = judge_growth(watched(values))
    assert part.ruling is Ruling.BREACH
    assert "it grows" in part.says


@pytest.mark.parametrize("values", JUMPED.values(), ids=JUMPED)
def test_a_jump_at_the_very_end_is_a_doubt(values: Sequence[float]) -> None:
    part = judge_growth(watched(values))
    assert part.ruling is Ruling.INCONCLUSIVE
    assert "990 in the last minute, at most" in part.says
    assert "longer hold" in part.says


def test_the_words_have_the_pace_and_the_chance() -> None:
    assert judge_growth(watched(range(0, 900, 60))).says == "it grows by 60 a minute (p < 0.001)"
    assert judge_growth(watched([7] * 15)).says == "no growth over 15 minutes (slope 0 a minute, p = 1)"
    after_ramp = judge_growth(watched(GROWING["after the ramp's backlog"])).says
    assert after_ramp == "in its last 8 minutes it grows by 30 a minute (p < 0.001)"
    late_step = judge_growth(watched(GROWING["after a late step"])).says
    assert late_step == "it grows: 800 in the last minute, at most 0 in its middle third (p = 0.00469)"
    assert judge_growth(watched(LEVEL["a tall late hump that drained"])).says.endswith("; what there was has drained)")


def test_what_is_material_is_a_share_of_the_limit() -> None:
    slow = list(range(0, 45, 3))
    assert judge_growth(watched(slow, with_limit(1000))).ruling is Ruling.PASS
    assert judge_growth(watched(slow, with_limit(500))).ruling is Ruling.BREACH


def test_beside_a_limit_of_zero_every_trend_is_material() -> None:
    zero = with_limit(0, ">=")
    assert judge_growth(watched(range(15), zero)).ruling is Ruling.BREACH
    assert judge_growth(watched([4] * 15, zero)).ruling is Ruling.PASS


def test_growth_counts_whatever_the_target_asks_of_the_value() -> None:
    assert judge_growth(watched(range(2000, 2900, 60), with_limit(1000, ">"))).ruling is Ruling.BREACH


@pytest.mark.parametrize("count", range(1, GROWTH_MINUTES))
def test_a_short_hold_proves_nothing_and_says_how_long_it_must_be(count: int) -> None:
    part = judge_growth(watched([0] * count))
    assert part.ruling is Ruling.INCONCLUSIVE
    assert part.says == f"a hold of {count}m cannot show whether it grows; hold for at least 6m"


def test_the_shortest_hold_shows_growth_and_none() -> None:
    assert judge_growth(watched([0, 100, 200, 300, 400, 500])).ruling is Ruling.BREACH
    assert judge_growth(watched([3, 2, 4, 3, 2, 3])).ruling is Ruling.PASS


@settings(deadline=None)
@given(DEPTHS, st.data())
def test_a_minute_that_is_missing_or_no_number_never_passes(values: list[int], data: st.DataObject) -> None:
    whole = watched(values)
    gone = data.draw(st.integers(0, len(values) - 1))
    stamps, numbers = whole.series.timestamps, [float(value) for value in values]
    holed = replace(
        whole.series,
        timestamps=stamps[:gone] + stamps[gone + 1 :],
        values=tuple(numbers[:gone] + numbers[gone + 1 :]),
    )
    numbers[gone] = data.draw(st.sampled_from([math.nan, math.inf, -math.inf]))
    for series in (holed, minutes(numbers), minutes([]), minutes(values, START + 60), replace(holed, period_s=300)):
        part = judge_growth(replace(whole, series=series))
        assert part.ruling is Ruling.INCONCLUSIVE
        assert "cannot be seen" in part.says


def test_minutes_of_another_period_prove_nothing() -> None:
    whole = watched([0] * 15)
    assert judge_growth(replace(whole, series=replace(whole.series, period_s=300))).ruling is Ruling.INCONCLUSIVE


@settings(max_examples=150, deadline=None)
@given(DEPTHS, st.integers(1, 500))
def test_more_trend_never_turns_a_ruling_greener(values: list[int], per_minute: int) -> None:
    steeper = [value + per_minute * number for number, value in enumerate(values)]
    plain, grown = judge_growth(watched(values)), judge_growth(watched(steeper))
    assert SEVERITY[grown.ruling] >= SEVERITY[plain.ruling]


@settings(deadline=None)
@given(DEPTHS, st.integers(-6, 6))
def test_the_unit_changes_no_ruling(values: list[int], power: int) -> None:
    scale = 2.0**power  # exact in binary
    plain = judge_growth(watched(values, with_limit(1000)))
    scaled = judge_growth(watched([value * scale for value in values], with_limit(1000 * scale)))
    assert scaled.ruling is plain.ruling


@settings(deadline=None)
@given(DEPTHS, st.integers(1, 10_000))
def test_only_changes_count_not_the_level(values: list[int], level: int) -> None:
    lifted = judge_growth(watched([value + level for value in values]))
    assert lifted.ruling is judge_growth(watched(values)).ruling


@settings(deadline=None)
@given(DEPTHS)
def test_falling_minutes_never_grow(values: list[int]) -> None:
    assert judge_growth(watched(sorted(values, reverse=True))).ruling is Ruling.PASS


@settings(deadline=None)
@given(st.integers(GROWTH_MINUTES, 30), st.integers(4, 1000))
def test_a_straight_line_that_adds_a_share_of_the_limit_is_always_a_breach(count: int, per_minute: int) -> None:
    limit = per_minute * (count - 1) / 0.06
    part = judge_growth(watched([per_minute * number for number in range(count)], with_limit(limit)))
    assert part.ruling is Ruling.BREACH


def test_a_trend_is_upward_only_and_of_the_median_pair() -> None:
    up, down = trend(tuple(range(10))), trend(tuple(range(10, 0, -1)))
    assert (up.slope, down.slope) == (1.0, -1.0)
    assert up.p < 0.001
    assert down.p > 0.999
    assert trend((0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 600.0)).slope == 1.0


def test_a_spike_at_the_beginning_hides_nothing_of_the_end() -> None:
    """A ramp's backlog in the first minutes of a hold of thirty, and a queue that grows in the last four."""
    late = [0.0] * 24 + [120.0, 240.0, 360.0, 480.0]
    for values in ([0.0, 0.0, *late], [0.0, 500.0, *late]):
        assert judge_growth(watched(values)).ruling is Ruling.BREACH
