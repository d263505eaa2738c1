"""Dead-letter queues, serverless caches and Container Insights beside what AWS has: botocore's Stubber, and moto."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto import mock_aws

from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.plan import AwsAccess, Resources
from pytest_syncload.sources.aws import client
from pytest_syncload.sources.inventory import Found, cache, insights, queue
from tests.sources.stubs import CLIENTS, REGION, ROWS, only, scripted

# Dead-letter queues. moto is an SQS that is not ours.


def look_at_queues(redrive: str | None, listed: str = "jobs-dead.fifo") -> list[Check]:
    with mock_aws():
        sqs = client("sqs", AwsAccess(region=REGION))
        made = {}
        for name in ("jobs.fifo", "jobs-dead.fifo", "other.fifo"):
            made[name] = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
        if redrive is not None:
            policy = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:123456789012:{redrive}", "maxReceiveCount": 3}
            sqs.set_queue_attributes(QueueUrl=made["jobs.fifo"], Attributes={"RedrivePolicy": json.dumps(policy)})
        resources = Resources(queue="jobs.fifo", dead_letter_queue=listed)
        found = queue(sqs, resources, REGION, ROWS)
        return [*found.checks, *found.missing]


def test_fifo_queues_that_belong_together_are_right() -> None:
    checks = look_at_queues("jobs-dead.fifo")
    assert [(check.name, check.finding) for check in checks] == [
        ("queue jobs.fifo", Finding.OK),
        ("queue jobs-dead.fifo", Finding.OK),
    ]


@pytest.mark.parametrize(("redrive", "says"), [("other.fifo", "goes to 'other.fifo'"), (None, "goes nowhere")])
def test_a_queue_that_gives_up_to_another_one_would_look_clean_for_ever(redrive: str | None, says: str) -> None:
    first, second = look_at_queues(redrive)
    assert first.failed
    assert says in first.says
    assert "correct resources.dead_letter_queue" in first.says
    assert second.finding is Finding.OK


def test_a_dead_letter_queue_that_is_not_there_is_missing_under_its_own_key() -> None:
    checks = look_at_queues("jobs-dead.fifo", listed="jobs-daed.fifo")
    assert checks[-1].says == (
        "eu-west-1 has no queue 'jobs-daed.fifo' (did you mean 'jobs-dead.fifo'?); correct resources.dead_letter_queue"
    )


# Serverless caches.


def serverless(name: str, status: str = "available") -> dict[str, Any]:
    return {"ServerlessCaches": [{"ServerlessCacheName": name, "Status": status}]}


@pytest.mark.parametrize(
    ("status", "finding"),
    [
        ("available", Finding.OK),
        ("AVAILABLE", Finding.OK),
        ("modifying", Finding.NOTE),
        ("creating", Finding.FAILED),
        ("create-failed", Finding.FAILED),
    ],
)
def test_a_serverless_cache_must_be_available(status: str, finding: Finding) -> None:
    with scripted("elasticache") as stub:
        asked = {"ServerlessCacheName": "sessions"}
        stub.add_response("describe_serverless_caches", serverless("sessions", status), asked)
        found = cache(CLIENTS["elasticache"], Resources(serverless_cache=("sessions",)), REGION, ROWS)
    assert (only(found).name, only(found).finding, found.there) == ("serverless cache sessions", finding, 1)
    assert status.lower() in only(found).says


def test_a_serverless_cache_that_is_not_there_is_missing() -> None:
    with scripted("elasticache") as stub:
        stub.add_client_error("describe_serverless_caches", "ServerlessCacheNotFoundFault", "no", 404)
        stub.add_response("describe_serverless_caches", serverless("sessions"), {})
        found = cache(CLIENTS["elasticache"], Resources(serverless_cache=("session",)), REGION, ROWS)
    assert (found.there, found.checks) == (0, ())
    assert only(found).says == (
        "eu-west-1 has no serverless cache 'session' (did you mean 'sessions'?); correct resources.serverless_cache"
    )


def test_a_serverless_cache_that_may_not_be_described_is_a_failed_check() -> None:
    with scripted("elasticache") as stub:
        stub.add_client_error("describe_serverless_caches", "AccessDenied", "no", 403)
        found = cache(CLIENTS["elasticache"], Resources(serverless_cache=("sessions",)), REGION, ROWS)
    assert only(found).failed
    assert "allow elasticache:DescribeServerlessCaches" in only(found).says


# Container Insights.


def look_at_insights(*settings: dict[str, str]) -> Check:
    with scripted("ecs") as stub:
        answer = {"clusters": [{"clusterName": "syncwell", "settings": list(settings)}]}
        stub.add_response("describe_clusters", answer, {"clusters": ["syncwell"], "include": ["SETTINGS"]})
        return only(insights(CLIENTS["ecs"], Resources(ecs_cluster="syncwell", ecs_service="worker"), REGION, ROWS))


@pytest.mark.parametrize("value", ["enabled", "enhanced"])
def test_container_insights_that_are_on_are_right(value: str) -> None:
    check = look_at_insights({"name": "containerInsights", "value": value})
    assert (check.name, check.finding) == ("container insights of syncwell", Finding.OK)


@pytest.mark.parametrize("settings", [(), ({"name": "containerInsights", "value": "disabled"},)])
def test_container_insights_that_are_off_publish_nothing(settings: tuple[dict[str, str], ...]) -> None:
    check = look_at_insights(*settings)
    assert check.failed
    assert "turn them on" in check.says


def test_that_the_cluster_is_not_there_is_the_services_to_say() -> None:
    resources = Resources(ecs_cluster="syncwell", ecs_service="worker")
    with scripted("ecs") as stub:
        stub.add_client_error("describe_clusters", "ClusterNotFoundException", "no", 400)
        assert insights(CLIENTS["ecs"], resources, REGION, ROWS) == Found()
        stub.add_client_error("describe_clusters", "AccessDeniedException", "no", 400)
        assert "allow ecs:DescribeClusters" in only(insights(CLIENTS["ecs"], resources, REGION, ROWS)).says
    assert insights(CLIENTS["ecs"], Resources(), REGION, ROWS) == Found()
