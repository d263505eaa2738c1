"""A chart is its numbers: folded where many, rounded as shown, and all of them readable without the drawing."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.units import Kind
from pytest_syncload.report.html.chart import (
    MOST_POINTS,
    MOST_ROWS,
    Axis,
    Band,
    Chart,
    Fold,
    Limit,
    Line,
    Mark,
    figure,
    folded,
    moment,
    short,
    to_json,
)
from tests.report.html.parsed import parsed
from tests.rows import START

VALUES = st.lists(st.none() | st.floats(-1e9, 1e9), min_size=1, max_size=200)
CHART = Chart(
    id="phase-1-latency",
    heading="Latency",
    says="It was fast.",
    x=[START, START + 60, START + 120],
    lines=(
        Line(label="p95", values=[12.345678, None, 1234.5678], colour="c1"),
        Line(label="ok", values=[1.0, 2.0, 3.0], colour="c2", dash="dashed", fold=Fold.MEAN),
    ),
    kind=Kind.TIME,
    group="phase-1",
    limit=Limit(value=500.0, label="target < 500 ms", beyond=(2,)),
    marks=(Mark(at=START + 60, label="p95"),),
    bands=(Band(start=START, end=START + 180, label="hold"),),
)


def long(points: int) -> Chart:
    values = [float(at % 100) for at in range(points)]
    return replace(
        CHART,
        x=[START + at for at in range(points)],
        lines=(
            Line(label="p95", values=values, colour="c1"),
            Line(label="ok", values=values, colour="c2", fold=Fold.MEAN),
        ),
    )


@given(VALUES, st.integers(1, 50))
def test_nothing_large_is_folded_away(values: list[float | None], every: int) -> None:
    there = [value for value in values if value is not None]
    kept = [value for value in folded(values, every, Fold.LARGEST) if value is not None]
    assert max(kept, default=None) == max(there, default=None)
    assert len(folded(values, every, Fold.LARGEST)) == math.ceil(len(values) / every)


@given(VALUES, st.integers(1, 50))
def test_a_gap_is_one_only_where_every_value_is_missing(values: list[float | None], every: int) -> None:
    groups = [values[at : at + every] for at in range(0, len(values), every)]
    for group, value in zip(groups, folded(values, every, Fold.MEAN), strict=True):
        assert (value is None) == all(each is None for each in group)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_whatever_a_value_is_json_can_say_it(value: float) -> None:
    said = short(value)
    json.dumps(said, allow_nan=False)
    if said is None:
        assert not math.isfinite(value)
    else:
        assert math.isclose(said, value, rel_tol=1e-3, abs_tol=0.5 if abs(value) >= 1000 else 0)


def test_it_is_written_compactly() -> None:
    data = to_json(CHART)
    assert (data["x0"], data["dx"], data["n"]) == (START, 60, 3)
    assert [line["y"] for line in data["lines"]] == [[12.35, None, 1235], [1, 2, 3]]
    assert data["unit"] == " ms"
    assert data["limit"] == {"value": 500.0, "label": "target < 500 ms", "beyond": [2]}
    assert data["group"] == "phase-1"
    assert "period" not in data
    assert to_json(replace(CHART, period_s=60.0))["period"] == 60


def test_an_irregular_axis_is_written_out() -> None:
    data = to_json(replace(CHART, x=[START, START + 60, START + 180], limit=None))
    assert data["xs"] == [0, 60, 180]
    assert "limit" not in data
    alone = to_json(replace(CHART, x=[START], lines=(Line(label="p95", values=[1.0], colour="c1"),)))
    assert alone["xs"] == [0]


def test_a_phase_of_days_is_no_page_of_megabytes() -> None:
    data = to_json(long(100_000))
    assert data["n"] <= MOST_POINTS
    assert {len(line["y"]) for line in data["lines"]} == {data["n"]}
    assert len(json.dumps(data)) < 100_000


def test_every_point_is_in_the_table_while_they_are_few() -> None:
    found = parsed(figure(CHART))
    assert [each.text for each in found.all("th", scope="col")] == ["service time, UTC", "p95", "ok"]
    clocks = [moment(at) for at in CHART.x]
    assert [each.text for each in found.all("th", scope="row")] == clocks
    assert [each.text for each in found.all("td")] == ["12.3 ms", "1 ms", "–", "2 ms", "1235 ms", "3 ms"]
    assert found.one("summary").text == "Latency: its numbers"


def test_many_points_are_said_by_their_largest_or_their_mean() -> None:
    found = parsed(figure(long(1800)))
    assert [each.text for each in found.all("th", scope="col")] == ["service time, UTC", "p95 (largest)", "ok (mean)"]
    assert len(found.all("th", scope="row")) == MOST_ROWS
    assert found.one("summary").text == "Latency: its numbers, 30 points a row"


def test_who_does_not_see_it_is_told() -> None:
    found = parsed(figure(CHART))
    assert found.one("figure").attributes["aria-labelledby"] == "phase-1-latency-name"
    assert found.one("h4", id="phase-1-latency-name").text == "Latency"
    assert found.one("p", id="phase-1-latency-says").text == "It was fast."
    assert found.one("div", class_="plot").attributes["data-chart"] == "phase-1-latency"
    assert found.one("div", class_="wide").attributes["tabindex"] == "0"


@pytest.mark.parametrize(
    ("axis", "at", "said"),
    [
        (Axis.LOG_MS, 2.0, "100 ms"),
        (Axis.NUMBER, 12.5, "12.5"),
        (Axis.TIME, START + 1, moment(START + 1, seconds=True)),
    ],
)
def test_x_is_said_in_its_own_words(axis: Axis, at: float, said: str) -> None:
    chart = replace(CHART, axis=axis, x=[at], lines=(Line(label="p95", values=[1.0], colour="c1"),))
    assert parsed(figure(chart)).one("th", scope="row").text == said


def test_a_moment_beyond_all_calendars_is_a_number() -> None:
    assert moment(1e18) == "1000000000000000000"
