"""A value between two bounds: a pass only where all that it may be is one, a breach only where nothing is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.observation import Ruling
from pytest_syncload.facts.plan import Slo, Target
from pytest_syncload.facts.units import Kind
from pytest_syncload.verdict import judge
from pytest_syncload.verdict.bounds import judge_bounds
from tests.report.reports import observation
from tests.rows import result

OPS = ("<", "<=", "==", ">=", ">")


def target(op: str, value: float) -> Target:
    return Target(op=op, value=value, kind=Kind.MONEY, text=f"{op} {value:g} USD")


@pytest.mark.parametrize(
    ("op", "ruling"),
    [("< 6", Ruling.PASS), ("<= 5.5", Ruling.PASS), ("< 5.5", Ruling.INCONCLUSIVE), ("< 5", Ruling.INCONCLUSIVE),
     ("<= 4.5", Ruling.INCONCLUSIVE), ("< 4.5", Ruling.BREACH), ("< 4", Ruling.BREACH), ("> 4", Ruling.PASS),
     ("> 6", Ruling.BREACH), ("> 5", Ruling.INCONCLUSIVE), ("== 5", Ruling.INCONCLUSIVE), ("== 4", Ruling.BREACH)],
)  # fmt: skip
def test_by_hand(op: str, ruling: Ruling) -> None:
    sign, value = op.split()
    assert judge_bounds(target(sign, float(value)), (4.5, 5.5), Kind.MONEY).ruling is ruling


def test_what_is_known_is_a_single_number_too() -> None:
    assert judge_bounds(target("==", 5), (5.0, 5.0), Kind.MONEY).ruling is Ruling.PASS


def test_it_says_what_is_known() -> None:
    found = judge_bounds(target("<", 5), (4.449, 5.528), Kind.MONEY)
    assert found.says == (
        "the value is known to be 4.45 USD to 5.53 USD, and the target < 5 USD lies between: it may be met or not"
    )


@given(st.sampled_from(OPS), st.floats(-10, 10), st.floats(-10, 10), st.floats(0, 5), st.floats(0, 1))
def test_the_ruling_holds_for_all_that_the_value_may_be(
    op: str, limit: float, low: float, width: float, at: float
) -> None:
    of, high = target(op, limit), low + width
    ruling = judge_bounds(of, (low, high), Kind.MONEY).ruling
    for value in (low, high, min(max(low + at * width, low), high)):
        if ruling is not Ruling.INCONCLUSIVE:
            assert of.met_by(value) is (ruling is Ruling.PASS)


def test_a_row_is_judged_by_its_bounds() -> None:
    row = Slo(name="cost", phase="peak", target=target("<", 5), line=1, metric="cost.per_million_jobs")
    seen = replace(observation(row, 5.5), bounds=(4.5, 5.5), kind=Kind.MONEY)
    assert judge(seen, result(), None).ruling is Ruling.INCONCLUSIVE
    assert judge(replace(seen, bounds=(4.5, 4.9)), result(), None).ruling is Ruling.PASS
    assert judge(replace(seen, bounds=(4.5, float("inf"))), result(), None).ruling is Ruling.INCONCLUSIVE
    assert judge(replace(seen, bounds=(float("nan"), 4.9)), result(), None).ruling is Ruling.INCONCLUSIVE
    assert judge(seen, result(), "it moves").reason == "it moves"
