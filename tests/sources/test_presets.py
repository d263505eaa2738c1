"""Every preset from published data: put and asked by boto3's own client over HTTP, folded, and with each series silent.

The names and dimensions here are written out from AWS's pages and not taken from the catalogue. Where moto has the
statistics, it is asked the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from moto import mock_aws

from pytest_syncload.facts.catalogue import PRESETS, Fold
from pytest_syncload.facts.clock import MINUTE, minute_floor
from pytest_syncload.facts.observation import Observation
from pytest_syncload.facts.plan import AwsAccess, Resources, Slo, Target
from pytest_syncload.facts.result import Window
from pytest_syncload.sandbox.http import asgi
from pytest_syncload.sources.aws import client
from pytest_syncload.sources.cloudwatch import asks_of, fetch
from pytest_syncload.sources.observe import observe
from pytest_syncload.sources.settle import unsettled
from tests.rows import reading, result
from tests.sandbox.awsclients import Stage
from tests.sandbox.conftest import serving

_END = minute_floor(time.time()) - 10 * MINUTE
WINDOW = Window(start=_END - 3 * MINUTE, end=_END)
#: Requests that the load put on the wire: four a minute.
WIRE = 12

#: The samples of each of the three minutes, or by the minute's number.
Samples = tuple[tuple[float, ...], ...] | Mapping[int, tuple[float, ...]]
#: "namespace metric {dimensions}" → samples.
Published = Mapping[str, Samples]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A preset, what is published, and the value. ``silent`` are the series that may be silent, each with the value
    then; without any other there is none."""

    preset: str
    resources: Resources
    published: Published
    value: float
    statistic: str | None = None
    silent: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        kind = "http" if self.resources.http_api else "rest" if self.resources.rest_api else ""
        return "-".join(filter(None, (self.preset, self.statistic, kind, "route" if self.resources.route else "")))

    @property
    def slo(self) -> Slo:
        kind = PRESETS[self.preset].kind
        target = Target(op="<", value=1.0, kind=kind, text="< 1")
        return Slo(
            name="row", phase="peak", line=1, target=target, metric=self.preset, statistic=self.statistic, min_samples=1
        )


def steady(*samples: float) -> tuple[tuple[float, ...], ...]:
    return (samples,) * 3


REST = Resources(rest_api="syncwell", stage="v1")
HTTP = Resources(http_api="a1b2", stage="v1")
APIS = {
    "{ApiName=syncwell, Stage=v1}": REST,
    "{ApiName=syncwell, Method=POST, Resource=/v1/jobs, Stage=v1}": replace(REST, route="POST /v1/jobs"),
    "{ApiId=a1b2, Stage=v1}": HTTP,
    "{ApiId=a1b2, Method=POST, Resource=/v1/jobs, Stage=v1}": replace(HTTP, route="POST /v1/jobs"),
}


def api_cases() -> Iterator[Case]:
    for where, resources in APIS.items():
        for preset, name in (
            ("apigateway.latency", "Latency"),
            ("apigateway.integration_latency", "IntegrationLatency"),
        ):
            published = {
                f"AWS/ApiGateway {name} {where}": ((10.0, 20.0, 30.0, 40.0), *steady(50.0, 50.0, 50.0, 50.0)[1:])
            }
            yield Case(preset=preset, resources=resources, published=published, value=50.0)
            yield Case(preset=preset, resources=resources, published=published, value=125 / 3, statistic="Average")
        for digit in "45":
            name = f"AWS/ApiGateway {digit}{'xx' if resources.http_api else 'XXError'} {where}"
            yield Case(
                preset=f"apigateway.{digit}xx",
                resources=resources,
                # As a REST API does: a zero for each request without an error. An HTTP API may say nothing of a minute.
                published={
                    name: (
                        (0.0, 0.0, 0.0, 1.0),
                        () if resources.http_api else (0.0, 0.0, 0.0, 0.0),
                        (0.0, 0.0, 1.0, 1.0),
                    ),
                    f"AWS/ApiGateway Count {where}": steady(1.0, 1.0, 1.0, 1.0),
                },
                value=25.0,
                silent={name: 0.0},
            )


TABLES = Resources(tables={"jobs": ("by-user",)}, operations={"jobs": ("PutItem", "GetItem")})
READS = "AWS/DynamoDB ConsumedReadCapacityUnits {TableName=jobs}"
WRITES = "AWS/DynamoDB ConsumedWriteCapacityUnits {TableName=jobs}"
CONSUMED = {READS: steady(0.5, 0.5), WRITES: steady(1.0)}


def operation(metric: str, name: str) -> str:
    return f"AWS/DynamoDB {metric} {{TableName=jobs, Operation={name}}}"


def dynamodb_cases() -> Iterator[Case]:
    index = "{TableName=jobs, GlobalSecondaryIndexName=by-user}"
    of_index = f"AWS/DynamoDB ConsumedWriteCapacityUnits {index}"
    of_table, thrown = (f"AWS/DynamoDB WriteThrottleEvents {where}" for where in ("{TableName=jobs}", index))
    yield Case(
        preset="dynamodb.throttles",
        resources=TABLES,
        published={**CONSUMED, of_index: steady(1.0), of_table: ((1.0,), (), ()), thrown: ((), (1.0, 1.0), ())},
        value=3.0,
        silent={of_table: 2.0, thrown: 1.0, READS: 3.0, WRITES: 3.0},
    )
    for preset, metric in (("throttled_requests", "ThrottledRequests"), ("system_errors", "SystemErrors")):
        puts, scans = operation(metric, "PutItem"), operation(metric, "TransactWriteItems")
        yield Case(
            preset=f"dynamodb.{preset}",
            resources=TABLES,
            published={**CONSUMED, puts: ((1.0, 1.0), (), (1.0,)), scans: ((), (1.0,) * 4, ())},
            value=7.0,
            silent={puts: 4.0, scans: 3.0, READS: 7.0, WRITES: 7.0},
        )
    yield capacity_case()
    puts, gets = (operation("SuccessfulRequestLatency", name) for name in ("PutItem", "GetItem"))
    for statistic, value in ((None, 8.0), ("Maximum", 30.0)):
        yield Case(
            preset="dynamodb.latency",
            resources=TABLES,
            # More samples in one minute than in the others: the mean of the minutes' means would be 10.
            published={
                puts: ((4.0, 4.0, 4.0, 8.0), (5.0, 5.0, 4.0), (20.0,)),
                gets: ((2.0,), (3.0,), (30.0, 2.0, 3.0)),
            },
            value=value,
            statistic=statistic,
        )


def capacity_case() -> Case:
    """Ten writes a second, five from the second minute on, of which the index's are used most; nothing reads it."""
    table, index = "{TableName=jobs}", "{TableName=jobs, GlobalSecondaryIndexName=by-user}"
    writes = f"AWS/DynamoDB ConsumedWriteCapacityUnits {table}"
    published: dict[str, Samples] = {
        # A point speaks of five minutes; the first stands before the window, whose second minute has the next.
        **{
            f"AWS/DynamoDB Provisioned{which}CapacityUnits {where}": {-4: (10.0,), 1: (5.0, 8.0)}
            for which in ("Read", "Write")
            for where in (table, index)
        },
        READS: steady(60.0),
        writes: steady(60.0),
        f"AWS/DynamoDB ConsumedWriteCapacityUnits {index}": ((300.0,), (200.0, 40.0), (60.0,)),
    }
    return Case(
        preset="dynamodb.consumed_share",
        resources=TABLES,
        published=published,
        value=50.0,
        silent={READS: 50.0, writes: 50.0},
    )


ECS = Resources(ecs_cluster="syncwell", ecs_service="worker")
SERVICE = "{ClusterName=syncwell, ServiceName=worker}"


def ecs_cases() -> Iterator[Case]:
    for what, name, used, reserved in (
        ("cpu", "CPUUtilization", "CpuUtilized", "CpuReserved"),
        ("memory", "MemoryUtilization", "MemoryUtilized", "MemoryReserved"),
    ):
        published = {f"AWS/ECS {name} {SERVICE}": ((10.0, 30.0), (20.0, 20.0, 95.0), (35.0,))}
        yield Case(preset=f"ecs.{what}", resources=ECS, published=published, value=35.0)
        yield Case(preset=f"ecs.{what}", resources=ECS, published=published, value=95.0, statistic="Maximum")
        yield Case(
            preset=f"containerinsights.{what}",
            resources=ECS,
            # One task's use is not told in one minute: of the sums that would be 25 %.
            published={
                f"ECS/ContainerInsights {used} {SERVICE}": ((128.0, 128.0), (128.0, 256.0), (128.0,)),
                f"ECS/ContainerInsights {reserved} {SERVICE}": steady(512.0, 512.0),
            },
            value=30.0,
        )


QUEUES = Resources(queue="jobs.fifo", dead_letter_queue="jobs-dead.fifo")


def sqs_cases() -> Iterator[Case]:
    for preset, name, queue, factor in (
        ("sqs.visible", "ApproximateNumberOfMessagesVisible", "jobs.fifo", 1.0),
        ("sqs.in_flight", "ApproximateNumberOfMessagesNotVisible", "jobs.fifo", 1.0),
        ("sqs.oldest", "ApproximateAgeOfOldestMessage", "jobs.fifo", 1000.0),
        ("sqs.dead_letters", "ApproximateNumberOfMessagesVisible", "jobs-dead.fifo", 1.0),
    ):
        published = {f"AWS/SQS {name} {{QueueName={queue}}}": ((0.0,), (9.0,), (3.0,))}
        yield Case(preset=preset, resources=QUEUES, published=published, value=9.0 * factor)
        yield Case(preset=preset, resources=QUEUES, published=published, value=4.0 * factor, statistic="Average")


CACHES = Resources(cache=("c-001", "c-002"), serverless_cache=("sessions", "carts"))


def elasticache_cases() -> Iterator[Case]:
    nodes = [f"{{CacheClusterId={node}}}" for node in CACHES.cache]
    for preset, names in (
        ("elasticache.cpu", ("EngineCPUUtilization", "CPUUtilization")),
        ("elasticache.engine_cpu", ("EngineCPUUtilization",)),
        ("elasticache.host_cpu", ("CPUUtilization",)),
        ("elasticache.memory", ("DatabaseMemoryUsagePercentage",)),
    ):
        published = {f"AWS/ElastiCache {name} {node}": steady(20.0) for name in names for node in nodes}
        published[f"AWS/ElastiCache {names[-1]} {nodes[1]}"] = ((60.0,), (90.0,), (30.0,))
        yield Case(preset=preset, resources=CACHES, published=published, value=60.0)
        yield Case(preset=preset, resources=CACHES, published=published, value=90.0, statistic="Maximum")
    first, second = (f"AWS/ElastiCache Evictions {node}" for node in nodes)
    yield Case(
        preset="elasticache.evictions",
        resources=CACHES,
        published={first: steady(0.0), second: ((0.0,), (5.0,), (2.0,))},
        value=7.0,
    )
    sessions, carts = ("{clusterId=sessions}", "{clusterId=carts}")
    thrown = f"AWS/ElastiCache ThrottledCmds {carts}"
    yield Case(
        preset="elasticache.throttled",
        resources=CACHES,
        published={
            thrown: ((6.0,), (), ()),
            f"AWS/ElastiCache TotalCmdsCount {sessions}": steady(100.0),
            f"AWS/ElastiCache TotalCmdsCount {carts}": steady(100.0),
        },
        value=6.0,
        silent={thrown: 0.0},
    )


CASES = [*api_cases(), *dynamodb_cases(), *ecs_cases(), *sqs_cases(), *elasticache_cases()]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with serving() as begin:
        stage = Stage()
        stage.url = begin(asgi(stage.answer))
        yield stage


@pytest.fixture
def cloudwatch(stage: Stage) -> Any:
    """A CloudWatch without a data point."""
    stage.put()
    return stage.client("cloudwatch")


def by_minute(samples: Samples) -> Mapping[int, tuple[float, ...]]:
    return dict(enumerate(samples)) if isinstance(samples, tuple) else samples


def publish(cloudwatch: Any, published: Published) -> None:
    for series, minutes in published.items():
        namespace, name, where = series.split(" ", 2)
        pairs = (pair.split("=") for pair in where.strip("{}").split(", "))
        data = [
            {
                "MetricName": name,
                "Dimensions": dimensions,
                "Timestamp": datetime.fromtimestamp(WINDOW.start + minute * MINUTE, UTC),
                "Value": sample,
            }
            for dimensions in [[{"Name": key, "Value": value} for key, value in pairs]]
            for minute, samples in by_minute(minutes).items()
            for sample in samples
        ]
        if data:
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)


def look(cloudwatch: Any, case: Case, published: Published, **more: Any) -> Observation:
    publish(cloudwatch, published)
    slo = replace(case.slo, **more)
    answers = fetch(cloudwatch, asks_of(slo, case.resources, WINDOW))
    return observe(slo, reading(answers), case.resources, result(window=WINDOW, wire_requests=WIRE))


def test_every_preset_that_asks_cloudwatch_is_here() -> None:
    asking = {
        name for name, preset in PRESETS.items() if preset.fold not in (Fold.TASKS, Fold.OWN, Fold.CLIMB, Fold.COST)
    }
    assert {case.preset for case in CASES} == asking


@pytest.mark.parametrize("case", CASES, ids=str)
def test_published_data_is_folded_to_its_value(cloudwatch: Any, case: Case) -> None:
    seen = look(cloudwatch, case, case.published)
    assert seen.problem is None
    assert seen.value == pytest.approx(case.value)


@pytest.mark.parametrize(
    ("case", "series"),
    [(case, series) for case in CASES for series in case.published],
    ids=str,
)
def test_a_silent_series_is_zero_only_where_aws_publishes_nothing_for_zero(
    cloudwatch: Any, case: Case, series: str
) -> None:
    seen = look(cloudwatch, case, {one: minutes for one, minutes in case.published.items() if one != series})
    if series in case.silent:
        assert seen.problem is None
        assert seen.value == pytest.approx(case.silent[series])
    else:
        assert seen.value is None
        assert "no data point for" in (seen.problem or "")


@pytest.mark.parametrize(
    ("case", "series"),
    [(case, series) for case in CASES for series in case.published if series not in case.silent],
    ids=str,
)
def test_one_silent_minute_of_what_is_always_published_is_no_value(cloudwatch: Any, case: Case, series: str) -> None:
    holed = {minute: samples for minute, samples in by_minute(case.published[series]).items() if minute != 1}
    seen = look(cloudwatch, case, {**case.published, series: holed})
    assert seen.value is None
    assert "of the window's 3 minutes" in (seen.problem or "") or "in 1 of 3 minutes" in (seen.problem or "")


@pytest.mark.parametrize("case", [case for case in CASES if case.preset == "apigateway.5xx"], ids=str)
def test_one_silent_minute_of_the_errors_is_zero_only_of_an_http_api(cloudwatch: Any, case: Case) -> None:
    (errors,) = case.silent
    seen = look(cloudwatch, case, {**case.published, errors: {0: (0.0, 0.0, 0.0, 0.0), 2: (0.0, 1.0, 1.0, 1.0)}})
    if case.resources.http_api:
        assert seen.value == pytest.approx(25.0)
    else:
        assert "2 of the window's 3 minutes" in (seen.problem or "")


@pytest.mark.parametrize("case", [case for case in CASES if READS in case.published], ids=str)
def test_silence_of_a_table_that_nobody_used_is_no_value(cloudwatch: Any, case: Case) -> None:
    unused = {series: minutes for series, minutes in case.published.items() if series not in CONSUMED}
    assert "silence is zero only beside traffic" in (look(cloudwatch, case, unused).problem or "")


@pytest.mark.parametrize("where", list(APIS))
def test_the_stage_and_its_route_are_not_mistaken_for_each_other(cloudwatch: Any, where: str) -> None:
    """CloudWatch matches dimensions exactly; a route without detailed metrics has no data point of its own."""
    [asked] = [one for one, resources in APIS.items() if resources == other(APIS[where])]
    [case] = [c for c in CASES if str(c).startswith("apigateway.latency-Average") and c.resources == APIS[asked]]
    elsewhere = {f"AWS/ApiGateway Latency {where}": steady(50.0, 50.0, 50.0, 50.0)}
    assert "no data point for" in (look(cloudwatch, case, elsewhere).problem or "")


def other(resources: Resources) -> Resources:
    return replace(resources, route=None if resources.route else "POST /v1/jobs")


@pytest.mark.parametrize("what", ["cpu", "memory"])
def test_what_is_reserved_of_nothing_is_no_share(cloudwatch: Any, what: str) -> None:
    [case] = [case for case in CASES if case.preset == f"containerinsights.{what}"]
    used, reserved = case.published
    seen = look(cloudwatch, case, {used: case.published[used], reserved: steady(0.0)})
    assert (seen.value, "nothing is reserved" in (seen.problem or "")) == (None, True)


@pytest.mark.parametrize("what", ["cpu", "memory"])
def test_a_share_of_what_is_reserved_may_have_to_be_sustained(cloudwatch: Any, what: str) -> None:
    [case] = [case for case in CASES if case.preset == f"containerinsights.{what}"]
    seen = look(cloudwatch, case, case.published, sustained_s=120.0)
    assert seen.series.values == (25.0, 37.5, 25.0)
    assert (seen.value, seen.samples) == (25.0, 1)


def provisioned(units: float) -> dict[str, Samples]:
    """The published capacity, of tables (and indexes) set to so much."""
    case = capacity_case()
    return {
        series: dict.fromkeys(by_minute(samples), (units,)) if "Provisioned" in series else samples
        for series, samples in case.published.items()
    }


def test_each_minute_is_measured_by_what_was_provisioned_in_it(cloudwatch: Any) -> None:
    seen = look(cloudwatch, capacity_case(), capacity_case().published, sustained_s=120.0)
    assert (seen.value, seen.series.values) == (50.0, (50.0, 80.0, 20.0))
    assert seen.parts["ConsumedWriteCapacityUnits jobs"] == 20.0
    assert seen.parts["ConsumedReadCapacityUnits jobs/by-user"] == 0.0


def test_more_than_was_provisioned_is_more_than_all_of_it(cloudwatch: Any) -> None:
    """A table may use up what it saved before."""
    assert look(cloudwatch, capacity_case(), provisioned(units=2.5)).value == pytest.approx(400 / 3)


def test_where_two_points_speak_of_a_minute_the_lower_one_counts(cloudwatch: Any) -> None:
    """Should AWS tell more often than it says: the most that was in use, of the least that was there."""
    often = {-4: (10.0,), 0: (2.5,), 1: (10.0,)}
    published = {s: often if "Provisioned" in s else minutes for s, minutes in capacity_case().published.items()}
    assert look(cloudwatch, capacity_case(), published).value == pytest.approx(400 / 3)


def test_a_table_on_demand_has_no_share(cloudwatch: Any) -> None:
    assert "judge dynamodb.throttles instead" in (
        look(cloudwatch, capacity_case(), provisioned(units=0.0)).problem or ""
    )


@pytest.mark.parametrize(("last", "reached"), [(-4, 1), (-3, 2), (-2, 3)])
def test_what_is_provisioned_in_the_last_minutes_is_waited_for(cloudwatch: Any, last: int, reached: int) -> None:
    """A point speaks of five minutes and comes after them."""
    publish(cloudwatch, {series: {last: (5.0,)} for series in capacity_case().published if "Provisioned" in series})
    answers = fetch(cloudwatch, asks_of(capacity_case().slo, TABLES, WINDOW))
    doubts = {query: what for query, what in unsettled(answers, answers).items() if "Provisioned" in query}
    short = {what.removeprefix(f"{query} ") for query, what in doubts.items()}
    assert short == ({f"has {reached} of the window's 3 minutes"} if reached < 3 else set())


def percentile(case: Case) -> bool:
    return (case.statistic or (PRESETS[case.preset].statistics or ("",))[0]).startswith("p")


@pytest.mark.parametrize("case", [case for case in CASES if not percentile(case)], ids=str)
def test_moto_says_the_same(cloudwatch: Any, case: Case) -> None:
    ours = look(cloudwatch, case, case.published)
    with mock_aws():
        theirs = look(client("cloudwatch", AwsAccess(region="us-east-1")), case, case.published)
    assert theirs.problem is None
    assert theirs.value == pytest.approx(ours.value)
    assert replace(theirs, value=ours.value) == ours
