"""PutMetricData: limits, and all or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_syncload.sandbox.awserror import AwsError
from pytest_syncload.sandbox.cloudwatch import Store, metric_key

NOW = 1_800_000_000.0
DAY = 86_400
GOOD: dict[str, Any] = {"MetricName": "m", "Value": 1}


def put(store: Store, *data: Any) -> None:
    store.put({"Namespace": "N", "MetricData": list(data)}, NOW)


def test_points_of_one_minute_add_up_and_the_stamp_defaults_to_now() -> None:
    store = Store()
    put(store, GOOD, {"MetricName": "m", "Values": [1, 2], "Counts": [3, 4], "Timestamp": NOW + 59, "Unit": "Count"})
    put(store, {"MetricName": "m", "Values": [2]})
    assert store.series(metric_key("N", "m", None)) == {int(NOW): {1.0: 4.0, 2.0: 5.0}}


@pytest.mark.parametrize("at", [NOW - 14 * DAY, NOW + 7200])
def test_oldest_and_newest_stamp(at: float) -> None:
    store = Store()
    put(store, GOOD | {"Timestamp": at})
    assert list(store.series(metric_key("N", "m", None))) == [int(at)]


BAD_DATA: list[tuple[str, Any]] = [
    ("two weeks", GOOD | {"Timestamp": NOW - 14 * DAY - 1}),
    ("two hours", GOOD | {"Timestamp": NOW + 7201}),
    ("Timestamp", GOOD | {"Timestamp": "now"}),
    ("structure", "m"),
    ("MetricName", {"Value": 1}),
    ("MetricName", GOOD | {"MetricName": ""}),
    ("either", {"MetricName": "m"}),
    ("either", GOOD | {"Values": [1]}),
    ("Counts goes", GOOD | {"Counts": [1]}),
    ("list", {"MetricName": "m", "Values": 1}),
    ("one length", {"MetricName": "m", "Values": [1], "Counts": [1, 2]}),
    ("151", {"MetricName": "m", "Values": list(range(151))}),
    ("positive", {"MetricName": "m", "Values": [1], "Counts": [0]}),
    ("finite", GOOD | {"Value": float("nan")}),
    ("finite", GOOD | {"Value": True}),
    ("StatisticValues", {"MetricName": "m", "StatisticValues": {}}),
    ("StorageResolution", GOOD | {"StorageResolution": 1}),
    ("Unit", GOOD | {"Unit": "Parsecs"}),
    ("Dimensions", GOOD | {"Dimensions": [{"Name": str(n), "Value": "v"} for n in range(31)]}),
    ("structure", GOOD | {"Dimensions": ["a"]}),
    ("twice", GOOD | {"Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "a", "Value": "2"}]}),
    ("twice", GOOD | {"Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "a", "Value": "1"}]}),
]


@pytest.mark.parametrize(("what", "datum"), BAD_DATA)
def test_bad_datum_is_an_error_and_nothing_of_the_call_is_kept(what: str, datum: Any) -> None:
    store = Store()
    with pytest.raises(AwsError) as refused:
        put(store, GOOD, datum)
    assert what in refused.value.message
    assert store.series(metric_key("N", "m", None)) == {}


@pytest.mark.parametrize(
    ("what", "request_"),
    [
        ("MetricData", {"Namespace": "N"}),
        ("1001", {"Namespace": "N", "MetricData": [GOOD] * 1001}),
        ("Namespace", {"MetricData": [GOOD]}),
        ("EntityMetricData", {"Namespace": "N", "MetricData": [GOOD], "EntityMetricData": []}),
    ],
)
def test_bad_request_is_an_error(what: str, request_: dict[str, Any]) -> None:
    with pytest.raises(AwsError) as refused:
        Store().put(request_, NOW)
    assert what in refused.value.message
