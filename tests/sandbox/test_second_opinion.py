"""A second AWS that we did not write, moto, is asked the same questions as the doubles where it implements them.

Only what it answers rightly is compared. It has no failures in DescribeTasks, knows no wrong service in ListTasks,
takes any queue URL and any access key, and gives a replication group of NumCacheClusters 2 one node.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import botocore.exceptions
import moto
import pytest

from tests.sandbox.awsclients import Stage

Ask = Callable[[str, str, dict[str, Any]], Any]
KEYS = {"aws_access_key_id": "KEY", "aws_secret_access_key": "s", "region_name": "us-east-1"}


@pytest.fixture(scope="module")
def second() -> Iterator[Ask]:
    """moto, in which stands what the sandbox has."""
    with moto.mock_aws():
        boto3.client("sqs", **KEYS).create_queue(QueueName="hot-path")
        boto3.client("ecs", **KEYS).create_cluster(clusterName="syncwell")
        boto3.client("dynamodb", **KEYS).create_table(
            TableName="sync-jobs",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "job_id", "KeyType": "HASH"}],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": kind}
                for name, kind in (("job_id", "S"), ("user_id", "S"), ("created_at", "N"))
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-user",
                    "KeySchema": [
                        {"AttributeName": "user_id", "KeyType": "HASH"},
                        {"AttributeName": "created_at", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
        boto3.client("elasticache", **KEYS).create_replication_group(
            ReplicationGroupId="syncwell",
            ReplicationGroupDescription="toy",
            ReplicasPerNodeGroup=1,
            AutomaticFailoverEnabled=True,
            Engine="redis",
            CacheNodeType="cache.r7g.large",
        )
        yield lambda service, operation, members: told(boto3.client(service, **KEYS), operation, members)


def told(client: Any, operation: str, members: dict[str, Any]) -> Any:
    """The answer, or the error's code and status."""
    try:
        answer = getattr(client, operation)(**members)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return {member: value for member, value in answer.items() if member != "ResponseMetadata"}


def bare(value: Any) -> Any:
    """``value`` with our account's number in place of moto's."""
    if isinstance(value, dict):
        return {member: bare(one) for member, one in value.items()}
    if isinstance(value, list):
        return [bare(one) for one in value]
    return value.replace("123456789012", "111122223333") if isinstance(value, str) else value


ERRORS: list[tuple[str, str, dict[str, Any]]] = [
    ("sqs", "get_queue_url", {"QueueName": "none"}),
    ("sqs", "get_queue_attributes", {"QueueUrl": "http://x/123456789012/none", "AttributeNames": ["All"]}),
    ("sqs", "get_queue_attributes", {"QueueUrl": "http://x/111122223333/hot-path", "AttributeNames": ["Nope"]}),
    ("dynamodb", "describe_table", {"TableName": "none"}),
    ("elasticache", "describe_replication_groups", {"ReplicationGroupId": "none"}),
    ("elasticache", "describe_cache_clusters", {"CacheClusterId": "none"}),
    ("ecs", "list_tasks", {"cluster": "none"}),
    ("ecs", "describe_task_definition", {"taskDefinition": "none"}),
    ("ecs", "describe_services", {"cluster": "none", "services": ["worker"]}),
]


@pytest.mark.parametrize(("service", "operation", "members"), ERRORS)
def test_errors_are_the_same(stage: Stage, second: Ask, service: str, operation: str, members: dict[str, Any]) -> None:
    stage.put()
    theirs = second(service, operation, members)
    assert isinstance(theirs, tuple)
    assert told(stage.client(service), operation, members) == theirs
    assert stage.last.status == theirs[1]  # it was ours that answered


def test_table_and_index_are_the_same(stage: Stage, second: Ask) -> None:
    stage.put()
    ours = told(stage.client("dynamodb"), "describe_table", {"TableName": "sync-jobs"})["Table"]
    theirs = bare(second("dynamodb", "describe_table", {"TableName": "sync-jobs"}))["Table"]
    for table in (ours, theirs):
        table["AttributeDefinitions"].sort(key=lambda one: one["AttributeName"])
    same = set(theirs) & set(ours) - {"CreationDateTime", "TableId", "GlobalSecondaryIndexes"}
    assert same > {"TableArn", "TableStatus", "KeySchema", "BillingModeSummary", "ProvisionedThroughput"}
    assert {member: ours[member] for member in same} == {member: theirs[member] for member in same}
    (index,), (their_index,) = ours["GlobalSecondaryIndexes"], theirs["GlobalSecondaryIndexes"]
    # moto leaves NumberOfDecreasesToday out of an index.
    shared = set(index) & set(their_index) - {"ProvisionedThroughput"}
    assert shared >= {"IndexName", "IndexStatus", "KeySchema", "Projection"}
    assert {member: index[member] for member in shared} == {member: their_index[member] for member in shared}
    assert told(stage.client("dynamodb"), "list_tables", {}) == second("dynamodb", "list_tables", {})


def test_queue_has_the_same_attributes(stage: Stage, second: Ask) -> None:
    stage.put()
    ours = queue_attributes(lambda *asked: told(stage.client(asked[0]), *asked[1:]))
    theirs = bare(queue_attributes(second))
    chosen = {"CreatedTimestamp", "LastModifiedTimestamp", "MaximumMessageSize"}
    assert {name: value for name, value in ours.items() if name not in chosen} == {
        name: value for name, value in theirs.items() if name not in chosen
    }


def queue_attributes(ask: Ask) -> Any:
    url = ask("sqs", "get_queue_url", {"QueueName": "hot-path"})["QueueUrl"]
    return ask("sqs", "get_queue_attributes", {"QueueUrl": url, "AttributeNames": ["All"]})["Attributes"]


def test_replication_group_has_the_same_nodes(stage: Stage, second: Ask) -> None:
    stage.put()
    asked = ("describe_replication_groups", {"ReplicationGroupId": "syncwell"})
    (ours,) = told(stage.client("elasticache"), *asked)["ReplicationGroups"]
    (theirs,) = second("elasticache", *asked)["ReplicationGroups"]
    for member in ("ReplicationGroupId", "Status", "MemberClusters", "ClusterEnabled", "CacheNodeType"):
        assert ours[member] == theirs[member], member
    assert roles(ours) == roles(theirs)


def roles(group: Any) -> Any:
    (nodes,) = group["NodeGroups"]
    return [(one["CacheClusterId"], one["CacheNodeId"], one.get("CurrentRole")) for one in nodes["NodeGroupMembers"]]


@pytest.mark.parametrize("period", [60, 180])
@pytest.mark.parametrize("statistic", ["Sum", "Average", "Minimum", "Maximum", "SampleCount"])
def test_metric_has_the_same_points(stage: Stage, second: Ask, statistic: str, period: int) -> None:
    """Not percentiles, which moto answers with HTTP 500."""
    stage.put()
    first = time.time() // 180 * 180 - 1_800
    name = f"m-{statistic}-{period}"  # moto is not emptied between tests
    dimensions = [{"Name": "Of", "Value": "toy"}]
    data = [
        {"MetricName": name, "Dimensions": dimensions, "Timestamp": at(first + 60 * n + 7), "Value": value}
        for n, values in enumerate(([3, 5], [7], [], [1, 1, 4], [0]))
        for value in values
    ]
    metric = {"Namespace": "N", "MetricName": name, "Dimensions": dimensions}
    query = {"Id": "q", "MetricStat": {"Metric": metric, "Period": period, "Stat": statistic}}
    asked = {
        "MetricDataQueries": [query],
        "StartTime": at(first),
        "EndTime": at(first + 360),
        "ScanBy": "TimestampAscending",
    }
    series = []
    for ask in (lambda *call: told(stage.client(call[0]), *call[1:]), second):
        ask("cloudwatch", "put_metric_data", {"Namespace": "N", "MetricData": data})
        (result,) = ask("cloudwatch", "get_metric_data", asked)["MetricDataResults"]
        assert result["StatusCode"] == "Complete"
        series.append([(stamp.timestamp(), value) for stamp, value in zip(*points(result), strict=True)])
    assert series[0] == series[1]
    assert len(series[0]) == (4 if period == 60 else 2)


def at(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def points(result: Any) -> tuple[Any, Any]:
    return result["Timestamps"], result["Values"]


def test_account_has_the_same_members(stage: Stage, second: Ask) -> None:
    stage.put()
    ours = told(stage.client("sts"), "get_caller_identity", {})
    assert set(ours) == set(second("sts", "get_caller_identity", {})) == {"Account", "Arn", "UserId"}
