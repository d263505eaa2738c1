"""False greens by arithmetic: means that hide the worst, and points of another length than was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import mean
from typing import Any

from pytest_syncload.facts.catalogue import Query, queries_for
from pytest_syncload.facts.plan import Resources, Slo, Target
from pytest_syncload.facts.result import Window
from pytest_syncload.facts.units import Kind
from pytest_syncload.sources.cloudwatch import Answer
from tests.false_greens.cloud import FAST, SLOW, Cloud, seen
from tests.false_greens.entry import Entry, Seen, Through
from tests.false_greens.of_absence import REQUIRED, SETTLE, none_missing, nothing
from tests.rows import CACHE, DEPTH, LATENCY, RESOURCES, THROTTLES

CLOUDWATCH = "pytest_syncload.sources.cloudwatch"
GROWTH = "pytest_syncload.verdict.growth"
DRAIN = "pytest_syncload.verdict.drain"
CPU = Slo(
    name="task-cpu",
    phase="peak",
    target=Target(op="<", value=80.0, kind=Kind.SHARE, text="< 80 %"),
    line=36,
    metric="ecs.cpu",
)
USED = Slo(
    name="table-capacity",
    phase="peak",
    target=Target(op="<", value=80.0, kind=Kind.SHARE, text="< 80 %"),
    line=37,
    metric="dynamodb.consumed_share",
)
_DEPTHS = "ApproximateNumberOfMessagesVisible"
_INDEXED = replace(RESOURCES, tables={"sync-jobs": ("by-user",)})


def _mean_of_minutes(folded: Answer, minutes: Answer) -> float:
    return mean(minutes.values)


def _mean_of_percentiles(cloud: Cloud) -> Seen:
    cloud.healthy({"Latency": [FAST, FAST, SLOW]})
    return seen(cloud.verdict(LATENCY), "900 ms is not < 500 ms")


def _unequal_minutes(cloud: Cloud) -> Seen:
    """One task in the first two minutes, forty busy ones in the third."""
    cloud.healthy({"CPUUtilization": [{10.0: 1}, {10.0: 1}, {95.0: 40}]})
    return seen(cloud.verdict(CPU), "% is not < 80 %")


def _scaled_down(cloud: Cloud) -> Seen:
    """Ten units a second are used of twenty, and from the second minute on of five."""
    cloud.healthy()
    for which in ("Read", "Write"):
        cloud.publish(f"Provisioned{which}CapacityUnits", [{20.0: 1}, None, {5.0: 1}], first=-1)
    return seen(cloud.verdict(USED), "100 % is not < 80 %")


def _highest(answer: Answer, window: Window) -> dict[float, float]:
    """`told_minutes` of somebody to whom the largest of the points that speak of a minute is the one that counts."""
    reach = answer.ask.query.every_s
    return {
        minute: max(value for stamp, value in points if stamp <= minute < stamp + reach)
        for points in [list(zip(answer.timestamps, answer.values, strict=True))]
        for minute in window.minutes
        if any(stamp <= minute < stamp + reach for stamp, _ in points)
    }


def _folded_in_two(cloud: Cloud) -> Seen:
    """Buckets that are not the window: the first of two is fast."""

    def split(operation: str, request: Any, answer: Any) -> None:
        for result in answer.get("MetricDataResults", ()):
            query = request["MetricDataQueries"][int(result["Id"][1:])]["MetricStat"]
            if query["Stat"] == "p95" and query["Period"] == 180:
                first = result["Timestamps"][0]
                result.update(Timestamps=[first, first + 120], Values=[120.0, 900.0])

    cloud.healthy({"Latency": [FAST, FAST, SLOW]})
    cloud.rewrite = split
    return seen(cloud.verdict(LATENCY), "another period than the window")


def _longer_than_a_day(cloud: Cloud) -> Seen:
    """Of 26 hours the last two are slow, and CloudWatch folds 24 at most."""
    cloud.fresh(minutes=26 * 60)
    cloud.publish("Count", [{1.0: 600}] * 26 * 60)
    cloud.publish("Latency", [*[FAST] * 24 * 60, *[{900.0: 600}] * 120])
    return seen(cloud.verdict(LATENCY), "CloudWatch folds at most 24 h to one point")


def _coarser(cloud: Cloud) -> Seen:
    """Asked for minutes, CloudWatch gives the three-minute points it has kept; the worst minute is in none."""
    row = replace(DEPTH, statistic="Average", sustained_s=60.0)

    def coarsen(operation: str, request: Any, answer: Any) -> None:
        for result in answer.get("MetricDataResults", ()):
            metric = request["MetricDataQueries"][int(result["Id"][1:])]["MetricStat"]["Metric"]
            if metric["MetricName"] == _DEPTHS:
                values = result["Values"]
                result["Timestamps"] = result["Timestamps"][::3]
                result["Values"] = [mean(values[at : at + 3]) for at in range(0, len(values), 3)]

    cloud.fresh(minutes=6)
    cloud.healthy({_DEPTHS: [{0.0: 1}, {0.0: 1}, {2900.0: 1}, *[{0.0: 1}] * 3]})
    cloud.rewrite = coarsen
    return seen(cloud.verdict(row), "2 of the window's 6 minutes")


def _hot_node(cloud: Cloud) -> Seen:
    cloud.healthy({"002 EngineCPUUtilization": [{99.0: 1}] * 3})
    return seen(cloud.verdict(CACHE), "99 % is not < 80 %")


def _mean_of_resources(found: Sequence[Any], target: Target) -> Any:
    return replace(found[0], value=mean(each.value for each in found))


def _index_throttles(cloud: Cloud) -> Seen:
    cloud.healthy({"index WriteThrottleEvents": [{1.0: 9}] * 3})
    return seen(cloud.verdict(THROTTLES, resources=_INDEXED), "27 is not == 0")


def _tables_only(slo: Slo, resources: Resources) -> tuple[Query, ...]:
    asked = queries_for_all(slo, resources)
    return tuple(query for query in asked if "GlobalSecondaryIndexName" not in dict(query.dimensions))


#: Bound here, where no guard that is replaced stands.
queries_for_all = queries_for


def _entry(name: str, mistake: str, scenario: Any, guards: Mapping[str, Any], peers: str = "") -> Entry:
    return Entry(name=name, mistake=mistake, guards=guards, through=Through.BOTO3, scenario=scenario, peers=peers)


_HOLES = {f"{SETTLE}:missing_minutes": none_missing, f"{REQUIRED}:require_every_minute": nothing}

ENTRIES = (
    _entry(
        "mean of percentiles",
        "The mean of each minute's p95 is not the window's p95.",
        _mean_of_percentiles,
        {f"{REQUIRED}:value_of_the_window": _mean_of_minutes},
        "AWS Distributed Load Testing averages each task's p95",
    ),
    _entry(
        "unequal periods averaged",
        "A minute of one idle task weighs as much as a minute of forty busy ones.",
        _unequal_minutes,
        {f"{REQUIRED}:value_of_the_window": _mean_of_minutes},
    ),
    _entry(
        "the window folded to two points",
        "The first of them is taken for the window.",
        _folded_in_two,
        {f"{REQUIRED}:value_of_the_window": lambda folded, minutes: folded.values[0]},
    ),
    _entry(
        "a hold longer than a day",
        "The first day's point is taken for the whole hold, and the second day was slow.",
        _longer_than_a_day,
        {
            f"{CLOUDWATCH}:whole": lambda window: 86_400,
            f"{REQUIRED}:value_of_the_window": lambda folded, minutes: folded.values[0],
        },
    ),
    _entry(
        "a coarser period than asked",
        "CloudWatch gives the three-minute means it still has where minutes were asked for.",
        _coarser,
        _HOLES,
    ),
    _entry(
        "capacity as it was before",
        "A share is taken of what was provisioned before the table was scaled down in the middle of the hold.",
        _scaled_down,
        {f"{CLOUDWATCH}:told_minutes": _highest},
    ),
    _entry(
        "a hot node hidden by the mean",
        "One node at 99 % and three idle figures are 35 %.",
        _hot_node,
        {"pytest_syncload.sources.fold:worst_of": _mean_of_resources},
    ),
    _entry(
        "index throttles missed",
        "A table's own throttles leave its indexes out.",
        _index_throttles,
        {"pytest_syncload.facts.catalogue:queries_for": _tables_only},
    ),
)
