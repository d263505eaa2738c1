"""DynamoDB through boto3: the table and its index, and what AWS says to a wrong name."""

from __future__ import annotations

import json
from typing import Any

import botocore.exceptions
import pytest

from pytest_syncload.facts.capacity import Capacities
from pytest_syncload.facts.plan import Faults
from pytest_syncload.sandbox.dynamodb import DynamoDb
from pytest_syncload.sandbox.http import Request
from tests.sandbox.awsclients import Stage

ARN = "arn:aws:dynamodb:us-east-1:111122223333:table/sync-jobs"


@pytest.fixture
def dynamodb(stage: Stage) -> Any:
    stage.put()
    return stage.client("dynamodb")


@pytest.mark.parametrize("name", ["sync-jobs", ARN])
def test_table_is_active_with_its_index(dynamodb: Any, name: str) -> None:
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert (table["TableStatus"], table["TableArn"]) == ("ACTIVE", ARN)
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert "OnDemandThroughput" not in table
    (index,) = table["GlobalSecondaryIndexes"]
    assert (index["IndexName"], index["IndexStatus"], index["IndexArn"]) == (
        "by-user",
        "ACTIVE",
        f"{ARN}/index/by-user",
    )
    keys = {key["AttributeName"] for key in (*table["KeySchema"], *index["KeySchema"])}
    assert keys == {attribute["AttributeName"] for attribute in table["AttributeDefinitions"]}


def test_capacity_fault_is_the_maximum_throughput(stage: Stage, dynamodb: Any) -> None:
    stage.put(Faults(table_capacity_per_s=100, index_capacity_per_s=50))
    table = dynamodb.describe_table(TableName="sync-jobs")["Table"]
    assert table["OnDemandThroughput"]["MaxWriteRequestUnits"] == 100
    assert table["GlobalSecondaryIndexes"][0]["OnDemandThroughput"]["MaxWriteRequestUnits"] == 50


def test_capacity_is_the_maximum_throughput_too_and_the_least_counts(stage: Stage, dynamodb: Any) -> None:
    stage.put(Faults(index_capacity_per_s=50), capacities=Capacities(table_per_s=700, index_per_s=60))
    table = dynamodb.describe_table(TableName="sync-jobs")["Table"]
    assert table["OnDemandThroughput"]["MaxWriteRequestUnits"] == 700
    assert table["GlobalSecondaryIndexes"][0]["OnDemandThroughput"]["MaxWriteRequestUnits"] == 50


def test_tables_are_listed_after_the_given_one(dynamodb: Any) -> None:
    assert dynamodb.list_tables()["TableNames"] == ["sync-jobs"]
    assert dynamodb.list_tables(ExclusiveStartTableName="sync-jobs", Limit=1)["TableNames"] == []


@pytest.mark.parametrize("name", [{}, {"TableName": ""}, {"TableName": 7}])
def test_table_without_a_name_is_an_error(name: dict[str, Any]) -> None:
    """boto3 would not send it; another client might."""
    target = "DynamoDB_20120810.DescribeTable"
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": target}
    request = Request(method="POST", path="/", body=json.dumps(name).encode(), headers=headers)
    answer = DynamoDb(here=True, created=0, faults=Faults()).service().answer(request, lambda operation: None)
    assert (answer.status, b"ValidationException" in answer.body) == (400, True)


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("describe_table", {"TableName": "sync-jbos"}, "ResourceNotFoundException"),
    ("describe_table", {"TableName": f"{ARN}s"}, "ResourceNotFoundException"),
    ("list_tables", {"Limit": 101}, "ValidationException"),
    ("scan", {"TableName": "sync-jobs"}, "UnknownOperationException"),
]


@pytest.mark.parametrize(("operation", "members", "code"), WRONG)
def test_wrong_question_is_an_error(dynamodb: Any, operation: str, members: dict[str, Any], code: str) -> None:
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        getattr(dynamodb, operation)(**members)
    assert refused.value.response["Error"]["Code"] == code
    assert "x-amzn-query-error" not in refused.value.response["ResponseMetadata"]["HTTPHeaders"]
