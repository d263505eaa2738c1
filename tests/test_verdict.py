import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.observation import Observation, Ruling
from pytest_syncload.facts.plan import Target
from pytest_syncload.facts.result import Invalidity, Side, Window
from pytest_syncload.facts.units import Kind
from pytest_syncload.sources.fold import observe
from pytest_syncload.verdict import judge, min_samples
from tests.rows import LATENCY, RESOURCES, THROTTLES, WINDOW, answers, result


def seen(**changes: object) -> Observation:
    plain = observe(LATENCY, answers(LATENCY), RESOURCES, result())
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_a_value_within_its_target_passes_and_says_so() -> None:
    verdict = judge(seen(), result(), None)
    assert (verdict.ruling, verdict.reason) == (Ruling.PASS, "120 ms is < 500 ms")


def test_a_value_beyond_its_target_is_a_breach() -> None:
    verdict = judge(seen(value=612.0), result(), None)
    assert (verdict.ruling, verdict.reason) == (Ruling.BREACH, "612 ms is not < 500 ms")


def test_on_the_target_is_not_below_it() -> None:
    assert judge(seen(value=500.0), result(), None).ruling is Ruling.BREACH


@pytest.mark.parametrize(
    ("op", "passing", "breaching"), [("<=", 5, 6), (">=", 5, 4), (">", 6, 5), ("==", 5, 4), ("<", 4, 5)]
)
def test_every_sign(op: str, passing: float, breaching: float) -> None:
    slo = replace(THROTTLES, target=Target(op=op, value=5.0, kind=Kind.COUNT, text=f"{op} 5"))
    for value, ruling in ((passing, Ruling.PASS), (breaching, Ruling.BREACH)):
        observation = replace(seen(), slo=slo, value=value, kind=Kind.COUNT)
        assert judge(observation, result(), None).ruling is ruling


@given(st.sampled_from([None, math.nan, math.inf, -math.inf]), st.sampled_from(["<", "<=", "==", ">=", ">"]))
def test_a_missing_value_never_passes(value: float | None, op: str) -> None:
    slo = replace(LATENCY, target=Target(op=op, value=500.0, kind=Kind.TIME, text=f"{op} 500 ms"))
    assert judge(seen(value=value, slo=slo), result(), None).ruling is Ruling.INCONCLUSIVE


def test_every_doubt_is_inconclusive_and_keeps_its_words() -> None:
    invalid = result(invalid=(Invalidity(side=Side.TARGET, what="all 401"),))
    doubts = {
        "all 401": judge(seen(), invalid, None),
        "another window": judge(seen(window=Window(start=WINDOW.start + 60, end=WINDOW.end)), result(), None),
        "no data point": judge(seen(problem="no data point"), result(), None),
        "not settled": judge(seen(), result(), "not settled"),
        "199 samples": judge(seen(samples=199), result(), None),
        "0 samples": judge(seen(samples=None), result(), None),
        "sustained": judge(seen(slo=replace(LATENCY, sustained_s=180.0)), result(), None),
    }
    for words, verdict in doubts.items():
        assert verdict.ruling is Ruling.INCONCLUSIVE
        assert words in verdict.reason


def test_a_percentile_needs_ten_samples_beyond_it() -> None:
    assert min_samples(LATENCY) == 200
    assert min_samples(replace(LATENCY, statistic="p99")) == 1000
    assert min_samples(replace(LATENCY, statistic="p99.9")) == 10_000
    assert min_samples(replace(LATENCY, statistic="Average")) == 0
    assert min_samples(replace(LATENCY, min_samples=7)) == 7
    assert min_samples(THROTTLES) == 0


def test_any_other_statistic_of_a_distribution_needs_samples_too() -> None:
    for statistic in ("PR(:500)", "TM(:99%)", "tm99", "p100"):
        assert min_samples(replace(LATENCY, statistic=statistic)) == 200
