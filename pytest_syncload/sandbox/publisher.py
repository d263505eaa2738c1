"""Publishes the service's minutes to the CloudWatch double as AWS would: by PutMetricData, at the minute's start.

Which metrics AWS publishes, and when none: "Amazon API Gateway dimensions and metrics", "DynamoDB metrics and
dimensions". It must never publish a zero that AWS would not, nor read the user's own AWS configuration.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from pytest_syncload.sandbox.cloudwatch import DATUMS_A_CALL, VALUES_A_DATUM

API = "syncwell"
STAGE = "v1"
TABLE = "sync-jobs"

_API_DIMENSIONS = [{"Name": "ApiName", "Value": API}, {"Name": "Stage", "Value": STAGE}]
_TABLE_DIMENSIONS = [{"Name": "TableName", "Value": TABLE}]

#: (name in the config file, variables, default, conversion). `set_config_variable("profile", None)` would not do: None
#: counts as not set, and AWS_PROFILE is read after all.
_NOTHING_OF_THE_USERS = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


def client(*, endpoint_url: str, access_key_id: str, secret_access_key: str, region: str) -> Any:
    """A CloudWatch client that reads no profile, no file, no proxy of the user's."""
    session = botocore.session.Session(session_vars=_NOTHING_OF_THE_USERS)
    return boto3.session.Session(
        botocore_session=session,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
        region_name=region,
    ).client("cloudwatch", endpoint_url=endpoint_url, config=Config(proxies={}))


def publish(cloudwatch: Any, counts: Mapping[str, Any], missing: tuple[str, ...] = ()) -> None:
    """Put one minute's counts (`Minute.counts`), without the metrics named in ``missing``."""
    for namespace, data in (("AWS/ApiGateway", list(_api(counts))), ("AWS/DynamoDB", list(_table(counts)))):
        kept = [datum for datum in data if datum["MetricName"] not in missing]
        for first in range(0, len(kept), DATUMS_A_CALL):
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=kept[first : first + DATUMS_A_CALL])


def _api(counts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Nothing for a minute without requests. Latency and errors belong to requests that have ended."""
    when = datetime.fromtimestamp(counts["minute"], UTC)
    if counts["requests"]:
        yield _datum("Count", _API_DIMENSIONS, when, "Count", [(1, counts["requests"])])
    latency = sorted((int(ms), count) for ms, count in counts["latency"].items())
    for first in range(0, len(latency), VALUES_A_DATUM):
        yield _datum("Latency", _API_DIMENSIONS, when, "Milliseconds", latency[first : first + VALUES_A_DATUM])
    ended = sum(counts["statuses"].values())
    for name, hundred in (("5XXError", 5), ("4XXError", 4)):
        errors = sum(count for status, count in counts["statuses"].items() if int(status) // 100 == hundred)
        values = [(value, count) for value, count in ((0, ended - errors), (1, errors)) if count]
        if values:
            yield _datum(name, _API_DIMENSIONS, when, "Count", values)


def _table(counts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    when = datetime.fromtimestamp(counts["minute"], UTC)
    for name, count in (
        ("ConsumedWriteCapacityUnits", counts["consumed"]),
        ("ConsumedReadCapacityUnits", counts["reads"]),
        ("WriteThrottleEvents", counts["throttles"]),
    ):
        if count:
            yield _datum(name, _TABLE_DIMENSIONS, when, "Count", [(1, count)])


def _datum(
    name: str, dimensions: list[dict[str, str]], when: datetime, unit: str, values: list[tuple[int, int]]
) -> dict[str, Any]:
    return {
        "MetricName": name,
        "Dimensions": dimensions,
        "Timestamp": when,
        "Unit": unit,
        "Values": [value for value, _ in values],
        "Counts": [count for _, count in values],
    }
