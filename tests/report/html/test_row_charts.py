"""A row's chart: its minutes, its target, those beyond it, and those that are missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_syncload.facts.observation import Series
from pytest_syncload.report.html.chart import Chart, moment
from pytest_syncload.report.html.row_charts import row_chart
from tests.report.reports import BREACH, PASS, UNREAD, observation
from tests.rows import MINUTES, WINDOW


def drawn(**changes: Any) -> Chart:
    chart = row_chart(replace(BREACH, observation=observation(**changes)), "phase-1-row-1", "phase-1")
    assert chart is not None
    return chart


def test_it_shows_what_was_judged_and_what_broke() -> None:
    chart = row_chart(BREACH, "phase-1-row-1", "phase-1")
    assert chart is not None
    assert (chart.id, chart.group) == ("phase-1-row-1-series", "phase-1")
    assert list(chart.x) == list(MINUTES)
    assert chart.limit is not None
    assert (chart.limit.value, chart.limit.label, chart.limit.beyond) == (500.0, "target < 500 ms", (1,))
    assert (chart.bands[0].start, chart.bands[0].end) == (WINDOW.start, WINDOW.end)
    assert chart.lines[0].label == "apigateway.latency p95"
    assert chart.says == (
        f"3 data points of 1m, from 120 ms to 612 ms; 1 beyond the target < 500 ms: {moment(MINUTES[1])}."
    )


def test_a_row_that_held_says_so() -> None:
    chart = row_chart(PASS, "row", "phase")
    assert chart is not None
    assert chart.says == "3 data points of 1m, from 0 % to 0.04 %; none beyond the target < 0.1 %."
    assert chart.limit is not None
    assert not chart.limit.beyond


def test_a_missing_minute_is_a_gap_and_said() -> None:
    chart = drawn(series=Series(timestamps=(MINUTES[0], MINUTES[2]), values=(1.0, 1.0), period_s=60))
    assert list(chart.lines[0].values) == [1.0, None, 1.0]
    assert chart.says == (
        "2 data points of 1m, all 1 ms; none beyond the target < 500 ms; 1 minute of the window without one."
    )


def test_what_was_looked_at_behind_the_window_is_not_held_to_the_target() -> None:
    after = Series(timestamps=(WINDOW.end, WINDOW.end + 60), values=(900.0, 1.0), period_s=60)
    chart = drawn(after=after)
    assert [line.label for line in chart.lines][1] == "after the hold"
    assert list(chart.lines[1].values) == [None, None, None, 900.0, 1.0]
    assert chart.limit is not None
    assert chart.limit.beyond == (1,)


def test_only_after_the_window_there_is_something() -> None:
    after = Series(timestamps=(WINDOW.end,), values=(9.0,), period_s=60)
    chart = drawn(series=Series(timestamps=(), values=(), period_s=60), after=after)
    assert chart.says == "No data point in the judged window; 3 minutes of the window without one."


def test_one_value_over_the_whole_window_has_no_missing_minutes() -> None:
    chart = drawn(series=Series(timestamps=(WINDOW.start,), values=(120.0,), period_s=180))
    assert chart.says == "1 data point of 3m, all 120 ms; none beyond the target < 500 ms."
    assert chart.period_s == 180  # it is drawn over all of it


def test_many_breaches_are_counted_and_a_few_named() -> None:
    minutes = tuple(WINDOW.start + 60 * at for at in range(9))
    chart = drawn(series=Series(timestamps=minutes, values=(900.0,) * 9, period_s=60))
    assert chart.says.startswith("9 data points of 1m, all 900 ms; 9 beyond the target < 500 ms: ")
    assert chart.says.endswith("…")


def test_nothing_to_draw() -> None:
    assert row_chart(UNREAD, "row", "phase") is None
    empty = Series(timestamps=(), values=(), period_s=60)
    assert row_chart(replace(BREACH, observation=observation(series=empty)), "row", "phase") is None
