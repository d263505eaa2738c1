"""ListMetrics over a store: pages, and what is not implemented."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_syncload.sandbox.awserror import AwsError
from pytest_syncload.sandbox.cloudwatch import Store
from pytest_syncload.sandbox.listmetrics import list_metrics

NOW = 1_800_000_000.0


@pytest.fixture
def store() -> Store:
    store = Store()
    store.put({"Namespace": "N", "MetricData": [{"MetricName": f"m{n}", "Value": 1} for n in range(5)]}, NOW)
    return store


def test_pages_together_are_all_metrics(store: Store) -> None:
    names: list[str] = []
    token: dict[str, Any] = {}
    for expected in (2, 2, 1):
        page = list_metrics(store, token, NOW, most=2)
        assert len(page["Metrics"]) == expected
        names += [metric["MetricName"] for metric in page["Metrics"]]
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}
    assert token == {}
    assert names == [f"m{n}" for n in range(5)]


def test_what_is_older_than_two_weeks_is_not_listed(store: Store) -> None:
    assert list_metrics(store, {}, NOW + 14 * 86_400 + 60)["Metrics"] == []


@pytest.mark.parametrize(
    ("what", "request_"),
    [
        ("RecentlyActive", {"RecentlyActive": "PT1H"}),
        ("NextToken", {"NextToken": "2-x"}),
        ("at most 10", {"Dimensions": [{"Name": "a"}] * 11}),
        ("structure", {"Dimensions": ["a"]}),
        ("structure", {"Dimensions": [{"Value": "a"}]}),
        ("Unit", {"Dimensions": [{"Name": "a", "Unit": "b"}]}),
        ("OwningAccount", {"OwningAccount": "111122223333"}),
    ],
)
def test_bad_request_is_an_error(store: Store, what: str, request_: dict[str, Any]) -> None:
    with pytest.raises(AwsError) as refused:
        list_metrics(store, request_, NOW)
    assert what in refused.value.message
