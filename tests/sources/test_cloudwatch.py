"""GetMetricData through botocore's Stubber, which validates every request and answer against AWS's own model."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from botocore.stub import Stubber
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_syncload.facts.catalogue import Query, Role
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.plan import AwsAccess
from pytest_syncload.facts.result import Window
from pytest_syncload.sources.aws import Passing
from pytest_syncload.sources.aws import client as client_for
from pytest_syncload.sources.cloudwatch import POINTS_A_PAGE, Ask, fetch, pages_allowed, whole
from tests.rows import START, WINDOW

CLIENT = AwsAccess(
    region="us-east-1", endpoint_url="http://127.0.0.1:1", access_key_id="id", secret_access_key="not-a-secret"
)


def ask(number: int) -> Ask:
    query = Query(role=Role.VALUE, namespace="N", name=f"M{number}", statistic="Sum", dimensions=(("D", "v"),))
    return Ask(query, 60, WINDOW)


def result(name: str, points: dict[int, float], status: str = "Complete") -> dict[str, Any]:
    return {
        "Id": name,
        "StatusCode": status,
        "Timestamps": [datetime.fromtimestamp(START + 60 * minute, UTC) for minute in points],
        "Values": list(points.values()),
    }


@cache  # a property asks hundreds of times
def cloudwatch() -> Any:
    return client_for("cloudwatch", CLIENT)


def run(asks: list[Ask], *pages: dict[str, Any]) -> dict[Ask, Any]:
    client = cloudwatch()
    with Stubber(client) as stub:
        for page in pages:
            stub.add_response("get_metric_data", page)
        found = fetch(client, asks)
        stub.assert_no_pending_responses()
    return found


def test_pages_are_merged_by_id_whatever_their_order() -> None:
    asks = [ask(0), ask(1)]
    found = run(
        asks,
        {"MetricDataResults": [result("q1", {2: 5.0}, "PartialData"), result("q0", {1: 2.0})], "NextToken": "more"},
        {"MetricDataResults": [result("q1", {0: 3.0, 1: 4.0})]},
    )
    assert (found[asks[0]].timestamps, found[asks[0]].values) == ((START + 60,), (2.0,))
    assert (found[asks[1]].values, found[asks[1]].status) == ((3.0, 4.0, 5.0), "Complete")


def test_a_query_that_no_page_speaks_of_is_not_complete() -> None:
    (found,) = run([ask(0)], {"MetricDataResults": []}).values()
    assert (found.status, found.values) == ("missing", ())


def test_the_last_status_counts() -> None:
    (found,) = run([ask(0)], {"MetricDataResults": [result("q0", {0: 1.0}, "PartialData")]}).values()
    assert found.status == "PartialData"


def test_a_repeated_token_is_no_endless_loop() -> None:
    page: dict[str, Any] = {"MetricDataResults": [], "NextToken": "again"}
    with pytest.raises(Inconclusive, match="same NextToken twice"):
        run([ask(0)], page, page)


def test_the_pages_that_an_answer_may_have_grow_with_what_is_asked() -> None:
    """A day's minutes of 500 queries are 720,000 points: eight pages, should CloudWatch fill each."""
    day = Window(start=START, end=START + 86_400)
    asks = [ask(number) for number in range(500)]
    assert pages_allowed(asks, day) - pages_allowed(asks, WINDOW) == math.ceil(500 * 1440 / POINTS_A_PAGE) - 1
    assert pages_allowed(asks, WINDOW) - pages_allowed(asks[:1], WINDOW) == 499


def test_more_than_five_hundred_queries_take_two_calls_and_the_same_ask_one_query() -> None:
    asks = [ask(number % 501) for number in range(600)]
    assert len(run(asks, {"MetricDataResults": []}, {"MetricDataResults": []})) == 501


def test_a_hold_beyond_a_day_cannot_be_one_period() -> None:
    with pytest.raises(Inconclusive, match="at most 24 h"):
        whole(Window(start=0.0, end=86_460.0))


def test_the_question_is_what_cloudwatch_is_to_answer() -> None:
    """The window's end is exclusive there as here; what comes back is in order of time."""
    expected = {
        "MetricDataQueries": [
            {
                "Id": "q0",
                "MetricStat": {
                    "Metric": {"Namespace": "N", "MetricName": "M0", "Dimensions": [{"Name": "D", "Value": "v"}]},
                    "Period": 60,
                    "Stat": "Sum",
                },
                "ReturnData": True,
            }
        ],
        "StartTime": datetime.fromtimestamp(WINDOW.start, UTC),
        "EndTime": datetime.fromtimestamp(WINDOW.end, UTC),
        "ScanBy": "TimestampAscending",
    }
    client = client_for("cloudwatch", CLIENT)
    with Stubber(client) as stub:
        stub.add_response("get_metric_data", {"MetricDataResults": [], "NextToken": "next"}, expected)
        stub.add_response("get_metric_data", {"MetricDataResults": []}, expected | {"NextToken": "next"})
        fetch(client, [ask(0)])
        stub.assert_no_pending_responses()


def test_a_moment_that_comes_twice_counts_once() -> None:
    (found,) = run(
        [ask(0)],
        {"MetricDataResults": [result("q0", {2: 1.0, 0: 2.0})], "NextToken": "more"},
        {"MetricDataResults": [result("q0", {2: 1.0, 1: 3.0})]},
    ).values()
    assert found.timestamps == (START, START + 60, START + 120)
    assert (found.values, found.status) == ((2.0, 3.0, 1.0), "Complete")


def test_a_moment_with_two_values_is_not_complete() -> None:
    (found,) = run(
        [ask(0)],
        {"MetricDataResults": [result("q0", {2: 1.0, 0: 2.0})], "NextToken": "more"},
        {"MetricDataResults": [result("q0", {2: 9.0, 1: 3.0})]},
    ).values()
    assert found.status == "contradictory"


@settings(deadline=None)  # the first example makes the client
@given(st.data())
def test_paging_order_and_duplication_change_no_value(data: st.DataObject) -> None:
    """Points of several queries, some of them twice, in any order on any number of pages."""
    points = st.dictionaries(st.integers(0, 2), st.floats(0, 1e9), max_size=3)
    truth = {f"q{number}": data.draw(points) for number in range(3)}
    told = [(name, minute, value) for name, of_query in truth.items() for minute, value in of_query.items()]
    told = data.draw(st.permutations(told + data.draw(st.lists(st.sampled_from(told), max_size=4)) if told else told))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(told)), max_size=4)))
    chunks = [told[start:end] for start, end in pairwise([0, *cuts, len(told)])]
    pages: list[dict[str, Any]] = [
        {"MetricDataResults": [result(name, {minute: value}) for name, minute, value in chunk], "NextToken": f"{n}"}
        for n, chunk in enumerate(chunks)
    ]
    pages[-1] = {"MetricDataResults": pages[-1]["MetricDataResults"] + [result(name, {}) for name in truth]}
    asks = [ask(number) for number in range(3)]
    found = run(asks, *pages)
    for number, one in enumerate(asks):
        minutes = sorted(truth[f"q{number}"])
        assert found[one].timestamps == tuple(START + 60 * minute for minute in minutes)
        assert found[one].values == tuple(truth[f"q{number}"][minute] for minute in minutes)
        assert found[one].status == "Complete"


def test_the_second_call_begins_its_ids_anew_and_keeps_the_answers_apart() -> None:
    asks = [ask(number) for number in range(501)]
    found = run(asks, {"MetricDataResults": [result("q0", {0: 1.0})]}, {"MetricDataResults": [result("q0", {0: 2.0})]})
    assert (found[asks[0]].values, found[asks[500]].values, found[asks[1]].values) == ((1.0,), (2.0,), ())


@pytest.mark.parametrize(("code", "passing"), [("Throttling", True), ("AccessDenied", False)])
def test_an_error_names_the_endpoint_that_gave_it(code: str, passing: bool) -> None:
    client = client_for("cloudwatch", CLIENT)
    with Stubber(client) as stub:
        stub.add_client_error("get_metric_data", code, "why", 400)
        with pytest.raises(Inconclusive, match=r"GetMetricData at http://127\.0\.0\.1:1: ") as caught:
            fetch(client, [ask(0)])
    assert isinstance(caught.value, Passing) is passing


def test_asking_nothing_is_no_call() -> None:
    assert run([]) == {}
