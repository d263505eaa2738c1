import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_syncload.facts.observation import Observation, Ruling, Verdict
from pytest_syncload.facts.plan import Slo, Target
from pytest_syncload.facts.result import Invalidity, PhaseResult, Side, Window
from pytest_syncload.facts.units import Kind
from pytest_syncload.verdict import judge
from tests.rows import LATENCY, THROTTLES, WINDOW, result
from tests.verdict.series import QUEUE, minutes, watched, with_limit

ALL_RULES = replace(QUEUE, sustained_s=180.0, growth="none", drains_within_s=300.0)
SEVERITY = {Ruling.PASS: 0, Ruling.INCONCLUSIVE: 1, Ruling.BREACH: 2}


def seen(**changes: object) -> Observation:
    """The latency row, well within its target."""
    plain = Observation(
        slo=LATENCY,
        window=WINDOW,
        kind=Kind.TIME,
        value=120.0,
        samples=1800,
        series=minutes([120.0] * 3, WINDOW.start),
        sources=(),
        parts={},
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def of(observation: Observation, unsettled: str | None = None) -> Verdict:
    """The verdict in a valid phase over the observation's window."""
    return judge(observation, over(observation.window), unsettled)


PLAIN = result()


def over(window: Window) -> PhaseResult:
    """A valid phase whose hold was this window."""
    return replace(PLAIN, window=window)


def queue(values: list[float], after: list[float] | None = None, slo: Slo = ALL_RULES) -> Observation:
    """The queue's row with all rules over a hold of these minutes."""
    plain = watched(values, slo)
    return plain if after is None else replace(plain, after=minutes(after, plain.window.end))


QUIET = [2.0, 3, 3, 2, 3, 3, 2, 3, 3, 2, 3, 3, 2, 3, 3]


def test_a_value_within_its_target_passes_and_says_so() -> None:
    verdict = of(seen())
    assert (verdict.ruling, verdict.reason) == (Ruling.PASS, "120 ms is < 500 ms")
    assert verdict.slo is LATENCY
    assert verdict.observation == seen()


def test_a_value_beyond_its_target_is_a_breach() -> None:
    verdict = of(seen(value=612.0))
    assert (verdict.ruling, verdict.reason) == (Ruling.BREACH, "612 ms is not < 500 ms")


def test_on_the_target_is_not_below_it() -> None:
    assert of(seen(value=500.0)).ruling is Ruling.BREACH


@pytest.mark.parametrize(
    ("op", "passing", "breaching"), [("<=", 5, 6), (">=", 5, 4), (">", 6, 5), ("==", 5, 4), ("<", 4, 5)]
)
def test_every_sign(op: str, passing: float, breaching: float) -> None:
    slo = replace(THROTTLES, target=Target(op=op, value=5.0, kind=Kind.COUNT, text=f"{op} 5"))
    for value, ruling in ((passing, Ruling.PASS), (breaching, Ruling.BREACH)):
        assert of(seen(slo=slo, value=value, kind=Kind.COUNT)).ruling is ruling


@settings(deadline=None)
@given(st.sampled_from([None, math.nan, math.inf, -math.inf]), st.sampled_from(["<", "<=", "==", ">=", ">"]))
def test_a_missing_value_never_passes(value: float | None, op: str) -> None:
    slo = replace(LATENCY, target=Target(op=op, value=500.0, kind=Kind.TIME, text=f"{op} 500 ms"))
    assert of(seen(value=value, slo=slo)).ruling is Ruling.INCONCLUSIVE


@pytest.mark.parametrize(
    ("observation", "words"),
    [
        (seen(window=Window(start=WINDOW.start + 60, end=WINDOW.end)), "another window"),
        (seen(problem="no data point", value=None), "no data point"),
        (seen(value=None), "there is no value: None"),
        (seen(samples=199), "199 samples"),
        (seen(samples=None), "0 samples"),
    ],
)
def test_every_doubt_is_inconclusive_and_keeps_its_words(observation: Observation, words: str) -> None:
    verdict = judge(observation, result(), None)
    assert verdict.ruling is Ruling.INCONCLUSIVE
    assert words in verdict.reason
    assert verdict.observation is observation


def test_answers_that_are_not_final_prove_nothing() -> None:
    verdict = of(seen(), "not settled")
    assert (verdict.ruling, verdict.reason) == (Ruling.INCONCLUSIVE, "not settled")


def test_all_doubts_stand_in_one_reason() -> None:
    moved = seen(window=Window(start=WINDOW.start + 60, end=WINDOW.end), problem="no data point", value=None)
    verdict = judge(moved, result(), "not settled")
    assert verdict.reason == ("not settled; the observation is of another window than the phase's hold; no data point")


def test_an_invalid_phase_explains_all_the_rest() -> None:
    invalid = result(
        invalid=(Invalidity(side=Side.TARGET, what="all 401"), Invalidity(side=Side.GENERATOR, what="too slow"))
    )
    verdict = judge(seen(problem="no data point", value=None), invalid, "not settled")
    assert (verdict.ruling, verdict.reason) == (
        Ruling.INCONCLUSIVE,
        "the phase is invalid: all 401; too slow",
    )


def test_a_pass_says_all_that_was_shown() -> None:
    verdict = of(queue(QUIET, [2.0]))
    assert verdict.ruling is Ruling.PASS
    assert verdict.reason == (
        "3 is < 1000; no growth over 15 minutes (slope 0 a minute, p = 0.27); drained within 1 minute"
    )


def test_a_breach_says_all_that_is_broken() -> None:
    verdict = of(queue([100.0 * minute for minute in range(15)], [900.0, 800, 700, 600, 500]))
    assert verdict.ruling is Ruling.BREACH
    assert verdict.reason == (
        "1400 is not < 1000; and it grows by 100 a minute (p < 0.001); and it did not drain within 5m: "
        "500 in the last minute, and drained is at most 10"
    )


def test_growth_below_the_limit_is_a_breach_of_its_own() -> None:
    verdict = of(queue([60.0 * minute for minute in range(15)], [0.0]))
    assert (verdict.ruling, verdict.reason) == (Ruling.BREACH, "it grows by 60 a minute (p < 0.001)")


def test_what_could_not_be_seen_does_not_hide_what_is_broken() -> None:
    verdict = of(queue([1400.0] * 15))
    assert verdict.ruling is Ruling.BREACH
    assert verdict.reason.startswith("1400 is not < 1000; nothing was read behind the hold")


def test_all_that_could_not_be_seen_stands_in_one_reason() -> None:
    verdict = of(queue([3.0] * 5))
    assert verdict.ruling is Ruling.INCONCLUSIVE
    assert verdict.reason == (
        "a hold of 5m cannot show whether it grows; hold for at least 6m; "
        "nothing was read behind the hold, so whether it drained within 5m is not known"
    )


def test_a_rule_that_the_row_does_not_have_is_not_judged() -> None:
    grows_and_stays = queue([60.0 * minute for minute in range(15)], [900.0] * 5, slo=QUEUE)
    assert of(grows_and_stays).reason == "840 is < 1000"


VALUES = st.floats(0, 1e6, allow_nan=False)


@settings(deadline=None)
@given(VALUES, VALUES, VALUES, st.sampled_from(["<", "<=", ">", ">="]))
def test_a_better_value_never_fares_worse(one: float, other: float, limit: float, op: str) -> None:
    better, worse = sorted((one, other), reverse=op in (">", ">="))
    slo = with_limit(limit, op)
    rulings = [of(watched(QUIET, slo, value=value)).ruling for value in (better, worse)]
    assert SEVERITY[rulings[0]] <= SEVERITY[rulings[1]]


BROKEN = st.sampled_from([None, math.nan, math.inf, -math.inf])


@settings(deadline=None)
@given(BROKEN, st.sampled_from(["value", "hold", "after"]), st.integers(0, 14))
def test_whatever_is_missing_the_row_does_not_pass(broken: float | None, where: str, which: int) -> None:
    observation = queue(QUIET, [500.0] * 4 + [3.0])
    assert of(observation).ruling is Ruling.PASS
    source = observation.series if where == "hold" else observation.after
    assert source is not None
    gone = which % len(source.values)
    stamps = [*source.timestamps]
    values: list[float] = [*source.values]
    if broken is None:
        del stamps[gone], values[gone]
    else:
        values[gone] = broken
    holed = replace(source, timestamps=tuple(stamps), values=tuple(values))
    match where:
        case "value":
            observation = replace(observation, value=broken)
        case "hold":
            observation = replace(observation, series=holed)
        case _:
            observation = replace(observation, after=holed)
    assert of(observation).ruling is Ruling.INCONCLUSIVE


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 1500), min_size=6, max_size=20),
    st.lists(st.integers(0, 30), min_size=5, max_size=5),
    st.integers(-5, 5),
)
def test_series_and_target_in_another_unit_change_no_ruling(hold: list[int], behind: list[int], power: int) -> None:
    scale = 2.0**power  # exact in binary
    rules = replace(with_limit(1024), growth="none", drains_within_s=300.0)
    scaled_rules = replace(with_limit(1024 * scale), growth="none", drains_within_s=300.0)
    plain = of(queue([*map(float, hold)], [*map(float, behind)], rules))
    scaled = of(queue([value * scale for value in hold], [value * scale for value in behind], scaled_rules))
    assert scaled.ruling is plain.ruling
