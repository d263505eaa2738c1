"""Rows by columns: each is handed over once, and counting many values at once is counting them one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.histogram import FLOOR_MS, GROWTH, Histogram
from pytest_syncload.load.columns import ROWS, Column, Columns, counted, record


@pytest.mark.parametrize("rows", [0, 1, ROWS - 1, ROWS, 2 * ROWS + 7])
def test_every_row_is_handed_over_once_and_in_order(rows: int) -> None:
    taken: list[Column] = []
    columns = Columns(2, taken.append)
    for number in range(rows):
        columns.note((number, -number))
    assert len(taken) == rows // ROWS, "nobody waits for the end, and memory is bounded"
    columns.hand_over()
    columns.hand_over()
    numbers = [number for first, _ in taken for number in first.tolist()]
    assert numbers == list(range(rows))
    assert all((first == -second).all() for first, second in taken)


durations = st.floats(-1, 1e7) | st.sampled_from([0.0, FLOOR_MS, FLOOR_MS * GROWTH, 1.0, GROWTH**5])


@given(values=st.lists(durations, max_size=50), before=st.lists(durations, max_size=5))
def test_counting_many_is_counting_each(values: list[float], before: list[float]) -> None:
    at_once, one_by_one = Histogram.of(before), Histogram.of(before)
    record(np.array(values, np.float64), at_once)
    for value in values:
        one_by_one.record(value)
    assert at_once.count == one_by_one.count
    assert at_once.max_ms == one_by_one.max_ms
    assert math.isclose(at_once.sum_ms, one_by_one.sum_ms, rel_tol=1e-9, abs_tol=1e-9)
    for percent in (1, 50, 95, 99):
        mine, theirs = at_once.percentile(percent), one_by_one.percentile(percent)
        # The two logarithms may differ in the last bit, which puts a value at a border in the next bucket.
        assert mine == theirs or math.isclose(mine or 0, theirs or 0, rel_tol=GROWTH - 1)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_duration_is_not_counted(value: float) -> None:
    histogram = Histogram()
    with pytest.raises(ValueError, match="finite"):
        record(np.array([1.0, value]), histogram)
    assert histogram == Histogram()


def test_how_often_each_number_occurs() -> None:
    assert list(counted(np.array([202.0, 503.0, 202.0]))) == [(202, 2), (503, 1)]
    assert list(counted(np.array([]))) == []
