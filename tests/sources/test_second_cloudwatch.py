"""Our rows asked of two CloudWatches: the sandbox's double, and moto, which we did not write.

The same data points are put into both, the production code asks both, and the observations must be the same, for the
statistics that moto has: Sum, Average, Maximum, SampleCount. It has no percentiles.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import moto
import pytest

from pytest_syncload.facts.catalogue import Query, queries_for
from pytest_syncload.facts.clock import MINUTE, ServiceClock, minute_floor
from pytest_syncload.facts.plan import AwsAccess, Environment, SandboxSettings, Slo, Target
from pytest_syncload.facts.result import Window
from pytest_syncload.facts.units import Kind
from pytest_syncload.sandbox.launch import launch
from pytest_syncload.sources.aws import client
from pytest_syncload.sources.cloudwatch import Answer, Ask, asks_of, fetch, traffic_ask
from pytest_syncload.sources.observe import observe
from tests.rows import CACHE, DEPTH, ERRORS, RESOURCES, THROTTLES, reading, result

LISTED = replace(RESOURCES, tables={"sync-jobs": ("by-user",)})
BELOW = Target(op="<", value=80.0, kind=Kind.SHARE, text="< 80 %")
CPU = Slo(name="task-cpu", phase="peak", target=BELOW, line=36, metric="ecs.cpu")
HOTTEST = replace(CPU, name="hottest-task", statistic="Maximum")
MEMORY = replace(CPU, name="task-memory", metric="ecs.memory")
OLDEST = replace(DEPTH, name="oldest", metric="sqs.oldest")
DRAINING = replace(DEPTH, name="draining", sustained_s=120.0, drains_within_s=120.0)
ROWS = [ERRORS, THROTTLES, DEPTH, DRAINING, OLDEST, CPU, HOTTEST, MEMORY, CACHE]


@pytest.fixture(scope="module")
def window() -> Window:
    """Three minutes that are over, and two behind them."""
    end = minute_floor(time.time()) - 10 * MINUTE
    return Window(start=end - 3 * MINUTE, end=end)


@pytest.fixture(scope="module")
def double() -> Iterator[Any]:
    sandbox = launch(SandboxSettings(), ServiceClock.starting_now(speed=1.0), None)
    try:
        environment = sandbox.fill(Environment(name="sandbox", line=1))
        assert environment.aws is not None
        yield client("cloudwatch", environment.aws)
    finally:
        sandbox.close()


@pytest.fixture(scope="module")
def second() -> Iterator[Any]:
    with moto.mock_aws():
        yield client("cloudwatch", AwsAccess(region="us-east-1"))


def points(query: Query, minute: int) -> list[float]:
    """Made up, but different for each metric and minute; several samples where AWS has several, now and then none."""
    # A query's position in the alphabet of its text, so that two metrics are never the same by chance.
    seed = sum(map(ord, f"{query.name}{query.dimensions}")) % 37
    if "Throttle" in query.name:
        return [] if minute != 1 else [float(seed)]
    many = 4 if query.namespace == "AWS/ECS" else 1
    return [float(seed + 3 * minute + sample) for sample in range(many)]


def publish(cloudwatch: Any, asks: list[Ask], window: Window) -> None:
    metrics = {(ask.query.namespace, ask.query.name, ask.query.dimensions): ask.query for ask in asks}
    for query in metrics.values():
        for minute in range(5):
            for value in points(query, minute):
                cloudwatch.put_metric_data(
                    Namespace=query.namespace,
                    MetricData=[
                        {
                            "MetricName": query.name,
                            "Dimensions": [{"Name": name, "Value": given} for name, given in query.dimensions],
                            "Timestamp": datetime.fromtimestamp(window.start + minute * MINUTE, UTC),
                            "Value": value,
                        }
                    ],
                )


@pytest.fixture(scope="module")
def asked(double: Any, second: Any, window: Window) -> tuple[dict[Ask, Answer], dict[Ask, Answer]]:
    """What both say to all that the rows ask."""
    asks = [ask for slo in ROWS for ask in asks_of(slo, LISTED, window)]
    asks.append(traffic_ask(LISTED, window))
    answers = []
    for cloudwatch in (double, second):
        publish(cloudwatch, asks, window)
        answers.append(fetch(cloudwatch, asks))
    return answers[0], answers[1]


def test_every_question_has_the_same_answer(asked: tuple[dict[Ask, Answer], dict[Ask, Answer]]) -> None:
    ours, theirs = asked
    assert ours == theirs
    assert {ask.query.statistic for ask in ours} == {"Sum", "Average", "Maximum", "SampleCount"}
    assert all(answer.values for answer in ours.values())
    assert {answer.status for answer in ours.values()} == {"Complete"}


@pytest.mark.parametrize("slo", ROWS, ids=lambda slo: slo.name)
def test_every_row_is_the_same_observation(
    asked: tuple[dict[Ask, Answer], dict[Ask, Answer]], window: Window, slo: Slo
) -> None:
    measured = result(window=window, wire_requests=30)
    ours, theirs = (observe(slo, reading(answers), LISTED, measured) for answers in asked)
    assert ours == theirs
    assert ours.problem is None


@pytest.mark.parametrize("slo", [CPU, HOTTEST, MEMORY], ids=lambda slo: slo.name)
def test_what_both_say_is_what_was_published(
    asked: tuple[dict[Ask, Answer], dict[Ask, Answer]], window: Window, slo: Slo
) -> None:
    seen = observe(slo, reading(asked[0]), LISTED, result(window=window, wire_requests=30))
    (query,) = queries_for(slo, LISTED)
    samples = [value for minute in range(3) for value in points(query, minute)]
    assert seen.value == pytest.approx(max(samples) if slo is HOTTEST else sum(samples) / len(samples))
