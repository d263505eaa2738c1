"""ECS as the sandbox has it: one Fargate service, whose tasks are those of the stand-in's own back end.

Source: Amazon ECS API Reference, the operations that list and describe tasks, services, clusters and task definitions.
Nothing can be started or stopped here; a stopped task stays visible for one service hour, as ECS keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.sandbox import ecsshapes
from pytest_syncload.sandbox.awserror import AwsError, known_members, refusal
from pytest_syncload.sandbox.awsjson import JsonService
from pytest_syncload.sandbox.live import Live, TaskState
from pytest_syncload.sandbox.names import CLUSTER, SERVICE
from pytest_syncload.sandbox.paging import ForeignToken, page

STOPPED_VISIBLE_S = 3_600.0
_MOST = 100
_SERVICES_A_PAGE = 10
_SERVICES_A_CALL = 10
_TASK_ID = re.compile(r"[\w-]{32}|[\w-]{36}")
_STATUSES = ("RUNNING", "PENDING", "STOPPED")


class Ecs:
    """The cluster of a region, or none of it (``live`` None)."""

    def __init__(self, live: Live | None, clock: ServiceClock, created: float) -> None:
        self._live = live
        self._clock = clock
        self._created = created

    def service(self) -> JsonService:
        """The service."""
        return JsonService(
            target="AmazonEC2ContainerServiceV20141113.",
            version="1.1",
            namespace="",
            operations={
                "ListTasks": self._list_tasks,
                "DescribeTasks": self._describe_tasks,
                "DescribeTaskDefinition": self._describe_task_definition,
                "ListClusters": self._list_clusters,
                "ListServices": self._list_services,
                "DescribeServices": self._describe_services,
            },
        )

    def _list_tasks(self, request: Mapping[str, Any]) -> dict[str, Any]:
        known = {"cluster", "serviceName", "desiredStatus", "maxResults", "nextToken"}
        known_members(request, known, "ListTasks", _invalid)
        live = self._cluster(request)
        wanted = request.get("desiredStatus", "RUNNING")
        if wanted not in _STATUSES:
            raise _invalid(f"desiredStatus must be one of {', '.join(_STATUSES)}")
        service = request.get("serviceName")
        if service is not None and service not in (SERVICE, ecsshapes.SERVICE_ARN):
            raise refusal("ServiceNotFoundException", "Service not found.")
        arns = [ecsshapes.task_arn(task["id"]) for task in self._visible(live) if task["desired_status"] == wanted]
        return _listed("taskArns", arns, request, _MOST)

    def _describe_tasks(self, request: Mapping[str, Any]) -> dict[str, Any]:
        known_members(request, {"cluster", "tasks"}, "DescribeTasks", _invalid)
        live = self._cluster(request)
        there = {ecsshapes.task_arn(task["id"]): task for task in self._visible(live)}
        found, failures = [], []
        for asked in _names(request, "tasks", _MOST):
            task_id = asked.rpartition("/")[2]
            if not _TASK_ID.fullmatch(task_id):
                raise _invalid("taskId length should be one of [32,36]")
            arn = asked if asked.startswith("arn:") else ecsshapes.task_arn(task_id)
            if arn in there:
                found.append(ecsshapes.task(there[arn]))
            else:
                failures.append({"arn": arn, "reason": "MISSING"})
        return {"tasks": found, "failures": failures}

    def _describe_task_definition(self, request: Mapping[str, Any]) -> dict[str, Any]:
        known_members(request, {"taskDefinition"}, "DescribeTaskDefinition", _invalid)
        asked = request.get("taskDefinition")
        if not isinstance(asked, str) or not asked:
            raise _client("TaskDefinition can not be blank.")
        revisions = self._revisions()
        names = {ecsshapes.definition_arn(revision): revision for revision in revisions}
        names |= {f"{ecsshapes.FAMILY}:{revision}": revision for revision in revisions}
        if revisions:
            names[ecsshapes.FAMILY] = revisions[-1]
        if asked not in names:
            raise _client("Unable to describe task definition.")
        return {"taskDefinition": ecsshapes.definition(names[asked], self._created), "tags": []}

    def _list_clusters(self, request: Mapping[str, Any]) -> dict[str, Any]:
        known_members(request, {"maxResults", "nextToken"}, "ListClusters", _invalid)
        there = [] if self._live is None else [ecsshapes.CLUSTER_ARN]
        return _listed("clusterArns", there, request, _MOST)

    def _list_services(self, request: Mapping[str, Any]) -> dict[str, Any]:
        known_members(request, {"cluster", "maxResults", "nextToken"}, "ListServices", _invalid)
        self._cluster(request)
        return _listed("serviceArns", [ecsshapes.SERVICE_ARN], request, _SERVICES_A_PAGE)

    def _describe_services(self, request: Mapping[str, Any]) -> dict[str, Any]:
        known_members(request, {"cluster", "services"}, "DescribeServices", _invalid)
        live = self._cluster(request)
        found, failures = [], []
        for asked in _names(request, "services", _SERVICES_A_CALL):
            arn = asked if asked.startswith("arn:") else ecsshapes.service_arn(asked)
            if arn == ecsshapes.SERVICE_ARN:
                found.append(ecsshapes.service(live.service, self._created))
            else:
                failures.append({"arn": arn, "reason": "MISSING"})
        return {"services": found, "failures": failures}

    def _cluster(self, request: Mapping[str, Any]) -> Live:
        if self._live is None or request.get("cluster", "default") not in (CLUSTER, ecsshapes.CLUSTER_ARN):
            raise refusal("ClusterNotFoundException", "Cluster not found.")
        return self._live

    def _visible(self, live: Live) -> list[TaskState]:
        oldest = self._clock.now() - STOPPED_VISIBLE_S
        return [task for task in live.tasks if task["stopped"] is None or task["stopped"] >= oldest]

    def _revisions(self) -> list[int]:
        """Every revision up to the newest that is in use; none where there is no service."""
        if self._live is None:
            return []
        in_use = {task["revision"] for task in self._live.tasks}
        in_use |= {deployment["revision"] for deployment in self._live.service["deployments"]}
        return list(range(1, max(in_use, default=1) + 1))


def _names(request: Mapping[str, Any], member: str, most: int) -> Sequence[str]:
    given = request.get(member)
    if not isinstance(given, list) or not given or not all(isinstance(name, str) for name in given):
        raise _invalid(f"{member.capitalize()} cannot be empty.")
    if len(given) > most:
        raise _invalid(f"{member.capitalize()} cannot have more than {most} elements")
    return given


def _listed(member: str, arns: Sequence[str], request: Mapping[str, Any], default: int) -> dict[str, Any]:
    most = request.get("maxResults", default)
    if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= _MOST:
        raise _invalid(f"maxResults must be from 1 to {_MOST}")
    asked = {name: value for name, value in request.items() if name != "nextToken"}
    try:
        kept, token = page(arns, most, request.get("nextToken"), asked)
    except ForeignToken:
        raise _invalid("Invalid token.") from None
    return {member: list(kept)} | ({} if token is None else {"nextToken": token})


def _invalid(message: str) -> AwsError:
    return refusal("InvalidParameterException", message)


def _client(message: str) -> AwsError:
    return refusal("ClientException", message)
