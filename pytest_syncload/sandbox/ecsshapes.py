"""ECS's shapes of what is live: tasks, the service, its task definition. Pure; the members are those of ECS's model.

Only what the sandbox knows is said: a member that it has no truth for is left out, as ECS leaves out what is unset.
"""

from __future__ import annotations

import uuid
from typing import Any

from pytest_syncload.sandbox.live import ContainerState, DeploymentState, ServiceState, TaskState
from pytest_syncload.sandbox.names import ACCOUNT, CLUSTER, REGION, SERVICE

FAMILY = "worker"
CPU = "1024"
MEMORY = "2048"
#: Containers by whether their end ends the task.
CONTAINERS = {"worker": True, "log-router": False}

_ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
CLUSTER_ARN = f"{_ARN}:cluster/{CLUSTER}"
SERVICE_ARN = f"{_ARN}:service/{CLUSTER}/{SERVICE}"


def service_arn(name: str) -> str:
    """The ARN that a service of that name has, or would have."""
    return f"{_ARN}:service/{CLUSTER}/{name}"


def task_arn(task_id: str) -> str:
    """The ARN that a task of that id has, or would have."""
    return f"{_ARN}:task/{CLUSTER}/{task_id}"


def definition_arn(revision: int) -> str:
    """The ARN of one revision of the task definition."""
    return f"{_ARN}:task-definition/{FAMILY}:{revision}"


def task(state: TaskState) -> dict[str, Any]:
    """A Task of DescribeTasks."""
    arn = task_arn(state["id"])
    times = {
        "createdAt": state["created"],
        "startedAt": state["started"],
        "stoppingAt": state["stopping"],
        "executionStoppedAt": state["execution_stopped"],
        "stoppedAt": state["stopped"],
        "stopCode": state["stop_code"],
        "stoppedReason": state["stopped_reason"],
    }
    return {
        "taskArn": arn,
        "clusterArn": CLUSTER_ARN,
        "taskDefinitionArn": definition_arn(state["revision"]),
        "containers": [_container(arn, state, container) for container in state["containers"]],
        "overrides": {
            "containerOverrides": [{"name": name} for name in CONTAINERS],
            "inferenceAcceleratorOverrides": [],
        },
        "attachments": [],
        "attributes": [],
        "tags": [],
        "lastStatus": state["status"],
        "desiredStatus": state["desired_status"],
        "healthStatus": "UNKNOWN",  # no container has a health check
        "cpu": CPU,
        "memory": MEMORY,
        "group": f"service:{SERVICE}",
        "startedBy": state["deployment"],
        "launchType": "FARGATE",
        "platformFamily": "Linux",
        "platformVersion": "1.4.0",
        "enableExecuteCommand": False,
    } | _set(times)


def _container(arn: str, of: TaskState, state: ContainerState) -> dict[str, Any]:
    over = state["exit_code"] is not None or of["execution_stopped"] is not None or of["status"] == "STOPPED"
    task_id = of["id"]
    # ECS gives a container an id of its own; one that follows from the task's stays the same from call to call.
    container_id = uuid.uuid5(uuid.NAMESPACE_URL, f"{arn}/{state['name']}")
    return {
        "containerArn": f"{_ARN}:container/{CLUSTER}/{task_id}/{container_id}",
        "taskArn": arn,
        "name": state["name"],
        "image": _image(state["name"]),
        "lastStatus": "STOPPED" if over else "PENDING" if of["started"] is None else "RUNNING",
        "healthStatus": "UNKNOWN",
        "networkBindings": [],
        "networkInterfaces": [],
    } | _set({"exitCode": state["exit_code"], "reason": state["reason"]})


def service(state: ServiceState, created: float) -> dict[str, Any]:
    """A Service of DescribeServices."""
    deployments = state["deployments"]
    primary = [one for one in deployments if one["status"] == "PRIMARY"]
    return {
        "serviceArn": SERVICE_ARN,
        "serviceName": SERVICE,
        "clusterArn": CLUSTER_ARN,
        "status": "ACTIVE",
        "desiredCount": state["desired"],
        "runningCount": state["running"],
        "pendingCount": state["pending"],
        "launchType": "FARGATE",
        "platformFamily": "Linux",
        "platformVersion": "LATEST",
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "deployments": [_deployment(one, alone=len(deployments) == 1) for one in deployments],
        "taskDefinition": definition_arn(primary[0]["revision"] if primary else 1),
        "loadBalancers": [],
        "serviceRegistries": [],
        "events": [],
        "createdAt": created,
    }


def _deployment(state: DeploymentState, *, alone: bool) -> dict[str, Any]:
    return {
        "id": state["id"],
        "status": state["status"],
        "taskDefinition": definition_arn(state["revision"]),
        "desiredCount": state["desired"],
        "runningCount": state["running"],
        "pendingCount": state["pending"],
        "createdAt": state["created"],
        "launchType": "FARGATE",
        # A roll-out is over when it has replaced all others.
        "rolloutState": "IN_PROGRESS" if state["status"] == "PRIMARY" and not alone else "COMPLETED",
    }


def definition(revision: int, registered: float) -> dict[str, Any]:
    """A TaskDefinition of DescribeTaskDefinition."""
    return {
        "taskDefinitionArn": definition_arn(revision),
        "family": FAMILY,
        "revision": revision,
        "status": "ACTIVE",
        "containerDefinitions": [
            {
                "name": name,
                "image": _image(name),
                "cpu": 0,
                "essential": essential,
                "portMappings": [],
                "environment": [],
                "mountPoints": [],
                "volumesFrom": [],
            }
            for name, essential in CONTAINERS.items()
        ],
        "volumes": [],
        "networkMode": "awsvpc",
        "compatibilities": ["EC2", "FARGATE"],
        "requiresCompatibilities": ["FARGATE"],
        "cpu": CPU,
        "memory": MEMORY,
        "registeredAt": registered,
    }


def _image(container: str) -> str:
    return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{container}:sandbox"


def _set(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
