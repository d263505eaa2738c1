"""The CloudWatch double against the API reference: buckets, statistics, limits, paging."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.sandbox.awserror import AwsError
from pytest_syncload.sandbox.cloudwatch import Store
from pytest_syncload.sandbox.getmetricdata import get_metric_data, statistic

NOW = 1_800_000_000.0  # a whole minute
DAY = 86_400


def datum(at: float, value: float = 1.0, **more: Any) -> dict[str, Any]:
    return {"MetricName": "m", "Timestamp": at, "Value": value} | more


def put(store: Store, *data: dict[str, Any]) -> None:
    store.put({"Namespace": "N", "MetricData": list(data)}, NOW)


def query(stat: str = "Sum", period: int = 60, name: str = "q", **metric: Any) -> dict[str, Any]:
    return {
        "Id": name,
        "MetricStat": {"Metric": {"Namespace": "N", "MetricName": "m"} | metric, "Period": period, "Stat": stat},
    }


def ask(store: Store, *queries: dict[str, Any], start: float = NOW - 600, end: float = NOW, **more: Any) -> Any:
    request = {"MetricDataQueries": list(queries), "StartTime": start, "EndTime": end} | more
    return get_metric_data(store, request, NOW)


def points(answer: Any) -> list[tuple[int, float]]:
    (result,) = answer["MetricDataResults"]
    assert result["StatusCode"] == "Complete"
    return list(zip(result["Timestamps"], result["Values"], strict=True))


def test_buckets_are_aligned_to_start_and_descend_by_default() -> None:
    store = Store()
    put(store, *(datum(NOW - 300 + 60 * n, n) for n in range(5)))
    start = NOW - 240
    assert points(ask(store, query(period=120), start=start + 30)) == [(start + 120, 7), (start, 3)]
    ascending = ask(store, query(period=120), start=start, ScanBy="TimestampAscending")
    assert points(ascending) == [(start, 3), (start + 120, 7)]


def test_end_is_exclusive_and_an_empty_bucket_has_no_point() -> None:
    store = Store()
    put(store, datum(NOW - 60), datum(NOW))
    assert points(ask(store, query())) == [(NOW - 60, 1)]
    assert points(ask(store, query(MetricName="never"))) == []
    assert points(ask(store, query(), start=NOW + 10 * DAY, end=NOW + 11 * DAY)) == []


def test_period_under_a_minute_starts_at_its_own_division() -> None:
    store = Store()
    put(store, datum(NOW - 60))
    assert points(ask(store, query(period=30), start=NOW - 100)) == [(NOW - 60, 1)]
    assert points(ask(store, query(period=30), start=NOW - 29)) == []


def test_dimensions_match_exactly_in_any_order() -> None:
    store = Store()
    a, b = {"Name": "a", "Value": "1"}, {"Name": "b", "Value": "2"}
    put(store, datum(NOW - 60, Dimensions=[a, b]))
    assert points(ask(store, query(Dimensions=[b, a]))) == [(NOW - 60, 1)]
    assert points(ask(store, query(Dimensions=[a]))) == []
    assert points(ask(store, query())) == []


@given(
    values=st.dictionaries(st.integers(0, 100).map(float), st.integers(1, 20).map(float), min_size=1),
    percent=st.decimals(0, 100, places=2),
)
def test_percentile_is_nearest_rank_over_the_expanded_samples(values: dict[float, float], percent: Any) -> None:
    flat = sorted(value for value, count in values.items() for _ in range(int(count)))
    rank = max(math.ceil(percent * len(flat) / 100), 1)
    assert statistic(f"p{percent}", values) == flat[rank - 1]
    assert statistic("Sum", values) == sum(flat)
    assert statistic("SampleCount", values) == len(flat)
    assert statistic("Minimum", values) == flat[0]
    assert statistic("Maximum", values) == flat[-1]
    assert statistic("Average", values) == pytest.approx(sum(flat) / len(flat))


@given(samples=st.lists(st.tuples(st.integers(1, 10), st.integers(0, 9)), max_size=40), period=st.integers(1, 6))
def test_no_sample_is_lost_or_counted_twice(samples: list[tuple[int, int]], period: int) -> None:
    store = Store()
    for minute, value in samples:
        put(store, datum(NOW - 60 * minute, value))
    answer = ask(store, query(), query("SampleCount", 60 * period, "n"))
    by_id = {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}
    assert sum(by_id["q"]) == sum(value for _, value in samples)
    assert sum(by_id["n"]) == len(samples)


@given(most=st.integers(1, 12), lengths=st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_pages_together_are_the_whole_answer(most: int, lengths: list[int]) -> None:
    store = Store()
    for number, length in enumerate(lengths):
        if length:
            put(store, *(datum(NOW - 60 * (n + 1), n, MetricName=f"m{number}") for n in range(length)))
    queries = [query(name=f"q{number}", MetricName=f"m{number}") for number in range(len(lengths))]
    whole = {result["Id"]: result["Values"] for result in ask(store, *queries)["MetricDataResults"]}
    merged: dict[str, list[float]] = {}
    last: dict[str, str] = {}
    token: dict[str, Any] = {}
    while True:
        page = ask(store, *queries, MaxDatapoints=most, **token)
        assert sum(len(result["Values"]) for result in page["MetricDataResults"]) <= most
        for result in page["MetricDataResults"]:
            merged.setdefault(result["Id"], []).extend(result["Values"])
            last[result["Id"]] = result["StatusCode"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert merged == whole
    assert set(last.values()) == {"Complete"}


def test_token_of_another_request_is_refused() -> None:
    store = Store()
    put(store, datum(NOW - 60), datum(NOW - 120))
    token = ask(store, query(), MaxDatapoints=1)["NextToken"]
    for given_token, most in ((token, 2), ("nonsense", 1)):
        with pytest.raises(AwsError) as refused:
            ask(store, query(), MaxDatapoints=most, NextToken=given_token)
        assert refused.value.code == "InvalidNextToken"


def test_query_without_return_data_is_left_out() -> None:
    answer = ask(Store(), query(), query(name="hidden") | {"ReturnData": False})
    assert [result["Id"] for result in answer["MetricDataResults"]] == ["q"]


BAD_REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("StartTime must be less", {"StartTime": NOW, "EndTime": NOW}),
    ("StartTime is required", {"StartTime": None}),
    ("epoch seconds", {"EndTime": "now"}),
    ("15 days", {"StartTime": NOW - 15 * DAY - 1}),
    ("3 hours", {"StartTime": NOW - 4 * 3600, "MetricDataQueries": [query(period=30)]}),
    ("ScanBy", {"ScanBy": "Upwards"}),
    ("MaxDatapoints", {"MaxDatapoints": 100_801}),
    ("LabelOptions", {"LabelOptions": {}}),
    ("MetricDataQueries is required", {"MetricDataQueries": []}),
    ("at most 500", {"MetricDataQueries": [query(name=f"q{n}") for n in range(501)]}),
    ("distinct", {"MetricDataQueries": [query(), query()]}),
    ("ReturnData", {"MetricDataQueries": [query() | {"ReturnData": False}]}),
    ("ReturnData", {"MetricDataQueries": [query() | {"ReturnData": "no"}]}),
    ("structure", {"MetricDataQueries": ["q"]}),
    ("Expression", {"MetricDataQueries": [{"Id": "q", "Expression": "1 + 1"}]}),
    ("lower-case", {"MetricDataQueries": [query(name="Q")]}),
    ("MetricStat of q", {"MetricDataQueries": [{"Id": "q"}]}),
    ("Metric of q", {"MetricDataQueries": [{"Id": "q", "MetricStat": {"Period": 60, "Stat": "Sum"}}]}),
    ("MetricName of q", {"MetricDataQueries": [query(MetricName=None)]}),
    ("dynamic labels", {"MetricDataQueries": [query() | {"Label": "${LAST}"}]}),
    ("Period", {"MetricDataQueries": [query(period=90)]}),
    ("Period", {"MetricDataQueries": [query(period=86_460)]}),
    ("Period", {"MetricDataQueries": [query(period=0)]}),
    ("Period", {"MetricDataQueries": [query(period=True)]}),
    ("'TC(:500)'", {"MetricDataQueries": [query("TC(:500)")]}),
    ("'p101'", {"MetricDataQueries": [query("p101")]}),
    ("Stat is required", {"MetricDataQueries": [query() | {"MetricStat": {**query()["MetricStat"], "Stat": None}}]}),
    ("Unit", {"MetricDataQueries": [query() | {"MetricStat": {**query()["MetricStat"], "Unit": "Count"}}]}),
]


@pytest.mark.parametrize(("what", "members"), BAD_REQUESTS)
def test_bad_request_is_an_error(what: str, members: dict[str, Any]) -> None:
    request = {"MetricDataQueries": [query()], "StartTime": NOW - 600, "EndTime": NOW} | members
    with pytest.raises(AwsError) as refused:
        get_metric_data(Store(), request, NOW)
    assert what in refused.value.message


def test_percentile_of_negative_values_is_refused() -> None:
    store = Store()
    put(store, datum(NOW - 60, -1))
    with pytest.raises(AwsError, match="negative"):
        ask(store, query("p95"))
