"""The series of a climb that may say what broke first: which are asked, and where in the chain of calls each stands.

They are evidence and no verdict: what is missing here makes no row inconclusive, but the ranking says so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_syncload.facts.bottleneck import Place, Track, Worse
from pytest_syncload.facts.catalogue import PRESETS, Fold, Query, Role, fill, preset_of, queries_for
from pytest_syncload.facts.clock import MINUTE, minute_floor
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.plan import Resources, Slo
from pytest_syncload.facts.result import PhaseResult, Second, Window
from pytest_syncload.facts.units import Kind
from pytest_syncload.sources.cloudwatch import COMPLETE, MINUTE_S, Answer, Ask

#: Presets that tell of a resource's end, whether or not a row asks for them.
_TELLING = (
    "apigateway.latency",
    "apigateway.5xx",
    "ecs.cpu",
    "ecs.memory",
    "dynamodb.throttles",
    "sqs.visible",
    "sqs.oldest",
    "elasticache.cpu",
)
_PLACES = {
    "AWS/ApiGateway": Place.API,
    "AWS/ECS": Place.SERVICE,
    "ECS/ContainerInsights": Place.SERVICE,
    "AWS/DynamoDB": Place.BACKEND,
    "AWS/SQS": Place.BACKEND,
    "AWS/ElastiCache": Place.BACKEND,
}
#: What is always in proportion to the load, and ends nothing. Counts of failures have longer names.
_TRAFFIC = re.compile(r"(Request)?Count|Requests|Invocations|(Consumed|Provisioned|Reserved|NumberOfMessages).*")
_WHOLE = 100.0
#: "Values must be in the range of -2^360 to 2^360" (API Reference, MetricDatum).
_MOST = 2.0**360
_AT_LEAST = (">", ">=")
#: Dimensions that name a resource.
_NODE_ID = "CacheClusterId"
_NAMING = ("TableName", "QueueName", _NODE_ID, "ServiceName", "ApiName", "ApiId")
_INDEX = "GlobalSecondaryIndexName"
#: What ElastiCache puts behind a replication group's name to name its nodes: the node's number, in cluster mode the
#: shard's before it (Amazon ElastiCache User Guide, "Finding connection endpoints in ElastiCache").
_NODE = re.compile(r"(-\d{4})?-\d{3}$")


@dataclass(frozen=True, slots=True)
class Looked:
    """A query whose series is looked at, what its values are, and the row's limit on them where a row has one."""

    query: Query
    kind: Kind
    factor: float
    silent_is_zero: bool
    limit: float | None = None
    worse: Worse = Worse.UP


def looked_at(rows: Iterable[Slo], resources: Resources) -> tuple[Looked, ...]:
    """What the rows ask, and what tells of a listed resource's end, each once."""
    found: dict[str, Looked] = {}
    for slo in rows:
        preset = preset_of(slo)
        if preset.fold is Fold.COST:
            continue  # what is billed is in proportion to the load
        try:
            queries = queries_for(slo, resources)
        except Inconclusive:
            continue  # the row's own verdict says why
        for query in queries:
            if _tells(query):
                kind = Kind.COUNT if query.role is not Role.VALUE or query.statistic == "Sum" else preset.kind
                is_value = query.role is Role.VALUE
                limit = slo.target.value if is_value and slo.target.op != "==" else None
                worse = Worse.DOWN if is_value and slo.target.op in _AT_LEAST else Worse.UP
                found[str(query)] = Looked(query, kind, preset.factor, query.statistic == "Sum", limit or None, worse)
    for name in _TELLING:
        telling = PRESETS[name]
        try:
            queries = fill(telling, resources, (telling.statistics or ("",))[0])
        except Inconclusive:
            continue  # the environment does not list it
        for query in queries:
            if _tells(query) and str(query) not in found:
                kind = Kind.COUNT if query.statistic == "Sum" else telling.kind
                found[str(query)] = Looked(query, kind, telling.factor, query.statistic == "Sum")
    return tuple(found.values())


def asks_for(looked: Sequence[Looked], window: Window) -> tuple[Ask, ...]:
    """A minute's value each, over the climb."""
    return tuple(Ask(each.query, MINUTE_S, window) for each in looked)


def tracks(looked: Sequence[Looked], answers: Mapping[Ask, Answer], window: Window) -> tuple[Track, ...]:
    """A series for each query, without values where CloudWatch did not answer it in full."""
    by_query = {ask.query: answer for ask, answer in answers.items()}
    return tuple(_track(each, by_query.get(each.query), window) for each in looked)


def client_tracks(result: PhaseResult, begins_at: float, speed: float) -> tuple[Track, ...]:
    """What the client saw, by service minutes: the worst second's p95, and the share that failed.

    ``begins_at`` is the service time of the phase's start, ``speed`` service seconds a wall second.
    """
    minutes: dict[float, list[Second]] = {}
    for second in result.timeline:
        minutes.setdefault(minute_floor(begins_at + second.at_s * speed), []).append(second)
    stamps = tuple(sorted(minutes))
    p95 = {at: max((one.p95_ms for one in minutes[at] if one.p95_ms is not None), default=math.nan) for at in stamps}
    known = tuple(at for at in stamps if math.isfinite(p95[at]))
    return (
        _of_client("p95", Kind.TIME, known, [p95[at] for at in known]),
        _of_client("failed requests", Kind.SHARE, stamps, [_failed_percent(minutes[at]) for at in stamps]),
    )


def _failed_percent(seconds: Sequence[Second]) -> float:
    arrivals = sum(second.tally.arrivals for second in seconds)
    return 100 * sum(second.tally.failed for second in seconds) / max(arrivals, 1)


def _of_client(name: str, kind: Kind, stamps: tuple[float, ...], values: Sequence[float]) -> Track:
    return Track(
        name=name,
        resource="client",
        kind=kind,
        worse=Worse.UP,
        place=Place.CLIENT,
        timestamps=stamps,
        values=tuple(values),
        ceiling=_WHOLE if kind is Kind.SHARE else None,
    )


def _tells(query: Query) -> bool:
    return query.role in (Role.VALUE, Role.NUMERATOR) and not _TRAFFIC.fullmatch(query.name)


def _track(looked: Looked, answer: Answer | None, window: Window) -> Track:
    query, told, unread = looked.query, {}, None
    if answer is None:
        unread = "CloudWatch was not asked, or did not answer"
    elif answer.status != COMPLETE:
        unread = f"CloudWatch's answer is {answer.status}, not {COMPLETE}"
    else:
        told = {at: value * looked.factor for at, value in zip(answer.timestamps, answer.values, strict=True)}
        if any(abs(value) > _MOST for value in told.values()):
            told, unread = {}, "a value is beyond any that CloudWatch has"
    if looked.silent_is_zero and unread is None:
        told = dict.fromkeys(window.minutes, 0.0) | told
    dimensions = dict(query.dimensions)
    place = _PLACES.get(query.namespace, Place.BACKEND)
    return Track(
        name=f"{_name(dimensions)} {query.name}",
        resource=_resource(dimensions),
        kind=looked.kind,
        worse=looked.worse,
        place=Place.BEHIND if _INDEX in dimensions else place,
        timestamps=tuple(sorted(told)),
        values=tuple(told[at] for at in sorted(told)),
        period_s=MINUTE,
        limit=looked.limit,
        ceiling=_WHOLE if looked.kind is Kind.SHARE else None,
        unread=unread,
    )


def _name(dimensions: Mapping[str, str]) -> str:
    """Whose series it is, in a word."""
    if (index := dimensions.get(_INDEX)) is not None:
        return f"{dimensions.get('TableName', '')}/{index}"
    return next((dimensions[key] for key in _NAMING if key in dimensions), next(iter(dimensions.values()), "account"))


def _resource(dimensions: Mapping[str, str]) -> str:
    """Whose series it is, alike for all nodes of a cache, and told apart from another service's of the same name."""
    naming = next((key for key in _NAMING if key in dimensions), "")
    name = _name(dimensions)
    return f"{naming} {_NODE.sub('', name) if naming == _NODE_ID else name}"
