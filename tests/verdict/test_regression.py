"""A row beside an earlier run: never worse by noise, never no worse by silence, and honest about correlated minutes."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.catalogue import COMPARED_MINUTES
from pytest_syncload.facts.comparison import Change, Regression
from pytest_syncload.facts.observation import Observation, Ruling, Series
from pytest_syncload.facts.plan import Rejudged, Slo, Target
from pytest_syncload.facts.result import Window
from pytest_syncload.facts.units import Kind
from pytest_syncload.verdict import judge
from pytest_syncload.verdict.regression import change_of, compare, judge_regression, level
from tests.rows import result
from tests.verdict.series import QUEUE, START, minutes, watched, with_limit

RUN = Rejudged(run_id="20261123T090000Z-bbbbbb", begun_at=START - 86_400)
TEN = Target(op="<", value=10.0, kind=Kind.SHARE, text="< 10 %")
FLOOR = replace(with_limit(10.0, ">"), regression=TEN)
RULED = replace(QUEUE, regression=TEN)
STEADY = (100.0, 103.0, 98.0, 101.0, 97.0, 102.0, 99.0, 100.0, 104.0, 96.0, 101.0, 99.0, 100.0, 102.0, 98.0)
LEVELS = st.lists(st.floats(1.0, 1e6), min_size=COMPARED_MINUTES, max_size=40)


def times(factor: float, values: Sequence[float] = STEADY) -> tuple[float, ...]:
    """The minutes, each ``factor`` times what it is, in another order: two runs share no noise."""
    return tuple(factor * value for value in reversed(values))


def found(then: Sequence[float], now: Sequence[float], slo: Slo = RULED) -> Regression:
    return compare(watched(now, slo), watched(then, slo), RUN, None).finding


@pytest.mark.parametrize(
    ("factor", "finding"),
    [
        (0.5, Regression.NO_WORSE),
        (1.0, Regression.NO_WORSE),
        (1.05, Regression.NO_WORSE),
        (1.1, Regression.CANNOT_TELL),
        (1.2, Regression.WORSE),
        (3.0, Regression.WORSE),
    ],
)
def test_what_rises_is_held_against_the_limit(factor: float, finding: Regression) -> None:
    assert found(STEADY, times(factor)) is finding


@pytest.mark.parametrize(
    ("factor", "finding"),
    [(2.0, Regression.NO_WORSE), (0.95, Regression.NO_WORSE), (0.9, Regression.CANNOT_TELL), (0.8, Regression.WORSE)],
)
def test_a_row_that_must_stay_above_gets_worse_by_falling(factor: float, finding: Regression) -> None:
    assert found(STEADY, times(factor), FLOOR) is finding


@pytest.mark.parametrize(
    ("factor", "finding"),
    [(0.8, Regression.NO_WORSE), (1.0, Regression.CANNOT_TELL), (1.05, Regression.WORSE)],
)
def test_a_row_without_the_rule_is_told_worse_or_not_at_all(factor: float, finding: Regression) -> None:
    assert found(STEADY, times(factor), QUEUE) is finding


def test_minutes_that_never_change_are_told_exactly() -> None:
    assert change_of([5.0] * 15, [5.0] * 15) == Change(
        percent=0.0, low_percent=0.0, high_percent=0.0, minutes_then=15, minutes_now=15
    )
    assert found([5.0] * 15, [5.0] * 15) is Regression.NO_WORSE
    # The limit itself is not below the limit.
    assert found([10.0] * 15, [11.0] * 15, replace(RULED, regression=replace(TEN, value=9.9))) is Regression.WORSE


def test_independent_minutes_count_in_full_and_alike_neighbours_for_few() -> None:
    rng = random.Random(5)
    noise = [100 + rng.gauss(0, 5) for _ in range(2000)]
    free = level(noise)
    assert free.equivalent == pytest.approx(2000, rel=0.1)
    assert math.sqrt(free.variance) == pytest.approx(5 / math.sqrt(2000), rel=0.1)
    walk, drifting = 0.0, []
    for _ in range(2000):
        walk = 0.8 * walk + math.sqrt(1 - 0.8**2) * rng.gauss(0, 5)
        drifting.append(100 + walk)
    # An AR(1) process of 0.8 has (1 - 0.8) / (1 + 0.8) as many independent minutes.
    assert level(drifting).equivalent == pytest.approx(2000 / 9, rel=0.3)


def test_a_hold_that_drifts_is_not_taken_for_a_level() -> None:
    drifting = [100 + 4 * minute for minute in range(15)]
    assert found(STEADY, drifting) is Regression.CANNOT_TELL


def test_one_odd_minute_makes_no_regression() -> None:
    assert found(STEADY, (*STEADY[:7], 1000.0, *STEADY[8:])) is Regression.CANNOT_TELL


@pytest.mark.parametrize(
    ("then", "now", "change"),
    [
        ([0.0] * 6, [0.0] * 6, None),
        ([0.0] * 6, [5.0] * 6, None),
        ([-1.0] * 6, [5.0] * 6, None),
        ([5.0] * 6, [-1.0] * 6, None),
        ([5.0] * 6, [0.0] * 6, -100.0),
    ],
)
def test_of_nothing_there_is_no_percentage(then: list[float], now: list[float], change: float | None) -> None:
    seen = change_of(then, now)
    assert (None if seen is None else seen.percent) == change
    compared = compare(watched(now, RULED), watched(then, RULED), RUN, None)
    if change is None:
        assert compared.finding is Regression.CANNOT_TELL
        assert compared.problem == "minutes of zero or less have no percentage"
    else:
        assert compared.finding is Regression.NO_WORSE


@given(LEVELS, LEVELS)
def test_laws_of_the_interval(then: list[float], now: list[float]) -> None:
    there, back = change_of(then, now), change_of(now, then)
    assert there is not None
    assert back is not None
    assert there.low_percent <= there.percent <= there.high_percent
    # What rose by a factor falls by it on the way back, interval and all.
    for one, other in ((there.percent, back.percent), (there.low_percent, back.high_percent)):
        if -99 < one < 1e4:  # beyond, a percentage has too few digits to come back by
            assert (1 + one / 100) * (1 + other / 100) == pytest.approx(1, rel=1e-6)


@given(LEVELS, LEVELS, st.floats(0.01, 100))
def test_the_unit_makes_no_difference(then: list[float], now: list[float], factor: float) -> None:
    plain = change_of(then, now)
    scaled = change_of([factor * value for value in then], [factor * value for value in now])
    assert plain is not None
    assert scaled is not None
    # Of minutes that are all but the same, noise below the last digit of a float may be seen.
    assert scaled.percent == pytest.approx(plain.percent, rel=1e-6, abs=1e-6)
    assert scaled.low_percent == pytest.approx(plain.low_percent, rel=1e-3, abs=1e-3)


@given(*[st.lists(st.floats(), min_size=0, max_size=12) for _ in range(2)])
def test_nothing_that_was_kept_can_break_it(then: list[float], now: list[float]) -> None:
    seen = [watched(values or [1.0], RULED, value=1.0) for values in (now, then)]
    compared = compare(seen[0], seen[1], RUN, None)
    assert (compared.change is None) == (compared.problem is not None)
    if compared.change is not None:
        assert compared.change.low_percent <= compared.change.percent <= compared.change.high_percent


def without_values(seen: Observation) -> Observation:
    return replace(seen, series=Series(timestamps=(), values=(), period_s=60))


def short_of_values(seen: Observation) -> Observation:
    return replace(seen, series=replace(seen.series, values=seen.series.values[1:]))


@pytest.mark.parametrize(
    ("now", "then", "says"),
    [
        (watched(STEADY, replace(with_limit(0.0, "=="))), watched(STEADY), "== says no direction"),
        (watched(STEADY), None, "that run saw nothing of this row"),
        (replace(watched(STEADY), value=None, problem="no data"), watched(STEADY), "now it has no value: no data"),
        (watched(STEADY), replace(watched(STEADY), value=None, problem="gone"), "it has no value: gone"),
        (without_values(watched(STEADY)), watched(STEADY), "now it has no minutes, only a value"),
        (watched(STEADY), without_values(watched(STEADY)), f"in run {RUN.run_id} it has no minutes"),
        (
            replace(watched(STEADY), window=watched([1.0] * 16).window),
            watched(STEADY),
            "now 15 of the hold's 16 minutes",
        ),
        (
            watched(STEADY),
            replace(watched(STEADY), window=Window(start=START, end=math.inf)),
            "of the hold's inf minutes",
        ),
        (watched(STEADY), short_of_values(watched(STEADY)), "14 of the hold's 15 minutes are there"),
        (
            replace(watched(STEADY), series=minutes(STEADY, START - 60)),
            watched(STEADY),
            "now its minutes are not the hold",
        ),
        (watched((*STEADY, math.nan)), watched(STEADY), "now one of its minutes is no number"),
        (watched([5.0] * 5), watched(STEADY), "now it has 5 minutes, and noise shows in 6 or more"),
        (watched(STEADY), watched([5.0] * 5), "it has 5 minutes, and noise shows in 6 or more"),
    ],
)
def test_what_is_no_basis_is_not_compared(now: Observation, then: Observation | None, says: str) -> None:
    compared = compare(now, then, RUN, None)
    assert compared.finding is Regression.CANNOT_TELL
    assert compared.change is None
    assert says in (compared.problem or "")


def test_a_reason_against_it_stands_before_all_others() -> None:
    compared = compare(watched([5.0]), watched(STEADY), RUN, "that run went to environment 'b', this one to 'a'")
    assert compared.problem == "that run went to environment 'b', this one to 'a'"
    assert (compared.run_id, compared.begun_at, compared.value) == (RUN.run_id, RUN.begun_at, max(STEADY))


def judged(now: Sequence[float], then: Sequence[float], slo: Slo = RULED) -> tuple[Ruling, str]:
    seen = watched(now, slo)
    verdict = judge(seen, replace(result(), window=seen.window), None, compare(seen, watched(then, slo), RUN, None))
    assert verdict.compared is not None
    return verdict.ruling, verdict.reason


def test_the_rule_is_one_of_the_rows_parts() -> None:
    ruling, reason = judged(times(1.0), STEADY)
    assert ruling is Ruling.PASS
    assert reason.startswith(
        f"104 is < 1000; worse than in run {RUN.run_id} by less than 10 %, if at all: +0.0 % (95 %"
    )
    ruling, reason = judged(times(1.5), STEADY)
    assert ruling is Ruling.BREACH
    assert reason.startswith(f"worse than in run {RUN.run_id} by more than 10 %: +50.0 % (95 % from +4")
    assert reason.endswith("over 15 and 15 minutes")
    ruling, reason = judged(times(1.1), STEADY)
    assert ruling is Ruling.INCONCLUSIVE
    assert "cannot be told" in reason


def test_a_broken_target_is_a_breach_whatever_the_comparison_says() -> None:
    tight = replace(with_limit(50.0), regression=TEN)
    assert judged(times(1.0), STEADY, tight)[0] is Ruling.BREACH
    assert judged(times(1.1), STEADY, tight)[0] is Ruling.BREACH


def test_without_a_run_to_compare_with_the_rule_proves_nothing() -> None:
    seen = watched(STEADY, RULED)
    verdict = judge(seen, replace(result(), window=seen.window), None)
    assert verdict.ruling is Ruling.INCONCLUSIVE
    assert "add --syncload-compare last" in verdict.reason
    assert judge_regression(TEN, None).ruling is Ruling.INCONCLUSIVE


def test_a_row_without_the_rule_is_never_ruled_by_it() -> None:
    assert judged(times(5.0), STEADY, QUEUE)[0] is Ruling.PASS


@pytest.mark.parametrize("ruling_then", [1.0, 1.2])
def test_false_alarms_and_false_greens_at_the_limit_are_rare(ruling_then: float) -> None:
    """At a change of exactly the limit either answer is wrong; of 400 seeded holds of AR(1) minutes few may be."""
    rng = random.Random(11)

    def hold(factor: float) -> list[float]:
        walk, values = rng.gauss(0, 1), []
        for _ in range(15):
            values.append(factor * 100 * (1 + 0.05 * walk))
            walk = 0.5 * walk + math.sqrt(1 - 0.5**2) * rng.gauss(0, 1)
        return values

    told = [found(hold(ruling_then), hold(1.1 * ruling_then)) for _ in range(400)]
    # 5 % is 20; more than 36 is what chance gives in one case of ten thousand.
    assert sum(each is not Regression.CANNOT_TELL for each in told) <= 36
