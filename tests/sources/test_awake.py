"""Whether count and queue are published: botocore's Stubber checks requests and answers against AWS's model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from pytest_syncload.facts.catalogue import Query, queries_for
from pytest_syncload.facts.clock import MINUTE, ServiceClock, minute_floor
from pytest_syncload.facts.plan import AwsAccess
from pytest_syncload.sources.awake import LONGEST_MINUTES, wait_until_published
from pytest_syncload.sources.aws import client as client_for
from pytest_syncload.sources.cloudwatch import traffic_query
from tests.rows import DEPTH, LATENCY, RESOURCES

ACCESS = AwsAccess(
    region="us-east-1", endpoint_url="http://127.0.0.1:1", access_key_id="id", secret_access_key="not-a-secret"
)
DEPTHS = queries_for(DEPTH, RESOURCES)
TRAFFIC = traffic_query(RESOURCES)
EMPTY: dict[str, Any] = {
    "MetricDataResults": [
        {"Id": name, "StatusCode": "Complete", "Timestamps": [], "Values": []} for name in ("q0", "q1")
    ]
}


def published(clock: ServiceClock, *names: str, asked: tuple[str, ...] = ("q0", "q1")) -> dict[str, Any]:
    """An answer with a recent point for the request count (q0) or the queue (q1)."""
    moment = datetime.fromtimestamp(minute_floor(clock.now()) - MINUTE, UTC)
    results: list[dict[str, Any]] = [
        {"Id": name, "StatusCode": "Complete", "Timestamps": [moment], "Values": [0.0]}
        if name in names
        else {"Id": name, "StatusCode": "Complete", "Timestamps": [], "Values": []}
        for name in asked
    ]
    return {"MetricDataResults": results}


def wait(clock: ServiceClock, *answers: dict[str, Any], going: bool = True) -> tuple[tuple[Query, ...], list[str]]:
    client = client_for("cloudwatch", ACCESS)
    said: list[str] = []
    with Stubber(client) as stub:
        for answer in answers:
            stub.add_response("get_metric_data", answer)
        silent = wait_until_published(
            client,
            TRAFFIC,
            [*DEPTHS, *queries_for(LATENCY, RESOURCES)],
            clock,
            waiting=said.append,
            keep_going=lambda: going,
        )
        stub.assert_no_pending_responses()
    return silent, said


def test_what_is_published_is_not_waited_for() -> None:
    clock = ServiceClock.starting_now(speed=600)
    assert wait(clock, published(clock, "q0", "q1")) == ((), [])


def test_an_idle_queue_and_a_late_count_are_waited_for_and_that_is_said_once() -> None:
    clock = ServiceClock.starting_now(speed=600)
    silent, (said,) = wait(clock, EMPTY, EMPTY, published(clock, "q0"), published(clock, "q0", asked=("q0",)))
    assert silent == ()
    assert said.startswith(
        "a data point for AWS/ApiGateway Count Sum {ApiName=syncwell, Stage=v1}, AWS/SQS Approximate"
    )
    assert "up to 15 minutes" in said


def test_an_interrupt_ends_the_waiting() -> None:
    assert wait(ServiceClock.starting_now(), EMPTY, going=False) == ((TRAFFIC, *DEPTHS), [])


def test_after_the_longest_that_aws_needs_it_is_given_up() -> None:
    clock = ServiceClock.starting_now(speed=1_000_000)
    began = clock.now()
    client = client_for("cloudwatch", ACCESS)
    with Stubber(client) as stub:
        for _ in range(100):
            stub.add_response("get_metric_data", EMPTY)
        silent = wait_until_published(client, TRAFFIC, DEPTHS, clock, waiting=lambda _: None, keep_going=lambda: True)
    assert silent == (TRAFFIC, *DEPTHS)
    assert clock.now() >= began + LONGEST_MINUTES * MINUTE


@pytest.mark.parametrize("code", ["AccessDenied", "Throttling"])
def test_what_aws_refuses_is_no_data_point_and_no_traceback(code: str) -> None:
    client = client_for("cloudwatch", ACCESS)
    with Stubber(client) as stub:
        stub.add_client_error("get_metric_data", code, "why", 403)
        silent = wait_until_published(
            client, TRAFFIC, (), ServiceClock.starting_now(), waiting=lambda _: None, keep_going=lambda: False
        )
    assert silent == (TRAFFIC,)
