"""Whether a queue publishes, asked with botocore's Stubber, which checks requests and answers against AWS's model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from pytest_syncload.facts.catalogue import queries_for
from pytest_syncload.facts.clock import MINUTE, ServiceClock, minute_floor
from pytest_syncload.facts.plan import AwsAccess
from pytest_syncload.sources.awake import LONGEST_MINUTES, wait_until_awake
from pytest_syncload.sources.aws import client as client_for
from tests.rows import DEPTH, LATENCY, RESOURCES

ACCESS = AwsAccess(
    region="us-east-1", endpoint_url="http://127.0.0.1:1", access_key_id="id", secret_access_key="not-a-secret"
)
DEPTHS = queries_for(DEPTH, RESOURCES)
EMPTY: dict[str, Any] = {"MetricDataResults": [{"Id": "q0", "StatusCode": "Complete", "Timestamps": [], "Values": []}]}


def published(clock: ServiceClock) -> dict[str, Any]:
    moment = datetime.fromtimestamp(minute_floor(clock.now()) - MINUTE, UTC)
    return {"MetricDataResults": [{"Id": "q0", "StatusCode": "Complete", "Timestamps": [moment], "Values": [0.0]}]}


def wait(clock: ServiceClock, *answers: dict[str, Any], going: bool = True) -> tuple[str | None, list[str]]:
    client = client_for("cloudwatch", ACCESS)
    said: list[str] = []
    with Stubber(client) as stub:
        for answer in answers:
            stub.add_response("get_metric_data", answer)
        why = wait_until_awake(
            client, [*DEPTHS, *queries_for(LATENCY, RESOURCES)], clock, waiting=said.append, keep_going=lambda: going
        )
        stub.assert_no_pending_responses()
    return why, said


def test_a_queue_that_publishes_is_not_waited_for() -> None:
    clock = ServiceClock.starting_now(speed=600)
    assert wait(clock, published(clock)) == (None, [])


def test_an_idle_queue_is_waited_for_and_that_is_said_once() -> None:
    clock = ServiceClock.starting_now(speed=600)
    why, (said,) = wait(clock, EMPTY, EMPTY, published(clock))
    assert why is None
    assert said.startswith("a data point for AWS/SQS ApproximateNumberOfMessagesVisible Maximum {QueueName=hot-path}")
    assert "up to 15 minutes" in said


def test_an_interrupt_ends_the_waiting() -> None:
    why, said = wait(ServiceClock.starting_now(), EMPTY, going=False)
    assert (said, "none in the last 5 minutes" in (why or "")) == ([], True)


def test_after_the_longest_that_aws_needs_it_is_given_up() -> None:
    clock = ServiceClock.starting_now(speed=1_000_000)
    began = clock.now()
    client = client_for("cloudwatch", ACCESS)
    with Stubber(client) as stub:
        for _ in range(100):
            stub.add_response("get_metric_data", EMPTY)
        why = wait_until_awake(client, DEPTHS, clock, waiting=lambda _: None, keep_going=lambda: True)
    assert "none in the last 5 minutes" in (why or "")
    assert clock.now() >= began + LONGEST_MINUTES * MINUTE


@pytest.mark.parametrize(
    ("code", "says"), [("AccessDenied", "allow cloudwatch:GetMetricData"), ("Throttling", "throt")]
)
def test_what_aws_refuses_is_the_answer_and_no_traceback(code: str, says: str) -> None:
    client = client_for("cloudwatch", ACCESS)
    with Stubber(client) as stub:
        stub.add_client_error("get_metric_data", code, "why", 403)
        why = wait_until_awake(
            client, DEPTHS, ServiceClock.starting_now(), waiting=lambda _: None, keep_going=lambda: False
        )
    assert says in (why or "")


def test_rows_without_a_queue_ask_nothing() -> None:
    client = client_for("cloudwatch", ACCESS)
    with Stubber(client):
        asked = queries_for(LATENCY, RESOURCES)
        assert (
            wait_until_awake(
                client, asked, ServiceClock.starting_now(), waiting=lambda _: None, keep_going=lambda: True
            )
            is None
        )
