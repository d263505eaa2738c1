"""ListMetrics over a `Store`: which metrics have had a data point in the last two weeks.

Source: Amazon CloudWatch API Reference, ListMetrics. CloudWatch may take 15 minutes to list a new metric; the double
lists it at once. What is not implemented is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_syncload.sandbox.awserror import AwsError, bad_value, known_members, refusal, unbuilt
from pytest_syncload.sandbox.cloudwatch import TWO_WEEKS_S, MetricKey, Store
from pytest_syncload.sandbox.paging import ForeignToken, page

METRICS_A_PAGE = 500
_FILTERS_A_CALL = 10
_THREE_HOURS_S = 3 * 3_600


def list_metrics(store: Store, request: Mapping[str, Any], now: float, most: int = METRICS_A_PAGE) -> dict[str, Any]:
    """The answer to a ListMetrics request at service time ``now``. Raises `AwsError`."""
    known = {"Namespace", "MetricName", "Dimensions", "NextToken", "RecentlyActive"}
    known_members(request, known, "ListMetrics")
    filters = _filters(request.get("Dimensions") or [])
    active = request.get("RecentlyActive")
    if active not in (None, "PT3H"):
        raise unbuilt(f"RecentlyActive {active!r}; CloudWatch knows PT3H only")
    since = now - (TWO_WEEKS_S if active is None else _THREE_HOURS_S)
    found = sorted(
        (key for key in store.metrics(since) if _fits(key, request, filters)),
        key=lambda key: (key[0], key[1], sorted(key[2])),
    )
    asked = {name: value for name, value in request.items() if name != "NextToken"}
    try:
        kept, token = page(found, most, request.get("NextToken"), asked)
    except ForeignToken:
        raise _foreign() from None
    metrics = [
        {
            "Namespace": namespace,
            "MetricName": name,
            "Dimensions": [{"Name": dimension, "Value": value} for dimension, value in sorted(dimensions)],
        }
        for namespace, name, dimensions in kept
    ]
    return {"Metrics": metrics} | ({} if token is None else {"NextToken": token})


def _filters(given: object) -> list[tuple[str, str | None]]:
    if not isinstance(given, list) or len(given) > _FILTERS_A_CALL:
        raise bad_value(f"Dimensions must be a list of at most {_FILTERS_A_CALL}")
    filters = []
    for one in given:
        if not isinstance(one, dict) or not isinstance(one.get("Name"), str):
            raise bad_value("a dimension filter is a structure of Name and, if wanted, Value")
        known_members(one, {"Name", "Value"}, "DimensionFilter")
        filters.append((one["Name"], one.get("Value")))
    return filters


def _fits(key: MetricKey, request: Mapping[str, Any], filters: list[tuple[str, str | None]]) -> bool:
    namespace, name, dimensions = key
    if request.get("Namespace", namespace) != namespace or request.get("MetricName", name) != name:
        return False
    has = dict(dimensions)
    # A filter asks for a dimension among others; unlike in GetMetricData, the rest need not be given.
    return all(dimension in has and value in (None, has[dimension]) for dimension, value in filters)


def _foreign() -> AwsError:
    return refusal("InvalidParameterValueException", "NextToken does not belong to this request")
