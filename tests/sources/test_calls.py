"""How often CloudWatch is asked: a phase's rows together, in as few calls as its limits allow. The double counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from pytest_syncload.facts.plan import RawQuery, Slo, Target
from pytest_syncload.facts.units import Kind
from pytest_syncload.sandbox.http import asgi
from pytest_syncload.sources.cloudwatch import asks_of, fetch, traffic_ask
from pytest_syncload.sources.observe import observe
from pytest_syncload.sources.settle import settle
from pytest_syncload.verdict import judge
from tests.false_greens.cloud import Cloud
from tests.rows import CACHE, DEPTH, ERRORS, LATENCY, RESOURCES, THROTTLES
from tests.sandbox.conftest import serving

_STATISTICS = ("p50", "p90", "p95", "p99", "Average", "Maximum")
_WRITTEN_OUT = RawQuery(namespace="AWS/ECS", name="CPUUtilization", dimensions=(("ClusterName", "syncwell"),))
#: Rows that look behind the hold do so for different times, and what is provisioned is told every five minutes.
ROWS = [
    Slo(
        name="provisioned",
        phase="peak",
        target=Target(op="<", value=80.0, kind=Kind.SHARE, text="< 80 %"),
        line=36,
        metric="dynamodb.consumed_share",
    ),
    ERRORS,
    THROTTLES,
    *(replace(LATENCY, name=f"latency-{statistic}", statistic=statistic) for statistic in _STATISTICS),
    *(replace(CACHE, name=f"cache-{statistic}", statistic=statistic) for statistic in ("Average", "Maximum")),
    *(replace(DEPTH, name=f"drains-{minutes}", drains_within_s=60.0 * minutes) for minutes in range(1, 6)),
    *(replace(DEPTH, name=f"sustained-{minutes}", sustained_s=60.0 * minutes) for minutes in range(1, 4)),
    *(
        replace(
            CACHE, name=f"own-{number}", metric=None, query=replace(_WRITTEN_OUT, name=f"M{number}"), statistic="Sum"
        )
        for number in range(21)
    ),
]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with serving() as begin:
        cloud = Cloud()
        cloud.url = begin(asgi(cloud.answer))
        yield cloud


def _provision(cloud: Cloud) -> None:
    """Capacity for 20 units a second, told once before the hold for all of its minutes."""
    cloud.client("cloudwatch").put_metric_data(
        Namespace="AWS/DynamoDB",
        MetricData=[
            {
                "MetricName": f"Provisioned{which}CapacityUnits",
                "Dimensions": [{"Name": "TableName", "Value": "sync-jobs"}],
                "Timestamp": datetime.fromtimestamp(cloud.window.start - 60, UTC),
                "Value": 20.0,
            }
            for which in ("Read", "Write")
        ],
    )


def test_forty_rows_are_two_calls_a_poll_and_each_row_keeps_its_own_window(cloud: Cloud) -> None:
    assert len(ROWS) == 40
    cloud.healthy({"ApproximateNumberOfMessagesVisible": [{3.0: 1}] * 8})
    _provision(cloud)
    cloud.asked.clear()
    load = cloud.load()
    settled = settle(
        cloud.client("cloudwatch"),
        [ask for row in ROWS for ask in asks_of(row, RESOURCES, cloud.window)],
        traffic_ask(RESOURCES, cloud.window),
        cloud.clock,
        wire_requests=load.wire_requests,
        in_flight_edges=load.in_flight_edges,
        waiting=lambda attempt, what: cloud.clock.step(63),
    )
    assert (settled.problem, settled.doubts, settled.attempts) == (None, {}, 2)
    assert cloud.asked["GetMetricData"] == 2 * settled.attempts
    rulings = {row.name: judge(observe(row, settled, RESOURCES, load), load, None).ruling for row in ROWS}
    # 1,800 requests are enough for p99, and nobody publishes the metrics that are written out.
    assert {name for name, ruling in rulings.items() if ruling != "pass"} == {f"own-{number}" for number in range(21)}


def test_rows_of_which_none_reaches_back_are_one_call_a_poll(cloud: Cloud) -> None:
    cloud.fresh()
    cloud.healthy()
    cloud.asked.clear()
    fetch(cloud.client("cloudwatch"), [ask for row in ROWS[1:] for ask in asks_of(row, RESOURCES, cloud.window)])
    assert cloud.asked["GetMetricData"] == 1


def test_a_point_that_nobody_asked_for_is_not_cut_away(cloud: Cloud) -> None:
    cloud.fresh()
    cloud.healthy()

    def early(operation: str, request: Any, answer: Any) -> None:
        for told in answer["MetricDataResults"]:
            told["Timestamps"].insert(0, cloud.window.start - 600)
            told["Values"].insert(0, 1.0)

    cloud.rewrite = early
    told = fetch(cloud.client("cloudwatch"), asks_of(ERRORS, RESOURCES, cloud.window))
    assert {answer.timestamps[0] for answer in told.values()} == {cloud.window.start - 600}


def test_a_window_that_was_asked_for_longer_than_a_row_looks_is_cut(cloud: Cloud) -> None:
    cloud.fresh()
    cloud.healthy({"ApproximateNumberOfMessagesVisible": [{float(number): 1} for number in range(8)]})
    short, long = (replace(DEPTH, drains_within_s=seconds) for seconds in (60.0, 300.0))
    asks = [ask for row in (short, long) for ask in asks_of(row, RESOURCES, cloud.window)]
    told = fetch(cloud.client("cloudwatch"), asks)
    behind = sorted((ask.window.seconds, told[ask].values) for ask in told if ask.window.start == cloud.window.end)
    assert behind == [(60.0, (3.0,)), (300.0, (3.0, 4.0, 5.0, 6.0, 7.0))]
