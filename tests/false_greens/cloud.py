"""A CloudWatch and an ECS on a real socket, a clock that is stepped, and a load's way from there to its verdict.

Data points are published, and asked for, by boto3's own client; everything from the question to the verdict is the
production code. Nothing waits: time passes only where a scenario or the polling says so.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pytest_syncload.facts.clock import MINUTE, ServiceClock, minute_floor
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.observation import Ruling, Verdict
from pytest_syncload.facts.plan import AwsAccess, Faults, Resources, Slo
from pytest_syncload.facts.result import PhaseResult, Window
from pytest_syncload.facts.tasks import Census
from pytest_syncload.sandbox.aws import Aws
from pytest_syncload.sandbox.cloudwatch import DATUMS_A_CALL, Store
from pytest_syncload.sandbox.getmetricdata import POINTS_A_CALL
from pytest_syncload.sandbox.http import Answer, Request
from pytest_syncload.sandbox.live import Live, TaskState
from pytest_syncload.sources.aws import Patience
from pytest_syncload.sources.aws import client as client_for
from pytest_syncload.sources.cloudwatch import Ask, asks_of, traffic_ask
from pytest_syncload.sources.ecs import TaskPoll
from pytest_syncload.sources.observe import observe
from pytest_syncload.sources.settle import Reading, settle
from pytest_syncload.verdict import judge
from tests.false_greens.entry import Seen
from tests.rows import RESOURCES, TASKS, result
from tests.sandbox.lines import line

KEY = "KEY"
#: One try: what a scenario's CloudWatch refuses, it refuses again.
_ONCE = Patience(attempts=1, connect_s=5, read_s=30)
#: A wait of a service minute ends at once; only `Stepped.step` makes it pass.
_SPEED = 1e6

#: Value → how often it was measured in a minute; None where the minute has no data point.
Samples = Mapping[float, int] | None
FAST: Samples = {20.0: 540, 120.0: 60}
#: Three in ten too slow: the minute's p95 is, and one such minute of three makes the window's so too.
SLOW: Samples = {20.0: 420, 900.0: 180}

_API = ("AWS/ApiGateway", {"ApiName": "syncwell", "Stage": "v1"})
_TABLE = ("AWS/DynamoDB", {"TableName": "sync-jobs"})
_INDEX = ("AWS/DynamoDB", {"TableName": "sync-jobs", "GlobalSecondaryIndexName": "by-user"})
_QUEUE = ("AWS/SQS", {"QueueName": "hot-path"})
_SERVICE = ("AWS/ECS", {"ClusterName": "syncwell", "ServiceName": "worker"})
_FIRST = ("AWS/ElastiCache", {"CacheClusterId": "syncwell-001"})
_SECOND = ("AWS/ElastiCache", {"CacheClusterId": "syncwell-002"})
#: What a healthy minute publishes; throttles are never zero, but absent, and the table is on demand.
_PUBLISHED: dict[str, tuple[tuple[str, dict[str, str]], Samples]] = {
    "Count": (_API, {1.0: 600}),
    "Latency": (_API, FAST),
    "5XXError": (_API, {0.0: 600}),
    "ConsumedReadCapacityUnits": (_TABLE, {1.0: 600}),
    "ConsumedWriteCapacityUnits": (_TABLE, {1.0: 600}),
    "WriteThrottleEvents": (_TABLE, None),
    "ProvisionedReadCapacityUnits": (_TABLE, None),
    "ProvisionedWriteCapacityUnits": (_TABLE, None),
    "index ConsumedWriteCapacityUnits": (_INDEX, {1.0: 600}),
    "index WriteThrottleEvents": (_INDEX, None),
    "ApproximateNumberOfMessagesVisible": (_QUEUE, {3.0: 1}),
    "CPUUtilization": (_SERVICE, {40.0: 4}),
    "001 EngineCPUUtilization": (_FIRST, {20.0: 1}),
    "001 CPUUtilization": (_FIRST, {12.0: 1}),
    "002 EngineCPUUtilization": (_SECOND, {20.0: 1}),
    "002 CPUUtilization": (_SECOND, {12.0: 1}),
}


@dataclass(frozen=True, slots=True)
class Stepped(ServiceClock):
    """A clock that stands still until it is stepped."""

    moment: list[float] = field(default_factory=lambda: [0.0])

    def now(self) -> float:
        """Service time, epoch seconds."""
        return self.moment[0]

    def step(self, seconds: float) -> None:
        """Let service time pass."""
        self.moment[0] += seconds


class Cloud:
    """What a scenario publishes to, asks and is judged by. ``url`` is set once it is served."""

    def __init__(self) -> None:
        self.url = ""
        self._clients: dict[tuple[str, str], Any] = {}
        self.fresh()

    def fresh(
        self,
        minutes: int = 3,
        *,
        faults: Faults | None = None,
        points_a_call: int = POINTS_A_CALL,
        after_hold: float = 9.0,
    ) -> None:
        """An AWS that knows nothing, ``after_hold`` minutes after a hold of so many ``minutes``."""
        start = minute_floor(time.time()) - 6 * 3600
        self.window = Window(start=start, end=start + minutes * MINUTE)
        self.clock = Stepped(start, 0.0, _SPEED, [self.window.end + after_hold * MINUTE])
        self.live = Live()
        self.asked: Counter[str] = Counter()
        self.rewrite: Callable[[str, Any, Any], None] = lambda operation, request, answer: None
        self.forget_tokens = False
        self._aws = Aws(Store(), self.clock, KEY, points_a_call, live=self.live, faults=faults)

    def answer(self, request: Request) -> Answer:
        """The double's answer, or what ``rewrite(operation, request, answer)`` makes of its JSON."""
        operation = request.header("x-amz-target").rpartition(".")[2]
        self.asked[operation] += 1
        if self.forget_tokens and operation == "GetMetricData":
            asked = json.loads(request.body)
            asked.pop("NextToken", None)
            request = replace(request, body=json.dumps(asked).encode())
        made = self._aws.answer(request)
        if made.status != 200 or operation in ("", "PutMetricData"):
            return made  # the query protocol, which names no target, speaks XML
        said = json.loads(made.body)
        self.rewrite(operation, json.loads(request.body), said)
        return replace(made, body=json.dumps(said).encode())

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """The production code's client for the sandbox."""
        if (service, region) not in self._clients:
            access = AwsAccess(
                region=region, endpoint_url=self.url, access_key_id=KEY, secret_access_key="not-a-secret"
            )
            self._clients[service, region] = client_for(service, access, patience=_ONCE)
        return self._clients[service, region]

    def publish(self, name: str, minutes: Iterable[Samples], first: int = 0) -> None:
        """Put a metric of ``_PUBLISHED``, a minute after the other; minute 0 is the hold's first."""
        (namespace, dimensions), _ = _PUBLISHED[name]
        self._put(namespace, self._data(name, dimensions, minutes, first))

    def _put(self, namespace: str, data: list[dict[str, Any]]) -> None:
        for at in range(0, len(data), DATUMS_A_CALL):
            self.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data[at : at + DATUMS_A_CALL])

    def _data(
        self, name: str, dimensions: dict[str, str], minutes: Iterable[Samples], first: int
    ) -> list[dict[str, Any]]:
        return [
            {
                "MetricName": name.rpartition(" ")[2],
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                "Timestamp": datetime.fromtimestamp(self.window.start + (first + number) * MINUTE, UTC),
                "Values": list(samples),
                "Counts": list(samples.values()),
            }
            for number, samples in enumerate(minutes)
            if samples
        ]

    def healthy(self, changed: Mapping[str, Sequence[Samples]] | None = None, first: int = 0) -> None:
        """Publish all that a healthy hold does, with some metrics changed, minute by minute."""
        told = changed or {}
        data: dict[str, list[dict[str, Any]]] = {}
        for name, ((namespace, dimensions), samples) in _PUBLISHED.items():
            of_namespace = data.setdefault(namespace, [])
            if name in told:
                of_namespace += self._data(name, dimensions, told[name], first)
            elif samples is not None:
                of_namespace += self._data(name, dimensions, [samples] * len(self.window.minutes), 0)
        for namespace, of_namespace in data.items():
            self._put(namespace, of_namespace)

    def load(self, **changes: Any) -> PhaseResult:
        """The load that this hold saw: ten requests a wall second, all answered well."""
        return result(**({"window": self.window, "wire_requests": 600 * len(self.window.minutes)} | changes))

    def verdict(
        self,
        slo: Slo,
        *,
        load: PhaseResult | None = None,
        resources: Resources = RESOURCES,
        region: str = "us-east-1",
        meanwhile: Callable[[int], None] = lambda attempt: None,
    ) -> Verdict:
        """Ask until it has settled, observe, judge. ``meanwhile(attempt)`` happens before each further poll."""
        measured = load or self.load()

        def waiting(attempt: int, what: str) -> None:
            meanwhile(attempt)
            self.clock.step(1.05 * MINUTE)

        asks: tuple[Ask, ...] = ()
        with contextlib.suppress(Inconclusive):  # as the conductor does: the row's own verdict says why
            asks = asks_of(slo, resources, measured.window)
        reading = settle(
            self.client("cloudwatch", region),
            asks,
            traffic_ask(resources, measured.window),
            self.clock,
            wire_requests=measured.wire_requests,
            in_flight_edges=measured.in_flight_edges,
            waiting=waiting,
        )
        return judge(observe(slo, reading, resources, measured), measured, reading.problem)

    def census(self, polls: Iterable[float], tasks: Callable[[float], list[TaskState]]) -> Census:
        """What polls of ECS at these minutes of the hold saw of ``tasks``, which gives those of a moment."""
        poll = TaskPoll(self.client("ecs"), "syncwell", "worker", self.clock.now)
        for minute in polls:
            now = self.window.start + minute * MINUTE
            self.clock.moment[0] = now
            self.live.hear(line(tasks=tasks(now)))
            poll.poll()
        return poll.census()

    def verdict_on_tasks(self, census: Census) -> Verdict:
        """The verdict on the tasks of this hold."""
        measured = self.load()
        nothing_read = Reading(answers={}, problem=None, attempts=0)
        return judge(observe(TASKS, nothing_read, RESOURCES, measured, census), measured, None)


class OtherReason(AssertionError):
    """A verdict is not green, and not for the reason that the scenario expects."""


def seen(verdict: Verdict, says: str) -> Seen:
    """What a verdict shows as. One that is not green must be so for the reason that ``says``; raises `OtherReason`."""
    if verdict.ruling is Ruling.PASS:
        return Seen.GREEN
    if says not in verdict.reason:
        raise OtherReason(f"{says!r} is not why: {verdict.reason}")
    return Seen.RED if verdict.ruling is Ruling.BREACH else Seen.ERROR
