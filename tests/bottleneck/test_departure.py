import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_syncload.bottleneck.approach import approaches
from pytest_syncload.bottleneck.departure import NORMAL_PERIODS, Left, Unknown, departure, left_again, onset
from pytest_syncload.facts.bottleneck import Departure, How, Track, Worse
from pytest_syncload.facts.units import Kind
from tests.bottleneck.seen import START, climbing, step, track

MINUTES = 20
(APPROACH,) = approaches(climbing(MINUTES))
RATES = [500.0 + 50 * minute for minute in range(MINUTES)]


def scattered(values: Sequence[float], noise: float = 0.03, seed: int = 1) -> list[float]:
    dice = np.random.default_rng(seed).normal(0, noise, len(values))
    return [float(value * np.exp(away)) for value, away in zip(values, dice, strict=True)]


def left(seen: Track) -> Departure | None:
    found = departure(seen, APPROACH)
    assert not isinstance(found, Unknown)
    return None if found is None else found.departure


def minute_of(gone: Departure | None) -> float | None:
    return None if gone is None else (gone.at - START) / 60


STAYED: dict[str, Track] = {
    "level": track([30.0] * MINUTES),
    "level, with noise": track(scattered([30.0] * MINUTES)),
    "zero": track([0.0] * MINUTES),
    "in proportion to the load": track(scattered([0.05 * rate for rate in RATES]), kind=Kind.SHARE),
    "in proportion, to 94 % of the ceiling": track(
        [94 * rate / RATES[-1] for rate in RATES], kind=Kind.SHARE, ceiling=100
    ),
    "a latency that bends a little": track([20 / (1 - rate / 3500) for rate in RATES], kind=Kind.TIME),
    "a queue that has few messages now and then": track([0] * 9 + [3, 2, 3, 0, 3, 0, 1, 3, 3, 5, 2], limit=1000.0),
    "one odd minute": track([30.0] * 10 + [300.0] + [30.0] * 9),
    # One such minute in four thousand, and any of twenty may be it.
    "an odd last minute": track([33.0, 27.0] * 9 + [33.0, 45.0], kind=Kind.SHARE),
    "a cold start": track([300.0, 200.0] + [30.0] * 18),
    "a counter with an event now and then": track([0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1]),
    "a hump that is over": track([30.0] * 10 + [300.0] * 5 + [30.0] * 5),
    "falling, which is good": track([30.0] * 10 + [3.0] * 10),
    "at its ceiling all the time": track([100.0] * MINUTES, kind=Kind.SHARE, ceiling=100),
    "whole seconds, one or two": track(
        [1000, 1000, 1000, 1000, 1000, 1000, 2000] + [1000, 2000] * 6 + [2000], kind=Kind.TIME
    ),
}

WENT: dict[str, tuple[Track, int, How]] = {
    "a counter's first event in the last minute": (track([0] * 19 + [400]), 19, How.COUNTED),
    "a counter that comes and goes": (track([0] * 14 + [5, 0, 12, 30, 0, 80]), 14, How.COUNTED),
    "a queue that fills slowly, beside its limit": (
        track([0.0] * 12 + [7, 21, 29, 64, 98, 99, 125, 137], limit=1000.0),
        12,
        How.COUNTED,
    ),
    "a counter after one stray event": (track([0] * 3 + [1] + [0] * 11 + [5, 40, 90, 200, 300]), 15, How.COUNTED),
    "a jump": (track(scattered([30.0] * 14 + [60.0] * 6)), 14, How.CHANGED),
    "a jump in the last minute": (track(scattered([30.0] * 19 + [90.0])), 19, How.CHANGED),
    "early in the climb": (track(scattered([30.0] * 8 + [90.0] * 12)), 8, How.CHANGED),
    "a queue that grows faster and faster": (
        track([4.0, 5, 3, 4] * 3 + [9.0 * 3**minute for minute in range(8)]),
        12,
        How.CHANGED,
    ),
    "from its relation to the load": (
        track(
            scattered([0.05 * rate * (1 if minute < 15 else 1.6) for minute, rate in enumerate(RATES)]), kind=Kind.SHARE
        ),
        15,
        How.CHANGED,
    ),
    "to its ceiling": (
        track(scattered([min(99.0, 0.08 * rate) for rate in RATES], 0.005), kind=Kind.SHARE, ceiling=100),
        14,
        How.SATURATED,
    ),
    "near its ceiling, faster than the load": (
        track([0.055 * rate for rate in RATES[:16]] + [97.0, 98, 99.5, 100], kind=Kind.SHARE, ceiling=100),
        16,
        How.CHANGED,
    ),
    "downwards, which is bad": (track([10.0] * 12 + [6.0] * 8, worse=Worse.DOWN), 12, How.CHANGED),
    "a latency that doubles before it explodes": (
        track([9.0] * 9 + [17.0] * 7 + [160.0, 164, 164, 163], kind=Kind.TIME),
        9,
        How.CHANGED,
    ),
    "a latency": (track(scattered([20.0] * 16 + [60.0] * 4), kind=Kind.TIME), 16, How.CHANGED),
}


@pytest.mark.parametrize("seen", STAYED.values(), ids=STAYED)
def test_what_its_load_explains_did_not_leave(seen: Track) -> None:
    assert left(seen) is None


@pytest.mark.parametrize(("seen", "minute", "how"), WENT.values(), ids=WENT)
def test_what_its_load_does_not_explain_left_in_that_minute(seen: Track, minute: int, how: How) -> None:
    gone = left(seen)
    assert gone is not None
    assert (minute_of(gone), gone.how) == (minute, how)
    assert (gone.after, gone.by) == (gone.at, gone.at + 60)
    assert gone.value == seen.values[minute]
    assert gone.confidence > (0.9 if how is How.COUNTED else 0.999)


def test_a_departure_says_what_was_expected() -> None:
    assert left(WENT["downwards, which is bad"][0]).expected == pytest.approx(10)  # type: ignore[union-attr]
    assert left(WENT["a counter's first event in the last minute"][0]).expected == 0  # type: ignore[union-attr]
    assert left(WENT["from its relation to the load"][0]).expected == pytest.approx(62.5, rel=0.05)  # type: ignore[union-attr]


def test_a_missing_minute_before_it_widens_when_it_may_have_been() -> None:
    gone = left(track([30.0] * 12 + [None, None] + [90.0] * 6))
    assert gone is not None
    assert (gone.after, gone.at, gone.by) == (START + 60 * 12, START + 60 * 14, START + 60 * 15)


def test_a_counters_confidence_is_how_unlikely_its_minutes_fell_there() -> None:
    gone = left(track([0] * 19 + [400]))
    assert gone is not None
    assert gone.confidence == pytest.approx(1 - RATES[-1] / sum(RATES))


@pytest.mark.parametrize("count", range(NORMAL_PERIODS + 1))
def test_too_few_minutes_are_no_range(count: int) -> None:
    found = departure(track([0.0] * count), APPROACH)
    assert isinstance(found, Unknown)
    assert found.why.startswith(f"too few periods ({count}) for a normal range")


def test_minutes_at_two_rates_are_no_relation_to_the_load() -> None:
    (two,) = approaches(replace(climbing(2, minutes=30)))
    assert isinstance(departure(track([0.0] * 60), two), Unknown)


def test_a_second_approach_is_held_to_the_range_of_the_first() -> None:
    (again,) = approaches(climbing(5, first=40, rate=1000))
    found = departure(track([30.0] * 15 + [90.0] * 5), APPROACH)
    assert isinstance(found, Left)
    assert left_again(track([30.0] * 3 + [90.0] * 2, first=40), again, found) == (True, START + 60 * 43)
    assert left_again(track([30.0] * 5, first=40), again, found) == (True, None)
    assert left_again(track([30.0] * 5, first=90), again, found) == (False, None)


@pytest.mark.parametrize(
    ("flags", "start"),
    [("00000", None), ("00001", 4), ("00110", None), ("00111", 2), ("01011", 3), ("0100111111", 4), ("0110111111", 1)],
)
def test_the_onset_is_where_it_begins_to_stay(flags: str, start: int | None) -> None:
    assert onset(np.array([flag == "1" for flag in flags]), 0, 0.8) == start


@settings(deadline=None)
@given(
    st.floats(0, 1e6),
    st.floats(0, 1e3),
    st.sampled_from(Kind),
    st.sampled_from(Worse),
    st.sampled_from([None, 1e9]),
)
def test_what_never_changes_is_never_named(
    level: float, a_request: float, kind: Kind, worse: Worse, top: float
) -> None:
    turn = 1 if worse is Worse.UP else -1
    values = [turn * (level + a_request * rate) for rate in RATES]
    if kind is Kind.TIME:  # whose logarithm is the line
        values = [turn * (level + 1)] * MINUTES
    assert left(track(values, kind=kind, worse=worse, ceiling=top)) is None


@settings(deadline=None)
@given(st.integers(7, 19), st.floats(1e-3, 1e6), st.integers(0, 50))
def test_units_change_nothing(change: int, unit: float, seed: int) -> None:
    values = scattered([30.0] * change + [120.0] * (MINUTES - change), seed=seed)
    gone = left(track(values, kind=Kind.SHARE))
    scaled = left(track([unit * value for value in values], kind=Kind.SHARE))
    assert minute_of(gone) == minute_of(scaled) == change


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e9), min_size=MINUTES, max_size=MINUTES), st.integers(-100_000, 100_000))
def test_shifting_the_times_shifts_the_result(values: list[float], minutes: int) -> None:
    shifted = climbing(MINUTES, first=minutes)
    found, moved = left(track(values)), departure(track(values, first=minutes), approaches(shifted)[0])
    if found is None:
        assert moved is None
    else:
        assert isinstance(moved, Left)
        assert moved.departure == replace(
            found, at=found.at + 60 * minutes, after=found.after + 60 * minutes, by=found.by + 60 * minutes
        )


@settings(deadline=None)
@given(
    st.lists(st.none() | st.floats(-1e9, 1e9) | st.just(float("nan")), max_size=40),
    st.sampled_from(Kind),
    st.sampled_from(Worse),
)
def test_no_series_is_too_strange(values: list[float | None], kind: Kind, worse: Worse) -> None:
    found = departure(track(values, kind=kind, worse=worse, ceiling=100.0), APPROACH)
    if isinstance(found, Left):
        assert 0 <= found.departure.confidence <= 1
        assert found.departure.after <= found.departure.at < found.departure.by


def test_a_step_longer_than_a_minute_counts_by_the_minute() -> None:
    (slow,) = approaches(climbing(5, minutes=4))
    found = departure(track([0] * 17 + [3, 9, 20]), slow)
    assert isinstance(found, Left)
    assert minute_of(found.departure) == 17
    assert step(500, 0, 4).window.minutes[-1] == START + 180


def test_whoever_has_no_climb_does_not_pay_for_its_libraries() -> None:
    asked = "import sys, pytest_syncload.bottleneck; print(sorted({'ruptures', 'scipy'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


def test_a_message_that_waits_now_and_then_is_chance() -> None:
    """The queue has no row, so nothing says how many matter; what counts fewer than ten in all is named by nobody."""
    few = track([0.0] * 11 + [1.0] * 4, "queue depth")
    assert departure(few, approaches(climbing())[0]) is None
    many = track([0.0] * 11 + [3.0] * 4, "queue depth")
    assert isinstance(departure(many, approaches(climbing())[0]), Left)
    share = track([0.0] * 11 + [2.0] * 4, "failed requests", kind=Kind.SHARE)
    assert isinstance(departure(share, approaches(climbing())[0]), Left)


def test_what_counted_more_and_more_from_the_beginning_is_not_called_normal() -> None:
    seen = departure(track([0.0, 0.0, 0.0, 0.0, 27.0, 33.0, 177.0, 119.0]), approaches(climbing(8))[0])
    assert isinstance(seen, Unknown)
    assert "it counted more and more from its first 6 periods on" in seen.why
    calm = departure(track([0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 1.0, 0.0]), approaches(climbing(8))[0])
    assert calm is None
