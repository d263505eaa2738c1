"""The CloudWatch double through a real boto3 client, over HTTP."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.exceptions
import httpx
import pytest

from tests.plainly import PLAINLY
from tests.sandbox.awsclients import CLOCK, Stage

SIGNED = "AWS4-HMAC-SHA256 Credential=KEY/20260101/us-east-1/monitoring/aws4_request"
PUT = "GraniteServiceVersion20100801.PutMetricData"


@pytest.fixture
def url(stage: Stage) -> str:
    stage.put(points_a_call=2)
    return stage.url


@pytest.fixture
def cloudwatch(stage: Stage, url: str) -> Any:
    return stage.client("cloudwatch")


def query(name: str, stat: str) -> dict[str, Any]:
    return {
        "Id": name,
        "MetricStat": {"Metric": {"Namespace": "N", "MetricName": "m"}, "Period": 60, "Stat": stat},
    }


def test_round_trip_in_service_time_with_pages(cloudwatch: Any) -> None:
    minute = CLOCK.now() // 60 * 60 - 600
    for n in range(3):
        when = datetime.fromtimestamp(minute + 60 * n, UTC)
        datum = {"MetricName": "m", "Timestamp": when, "Values": [10, 20], "Counts": [95, 5]}
        cloudwatch.put_metric_data(Namespace="N", MetricData=[datum])
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[query("a", "p95"), query("b", "p95.1"), query("c", "SampleCount")],
        StartTime=datetime.fromtimestamp(minute, UTC),
        EndTime=datetime.fromtimestamp(minute + 180, UTC),
    )
    values: dict[str, list[float]] = {"a": [], "b": [], "c": []}
    for page in pages:
        for result in page["MetricDataResults"]:
            values[result["Id"]] += result["Values"]
    assert values == {"a": [10, 10, 10], "b": [20, 20, 20], "c": [100, 100, 100]}


def test_gzipped_body_is_read(cloudwatch: Any) -> None:
    # boto3 compresses above 10 KB; a thousand data points are far above.
    now = datetime.fromtimestamp(CLOCK.now(), UTC)
    cloudwatch.put_metric_data(
        Namespace="N", MetricData=[{"MetricName": "m", "Timestamp": now, "Value": n} for n in range(1000)]
    )
    start = datetime.fromtimestamp(CLOCK.now() - 3600, UTC)
    end = datetime.fromtimestamp(CLOCK.now() + 60, UTC)
    answer = cloudwatch.get_metric_data(MetricDataQueries=[query("n", "SampleCount")], StartTime=start, EndTime=end)
    assert answer["MetricDataResults"][0]["Values"] == [1000]


def test_what_is_not_implemented_is_an_error(cloudwatch: Any) -> None:
    now = datetime.fromtimestamp(CLOCK.now(), UTC)
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        cloudwatch.describe_alarms()
    assert refused.value.response["Error"]["Code"] == "InvalidAction"
    expression = {"Id": "e", "Expression": "SUM(METRICS())"}
    with pytest.raises(cloudwatch.exceptions.InvalidParameterValueException, match="Expression"):
        cloudwatch.get_metric_data(MetricDataQueries=[expression], StartTime=now, EndTime=now + timedelta(hours=1))


def test_other_access_key_is_refused(stage: Stage) -> None:
    stray = stage.client("cloudwatch", key="AKIAUSER")
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        stray.put_metric_data(Namespace="N", MetricData=[{"MetricName": "m", "Value": 1}])
    assert refused.value.response["Error"]["Code"] == "UnrecognizedClientException"


@pytest.mark.parametrize(
    ("status", "code", "headers", "body"),
    [
        (404, "InvalidAction", {"x-amz-target": "DynamoDB_20120810.ListTables"}, b"{}"),
        (404, "InvalidAction", {"content-type": "application/cbor"}, b"{}"),
        (400, "MalformedInput", {}, b"not json"),
        (400, "MalformedInput", {}, b"[]"),
        (400, "MalformedInput", {"content-encoding": "gzip"}, b"not gzip"),
        (400, "MalformedInput", {"content-encoding": "gzip"}, gzip.compress(b"{}", mtime=0)[:-9]),
        (400, "MalformedInput", {"content-encoding": "br"}, b"{}"),
        (413, "RequestEntityTooLarge", {}, b" " * (1024 * 1024 + 1)),
    ],
)
def test_unreadable_request_is_an_error(url: str, status: int, code: str, headers: dict[str, str], body: bytes) -> None:
    sent = {
        "x-amz-target": PUT,
        "content-type": "application/x-amz-json-1.0",
        "authorization": SIGNED,
    }
    answer = httpx.post(url, headers=sent | headers, content=body, **PLAINLY)
    assert answer.status_code == status
    assert answer.headers["x-amzn-query-error"] == f"{code};Sender"
    assert json.loads(answer.content)["message"]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 403, "MissingAuthenticationToken"),
        ({"authorization": "Bearer x"}, 403, "MissingAuthenticationToken"),
        ({"authorization": SIGNED.replace("monitoring", "s3")}, 404, "InvalidAction"),
    ],
)
@pytest.mark.parametrize("target", [{}, {"x-amz-target": PUT}])
def test_request_for_no_service_is_an_error_in_its_own_protocol(
    url: str, headers: dict[str, str], status: int, code: str, target: dict[str, str]
) -> None:
    answer = httpx.post(url, headers=headers | target, content=b"{}", **PLAINLY)
    assert answer.status_code == status
    if target:
        assert answer.json()["__type"].replace("UnknownOperationException", "InvalidAction") == code
    else:
        assert f"<Code>{code}</Code>" in answer.text
