"""What a minute looks like in CloudWatch."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pytest_syncload.facts.clock import ServiceClock, minute_floor
from pytest_syncload.sandbox.aws import Aws
from pytest_syncload.sandbox.cloudwatch import Store, metric_key
from pytest_syncload.sandbox.http import asgi
from pytest_syncload.sandbox.publisher import API, STAGE, TABLE, client, publish
from tests.sandbox.conftest import Serve

CLOCK = ServiceClock.starting_now(speed=60)
MINUTE = int(minute_floor(CLOCK.now())) - 60
COUNTS: dict[str, Any] = {
    "minute": MINUTE,
    "requests": 400,
    "latency": {str(ms): 2 for ms in range(200)},
    "statuses": {"202": 395, "500": 3, "503": 1, "401": 1},
    "consumed": 395,
    "reads": 395,
    "throttles": 0,
}


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def cloudwatch(serve: Serve, store: Store) -> Any:
    url = serve(asgi(Aws(store, CLOCK, "KEY").answer))
    return client(endpoint_url=url, access_key_id="KEY", secret_access_key="s", region="us-east-1")


def api(store: Store, name: str) -> dict[int, dict[float, float]]:
    dimensions = [{"Name": "ApiName", "Value": API}, {"Name": "Stage", "Value": STAGE}]
    return store.series(metric_key("AWS/ApiGateway", name, dimensions))


def table(store: Store, name: str) -> dict[int, dict[float, float]]:
    return store.series(metric_key("AWS/DynamoDB", name, [{"Name": "TableName", "Value": TABLE}]))


def test_minute_with_requests(cloudwatch: Any, store: Store) -> None:
    publish(cloudwatch, COUNTS)
    assert api(store, "Count") == {MINUTE: {1: 400}}
    assert api(store, "Latency") == {MINUTE: {float(ms): 2 for ms in range(200)}}
    assert api(store, "5XXError") == {MINUTE: {0: 396, 1: 4}}
    assert api(store, "4XXError") == {MINUTE: {0: 399, 1: 1}}
    assert table(store, "ConsumedWriteCapacityUnits") == {MINUTE: {1: 395}}
    assert table(store, "ConsumedReadCapacityUnits") == {MINUTE: {1: 395}}
    assert table(store, "WriteThrottleEvents") == {}


def test_idle_minute_publishes_nothing(cloudwatch: Any, store: Store) -> None:
    idle = COUNTS | {"requests": 0, "latency": {}, "statuses": {}, "consumed": 0, "reads": 0}
    publish(cloudwatch, idle)
    assert api(store, "Count") == api(store, "5XXError") == table(store, "ConsumedReadCapacityUnits") == {}


def test_addition_to_a_minute_adds(cloudwatch: Any, store: Store) -> None:
    late = {"requests": 0, "latency": {"0": 1}, "statuses": {"500": 1}, "consumed": 5, "reads": 0, "throttles": 7}
    publish(cloudwatch, COUNTS)
    publish(cloudwatch, COUNTS | late)
    assert api(store, "Count") == {MINUTE: {1: 400}}
    assert api(store, "5XXError") == {MINUTE: {0: 396, 1: 5}}
    assert table(store, "WriteThrottleEvents") == {MINUTE: {1: 7}}


def test_missing_metric_is_left_out_alone(cloudwatch: Any, store: Store) -> None:
    publish(cloudwatch, COUNTS, ("Latency", "ConsumedReadCapacityUnits"))
    assert api(store, "Latency") == table(store, "ConsumedReadCapacityUnits") == {}
    assert api(store, "Count") == {MINUTE: {1: 400}}


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
