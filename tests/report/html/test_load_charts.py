"""The load's charts: seconds at their service time, outcomes that are not ok, and how latencies were spread."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.histogram import GROWTH, Histogram
from pytest_syncload.facts.report import PhaseReport, Where
from pytest_syncload.facts.result import GeneratorReport, Outcome, Tally
from pytest_syncload.report.html.chart import Chart, Look, moment
from pytest_syncload.report.html.load_charts import begins_at, distribution, load_charts, outcome_rows
from tests.report.reports import REAL, TIMELINE, TOY, peak, stress
from tests.rows import WINDOW, result

FAST = tuple(replace(second, tally=Tally(outcomes={Outcome.OK: 600})) for second in TIMELINE)


def charts(phase: PhaseReport, where: Where = REAL) -> dict[str, Chart]:
    return {chart.id: chart for chart in load_charts(phase, where, "phase-1")}


def test_a_phase_has_what_its_load_was_and_did() -> None:
    assert list(charts(peak())) == [
        f"phase-1-{name}" for name in ("latency", "rate", "outcomes", "in-flight", "distribution")
    ]


def test_seconds_stand_at_their_service_time() -> None:
    real = charts(peak())["phase-1-latency"].x
    # The ramp is three minutes of service time before the hold.
    assert list(real) == [WINDOW.start - 180 + at for at in range(6)]
    toy = charts(peak(), TOY)["phase-1-latency"].x
    assert list(toy) == [WINDOW.start - 180 + 60 * at for at in range(6)]
    assert charts(peak(), TOY)["phase-1-latency"].period_s == 60


def test_a_climb_begins_where_it_says() -> None:
    climbing = stress()
    assert climbing.result is not None
    assert climbing.result.climb is not None
    assert begins_at(climbing, climbing.result) == climbing.result.climb.begins_at
    bands = charts(climbing)["phase-1-rate"].bands
    assert [band.label for band in bands][-2:] == ["held", "broke"]
    assert bands[-1].colour == "broke"


def test_a_second_without_arrivals_is_a_gap() -> None:
    holed = peak(result=result(timeline=(TIMELINE[0], TIMELINE[1], TIMELINE[4])))
    line = charts(holed)["phase-1-rate"].lines[0]
    assert list(line.values) == [600, 600, None, None, 600]


def test_what_is_not_ok_is_stacked_by_its_share() -> None:
    chart = charts(peak())["phase-1-outcomes"]
    assert [line.label for line in chart.lines] == ["5xx"]
    assert list(chart.lines[0].values) == [100 * at / 600 for at in range(6)]
    assert "0.833 % of 600 arrivals" in chart.says
    assert chart.stacked


def test_each_outcome_is_in_one_line_only() -> None:
    tally = Tally(
        outcomes=dict.fromkeys(Outcome, 10) | {Outcome.OK: 20, Outcome.UNEXPECTED_STATUS: 10, Outcome.DROPPED: 10},
        throttled=4,
        dropped_late=3,
    )
    everything = peak(result=result(timeline=(replace(TIMELINE[0], tally=tally),), hold=tally, ramp=Tally()))
    lines = charts(everything)["phase-1-outcomes"].lines
    assert math.isclose(sum(line.values[0] or 0.0 for line in lines), 100 * 70 / 90)
    rows = outcome_rows(result(hold=tally))
    assert sum(held for _, held, _ in rows) == tally.arrivals
    assert ("429", 4, 0) in rows
    assert ("dropped by the generator", 3, 0) in rows


def test_where_all_is_ok_nothing_else_is_drawn() -> None:
    assert "phase-1-outcomes" not in charts(peak(result=result(timeline=FAST)))
    assert outcome_rows(result()) == [("ok", 1800, 0)]


def test_sentences_say_what_a_glance_would() -> None:
    found = charts(peak())
    assert found["phase-1-latency"].says.startswith("Over the hold: p50 20 ms, p95 20 ms, p99 20 ms. The second with")
    assert f"{moment(WINDOW.start - 175, seconds=True)}: 43 ms" in found["phase-1-latency"].says
    assert found["phase-1-rate"].says == (
        "On average over the hold: offered 10/s, sent 10/s, answered ok 10/s, where 10/s was to be offered."
    )
    assert "at most 8, at" in found["phase-1-in-flight"].says
    two = tuple(GeneratorReport(index=at, cpu_percent=1.0, lag_p99_ms=1.0, peak_in_flight=1) for at in range(2))
    assert (
        "of any one of 2 generators"
        in charts(peak(result=result(timeline=FAST, generators=two)))["phase-1-in-flight"].says
    )


def test_far_apart_latencies_have_a_logarithmic_axis() -> None:
    assert not charts(peak())["phase-1-latency"].logarithmic
    slow = (*TIMELINE, replace(TIMELINE[-1], at_s=6, max_ms=9000.0))
    assert charts(peak(result=result(timeline=slow)))["phase-1-latency"].logarithmic


def test_a_long_phase_is_lines_and_a_short_one_steps() -> None:
    assert charts(peak())["phase-1-latency"].lines[0].look is Look.STEPS
    long = tuple(replace(TIMELINE[0], at_s=at) for at in range(200))
    assert charts(peak(result=result(timeline=long)))["phase-1-latency"].lines[0].look is Look.LINE


def test_nothing_measured_is_nothing_drawn() -> None:
    assert charts(peak(result=None)) == {}
    assert charts(peak(result=result(latency=Histogram(), timeline=()))) == {}


@given(st.lists(st.floats(0.01, 60_000), min_size=1, max_size=200))
def test_a_distribution_has_every_arrival_once_and_no_more_bars_than_are_seen(values: list[float]) -> None:
    latency = Histogram.of(values)
    chart = distribution(latency, "phase-1")
    shares = [share for share in chart.lines[0].values if share is not None]
    assert sum(shares) == pytest.approx(100)
    assert len(chart.x) <= 61
    assert all(one < other for one, other in pairwise(chart.x))
    # Each value lies within half a bar of one that is not empty.
    wide = chart.x[1] - chart.x[0] if len(chart.x) > 1 else 4 * math.log10(GROWTH)
    full = [at for at, share in zip(chart.x, chart.lines[0].values, strict=True) if share]
    for value in values:
        assert min(abs(math.log10(value) - at) for at in full) <= wide / 2 + 1e-9


def test_percentiles_are_marked() -> None:
    chart = distribution(Histogram.of([float(value) for value in range(1, 1001)]), "phase-1")
    marks = {mark.label: 10**mark.at for mark in chart.marks}
    assert marks == pytest.approx({"p50": 500, "p95": 950, "p99": 990}, rel=0.003)
    assert "of 1,000 arrivals" in chart.says.lower()
