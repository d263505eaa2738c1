"""DynamoDB as the sandbox has it: what one on-demand table and its index are, not what stands in them.

Source: Amazon DynamoDB API Reference, DescribeTable and ListTables. Items cannot be read or written here.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from pytest_syncload.facts.capacity import Capacities
from pytest_syncload.facts.plan import Faults
from pytest_syncload.sandbox.awserror import AwsError, known_members, refusal
from pytest_syncload.sandbox.awsjson import JsonService
from pytest_syncload.sandbox.names import ACCOUNT, INDEX, REGION, TABLE

_ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{TABLE}"
_MOST_TABLES = 100
#: An on-demand table has no provisioned units, and says so by zeros.
_NO_UNITS = {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0}


class DynamoDb:
    """The table of a region, or none of it (``here`` False). Its capacity is its maximum on-demand throughput."""

    def __init__(self, here: bool, created: float, faults: Faults, capacities: Capacities | None = None) -> None:
        self._tables = [TABLE] if here else []
        self._created = created
        given = capacities or Capacities()
        self._table_limit = _limit(faults.table_capacity_per_s, given.table_per_s)
        self._index_limit = _limit(faults.index_capacity_per_s, given.index_per_s)

    def service(self) -> JsonService:
        """The service."""
        return JsonService(
            target="DynamoDB_20120810.",
            version="1.0",
            namespace="com.amazonaws.dynamodb.v20120810#",
            denied_status=400,
            operations={"DescribeTable": self._describe_table, "ListTables": self._list_tables},
        )

    def _describe_table(self, request: Mapping[str, Any]) -> dict[str, Any]:
        known_members(request, {"TableName"}, "DescribeTable", _invalid)
        name = request.get("TableName")
        if not isinstance(name, str) or not name:
            raise _invalid("TableName must be a text of 1 to 1024 characters, the table's name or its ARN")
        if not self._tables or name not in (TABLE, _ARN):
            message = f"Requested resource not found: Table: {name} not found"
            raise refusal("ResourceNotFoundException", message)
        return {"Table": self._table()}

    def _list_tables(self, request: Mapping[str, Any]) -> dict[str, Any]:
        known_members(request, {"ExclusiveStartTableName", "Limit"}, "ListTables", _invalid)
        most = request.get("Limit", _MOST_TABLES)
        if not isinstance(most, int) or not 1 <= most <= _MOST_TABLES:
            raise _invalid(f"Limit must be from 1 to {_MOST_TABLES}")
        after = request.get("ExclusiveStartTableName", "")
        return {"TableNames": [table for table in self._tables if table > after]}

    def _table(self) -> dict[str, Any]:
        index = {
            "IndexName": INDEX,
            "IndexArn": f"{_ARN}/index/{INDEX}",
            "IndexStatus": "ACTIVE",
            "KeySchema": [
                {"AttributeName": "user_id", "KeyType": "HASH"},
                {"AttributeName": "created_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
            "IndexSizeBytes": 0,
            "ItemCount": 0,
            "ProvisionedThroughput": _NO_UNITS,
        }
        return {
            "TableName": TABLE,
            "TableArn": _ARN,
            "TableId": str(uuid.uuid5(uuid.NAMESPACE_URL, _ARN)),
            "TableStatus": "ACTIVE",
            "CreationDateTime": self._created,
            "AttributeDefinitions": [
                {"AttributeName": "created_at", "AttributeType": "N"},
                {"AttributeName": "job_id", "AttributeType": "S"},
                {"AttributeName": "user_id", "AttributeType": "S"},
            ],
            "KeySchema": [{"AttributeName": "job_id", "KeyType": "HASH"}],
            "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
            "ProvisionedThroughput": _NO_UNITS,
            # DynamoDB refreshes both about every six hours; a sandbox does not live so long.
            "TableSizeBytes": 0,
            "ItemCount": 0,
            "DeletionProtectionEnabled": False,
            "GlobalSecondaryIndexes": [index | self._index_limit],
        } | self._table_limit


def _limit(*writes_per_s: float | None) -> dict[str, Any]:
    given = [per_s for per_s in writes_per_s if per_s is not None]
    if not given:
        return {}
    return {"OnDemandThroughput": {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": round(min(given))}}


def _invalid(message: str) -> AwsError:
    return refusal("ValidationException", message)
