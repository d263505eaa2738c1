import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.histogram import Histogram

values = st.lists(st.floats(min_value=0.01, max_value=60_000), max_size=200)


@given(values, values, values)
def test_merging_is_associative_and_lossless(a: list[float], b: list[float], c: list[float]) -> None:
    left = Histogram.of(a)
    left.merge(Histogram.of(b))
    left.merge(Histogram.of(c))
    right = Histogram.of(b)
    right.merge(Histogram.of(c))
    first = Histogram.of(a)
    first.merge(right)
    assert left == first == Histogram.of([*a, *b, *c])


@given(st.lists(st.floats(min_value=0.01, max_value=60_000), min_size=1, max_size=200), st.floats(0, 100))
def test_percentiles_are_within_a_quarter_percent_of_the_nearest_rank(samples: list[float], percent: float) -> None:
    exact = sorted(samples)[max(1, math.ceil(len(samples) * percent / 100 - 1e-9)) - 1]
    found = Histogram.of(samples).percentile(percent)
    assert found is not None
    assert abs(found - exact) <= exact * 0.0026


@given(values)
def test_survives_json(samples: list[float]) -> None:
    histogram = Histogram.of(samples)
    assert Histogram.from_json(json.loads(json.dumps(histogram.to_json()))) == histogram


def test_of_nothing_there_is_no_percentile_and_no_mean() -> None:
    empty = Histogram()
    assert empty.percentile(95) is None
    assert empty.mean() is None
    assert repr(empty) == "<Histogram empty>"


def test_the_maximum_is_exact() -> None:
    histogram = Histogram.of([1.0, 2.0, 612.345])
    assert histogram.percentile(100) == 612.345
    assert histogram.mean() == pytest.approx(615.345 / 3)
    assert "n=3" in repr(histogram)


def test_zero_and_below_share_the_lowest_bucket() -> None:
    assert len(Histogram.of([0.0, 0.0005]).buckets) == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_not_a_number_is_not_counted(value: float) -> None:
    with pytest.raises((ValueError, OverflowError)):
        Histogram.of([value])


@pytest.mark.parametrize("data", [{}, {"buckets": [], "sum_ms": 0, "max_ms": 0}, {"buckets": {"1": -1}}])
def test_a_broken_file_is_refused(data: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Histogram.from_json(data)


def test_is_no_equal_of_another_kind() -> None:
    assert Histogram() != 3
