"""What a minute looks like in CloudWatch: every metric, its dimensions, and where there is none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pytest_syncload.facts.catalogue import PRESETS, Fold, fill
from pytest_syncload.facts.plan import Resources
from pytest_syncload.sandbox import names
from pytest_syncload.sandbox.cloudwatch import VALUES_A_DATUM
from pytest_syncload.sandbox.datums import datums
from tests.sandbox.minutes import GAUGES, counts

MINUTE = 1_800_000_000
Samples = dict[tuple[str, ...], dict[float, int]]


def samples(**more: Any) -> Samples:
    """(namespace, metric, dimension values…) → value → how often."""
    made: Samples = {}
    for namespace, data in datums(counts(MINUTE, **more)).items():
        for datum in data:
            assert datum["Timestamp"] == datetime.fromtimestamp(MINUTE, UTC)
            assert 1 <= len(datum["Values"]) == len(datum["Counts"]) <= VALUES_A_DATUM
            assert min(datum["Counts"]) >= 1
            where = (dimension["Value"] for dimension in datum["Dimensions"])
            held = made.setdefault((namespace.removeprefix("AWS/"), datum["MetricName"], *where), {})
            held.update(zip(datum["Values"], datum["Counts"], strict=True))
    return made


def test_busy_minute() -> None:
    made = samples(gauges=GAUGES)
    api = ("syncwell", "v1")
    assert made.pop(("ApiGateway", "Latency", *api)) == dict.fromkeys(range(200), 2)
    assert made == {
        ("ApiGateway", "Count", *api): {1: 400},
        ("ApiGateway", "5XXError", *api): {0: 396, 1: 4},
        ("ApiGateway", "4XXError", *api): {0: 399, 1: 1},
        ("DynamoDB", "ConsumedWriteCapacityUnits", "sync-jobs"): {1: 395},
        ("DynamoDB", "ConsumedReadCapacityUnits", "sync-jobs"): {1: 395},
        ("DynamoDB", "ConsumedWriteCapacityUnits", "sync-jobs", "by-user"): {1: 300},
        ("DynamoDB", "WriteThrottleEvents", "sync-jobs", "by-user"): {1: 95},
        ("SQS", "ApproximateNumberOfMessagesVisible", "hot-path"): {7: 1},
        ("SQS", "ApproximateNumberOfMessagesNotVisible", "hot-path"): {3: 1},
        ("SQS", "ApproximateAgeOfOldestMessage", "hot-path"): {2: 1},
        ("SQS", "NumberOfMessagesSent", "hot-path"): {395: 1},
        ("SQS", "NumberOfMessagesReceived", "hot-path"): {390: 1},
        ("SQS", "NumberOfMessagesDeleted", "hot-path"): {388: 1},
        ("SQS", "NumberOfEmptyReceives", "hot-path"): {0: 1},
        ("SQS", "SentMessageSize", "hot-path"): {36: 395},
        ("ECS", "CPUUtilization", "syncwell", "worker"): {12.346: 3},
        ("ECS", "MemoryUtilization", "syncwell", "worker"): {33.5: 1, 34.5: 2},
        ("ElastiCache", "EngineCPUUtilization", "syncwell-001"): {90.5: 1},
        ("ElastiCache", "CPUUtilization", "syncwell-001"): {47.25: 1},
        ("ElastiCache", "EngineCPUUtilization", "syncwell-002"): {1.5: 1},
        ("ElastiCache", "CPUUtilization", "syncwell-002"): {2.75: 1},
    }


def test_idle_minute_has_only_what_aws_publishes_without_requests() -> None:
    idle = GAUGES | {"queue": None, "task_cpu": 0.0}
    made = samples(busy=False, gauges=idle)
    assert {namespace for namespace, *_ in made} == {"ECS", "ElastiCache"}
    assert made["ECS", "CPUUtilization", "syncwell", "worker"] == {0.0: 3}


def test_empty_queue_that_is_awake_shows_zeros() -> None:
    made = samples(busy=False, gauges=GAUGES | {"queue": dict.fromkeys(GAUGES["queue"], 0)})
    assert [value for (namespace, *_), value in made.items() if namespace == "SQS"] == [{0: 1}] * 7


def test_without_a_running_task_there_is_no_utilisation() -> None:
    made = samples(gauges=GAUGES | {"task_cpu": None, "task_memory": []})
    assert not [key for key in made if key[0] == "ECS"]


def test_addition_to_a_minute_has_no_gauges() -> None:
    made = samples(busy=False, latency={"900": 1}, statuses={"500": 1})
    assert made == {
        ("ApiGateway", "Latency", "syncwell", "v1"): {900: 1},
        ("ApiGateway", "5XXError", "syncwell", "v1"): {1: 1},
        ("ApiGateway", "4XXError", "syncwell", "v1"): {0: 1},
    }


def test_foreign_requests_are_api_gateways_only() -> None:
    api = ("syncwell", "v1")
    assert samples(busy=False, foreign=50) == {
        ("ApiGateway", "Count", *api): {1: 50},
        ("ApiGateway", "Latency", *api): {20: 50},
        ("ApiGateway", "5XXError", *api): {0: 50},
        ("ApiGateway", "4XXError", *api): {0: 50},
    }
    both = samples(foreign=50)
    assert both["ApiGateway", "Count", *api] == {1: 450}
    assert both["ApiGateway", "5XXError", *api] == {0: 446, 1: 4}
    assert both["ApiGateway", "Latency", *api] == dict.fromkeys(range(200), 2) | {20: 52}


#: What the sandbox has nothing of; `tests/sources/test_presets.py` publishes it itself.
WITHOUT = {
    *("apigateway.integration_latency", "containerinsights.cpu", "containerinsights.memory"),
    *(
        "dynamodb.throttled_requests",
        "dynamodb.system_errors",
        "dynamodb.latency",
        "dynamodb.consumed_share",
        "sqs.dead_letters",
    ),
    *("elasticache.memory", "elasticache.evictions", "elasticache.throttled"),
}

NOT_OF_CLOUDWATCH = (Fold.TASKS, Fold.OWN, Fold.CLIMB, Fold.COST)


@pytest.mark.parametrize(
    "preset",
    [p for p in PRESETS.values() if p.fold not in NOT_OF_CLOUDWATCH and p.name not in WITHOUT],
)
def test_every_row_of_the_catalogue_finds_its_metrics(preset: Any) -> None:
    """Those that AWS always publishes for a busy service, with exactly these dimensions."""
    resources = Resources(
        rest_api=names.API,
        stage=names.STAGE,
        tables={names.TABLE: (names.INDEX,)},
        queue=names.QUEUE,
        ecs_cluster=names.CLUSTER,
        ecs_service=names.SERVICE,
        cache=names.NODES,
    )
    made = datums(counts(MINUTE, gauges=GAUGES))
    published = {
        (namespace, datum["MetricName"], *((d["Name"], d["Value"]) for d in datum["Dimensions"]))
        for namespace, data in made.items()
        for datum in data
    }
    queries = fill(preset, resources, "Sum")
    found = {(query.namespace, query.name, *query.dimensions) for query in queries} & published
    groups = {query.group for query in queries}
    assert found
    if "throttles" in preset.name:  # each table and index shows that it lives
        assert {query.group for query in queries if (query.namespace, query.name, *query.dimensions) in found} == groups
    else:
        assert len(found) == len(queries)


def test_calls_of_the_third_party_are_the_services_own_namespace() -> None:
    made = samples(busy=False, calls={"8": 90, "17": 10}, failed_calls=4)
    where = ("SyncWell/ThirdParty", "Latency", "drive"), ("SyncWell/ThirdParty", "Errors", "drive")
    assert made == dict(zip(where, ({8: 90, 17: 10}, {0: 96, 1: 4}), strict=True))
