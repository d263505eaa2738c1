"""ECS through boto3: what a poll of tasks sees, and what AWS says to a wrong name."""

from __future__ import annotations

from typing import Any

import botocore.exceptions
import pytest

from pytest_syncload.sandbox.live import TaskState
from tests.sandbox.awsclients import CLOCK, Stage
from tests.sandbox.lines import DEPLOYMENT, line, task

ARN = "arn:aws:ecs:us-east-1:111122223333"
CLUSTER = {"cluster": "syncwell"}


def arn(number: int) -> str:
    return f"{ARN}:task/syncwell/{number:032x}"


@pytest.fixture
def ecs(stage: Stage) -> Any:
    stage.put()
    return stage.client("ecs")


def crashed(number: int, *, ago: float = 0.0, exit_code: int | None = 1, reason: str | None = None) -> TaskState:
    return task(
        number,
        status="STOPPED",
        desired_status="STOPPED",
        stopped=CLOCK.now() - ago,
        exit_code=exit_code,
        reason=reason,
        revision=2,
    )


def test_without_a_line_the_service_is_there_and_has_no_tasks(ecs: Any) -> None:
    assert ecs.list_tasks(**CLUSTER)["taskArns"] == []
    (service,) = ecs.describe_services(**CLUSTER, services=["worker"])["services"]
    assert (service["desiredCount"], service["runningCount"], service["deployments"]) == (0, 0, [])
    assert service["taskDefinition"] == f"{ARN}:task-definition/worker:1"


def test_tasks_are_listed_by_what_they_shall_be(stage: Stage, ecs: Any) -> None:
    leaving = task(3, status="DEACTIVATING", desired_status="STOPPED")
    stage.live.hear(line(tasks=[task(1), task(2, status="PENDING"), leaving, crashed(4)]))
    asked = {"cluster": f"{ARN}:cluster/syncwell", "serviceName": "worker"}
    assert ecs.list_tasks(**asked)["taskArns"] == [arn(1), arn(2)]
    assert ecs.list_tasks(**asked, desiredStatus="STOPPED")["taskArns"] == [arn(3), arn(4)]
    assert ecs.list_tasks(**asked, desiredStatus="PENDING")["taskArns"] == []


def test_stopped_task_stays_visible_one_service_hour(stage: Stage, ecs: Any) -> None:
    # At a speed of 60 the call itself may take service minutes.
    stage.live.hear(line(tasks=[crashed(1, ago=1_000), crashed(2, ago=3_601)]))
    assert ecs.list_tasks(**CLUSTER, desiredStatus="STOPPED")["taskArns"] == [arn(1)]
    described = ecs.describe_tasks(**CLUSTER, tasks=[arn(1), arn(2)])
    assert [one["taskArn"] for one in described["tasks"]] == [arn(1)]
    assert described["failures"] == [{"arn": arn(2), "reason": "MISSING"}]


def test_pages_of_tasks_are_all_tasks(stage: Stage, ecs: Any) -> None:
    stage.live.hear(line(tasks=[task(n) for n in range(205)]))
    pages = [page["taskArns"] for page in ecs.get_paginator("list_tasks").paginate(**CLUSTER)]
    assert [len(page) for page in pages] == [100, 100, 5]
    assert [one for page in pages for one in page] == [arn(n) for n in range(205)]
    small = ecs.list_tasks(**CLUSTER, maxResults=3)
    assert len(small["taskArns"]) == 3
    with pytest.raises(ecs.exceptions.InvalidParameterException, match="token"):
        ecs.list_tasks(**CLUSTER, desiredStatus="STOPPED", maxResults=3, nextToken=small["nextToken"])


def test_crashed_task_says_how_it_ended(stage: Stage, ecs: Any) -> None:
    stopped_at = CLOCK.now()
    out_of_memory = "OutOfMemoryError: Container killed due to memory usage"
    stage.live.hear(line(tasks=[crashed(1), crashed(2, exit_code=None, reason=out_of_memory)]))
    one, two = ecs.describe_tasks(**CLUSTER, tasks=[f"{1:032x}", arn(2)])["tasks"]
    assert one["lastStatus"] == one["desiredStatus"] == "STOPPED"
    assert one["stopCode"] == "EssentialContainerExited"
    assert one["stoppedReason"] == "Essential container in task exited"
    assert one["startedBy"] == DEPLOYMENT
    assert one["taskDefinitionArn"] == f"{ARN}:task-definition/worker:2"
    assert (one["launchType"], one["cpu"], one["memory"]) == ("FARGATE", "1024", "2048")
    assert one["executionStoppedAt"].timestamp() == pytest.approx(stopped_at, abs=60)
    worker, router = one["containers"]
    assert (worker["name"], worker["exitCode"], worker["lastStatus"]) == ("worker", 1, "STOPPED")
    assert "exitCode" not in router
    worker, _ = two["containers"]
    assert worker["reason"] == out_of_memory
    assert "exitCode" not in worker


def test_running_task_has_no_ending(stage: Stage, ecs: Any) -> None:
    stage.live.hear(line(tasks=[task(1), task(2, status="PENDING")]))
    running, pending = ecs.describe_tasks(**CLUSTER, tasks=[arn(1), arn(2)])["tasks"]
    assert not {"stopCode", "stoppedReason", "stoppedAt", "stoppingAt", "executionStoppedAt"} & set(running)
    assert {one["lastStatus"] for one in running["containers"]} == {"RUNNING"}
    assert "startedAt" not in pending
    assert {one["lastStatus"] for one in pending["containers"]} == {"PENDING"}


def test_task_definition_says_which_container_is_essential(stage: Stage, ecs: Any) -> None:
    stage.live.hear(line(tasks=[crashed(1)]))
    for name, revision in (("worker", 2), ("worker:1", 1), (f"{ARN}:task-definition/worker:2", 2)):
        told = ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]
        assert told["revision"] == revision
        essential = {one["name"]: one["essential"] for one in told["containerDefinitions"]}
        assert essential == {"worker": True, "log-router": False}


def test_deployment_under_way(stage: Stage, ecs: Any) -> None:
    new = {"id": "ecs-svc/2", "revision": 2, "status": "PRIMARY", "desired": 4, "running": 1, "pending": 1}
    old = {"id": "ecs-svc/1", "revision": 1, "status": "ACTIVE", "desired": 0, "running": 3, "pending": 0}
    stage.live.hear(line(deployments=[new | {"created": 9.0}, old | {"created": 1.0}]))
    (service,) = ecs.describe_services(**CLUSTER, services=["worker"])["services"]
    assert service["taskDefinition"] == f"{ARN}:task-definition/worker:2"
    told = [(one["status"], one["runningCount"], one["rolloutState"]) for one in service["deployments"]]
    assert told == [("PRIMARY", 1, "IN_PROGRESS"), ("ACTIVE", 3, "COMPLETED")]


def test_services_by_name_and_arn(ecs: Any) -> None:
    service = f"{ARN}:service/syncwell/worker"
    assert ecs.list_services(**CLUSTER)["serviceArns"] == [service]
    assert ecs.list_clusters()["clusterArns"] == [f"{ARN}:cluster/syncwell"]
    told = ecs.describe_services(**CLUSTER, services=[service, "wroker"])
    assert [one["serviceArn"] for one in told["services"]] == [service]
    assert told["failures"] == [{"arn": f"{ARN}:service/syncwell/wroker", "reason": "MISSING"}]


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("list_tasks", {}, "ClusterNotFoundException"),  # AWS then looks for the cluster named default
    ("list_tasks", {"cluster": "sincwell"}, "ClusterNotFoundException"),
    ("list_tasks", CLUSTER | {"serviceName": "wroker"}, "ServiceNotFoundException"),
    ("list_tasks", CLUSTER | {"desiredStatus": "GONE"}, "InvalidParameterException"),
    ("list_tasks", CLUSTER | {"maxResults": 101}, "InvalidParameterException"),
    ("list_tasks", CLUSTER | {"family": "worker"}, "InvalidParameterException"),
    ("list_services", CLUSTER | {"launchType": "EC2"}, "InvalidParameterException"),
    ("describe_tasks", {"cluster": "sincwell", "tasks": ["f" * 32]}, "ClusterNotFoundException"),
    ("describe_tasks", CLUSTER | {"tasks": []}, "InvalidParameterException"),
    ("describe_tasks", CLUSTER | {"tasks": ["f" * 32] * 101}, "InvalidParameterException"),
    ("describe_tasks", CLUSTER | {"tasks": ["f"]}, "InvalidParameterException"),
    ("describe_tasks", CLUSTER | {"tasks": ["f" * 32], "include": ["TAGS"]}, "InvalidParameterException"),
    ("describe_services", CLUSTER | {"services": ["a"] * 11}, "InvalidParameterException"),
    ("describe_task_definition", {"taskDefinition": "wroker"}, "ClientException"),
    ("describe_task_definition", {"taskDefinition": "worker:9"}, "ClientException"),
    ("describe_task_definition", {"taskDefinition": ""}, "ClientException"),
    ("describe_clusters", {}, "UnknownOperationException"),
]


@pytest.mark.parametrize(("operation", "members", "code"), WRONG)
def test_wrong_question_is_an_error(ecs: Any, operation: str, members: dict[str, Any], code: str) -> None:
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        getattr(ecs, operation)(**members)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["Error"]["Message"]
