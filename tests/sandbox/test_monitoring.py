"""CloudWatch's faults and ListMetrics, through boto3."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import botocore.exceptions
import pytest

from pytest_syncload.facts.plan import Faults
from tests.sandbox.awsclients import CLOCK, Stage

MINUTES = 6


def filled(stage: Stage, faults: Faults | None = None) -> tuple[Any, float]:
    """A client, and the first of the minutes in which metrics a and b have a point each."""
    stage.put(faults)
    cloudwatch = stage.client("cloudwatch")
    first = CLOCK.now() // 60 * 60 - 60 * MINUTES
    for name in ("a", "b"):
        dimensions = [{"Name": "Of", "Value": name}, {"Name": "Kind", "Value": "toy"}]
        data = [
            {"MetricName": name, "Dimensions": dimensions, "Timestamp": at(first + 60 * n), "Value": n}
            for n in range(MINUTES)
        ]
        cloudwatch.put_metric_data(Namespace="N", MetricData=data)
    return cloudwatch, first


def at(service: float) -> datetime:
    return datetime.fromtimestamp(service, UTC)


def ask(cloudwatch: Any, first: float, *names: str) -> Any:
    queries = [
        {
            "Id": f"q{n}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "N",
                    "MetricName": name,
                    "Dimensions": [{"Name": "Of", "Value": name}, {"Name": "Kind", "Value": "toy"}],
                },
                "Period": 60,
                "Stat": "Sum",
            },
        }
        for n, name in enumerate(names)
    ]
    return cloudwatch.get_metric_data(
        MetricDataQueries=queries, StartTime=at(first), EndTime=at(first + 60 * MINUTES), ScanBy="TimestampAscending"
    )


def values(answer: Any) -> dict[str, tuple[str, list[float]]]:
    return {result["Id"]: (result["StatusCode"], result["Values"]) for result in answer["MetricDataResults"]}


WHOLE = ("Complete", [0, 1, 2, 3, 4, 5])


def test_without_a_fault_nothing_is_withheld(stage: Stage) -> None:
    assert values(ask(*filled(stage), "a", "b")) == {"q0": WHOLE, "q1": WHOLE}


def test_partial_data_is_half_and_says_so_of_that_metric_only(stage: Stage) -> None:
    answer = ask(*filled(stage, Faults(partial_data=("b",))), "a", "b")
    assert values(answer) == {"q0": WHOLE, "q1": ("PartialData", [0, 1, 2])}
    assert "NextToken" not in answer


def test_lost_page_takes_the_second_half_of_an_answer_about_several_metrics(stage: Stage) -> None:
    cloudwatch, first = filled(stage, Faults(lost_page=True))
    assert values(ask(cloudwatch, first, "a", "b", "a", "b")) == {"q0": WHOLE, "q1": WHOLE}
    assert values(ask(cloudwatch, first, "a", "a")) == {"q0": WHOLE, "q1": WHOLE}
    assert values(ask(cloudwatch, first, "b")) == {"q0": WHOLE}


@pytest.mark.parametrize(("share", "refused"), [(0.0, 0), (25.0, 2), (50.0, 4), (100.0, 8)])
def test_throttled_share_is_spread_evenly(stage: Stage, share: float, refused: int) -> None:
    cloudwatch, first = filled(stage, Faults(throttled_queries_share=share))
    seen: list[tuple[str, str] | None] = []
    for _ in range(8):
        try:
            ask(cloudwatch, first, "a")
        except botocore.exceptions.ClientError as error:
            seen.append((error.response["Error"]["Code"], error.response["Error"]["Message"]))
        else:
            seen.append(None)
    throttled = [error for error in seen if error is not None]
    assert throttled == [("ThrottlingException", "Rate exceeded")] * refused
    assert sum(error is not None for error in seen[:4]) == refused // 2


def test_expired_credentials_do_not_stop_the_publisher(stage: Stage) -> None:
    cloudwatch, first = filled(stage, Faults(expired_credentials=True))
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        ask(cloudwatch, first, "a")
    assert refused.value.response["Error"]["Code"] == "ExpiredTokenException"


def test_another_region_answers_complete_and_empty(stage: Stage) -> None:
    _, first = filled(stage)
    elsewhere = stage.client("cloudwatch", region="eu-west-1")
    assert values(ask(elsewhere, first, "a")) == {"q0": ("Complete", [])}
    elsewhere.put_metric_data(Namespace="N", MetricData=[{"MetricName": "c", "Value": 1}])
    assert [metric["MetricName"] for metric in elsewhere.list_metrics()["Metrics"]] == ["c"]
    assert [metric["MetricName"] for metric in stage.client("cloudwatch").list_metrics()["Metrics"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["a", "b"]),
        ({"Namespace": "N", "MetricName": "b"}, ["b"]),
        ({"Namespace": "Other"}, []),
        ({"Dimensions": [{"Name": "Kind"}]}, ["a", "b"]),
        ({"Dimensions": [{"Name": "Kind", "Value": "toy"}, {"Name": "Of", "Value": "a"}]}, ["a"]),
        ({"Dimensions": [{"Name": "Size"}]}, []),
        ({"RecentlyActive": "PT3H"}, ["a", "b"]),
    ],
)
def test_metrics_are_listed_by_what_they_have(stage: Stage, asked: dict[str, Any], found: list[str]) -> None:
    cloudwatch, _ = filled(stage)
    metrics = cloudwatch.list_metrics(**asked)["Metrics"]
    assert [metric["MetricName"] for metric in metrics] == found


def test_metric_without_recent_points_is_not_recently_active(stage: Stage) -> None:
    stage.put()
    cloudwatch = stage.client("cloudwatch")
    old = {"MetricName": "old", "Timestamp": at(CLOCK.now() - 4 * 3600), "Value": 1}
    cloudwatch.put_metric_data(Namespace="N", MetricData=[old])
    assert cloudwatch.list_metrics(RecentlyActive="PT3H")["Metrics"] == []
    assert cloudwatch.list_metrics()["Metrics"] == [{"Namespace": "N", "MetricName": "old", "Dimensions": []}]
