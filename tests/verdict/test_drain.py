import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_syncload.facts.observation import Observation, Ruling
from pytest_syncload.facts.plan import Target
from pytest_syncload.facts.units import Kind
from pytest_syncload.verdict.drain import judge_drain
from tests.verdict.series import QUEUE, START, minutes, watched, with_limit

HOLD = [400, 500, 450, 480, 470, 460]
END = START + 60 * len(HOLD)
FIVE = 300.0


def behind(values: list[float], limit: float = 1000) -> Observation:
    """A hold, and these minutes behind it."""
    return watched(HOLD, with_limit(limit), after=minutes(values, END))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0], "drained within 1 minute"),
        ([10, 300], "drained within 1 minute"),  # one minute was asked for, the second is none of its business
        ([300, 120, 11, 10, 3], "drained within 4 minutes"),
        ([900, 700, 500, 300, 8], "drained within 5 minutes"),
        ([2, 300, 4, 3, 2], "drained within 3 minutes"),  # one low minute was no drained queue
        ([300, 0], "drained within 2 minutes"),  # nobody asked on after that
    ],
)
def test_drained_at_a_hundredth_of_the_limit(values: list[float], words: str) -> None:
    within = 60.0 if words == "drained within 1 minute" else FIVE
    part = judge_drain(behind(values), within)
    assert (part.ruling, part.says) == (Ruling.PASS, words)


@pytest.mark.parametrize(
    "values", [[900, 700, 500, 300, 11], [900, 700, 500, 300, 11, 0, 0], [0, 0, 0, 0, 11], [500] * 5]
)
def test_not_drained_in_time_is_a_breach(values: list[float]) -> None:
    part = judge_drain(behind(values), FIVE)
    assert part.ruling is Ruling.BREACH
    assert part.says.startswith(
        f"it did not drain within 5m: {values[4]} in the last minute, and drained is at most 10"
    )


@pytest.mark.parametrize(("within_s", "ruling"), [(59.0, Ruling.BREACH), (119.0, Ruling.BREACH), (120.0, Ruling.PASS)])
def test_only_minutes_that_end_before_the_deadline_count(within_s: float, ruling: Ruling) -> None:
    assert judge_drain(behind([500, 0, 0]), within_s).ruling is ruling


def test_a_limit_of_zero_wants_it_empty() -> None:
    assert judge_drain(behind([1, 0], limit=0), 120.0).ruling is Ruling.PASS
    assert judge_drain(behind([1, 1], limit=0), 120.0).ruling is Ruling.BREACH


def test_the_words_have_the_unit() -> None:
    slo = replace(QUEUE, target=Target(op="<", value=60_000.0, kind=Kind.TIME, text="< 60 s"))
    part = judge_drain(watched(HOLD, slo, after=minutes([9000], END)), 60.0)
    assert part.says == "it did not drain within 1m: 9000 ms in the last minute, and drained is at most 600 ms"


@pytest.mark.parametrize("after", [None, replace(minutes([0] * 5, END), period_s=300)])
def test_nothing_read_behind_the_hold_is_a_doubt(after: object) -> None:
    part = judge_drain(watched(HOLD, after=after), FIVE)
    assert part.ruling is Ruling.INCONCLUSIVE
    assert part.says == "nothing was read behind the hold, so whether it drained within 5m is not known"


@pytest.mark.parametrize(
    ("values", "missing"),
    [([], "5 of the 5"), ([900, 700], "3 of the 5"), ([math.nan, 3, 2], "1 of the 2"), ([500, math.inf], "4 of the 5")],
)
def test_a_missing_minute_is_a_doubt(values: list[float], missing: str) -> None:
    part = judge_drain(behind(values), FIVE)
    assert part.ruling is Ruling.INCONCLUSIVE
    assert part.says.startswith(f"{missing} minutes behind the hold have no data point")


def test_minutes_of_the_hold_itself_count_for_nothing() -> None:
    early = watched(HOLD, after=minutes([0] * len(HOLD), START))
    assert judge_drain(early, FIVE).ruling is Ruling.INCONCLUSIVE


@settings(deadline=None)
@given(st.lists(st.integers(11, 5000), min_size=0, max_size=5), st.data())
def test_what_was_never_seen_drained_never_passes(full: list[int], data: st.DataObject) -> None:
    holes = data.draw(st.lists(st.sampled_from([math.nan, math.inf, -math.inf]), max_size=2))
    values = data.draw(st.permutations([*map(float, full), *holes]))
    assert judge_drain(behind(values), FIVE).ruling is not Ruling.PASS


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), min_size=5, max_size=5), st.integers(0, 4), st.integers(1, 100))
def test_more_left_never_turns_a_breach_into_a_pass(values: list[int], where: int, more: int) -> None:
    fuller = [value + more * (number == where) for number, value in enumerate(values)]
    if judge_drain(behind([*map(float, values)]), FIVE).ruling is Ruling.BREACH:
        assert judge_drain(behind([*map(float, fuller)]), FIVE).ruling is Ruling.BREACH


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), min_size=5, max_size=5), st.integers(1, 5))
def test_a_later_deadline_is_met_by_what_stays_empty(values: list[int], count: int) -> None:
    empties = [*map(float, values[:count]), *[0.0] * 5]
    shorter = judge_drain(behind(empties), 60.0 * count)
    longer = judge_drain(behind(empties), 60.0 * (count + 1))
    assert longer.ruling is Ruling.PASS
    assert shorter.ruling is (Ruling.PASS if values[count - 1] <= 10 else Ruling.BREACH)


def test_not_the_hold_but_what_follows_is_judged() -> None:
    assert judge_drain(watched([0] * 6, after=minutes([500] * 5, END)), FIVE).ruling is Ruling.BREACH
