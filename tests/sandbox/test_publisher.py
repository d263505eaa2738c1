"""Minutes reach CloudWatch whole, and not before they may."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from pytest_syncload.facts.clock import ServiceClock, minute_floor
from pytest_syncload.sandbox.aws import Aws
from pytest_syncload.sandbox.cloudwatch import Store, metric_key
from pytest_syncload.sandbox.datums import datums
from pytest_syncload.sandbox.http import asgi
from pytest_syncload.sandbox.names import API, CLUSTER, NODES, QUEUE, SERVICE, STAGE, TABLE
from pytest_syncload.sandbox.publisher import Publisher, client, publish
from tests.sandbox.conftest import Serve
from tests.sandbox.minutes import GAUGES, counts

CLOCK = ServiceClock.starting_now(speed=60)
MINUTE = int(minute_floor(CLOCK.now())) - 60


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def cloudwatch(serve: Serve, store: Store) -> Any:
    url = serve(asgi(Aws(store, CLOCK, "KEY").answer))
    return client(endpoint_url=url, access_key_id="KEY", secret_access_key="s", region="us-east-1")


def api(store: Store, name: str) -> dict[int, dict[float, float]]:
    return store.series(metric_key("AWS/ApiGateway", name, dimensions({"ApiName": API, "Stage": STAGE})))


def table(store: Store, name: str) -> dict[int, dict[float, float]]:
    return store.series(metric_key("AWS/DynamoDB", name, dimensions({"TableName": TABLE})))


def dimensions(where: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in where.items()]


def test_minute_arrives_whole(cloudwatch: Any, store: Store) -> None:
    publish(cloudwatch, counts(MINUTE, gauges=GAUGES))
    assert api(store, "Count") == {MINUTE: {1: 400}}
    assert api(store, "Latency") == {MINUTE: {float(ms): 2 for ms in range(200)}}
    assert table(store, "ConsumedWriteCapacityUnits") == {MINUTE: {1: 395}}
    assert table(store, "WriteThrottleEvents") == {}
    visible = metric_key("AWS/SQS", "ApproximateNumberOfMessagesVisible", dimensions({"QueueName": QUEUE}))
    assert store.series(visible) == {MINUTE: {7: 1}}
    where = {"ClusterName": CLUSTER, "ServiceName": SERVICE}
    assert store.series(metric_key("AWS/ECS", "CPUUtilization", dimensions(where))) == {MINUTE: {12.346: 3}}
    engine = metric_key("AWS/ElastiCache", "EngineCPUUtilization", dimensions({"CacheClusterId": NODES[1]}))
    assert store.series(engine) == {MINUTE: {1.5: 1}}


def test_addition_to_a_minute_adds(cloudwatch: Any, store: Store) -> None:
    publish(cloudwatch, counts(MINUTE))
    late = {"latency": {"0": 1}, "statuses": {"500": 1}, "table": {"consumed": 5, "throttles": 7}}
    publish(cloudwatch, counts(MINUTE, busy=False, **late))
    assert api(store, "Count") == {MINUTE: {1: 400}}
    assert api(store, "5XXError") == {MINUTE: {0: 396, 1: 5}}
    assert table(store, "WriteThrottleEvents") == {MINUTE: {1: 7}}


def test_missing_metric_is_left_out_alone_in_every_namespace(cloudwatch: Any, store: Store) -> None:
    missing = ("Latency", "ConsumedReadCapacityUnits", "EngineCPUUtilization")
    publish(cloudwatch, counts(MINUTE, gauges=GAUGES), missing)
    assert api(store, "Latency") == table(store, "ConsumedReadCapacityUnits") == {}
    node = dimensions({"CacheClusterId": NODES[0]})
    assert store.series(metric_key("AWS/ElastiCache", "EngineCPUUtilization", node)) == {}
    assert store.series(metric_key("AWS/ElastiCache", "CPUUtilization", node)) == {MINUTE: {47.25: 1}}
    assert api(store, "Count") == {MINUTE: {1: 400}}


class Noting:
    """A client that counts the calls which were answered."""

    def __init__(self, cloudwatch: Any) -> None:
        self._cloudwatch = cloudwatch
        self.answered = 0

    def put_metric_data(self, **asked: Any) -> None:
        self._cloudwatch.put_metric_data(**asked)
        self.answered += 1


def test_minute_is_held_back_as_long_as_it_is_told(cloudwatch: Any, store: Store) -> None:
    noting = Noting(cloudwatch)
    publisher = Publisher(noting, CLOCK, (), late_s=60)
    now = int(minute_floor(CLOCK.now()))
    threading.Thread(target=publisher.run, daemon=True).start()
    publisher.take(counts(now - 60))
    publisher.take(counts(now))
    deadline = time.monotonic() + 60
    while len(api(store, "Count")) < 2:
        # Whatever is there at a moment was over for a minute by then.
        assert all(CLOCK.now() >= minute + 60 + 60 for minute in list(api(store, "Count")))
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert sorted(api(store, "Count")) == [now - 60, now]
    # Its thread outlives the test, and must not ask a server that is gone.
    calls = 2 * sum(bool(data) for data in datums(counts(now)).values())
    while noting.answered < calls:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_client_reads_nothing_of_the_users(monkeypatch: pytest.MonkeyPatch, serve: Serve, store: Store) -> None:
    for name, value in (
        ("AWS_PROFILE", "stale"),
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ):
        monkeypatch.setenv(name, value)
    url = serve(asgi(Aws(store, CLOCK, "KEY").answer))
    hermetic = client(endpoint_url=url, access_key_id="KEY", secret_access_key="s", region="us-east-1")
    now = datetime.fromtimestamp(CLOCK.now(), UTC)
    hermetic.put_metric_data(Namespace="N", MetricData=[{"MetricName": "m", "Timestamp": now, "Value": 1}])
    assert store.series(metric_key("N", "m", None))
