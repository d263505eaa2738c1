"""Compares what slo.yaml lists with what AWS has, before load: a name that is wrong or missing would prove nothing.

Every function gives checks and never raises what AWS answered. Changes nothing in AWS; `queue` asks the queue for its
depth, which is also what makes an idle queue publish its metrics again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.plan import Resources
from pytest_syncload.sources.aws import NotThere, Passing, call, pages
from pytest_syncload.sources.ecs import TaskPoll

_DEPTH = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What became of some of the listed names: ``checks`` of what is there or could not be asked, ``missing`` of what
    is not there. ``there`` counts the names that AWS knows."""

    checks: tuple[Check, ...] = ()
    missing: tuple[Check, ...] = ()
    there: int = 0


def everything(found: Iterable[Found], region: str) -> tuple[Check, ...]:
    """All checks; where nothing at all that is listed exists, one that asks for the region instead of one a name."""
    every = tuple(found)
    checks = tuple(check for one in every for check in one.checks)
    missing = tuple(check for one in every for check in one.missing)
    if len(missing) < 2 or any(one.there for one in every):
        return (*checks, *missing)
    names = ", ".join(check.name for check in missing)
    rows = tuple(dict.fromkeys(row for check in missing for row in check.rows))
    says = (
        f"nothing of what slo.yaml lists exists in {region}: {names}; is the environment's region right, and are these "
        "the credentials of the right account?"
    )
    return (*checks, Check(name=f"region {region}", finding=Finding.FAILED, says=says, rows=rows))


def unlisted(there: Iterable[str], listed: Collection[str]) -> list[str]:
    """What AWS has and slo.yaml does not list: no row would look at it."""
    return [name for name in there if name not in listed]


def tables(client: Any, resources: Resources, region: str, rows: tuple[str, ...] = ()) -> Found:
    """Every listed table is there and ACTIVE, and its indexes are exactly the listed ones. ``client``: DynamoDB."""
    return _all(_table(client, name, listed, region, rows) for name, listed in resources.tables.items())


def queue(client: Any, resources: Resources, region: str, rows: tuple[str, ...] = ()) -> Found:
    """The listed queues are there, and what the one gives up goes to the other; messages that they hold already are
    noted. ``client``: SQS."""
    listed = {"queue": resources.queue, "dead_letter_queue": resources.dead_letter_queue}
    return _all(_queue(client, key, name, resources, region, rows) for key, name in listed.items() if name)


def _queue(client: Any, key: str, queue: str, resources: Resources, region: str, rows: tuple[str, ...]) -> Found:
    name = f"queue {queue}"
    dead = resources.dead_letter_queue if key == "queue" else None
    attributes = [*_DEPTH, *(("RedrivePolicy",) if dead else ())]
    try:
        url = call(client, "GetQueueUrl", QueueName=queue)["QueueUrl"]
        told = call(client, "GetQueueAttributes", QueueUrl=url, AttributeNames=attributes).get("Attributes", {})
    except NotThere:
        urls = _if_allowed(lambda: pages(client, "ListQueues", "QueueUrls"))
        near = _perhaps(queue, [url.rsplit("/", 1)[-1] for url in urls])
        return _missing(name, f"{region} has no queue {queue!r}{near}; correct resources.{key}", rows)
    except Inconclusive as error:
        return _unasked(name, error, rows)
    target = json.loads(told.get("RedrivePolicy", "{}")).get("deadLetterTargetArn", "").rsplit(":", 1)[-1]
    if dead and target != dead:
        # Nothing would ever come there, and the row would be green whatever the queue gives up.
        goes = f"goes to {target!r}" if target else "goes nowhere"
        says = f"what it gives up {goes}, and not to {dead!r}; correct resources.dead_letter_queue"
        return _there(name, Finding.FAILED, says, rows)
    held = sum(int(told.get(attribute, 0)) for attribute in _DEPTH)
    if held:
        messages = "1 message" if held == 1 else f"{held} messages"
        says = f"already holds about {messages}, counted in its depth; empty it for a clean measurement"
        return _there(name, Finding.NOTE, says, rows)
    return _there(name, Finding.OK, "is there, and empty", rows)


def cache(client: Any, resources: Resources, region: str, rows: tuple[str, ...] = ()) -> Found:
    """Every listed node and serverless cache is there, and no member of a replication group is left out. ``client``:
    ElastiCache."""
    nodes = _nodes(client, resources, region, rows) if resources.cache else Found()
    return _all((nodes, *(_serverless(client, name, region, rows) for name in resources.serverless_cache)))


def _nodes(client: Any, resources: Resources, region: str, rows: tuple[str, ...]) -> Found:
    listed = set(resources.cache)
    try:
        groups = pages(client, "DescribeReplicationGroups", "ReplicationGroups")
        members = {node for group in groups for node in group.get("MemberClusters", ())}
        alone = _nodes_alone(client) if listed - members else {}
    except Inconclusive as error:
        return _unasked("cache", error, rows)
    found = [_cache_group(group, listed, rows) for group in groups if listed & {*group.get("MemberClusters", ())}]
    for node in resources.cache:
        if node in alone:
            found.append(_node_alone(node, alone[node], rows))
        elif node not in members:
            near = _perhaps(node, {*members, *alone})
            says = f"{region} has no cache node {node!r}{near}; correct resources.cache"
            found.append(_missing(f"cache node {node}", says, rows))
    return _all(found)


def _serverless(client: Any, cache: str, region: str, rows: tuple[str, ...]) -> Found:
    name = f"serverless cache {cache}"
    try:
        (told,) = call(client, "DescribeServerlessCaches", ServerlessCacheName=cache)["ServerlessCaches"]
    except NotThere:
        caches = _if_allowed(lambda: pages(client, "DescribeServerlessCaches", "ServerlessCaches"))
        near = _perhaps(cache, [each["ServerlessCacheName"] for each in caches])
        says = f"{region} has no serverless cache {cache!r}{near}; correct resources.serverless_cache"
        return _missing(name, says, rows)
    except Inconclusive as error:
        return _unasked(name, error, rows)
    # The API reference writes the states in capitals, its examples in small letters.
    status = told["Status"].lower()
    if status not in ("available", "modifying"):
        return _there(name, Finding.FAILED, f"is {status}; wait until it is available", rows)
    return _there(name, Finding.OK if status == "available" else Finding.NOTE, f"is {status}", rows)


def service(client: Any, resources: Resources, region: str, rows: tuple[str, ...] = ()) -> Found:
    """The listed ECS service is there, ACTIVE, and runs tasks. ``client``: ECS."""
    cluster, listed = resources.ecs_cluster, resources.ecs_service
    if not cluster or not listed:
        return Found()
    name = f"service {cluster}/{listed}"
    try:
        answer = call(client, "DescribeServices", cluster=cluster, services=[listed])
    except NotThere:
        clusters = _if_allowed(lambda: pages(client, "ListClusters", "clusterArns"))
        near = _perhaps(cluster, [arn.rsplit("/", 1)[-1] for arn in clusters])
        return _missing(name, f"{region} has no ECS cluster {cluster!r}{near}; correct resources.ecs.cluster", rows)
    except Inconclusive as error:
        return _unasked(name, error, rows)
    told = answer.get("services", ())
    if not told or told[0]["status"] == "INACTIVE":
        # ECS shows a deleted service as INACTIVE for a while.
        services = _if_allowed(lambda: pages(client, "ListServices", "serviceArns", cluster=cluster))
        near = _perhaps(listed, {arn.rsplit("/", 1)[-1] for arn in services} - {listed})
        says = f"the ECS cluster {cluster!r} in {region} has no service {listed!r}{near}; correct resources.ecs.service"
        return _missing(name, says, rows)
    return _there(name, *_running(told[0]), rows)


def insights(client: Any, resources: Resources, region: str, rows: tuple[str, ...] = ()) -> Found:
    """The cluster has Container Insights on. ``client``: ECS. That there is such a cluster is `service`'s to say."""
    cluster = resources.ecs_cluster
    if not cluster:
        return Found()
    name = f"container insights of {cluster}"
    try:
        told = call(client, "DescribeClusters", clusters=[cluster], include=["SETTINGS"])["clusters"]
    except NotThere:
        return Found()
    except Inconclusive as error:
        return _unasked(name, error, rows)
    settings = {setting["name"]: setting["value"] for one in told for setting in one.get("settings", ())}
    value = settings.get("containerInsights", "disabled")
    if value == "disabled":
        says = "are off, so nothing is published; turn them on for the cluster, or judge ecs.cpu and ecs.memory"
        return Found(checks=(Check(name=name, finding=Finding.FAILED, says=says, rows=rows),))
    return Found(checks=(Check(name=name, finding=Finding.OK, says=f"are {value}", rows=rows),))


def tasks(client: Any, resources: Resources, region: str, rows: tuple[str, ...] = ()) -> Found:
    """The service's tasks can be listed and described, as they are all through a phase. ``client``: ECS.

    Says nothing where there is no such service: that is `service`'s to say.
    """
    if not resources.ecs_cluster or not resources.ecs_service:
        return Found()
    poll = TaskPoll(client, resources.ecs_cluster, resources.ecs_service, time.time)
    try:
        poll.read()
    except NotThere:
        return Found()
    except Inconclusive as error:
        return _unasked("tasks", error, rows)
    census = poll.census()
    says = f"{len(census.tasks)} can be listed and described"
    finding = Finding.OK if census.tasks else Finding.NOTE
    if census.undescribed:
        says = f"{len(census.undescribed)} are listed and not described; is ecs:DescribeTasks allowed for them?"
        finding = Finding.FAILED
    return Found(checks=(Check(name="tasks", finding=finding, says=says, rows=rows),))


def _table(client: Any, table: str, listed: Sequence[str], region: str, rows: tuple[str, ...]) -> Found:
    name = f"table {table}"
    try:
        told = call(client, "DescribeTable", TableName=table)["Table"]
    except NotThere:
        near = _perhaps(table, _if_allowed(lambda: pages(client, "ListTables", "TableNames")))
        return _missing(name, f"{region} has no table {table!r}{near}; correct resources.tables", rows)
    except Inconclusive as error:
        return _unasked(name, error, rows)
    there = [index["IndexName"] for index in told.get("GlobalSecondaryIndexes", ())]
    problems = [
        f"index {index!r} is not listed, and its throttles would go unseen; list it under resources.tables.{table}"
        for index in unlisted(there, listed)
    ] + [
        f"there is no global index {index!r}{_perhaps(index, there)}; correct resources.tables.{table}"
        for index in listed
        if index not in there
    ]
    # UPDATING is where autoscaling leaves a provisioned table now and then; it takes requests all the while.
    if told["TableStatus"] not in ("ACTIVE", "UPDATING"):
        problems.append(f"it is {told['TableStatus']}; wait until it is ACTIVE")
    if problems:
        return _there(name, Finding.FAILED, "; ".join(problems), rows)
    moving = [
        f"{what} is {status}"
        for what, status in [
            ("it", told["TableStatus"]),
            *(
                (index["IndexName"], index.get("IndexStatus", "ACTIVE"))
                for index in told.get("GlobalSecondaryIndexes", ())
            ),
        ]
        if status != "ACTIVE"
    ]
    if moving:
        return _there(name, Finding.NOTE, f"{', '.join(moving)}, which may show in its throttles", rows)
    with_indexes = f" with {', '.join(there)}" if there else ""
    return _there(name, Finding.OK, f"is ACTIVE{with_indexes}", rows)


def _nodes_alone(client: Any) -> dict[str, dict[str, Any]]:
    clusters = pages(client, "DescribeCacheClusters", "CacheClusters", ShowCacheClustersNotInReplicationGroups=True)
    return {cluster["CacheClusterId"]: cluster for cluster in clusters}


def _node_alone(node: str, told: dict[str, Any], rows: tuple[str, ...]) -> Found:
    name, nodes, status = (
        f"cache node {node}",
        told.get("NumCacheNodes", 1),
        told.get("CacheClusterStatus", "available"),
    )
    if nodes > 1:
        says = (
            f"has {nodes} nodes under one id, and CloudWatch's figure for it is their mean; the worst would go unseen"
        )
        return _there(
            name, Finding.FAILED, f"{says}; name a node in a raw row, by CacheClusterId and CacheNodeId", rows
        )
    if status != "available":
        return _there(name, Finding.NOTE, f"is {status}, which may show in its CPU", rows)
    return _there(name, Finding.OK, "is there, in no replication group", rows)


def _cache_group(group: dict[str, Any], listed: set[str], rows: tuple[str, ...]) -> Found:
    name, members = f"cache {group['ReplicationGroupId']}", group["MemberClusters"]
    unseen = unlisted(members, listed)
    if unseen:
        says = f"{', '.join(unseen)} belongs to it and would go unseen; list it under resources.cache"
        return Found(checks=(Check(name=name, finding=Finding.FAILED, says=says, rows=rows),), there=1)
    status = group.get("Status", "available")
    if status != "available":
        return _there(name, Finding.NOTE, f"is {status}, which may show in its CPU", rows)
    return _there(name, Finding.OK, f"is available with {', '.join(members)}", rows)


def _running(told: dict[str, Any]) -> tuple[Finding, str]:
    running, desired = told["runningCount"], told["desiredCount"]
    if told["status"] != "ACTIVE":
        return Finding.FAILED, f"is {told['status']}; a service that is going away cannot be judged"
    if running < 1:
        return Finding.FAILED, f"runs none of {desired} tasks; start it, or look at its events"
    rollouts = len(told.get("deployments", ()))
    if rollouts > 1:
        return Finding.NOTE, f"runs {running} of {desired} tasks while {rollouts} deployments are under way"
    if running != desired:
        return Finding.NOTE, f"runs {running} of {desired} tasks"
    return Finding.OK, f"runs {running} of {desired} tasks"


def _all(found: Iterable[Found]) -> Found:
    every = tuple(found)
    return Found(
        checks=tuple(check for one in every for check in one.checks),
        missing=tuple(check for one in every for check in one.missing),
        there=sum(one.there for one in every),
    )


def _there(name: str, finding: Finding, says: str, rows: tuple[str, ...]) -> Found:
    return Found(checks=(Check(name=name, finding=finding, says=says, rows=rows),), there=1)


def _missing(name: str, says: str, rows: tuple[str, ...]) -> Found:
    return Found(missing=(Check(name=name, finding=Finding.FAILED, says=says, rows=rows),))


def _unasked(name: str, error: Inconclusive, rows: tuple[str, ...]) -> Found:
    # What could not be compared is not taken for right, but it may be in a minute.
    says = f"{error}; try again in a minute" if isinstance(error, Passing) else str(error)
    return Found(checks=(Check(name=name, finding=Finding.FAILED, says=says, rows=rows),))


def _if_allowed(listing: Callable[[], list[Any]]) -> list[Any]:
    """Names to suggest. Nobody needs the permission to list them."""
    try:
        return listing()
    except Inconclusive:
        return []


def _perhaps(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
