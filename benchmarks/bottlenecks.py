"""Whether each resource of the sandbox breaks at the capacity it was given, and is seen in its own metrics before.

    python benchmarks/bottlenecks.py --capacity 1000 --runs 10

For each resource in turn, and so often: a sandbox of its own, offered 50 %, 80 % and 90 % of that capacity over
loopback, then a climb through it in steps of 1 %. On stdout a JSON line a run: the first step, in percent of the
capacity, of which more than 1 % failed; how many wall seconds (CloudWatch minutes) the resource's own metric had left
its relation to load before that; the failed share of each step. At the end a table. Exit status 1 unless every run
broke within 5 % of the capacity, and was seen before.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import uvloop

from pytest_syncload.auth.pool import WarmPool, source_of
from pytest_syncload.facts.capacity import Capacities
from pytest_syncload.facts.clock import MINUTE, ServiceClock, minute_floor
from pytest_syncload.facts.plan import AwsAccess, Environment, Firebase, RequestTemplate, SandboxSettings
from pytest_syncload.facts.result import Tally
from pytest_syncload.load.engine import run
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import Shard
from pytest_syncload.load.snapshot import Merged
from pytest_syncload.sandbox import names
from pytest_syncload.sandbox.launch import launch
from pytest_syncload.sandbox.publisher import client

#: The service's own time, by which a concurrency is a rate.
SERVICE_S = 0.02
REQUEST = RequestTemplate(path="/v1/sync-jobs", json={"source": "drive"}, expect_status=202)
#: (percent of the capacity, wall seconds). The first two show the metric's normal relation to load.
NORMAL = (50, 80)
STEPS = (*((percent, 3) for percent in NORMAL), (90, 2), *((percent, 2) for percent in range(97, 107)))
#: Above its relation to load by so much, a metric has left it.
LEFT = 1.15
BROKEN_PERCENT = 1.0

_TABLE = {"TableName": names.TABLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource: its capacity at a rate, and the metric that is its own."""

    name: str
    capacities: Any
    namespace: str
    metric: str
    dimensions: dict[str, str]
    statistic: str

    def series(self, cloudwatch: Any, begin: float, end: float) -> dict[float, float]:
        """Minute (epoch seconds) → value."""
        stat = {
            "Metric": {
                "Namespace": self.namespace,
                "MetricName": self.metric,
                "Dimensions": [{"Name": name, "Value": value} for name, value in self.dimensions.items()],
            },
            "Period": int(MINUTE),
            "Stat": self.statistic,
        }
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[{"Id": "own", "MetricStat": stat}],
            StartTime=datetime.fromtimestamp(begin, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
            ScanBy="TimestampAscending",
        )
        (result,) = answer["MetricDataResults"]
        return {at.timestamp(): value for at, value in zip(result["Timestamps"], result["Values"], strict=True)}


RESOURCES = (
    Resource(
        name="table",
        capacities=lambda per_s: Capacities(table_per_s=per_s),
        namespace="AWS/DynamoDB",
        metric="WriteThrottleEvents",
        dimensions=_TABLE,
        statistic="Sum",
    ),
    Resource(
        name="index",
        capacities=lambda per_s: Capacities(index_per_s=per_s),
        namespace="AWS/DynamoDB",
        metric="WriteThrottleEvents",
        dimensions=_TABLE | {"GlobalSecondaryIndexName": names.INDEX},
        statistic="Sum",
    ),
    Resource(
        name="workers",
        capacities=lambda per_s: Capacities(workers_per_s=per_s),
        namespace="AWS/SQS",
        metric="ApproximateNumberOfMessagesVisible",
        dimensions={"QueueName": names.QUEUE},
        statistic="Maximum",
    ),
    Resource(
        name="cache",
        capacities=lambda per_s: Capacities(cache_per_s=per_s),
        namespace="AWS/ElastiCache",
        metric="EngineCPUUtilization",
        dimensions={"CacheClusterId": names.NODES[0]},
        statistic="Average",
    ),
    Resource(
        name="concurrency",
        capacities=lambda per_s: Capacities(concurrency=round(per_s * SERVICE_S)),
        namespace="AWS/ECS",
        metric="CPUUtilization",
        dimensions={"ClusterName": names.CLUSTER, "ServiceName": names.SERVICE},
        statistic="Average",
    ),
    Resource(
        name="third party",
        capacities=lambda per_s: Capacities(third_party_per_s=per_s),
        namespace=names.THIRD_PARTY,
        metric="Latency",
        dimensions={"Provider": names.PROVIDER},
        statistic="Average",
    ),
)


def main() -> int:
    """Run them; 0 where each broke at its capacity and was seen before."""
    parser = argparse.ArgumentParser(description="whether each resource of the sandbox breaks at its capacity")
    parser.add_argument("--capacity", type=float, default=1000.0, help="jobs a second; default: 1000")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=[each.name for each in RESOURCES])
    options = parser.parse_args()
    chosen = [each for each in RESOURCES if options.only is None or each.name in options.only]
    told: dict[str, list[dict[str, Any]]] = {each.name: [] for each in chosen}
    for number in range(1, options.runs + 1):
        for each in chosen:
            seen = measured(each, options.capacity)
            told[each.name].append(seen)
            say(json.dumps({"run": number, "resource": each.name, **seen}))
    for line in table(told):
        say(line)
    every = [seen for all_of_it in told.values() for seen in all_of_it]
    return (
        0 if all(seen["broke_at"] and 95 <= seen["broke_at"] <= 105 and seen["seen_before_s"] for seen in every) else 1
    )


def table(told: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """One line a resource: medians and spread."""
    yield "| resource | broke at % of its capacity | failed at 106 % (5.66) | its own metric left before, s |"
    yield "|---|---|---|---|"
    for name, runs in told.items():
        broke = [seen["broke_at"] or float("nan") for seen in runs]
        most = [seen["failed"][str(STEPS[-1][0])] for seen in runs]
        before = [seen["seen_before_s"] or float("nan") for seen in runs]
        yield "| " + " | ".join([name, spread(broke), spread(most), spread(before)]) + " |"


def spread(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.4g} ({min(values):.4g}–{max(values):.4g})"


def say(line: str) -> None:
    """One line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def measured(resource: Resource, capacity: float) -> dict[str, Any]:
    """One run against one sandbox."""
    clock = ServiceClock.starting_now(speed=60)
    settings = SandboxSettings(capacities=resource.capacities(capacity))
    sandbox = launch(settings, clock, None)
    try:
        environment = sandbox.fill(Environment(name="sandbox", line=1, sandbox=settings))
        assert environment.base_url is not None
        assert environment.firebase is not None
        assert environment.aws is not None
        # Steps are whole minutes: each saw one rate. The queue needs two to wake.
        began = clock.monotonic_at(minute_floor(clock.now()) + 3 * MINUTE)
        cloudwatch = _cloudwatch(environment.aws)
        seconds, lag_ms = uvloop.run(offered(environment.base_url, environment.firebase, capacity, began))
        time.sleep(2.5)  # until the last minute is published
        series = resource.series(cloudwatch, clock.at(began), clock.now())
    finally:
        sandbox.close()
    values = [series.get(clock.at(began) + at * MINUTE, 0.0) for at in range(len(seconds))]
    shares = {percent: statistics.mean(seconds[at].failed_percent or 0.0 for at in span) for percent, span in spans()}
    broke_at = next((percent for percent, share in shares.items() if share > BROKEN_PERCENT), None)
    return {
        "broke_at": broke_at,
        "seen_before_s": None if broke_at is None else seen_before(values, broke_at),
        "lag_p99_ms": round(lag_ms, 1),
        "failed": {str(percent): round(share, 2) for percent, share in shares.items()},
        "values": [round(value, 1) for value in values],
    }


def spans() -> Iterator[tuple[int, range]]:
    """Each step's percent, and its wall seconds from the start of the load."""
    begins = 0
    for percent, seconds in STEPS:
        yield percent, range(begins, begins + seconds)
        begins += seconds


def seen_before(values: list[float], broke_at: int) -> int | None:
    """Wall seconds from the first in which the metric was above its relation to load, to the step that broke; None
    where there is none. The relation is a line through what is normal, or the higher of it."""
    of_step = dict(spans())
    low, high = (statistics.mean(values[at] for at in of_step[percent]) for percent in NORMAL)
    slope = max((high - low) / (NORMAL[1] - NORMAL[0]), 0.0)
    for percent, span in spans():
        for at in span:
            if percent > NORMAL[1] and values[at] > LEFT * (high + slope * (percent - NORMAL[1])):
                return of_step[broke_at].start - at if at < of_step[broke_at].start else None
    return None


class Stairs(Pacer):
    """One schedule for all steps, because a pause between two would let the first recover. ``rate_per_s`` is 100 %."""

    @property
    def ends_s(self) -> float:
        """Wall seconds from the start."""
        return float(sum(seconds for _, seconds in STEPS))

    def arrivals_of(self, shard: int, shards: int) -> Iterator[tuple[int, float]]:
        """Evenly spaced within each step, for one shard."""
        index = 0
        for percent, span in spans():
            rate = self.rate_per_s * percent / 100
            for number in range(int(rate * len(span))):
                yield index, span.start + number / rate
                index += 1


async def offered(base_url: str, firebase: Firebase, capacity: float, began: float) -> tuple[list[Tally], float]:
    """What became of the arrivals of each second, and the generator's own lag (p99, ms)."""
    pacer = Stairs(rate_per_s=capacity, ramp_s=0.0, hold_s=0.0)
    shard = Shard(
        base_url=base_url,
        request=REQUEST,
        pacer=pacer,
        shard=0,
        shards=1,
        hold_from_s=0.0,
        hold_to_s=pacer.ends_s,
        timeout_s=10.0,
        in_flight_cap=4000,
        key_prefix="climb",
    )
    merged = Merged()
    async with WarmPool(source_of(firebase), shard=0, shards=1) as users:
        report = await run(shard, users, start_at=began, stop=asyncio.Event(), emit=merged.add)
    return [second.tally for second in merged.timeline()], report.lag_p99_ms


def _cloudwatch(aws: AwsAccess) -> Any:
    assert aws.endpoint_url is not None
    assert aws.access_key_id is not None
    assert aws.secret_access_key is not None
    return client(
        endpoint_url=aws.endpoint_url,
        access_key_id=aws.access_key_id,
        secret_access_key=aws.secret_access_key,
        region=aws.region,
    )


if __name__ == "__main__":
    sys.exit(main())
