"""CloudWatch as the sandbox has it: its operations over a `Store`, and the faults that it can be told to have.

A fault withholds what is true or refuses to answer; it must never make a value up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.plan import Faults
from pytest_syncload.sandbox.awserror import refusal
from pytest_syncload.sandbox.awsjson import JsonService
from pytest_syncload.sandbox.cloudwatch import Store
from pytest_syncload.sandbox.getmetricdata import POINTS_A_CALL, get_metric_data
from pytest_syncload.sandbox.listmetrics import list_metrics
from pytest_syncload.sandbox.state import Turn


class CloudWatch:
    """The metrics of a region, in the clock's service time."""

    def __init__(self, store: Store, clock: ServiceClock, faults: Faults, points_a_call: int = POINTS_A_CALL) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        self._points_a_call = points_a_call
        self._throttled = Turn(faults.throttled_queries_share)

    def service(self) -> JsonService:
        """The service. botocore 1.44 offers CBOR and query too, but picks JSON."""
        return JsonService(
            target="GraniteServiceVersion20100801.",
            version="1.0",
            namespace="com.amazonaws.cloudwatch.v2010_08_01#",
            query_compatible=True,
            operations={
                "PutMetricData": self._put_metric_data,
                "GetMetricData": self._get_metric_data,
                "ListMetrics": lambda request: list_metrics(self._store, request, self._clock.now()),
            },
        )

    def _put_metric_data(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._store.put(request, self._clock.now())
        return {}

    def _get_metric_data(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._throttled.accrue()
        if self._throttled.take():
            raise refusal("ThrottlingException", "Rate exceeded")
        answer = get_metric_data(self._store, request, self._clock.now(), self._points_a_call)
        metrics = {query["Id"]: query["MetricStat"]["Metric"] for query in request["MetricDataQueries"]}
        if self._faults.partial_data:
            _keep_half_of_points(answer, metrics, self._faults.partial_data)
        if self._faults.lost_page:
            _lose_page(answer, metrics)
        return answer


def _keep_half_of_points(
    answer: dict[str, Any], metrics: Mapping[str, Mapping[str, Any]], partial: tuple[str, ...]
) -> None:
    for result in answer["MetricDataResults"]:
        if metrics[result["Id"]]["MetricName"] in partial:
            kept = len(result["Values"]) // 2
            result["Timestamps"], result["Values"] = result["Timestamps"][:kept], result["Values"][:kept]
            result["StatusCode"] = "PartialData"


def _lose_page(answer: dict[str, Any], metrics: Mapping[str, Mapping[str, Any]]) -> None:
    """Cut an answer about several metrics in the middle, and say nothing of the rest."""
    results = answer["MetricDataResults"]
    if len({json.dumps(metrics[result["Id"]], sort_keys=True) for result in results}) > 1:
        del results[len(results) // 2 :]
        answer.pop("NextToken", None)
