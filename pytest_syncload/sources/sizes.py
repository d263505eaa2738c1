"""What stands there, by its size: how tables are paid, what a task has and how many must run, of which kind cache nodes
are. Asked before the load; what AWS does not say is a gap of the cost, and stops nothing.

Calls: Amazon DynamoDB API Reference, DescribeTable; Amazon ECS, DescribeServices and DescribeTaskDefinition;
Application Auto Scaling, DescribeScalableTargets; Amazon ElastiCache, DescribeCacheClusters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from pytest_syncload.facts.cost import NodeSize, Sizes, TableSize, TaskSize
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.plan import Resources
from pytest_syncload.sources.aws import NotThere, call, pages

#: CPU units of a vCPU, and MB of a GB, as ECS counts them.
_CPU_UNITS = 1024
_MB = 1024
#: GB of storage that a Fargate task has at no charge ("AWS Fargate pricing").
_FREE_STORAGE_GB = 20

_Size = TypeVar("_Size")
#: A boto3 client of a service by its name.
Clients = Callable[[str], Any]


def read_sizes(clients: Clients, resources: Resources) -> Sizes:
    """The sizes of all that is listed and is not paid by use alone."""
    gaps: list[str] = []
    tables = {}
    for table, indexes in resources.tables.items():
        size = _told(gaps, f"table {table}", partial(_table, clients, table, indexes, gaps))
        if size is not None:
            tables[table] = size
    task = None
    if resources.ecs_cluster and resources.ecs_service:
        cluster, service = resources.ecs_cluster, resources.ecs_service
        name = f"service {cluster}/{service}"
        task = _told(gaps, name, partial(_task, clients, cluster, service, gaps))
    nodes = {}
    for node in resources.cache:
        kind = _told(gaps, f"cache node {node}", partial(_node, clients, node, resources.cache, gaps))
        if kind is not None:
            nodes[node] = kind
    gaps += [
        f"serverless cache {cache}: what ElastiCache Serverless bills is not looked at"
        for cache in resources.serverless_cache
    ]
    return Sizes(tables=tables, task=task, nodes=nodes, gaps=tuple(gaps))


def _told(gaps: list[str], what: str, ask: Callable[[], _Size]) -> _Size | None:
    try:
        return ask()
    except Inconclusive as error:
        gaps.append(f"{what}: {error}")
    except (KeyError, IndexError, ValueError, ArithmeticError) as error:
        gaps.append(f"{what}: AWS's description of it cannot be read ({type(error).__name__}: {error})")
    return None


def _table(clients: Clients, table: str, listed: tuple[str, ...], gaps: list[str]) -> TableSize:
    told = call(clients("dynamodb"), "DescribeTable", TableName=table)["Table"]
    indexes = told.get("GlobalSecondaryIndexes", ())
    gaps += [f"table {table}: {what}" for what in _not_of_the_standard(told, listed)]
    # A table that never was on demand has no summary ("BillingModeSummary", API reference).
    if told.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED") == "PAY_PER_REQUEST":
        return TableSize(on_demand=True)
    if (what := _scaled(clients, table, indexes)) is not None:
        gaps.append(f"table {table}: {what}")
    provisioned = [each["ProvisionedThroughput"] for each in (told, *indexes)]
    return TableSize(
        on_demand=False,
        write_units=sum(int(each["WriteCapacityUnits"]) for each in provisioned),
        read_units=sum(int(each["ReadCapacityUnits"]) for each in provisioned),
    )


def _scaled(clients: Clients, table: str, indexes: Iterable[Mapping[str, Any]]) -> str | None:
    """Whether the provisioned units may be others under load than they are now, None where they are not."""
    names = [f"table/{table}", *(f"table/{table}/index/{index['IndexName']}" for index in indexes)]
    try:
        targets = _scalable(clients, "dynamodb", names)
    except Inconclusive as error:
        return f"whether its provisioned units are scaled cannot be asked: {error}"
    return "its provisioned units are scaled, and how many they are under load is not looked at" if targets else None


def _scalable(clients: Clients, namespace: str, names: list[str], **more: str) -> list[dict[str, Any]]:
    scaling = clients("application-autoscaling")
    request = {"ServiceNamespace": namespace, "ResourceIds": names, **more}
    return pages(scaling, "DescribeScalableTargets", "ScalableTargets", **request)


def _not_of_the_standard(told: dict[str, Any], listed: tuple[str, ...]) -> Iterator[str]:
    """What a table has that is billed by other prices, or that nobody counts."""
    if told.get("TableClassSummary", {}).get("TableClass", "STANDARD") != "STANDARD":
        yield "its class is not STANDARD, whose prices are the only ones known here"
    if told.get("Replicas"):
        yield "it is a global table, and what its replicas write is not looked at"
    there = [index["IndexName"] for index in told.get("GlobalSecondaryIndexes", ())]
    for index in there:
        if index not in listed:
            yield f"its index {index} is not listed, so its units are not counted; list it under resources.tables"


def _task(clients: Clients, cluster: str, service: str, gaps: list[str]) -> TaskSize:
    ecs = clients("ecs")
    services = call(ecs, "DescribeServices", cluster=cluster, services=[service])["services"]
    if not services:
        raise NotThere("ECS knows no such service")
    told = services[0]
    if len(told.get("deployments", ())) > 1:
        gaps.append(f"service {service}: deployments are under way, so its tasks may be of several sizes")
    if not _on_fargate(told):
        gaps.append(f"service {service}: not all its tasks run on plain Fargate, whose prices are the only ones known")
    definition = call(ecs, "DescribeTaskDefinition", taskDefinition=told["taskDefinition"])["taskDefinition"]
    platform = definition.get("runtimePlatform", {})
    if platform.get("operatingSystemFamily", "LINUX") != "LINUX":
        gaps.append(f"service {service}: its tasks run Windows, whose licences are not priced")
    if definition.get("ephemeralStorage", {}).get("sizeInGiB", _FREE_STORAGE_GB) > _FREE_STORAGE_GB:
        gaps.append(f"service {service}: its tasks have more storage than is free, which is not priced")
    return TaskSize(
        vcpu=Decimal(str(definition["cpu"])) / _CPU_UNITS,
        gb=Decimal(str(definition["memory"])) / _MB,
        arm=platform.get("cpuArchitecture", "X86_64") == "ARM64",
        least=_least_tasks(clients, cluster, service, int(told["desiredCount"])),
    )


def _on_fargate(told: dict[str, Any]) -> bool:
    strategy = told.get("capacityProviderStrategy", ())
    if strategy:
        return all(each["capacityProvider"] == "FARGATE" for each in strategy)
    return bool(told.get("launchType") == "FARGATE")


def _least_tasks(clients: Clients, cluster: str, service: str, desired: int) -> int | None:
    """How many tasks run whatever the load is: the least that autoscaling leaves, or all where nothing scales them.

    None where that may not be asked: then none may be all that is paid without a job, which only lowers a low bound.
    """
    try:
        name = f"service/{cluster}/{service}"
        targets = _scalable(clients, "ecs", [name], ScalableDimension="ecs:service:DesiredCount")
    except Inconclusive:
        return None
    return int(targets[0]["MinCapacity"]) if targets else desired


def _node(clients: Clients, node: str, listed: Sequence[str], gaps: list[str]) -> NodeSize:
    (told,) = call(clients("elasticache"), "DescribeCacheClusters", CacheClusterId=node)["CacheClusters"]
    group = told.get("ReplicationGroupId")
    if group and not any(gap.startswith(f"cache group {group}: ") for gap in gaps):
        gaps += [f"cache group {group}: {what}" for what in _not_listed(clients, group, listed)]
    return NodeSize(kind=told["CacheNodeType"], engine=told["Engine"], count=int(told["NumCacheNodes"]))


def _not_listed(clients: Clients, group: str, listed: Sequence[str]) -> Iterator[str]:
    """The nodes of a replication group that nobody lists, and so nobody counts."""
    asked = {"ReplicationGroupId": group}
    try:
        groups = call(clients("elasticache"), "DescribeReplicationGroups", **asked)["ReplicationGroups"]
    except Inconclusive as error:
        yield f"whether all its nodes are listed cannot be asked: {error}"
        return
    for node in [node for each in groups for node in each.get("MemberClusters", ()) if node not in listed]:
        yield f"its node {node} is not listed, so it is not counted; list it under resources.cache"
