"""A service minute as the data points that AWS would publish of it, by namespace. Pure: no client, no clock.

Which metrics AWS publishes, and when none: "Amazon API Gateway dimensions and metrics", "DynamoDB metrics and
dimensions", "Available CloudWatch metrics for Amazon SQS", "Amazon ECS CloudWatch metrics", "Metrics for Valkey and
Redis OSS". It must never make a zero that AWS would not publish. The service publishes a namespace of its own as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pytest_syncload.sandbox.cloudwatch import VALUES_A_DATUM
from pytest_syncload.sandbox.names import (
    API,
    CLUSTER,
    INDEX,
    NODES,
    PROVIDER,
    QUEUE,
    SERVICE,
    STAGE,
    TABLE,
    THIRD_PARTY,
)

Datum = dict[str, Any]

#: How long somebody else's requests take, whole milliseconds: as ours without a fault.
_FOREIGN_MS = 20
#: A job's message holds its id, a UUID.
MESSAGE_BYTES = 36


def datums(counts: Mapping[str, Any]) -> dict[str, list[Datum]]:
    """The data points of one minute's counts (`Minute.counts`, perhaps through JSON), by namespace."""
    when = datetime.fromtimestamp(counts["minute"], UTC)
    gauges = counts["gauges"]
    made = {
        "AWS/ApiGateway": [*_api(counts, when)],
        "AWS/DynamoDB": [*_dynamodb(counts, when)],
        THIRD_PARTY: [*_third_party(counts, when)],
    }
    if gauges is not None:
        made["AWS/SQS"] = [*_queue(gauges["queue"], when)]
        made["AWS/ECS"] = [*_service(gauges, when)]
        made["AWS/ElastiCache"] = [*_cache(gauges["nodes"], when)]
    return made


def _api(counts: Mapping[str, Any], when: datetime) -> Iterator[Datum]:
    """Nothing for a minute without requests. Latency and errors belong to requests that have ended."""
    where = {"ApiName": API, "Stage": STAGE}
    foreign = counts["foreign"]
    if counted := counts["requests"] + foreign:
        yield _datum("Count", where, when, "Count", {1: counted})
    latency = Counter({int(ms): count for ms, count in counts["latency"].items()})
    latency[_FOREIGN_MS] += foreign
    yield from _histogram("Latency", where, when, "Milliseconds", latency)
    ended = sum(counts["statuses"].values()) + foreign
    for name, hundred in (("5XXError", 5), ("4XXError", 4)):
        errors = sum(count for status, count in counts["statuses"].items() if int(status) // 100 == hundred)
        yield from _histogram(name, where, when, "Count", {0: ended - errors, 1: errors})


def _dynamodb(counts: Mapping[str, Any], when: datetime) -> Iterator[Datum]:
    """A table's figures leave its index out. Nothing reads the index; a job's own record is read once."""
    table = {"TableName": TABLE}
    for where, writes in ((table, counts["table"]), (table | {"GlobalSecondaryIndexName": INDEX}, counts["index"])):
        yield from _histogram("ConsumedWriteCapacityUnits", where, when, "Count", {1: writes["consumed"]})
        yield from _histogram("WriteThrottleEvents", where, when, "Count", {1: writes["throttles"]})
    yield from _histogram("ConsumedReadCapacityUnits", table, when, "Count", {1: counts["accepted"]})


def _third_party(counts: Mapping[str, Any], when: datetime) -> Iterator[Datum]:
    """A sample for each call that the service made: how long it took, and whether it failed (0 or 1)."""
    where = {"Provider": PROVIDER}
    calls = Counter({int(ms): count for ms, count in counts["calls"].items()})
    failed = counts["failed_calls"]
    yield from _histogram("Latency", where, when, "Milliseconds", calls)
    yield from _histogram("Errors", where, when, "Count", {0: calls.total() - failed, 1: failed})


def _queue(queue: Mapping[str, Any] | None, when: datetime) -> Iterator[Datum]:
    """Of a queue that is awake, zeros too; of one that sleeps, nothing. A gauge is one sample, at the minute's end."""
    if queue is None:
        return
    for name, value in (
        ("ApproximateNumberOfMessagesVisible", queue["visible"]),
        ("ApproximateNumberOfMessagesNotVisible", queue["not_visible"]),
        ("NumberOfMessagesSent", queue["sent"]),
        ("NumberOfMessagesReceived", queue["received"]),
        ("NumberOfMessagesDeleted", queue["deleted"]),
        # A worker waits for a message as long as it takes.
        ("NumberOfEmptyReceives", 0),
    ):
        yield _datum(name, {"QueueName": QUEUE}, when, "Count", {value: 1})
    yield from _histogram("SentMessageSize", {"QueueName": QUEUE}, when, "Bytes", {MESSAGE_BYTES: queue["sent"]})
    # SQS gives whole seconds.
    yield _datum("ApproximateAgeOfOldestMessage", {"QueueName": QUEUE}, when, "Seconds", {int(queue["age_s"]): 1})


def _service(gauges: Mapping[str, Any], when: datetime) -> Iterator[Datum]:
    """One sample a running task, requests or not. The load balancer gives every task its even share of requests."""
    where = {"ClusterName": CLUSTER, "ServiceName": SERVICE}
    memory = Counter(round(share, 3) for share in gauges["task_memory"])
    yield from _histogram("MemoryUtilization", where, when, "Percent", memory)
    if gauges["task_cpu"] is not None:
        yield _datum("CPUUtilization", where, when, "Percent", {round(gauges["task_cpu"], 3): memory.total()})


def _cache(nodes: list[Mapping[str, float]], when: datetime) -> Iterator[Datum]:
    for name, node in zip(NODES, nodes, strict=True):
        where = {"CacheClusterId": name}
        yield _datum("EngineCPUUtilization", where, when, "Percent", {round(node["engine"], 3): 1})
        yield _datum("CPUUtilization", where, when, "Percent", {round(node["host"], 3): 1})


def _histogram(
    name: str, where: Mapping[str, str], when: datetime, unit: str, samples: Mapping[Any, int]
) -> Iterator[Datum]:
    """Values that occurred, in as few data points as CloudWatch allows; none where nothing occurred."""
    occurred = sorted((value, count) for value, count in samples.items() if count)
    for first in range(0, len(occurred), VALUES_A_DATUM):
        yield _datum(name, where, when, unit, dict(occurred[first : first + VALUES_A_DATUM]))


def _datum(name: str, where: Mapping[str, str], when: datetime, unit: str, samples: Mapping[Any, int]) -> Datum:
    return {
        "MetricName": name,
        "Dimensions": [{"Name": dimension, "Value": value} for dimension, value in where.items()],
        "Timestamp": when,
        "Unit": unit,
        "Values": list(samples),
        "Counts": list(samples.values()),
    }
