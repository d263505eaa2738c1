"""Every query is asked once before load; the wrong one is named. botocore's Stubber checks each request and answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from pytest_syncload.facts.catalogue import Query, Role
from pytest_syncload.facts.check import Finding
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.plan import AwsAccess
from pytest_syncload.sources.aws import client
from pytest_syncload.sources.dryrun import queries

SANDBOX = AwsAccess(
    region="us-east-1", endpoint_url="http://127.0.0.1:1", access_key_id="id", secret_access_key="not-a-secret"
)
#: The clock stands 30 s into a minute, and the test is over before it has moved by another 30.
NOON = 1_769_860_800.0
CLOUDWATCH = client("cloudwatch", SANDBOX)


def query(name: str) -> Query:
    return Query(role=Role.VALUE, namespace="AWS/SQS", name=name, statistic="Sum", dimensions=(("QueueName", "q"),))


A, B, C = map(query, "ABC")
ROWS = {A: ("peak::a",), B: ("peak::b", "soak::b"), C: ("peak::a", "peak::c")}


@pytest.fixture
def stub() -> Iterator[Stubber]:
    with Stubber(CLOUDWATCH) as scripted:
        yield scripted
        scripted.assert_no_pending_responses()


@pytest.fixture
def clock() -> ServiceClock:
    now = ServiceClock.starting_now()
    return ServiceClock(origin=NOON + 30, monotonic_origin=now.monotonic_origin)


def asked(*queries: Query) -> dict[str, Any]:
    return {
        "MetricDataQueries": [
            {
                "Id": f"q{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/SQS",
                        "MetricName": one.name,
                        "Dimensions": [{"Name": "QueueName", "Value": "q"}],
                    },
                    "Period": 60,
                    "Stat": "Sum",
                },
                "ReturnData": True,
            }
            for number, one in enumerate(queries)
        ],
        "StartTime": ANY,
        "EndTime": ANY,
        "ScanBy": "TimestampAscending",
    }


def answers(*statuses: str) -> dict[str, Any]:
    results = [{"Id": f"q{number}", "StatusCode": status} for number, status in enumerate(statuses)]
    return {"MetricDataResults": results}


def test_all_queries_are_asked_in_one_call_for_the_last_three_minutes(stub: Stubber, clock: ServiceClock) -> None:
    spans: list[tuple[float, float]] = []

    def seen(params: dict[str, Any], **_: Any) -> None:
        spans.append((params["StartTime"].timestamp(), params["EndTime"].timestamp()))

    CLOUDWATCH.meta.events.register("provide-client-params.cloudwatch.GetMetricData", seen)
    stub.add_response("get_metric_data", answers("Complete", "Complete", "Complete"), asked(A, B, C))
    try:
        (check,) = queries(CLOUDWATCH, ROWS, clock)
    finally:
        CLOUDWATCH.meta.events.unregister("provide-client-params.cloudwatch.GetMetricData", seen)
    assert spans == [(NOON - 180, NOON)]
    assert (check.finding, check.says) == (Finding.OK, "CloudWatch answers 3 of 3")


def test_a_wrong_query_is_found_among_the_right_ones(stub: Stubber, clock: ServiceClock) -> None:
    stub.add_client_error(
        "get_metric_data", "ValidationError", "Stat is not valid", 400, expected_params=asked(A, B, C)
    )
    stub.add_response("get_metric_data", answers("Complete"), asked(A))
    stub.add_client_error("get_metric_data", "ValidationError", "Stat is not valid", 400, expected_params=asked(B, C))
    stub.add_client_error("get_metric_data", "ValidationError", "Stat is not valid", 400, expected_params=asked(B))
    stub.add_response("get_metric_data", answers("Complete"), asked(C))
    (check,) = queries(CLOUDWATCH, ROWS, clock)
    assert check.failed
    assert check.rows == ("peak::b", "soak::b")
    assert str(B) in check.says
    assert "Stat is not valid; correct the row" in check.says


def test_what_is_forbidden_to_all_is_said_once(stub: Stubber, clock: ServiceClock) -> None:
    stub.add_client_error("get_metric_data", "AccessDenied", "no", 403)
    (check,) = queries(CLOUDWATCH, ROWS, clock)
    assert check.failed
    assert check.rows == ("peak::a", "peak::b", "soak::b", "peak::c")
    assert "allow cloudwatch:GetMetricData" in check.says


@pytest.mark.parametrize("status", ["Forbidden", "NotKnownYet"])
def test_an_answer_that_cannot_become_whole_fails(stub: Stubber, clock: ServiceClock, status: str) -> None:
    stub.add_response("get_metric_data", answers("Complete", status, "Complete"))
    (check,) = queries(CLOUDWATCH, ROWS, clock)
    assert (check.failed, check.rows) == (True, ROWS[B])
    assert f"{B} is {status}, not Complete" in check.says


@pytest.mark.parametrize("status", ["PartialData", "InternalError"])
def test_an_answer_that_is_not_whole_yet_is_a_note(stub: Stubber, clock: ServiceClock, status: str) -> None:
    stub.add_response("get_metric_data", answers("Complete", status, "Complete"))
    whole, note = queries(CLOUDWATCH, ROWS, clock)
    assert (whole.finding, whole.says) == (Finding.OK, "CloudWatch answers 2 of 3")
    assert (note.finding, note.rows) == (Finding.NOTE, ROWS[B])
    stub.add_response("get_metric_data", answers(status))
    assert [check.finding for check in queries(CLOUDWATCH, {A: ()}, clock)] == [Finding.NOTE]


def test_what_cloudwatch_says_of_a_query_is_a_note(stub: Stubber, clock: ServiceClock) -> None:
    said = answers("Complete", "Complete", "Complete")
    said["MetricDataResults"][1]["Messages"] = [{"Code": "Forbidden", "Value": "not of that account"}]
    stub.add_response("get_metric_data", said)
    whole, note = queries(CLOUDWATCH, ROWS, clock)
    assert (whole.finding, whole.says) == (Finding.OK, "CloudWatch answers 2 of 3")
    assert (note.finding, note.rows) == (Finding.NOTE, ROWS[B])
    assert note.says == f"{B}: CloudWatch says Forbidden: not of that account"


def test_without_a_query_nothing_is_asked(stub: Stubber, clock: ServiceClock) -> None:
    assert queries(CLOUDWATCH, {}, clock) == ()
