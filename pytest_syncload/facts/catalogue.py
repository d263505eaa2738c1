"""The presets a row can name, as data: the CloudWatch queries, how they fold, what a missing data point means.

A new metric is an entry here; only a new way of folding needs code, in `sources/fold.py`. Names, dimensions and
missing-data behaviour are AWS's: "Amazon API Gateway dimensions and metrics", "DynamoDB metrics and dimensions",
"Amazon ECS CloudWatch metrics", "Available CloudWatch metrics for Amazon SQS", "Metrics for Valkey and Redis OSS".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.plan import RawQuery, Resources, Slo
from pytest_syncload.facts.units import Kind


class Role(StrEnum):
    """What a query is for. ALIVE shows that its sibling's silence means zero."""

    VALUE = "value"
    NUMERATOR = "numerator"
    DENOMINATOR = "denominator"
    ALIVE = "alive"


class Fold(StrEnum):
    """How what was read becomes one value."""

    WORST = "one statistic over the whole window, of the worst resource"
    RATIO = "100 × numerator ÷ denominator"
    SUM = "sum over the window and all resources"
    TASKS = "100 × tasks that an application error stopped ÷ tasks alive in the window"


class Absent(StrEnum):
    """What a query without a data point means."""

    INCONCLUSIVE = "inconclusive"
    ZERO_BESIDE_DENOMINATOR = "0 where the denominator has data, else inconclusive"
    ZERO_WHILE_ALIVE = "0 while a sibling metric shows traffic, else inconclusive"


class Rule(StrEnum):
    """What a row may ask of a metric's minutes besides its value, by the key in slo.yaml."""

    SUSTAINED = "sustained"
    GROWTH = "growth"
    DRAINS = "drains_within"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One CloudWatch metric and statistic. ``group`` ties a value to the ALIVE queries of the same resource."""

    role: Role
    namespace: str
    name: str
    statistic: str
    dimensions: tuple[tuple[str, str], ...]
    group: str = ""

    def __str__(self) -> str:
        where = ", ".join(f"{name}={value}" for name, value in self.dimensions)
        return f"{self.namespace} {self.name} {self.statistic} {{{where}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A query before the environment's resources are put in.

    ``each`` repeats it over ``tables``, ``indexes`` or ``nodes``; over ``rest`` or ``http`` it is there only where the
    environment's API is of that kind.
    """

    role: Role
    name: str
    statistic: str
    dimensions: tuple[tuple[str, str], ...]
    each: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A named metric.

    ``statistics`` are the ones a row may ask for; the first is the default, none means that there is no choice.
    ``factor`` turns CloudWatch's unit into the canonical one of ``kind``. ``client_view`` names the load's own figure
    that is judged beside it. ``every_request`` says that the metric has a sample for each request. ``rules`` are the
    ones a row may add. A preset that is not ``built`` is known to slo.yaml, and its row is an error that says so.
    """

    name: str
    kind: Kind
    what: str
    namespace: str = ""
    fold: Fold = Fold.WORST
    absent: Absent = Absent.INCONCLUSIVE
    templates: tuple[Template, ...] = ()
    statistics: tuple[str, ...] = ()
    factor: float = 1.0
    client_view: str | None = None
    every_request: bool = False
    rules: frozenset[Rule] = frozenset()
    built: bool = True


_REST = (("ApiName", "{rest_api}"), ("Stage", "{stage}"))
_HTTP = (("ApiId", "{http_api}"), ("Stage", "{stage}"))
_TABLE = (("TableName", "{table}"),)
#: A table's own figure leaves its indexes out.
_INDEX = (*_TABLE, ("GlobalSecondaryIndexName", "{index}"))
_SERVICE = (("ClusterName", "{cluster}"), ("ServiceName", "{service}"))
_QUEUE = (("QueueName", "{queue}"),)
_NODE = (("CacheClusterId", "{node}"),)
_PERCENTILES = ("p95", "p50", "p90", "p99", "p99.9", "Average", "Maximum")
#: Average is the service's or the node's, Maximum that of its hottest task or minute.
_UTILISATION = ("Average", "Maximum")
#: Minutes that a hold needs before its growth, or the absence of it, can be seen: of five only a rise without one step
#: back is significant, of four none is. Of simulated rises eight times as large as the noise, a test over six minutes
#: let one in a hundred pass, over five four, over four nine.
GROWTH_MINUTES = 6

_LEVEL = frozenset({Rule.SUSTAINED, Rule.GROWTH})
#: Growth is judged on one series, and the worst of several nodes is not one.
_SUSTAINED = frozenset({Rule.SUSTAINED})


def _level(name: str, each: str | None, dimensions: tuple[tuple[str, str], ...]) -> Template:
    return Template(role=Role.VALUE, name=name, statistic="{statistic}", dimensions=dimensions, each=each)


def _sum(role: Role, name: str, each: str, dimensions: tuple[tuple[str, str], ...]) -> Template:
    return Template(role=role, name=name, statistic="Sum", dimensions=dimensions, each=each)


def _unbuilt(name: str, kind: Kind, what: str, statistics: tuple[str, ...] = ()) -> Preset:
    return Preset(name=name, kind=kind, what=what, statistics=statistics, built=False)


#: Requests that API Gateway counted in the window: what every phase's own count is reconciled with.
REQUEST_COUNT = Preset(
    name="the reconciliation of request counts",
    kind=Kind.COUNT,
    what="requests that API Gateway counted",
    namespace="AWS/ApiGateway",
    fold=Fold.SUM,
    templates=(_sum(Role.VALUE, "Count", "rest", _REST), _sum(Role.VALUE, "Count", "http", _HTTP)),
)

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="apigateway.latency",
            kind=Kind.TIME,
            what="time from API Gateway receiving a request to its answer",
            namespace="AWS/ApiGateway",
            templates=(_level("Latency", "rest", _REST), _level("Latency", "http", _HTTP)),
            statistics=_PERCENTILES,
            every_request=True,
            rules=_LEVEL,
        ),
        Preset(
            name="apigateway.5xx",
            kind=Kind.SHARE,
            what="share of requests that API Gateway answered with 5xx, or that failed as the client saw it: the worse",
            namespace="AWS/ApiGateway",
            fold=Fold.RATIO,
            absent=Absent.ZERO_BESIDE_DENOMINATOR,
            templates=(
                _sum(Role.NUMERATOR, "5XXError", "rest", _REST),
                _sum(Role.DENOMINATOR, "Count", "rest", _REST),
                _sum(Role.NUMERATOR, "5xx", "http", _HTTP),
                _sum(Role.DENOMINATOR, "Count", "http", _HTTP),
            ),
            client_view="failed",
        ),
        Preset(
            name="dynamodb.throttles",
            kind=Kind.COUNT,
            what="throttled reads and writes of every listed table and index",
            namespace="AWS/DynamoDB",
            fold=Fold.SUM,
            absent=Absent.ZERO_WHILE_ALIVE,
            templates=tuple(
                _sum(role, name, each, dimensions)
                for each, dimensions in (("tables", _TABLE), ("indexes", _INDEX))
                for role, name in (
                    (Role.VALUE, "ReadThrottleEvents"),
                    (Role.VALUE, "WriteThrottleEvents"),
                    (Role.ALIVE, "ConsumedReadCapacityUnits"),
                    (Role.ALIVE, "ConsumedWriteCapacityUnits"),
                )
            ),
        ),
        Preset(
            name="ecs.cpu",
            kind=Kind.SHARE,
            what="CPU in use by the Fargate service: the mean of its tasks, or the hottest one (Maximum)",
            namespace="AWS/ECS",
            templates=(_level("CPUUtilization", None, _SERVICE),),
            statistics=_UTILISATION,
            rules=_LEVEL,
        ),
        Preset(
            name="ecs.memory",
            kind=Kind.SHARE,
            what="memory in use by the Fargate service: the mean of its tasks, or the fullest one (Maximum)",
            namespace="AWS/ECS",
            templates=(_level("MemoryUtilization", None, _SERVICE),),
            statistics=_UTILISATION,
            rules=_LEVEL,
        ),
        Preset(
            name="ecs.task_errors",
            kind=Kind.SHARE,
            what="share of the Fargate tasks alive in the window that an application error stopped, as ECS tells it",
            fold=Fold.TASKS,
        ),
        Preset(
            name="sqs.visible",
            kind=Kind.COUNT,
            what="messages waiting in the queue",
            namespace="AWS/SQS",
            templates=(_level("ApproximateNumberOfMessagesVisible", None, _QUEUE),),
            statistics=("Maximum", "Average"),
            rules=frozenset(Rule),
        ),
        Preset(
            name="sqs.oldest",
            kind=Kind.TIME,
            what="age of the oldest message in the queue",
            namespace="AWS/SQS",
            templates=(_level("ApproximateAgeOfOldestMessage", None, _QUEUE),),
            statistics=("Maximum", "Average"),
            factor=1000.0,  # CloudWatch has seconds
            rules=frozenset(Rule),
        ),
        Preset(
            name="elasticache.cpu",
            kind=Kind.SHARE,
            what="CPU of the worst cache node: the engine's or the host's, whichever is more",
            namespace="AWS/ElastiCache",
            # On a node with 2 vCPU an engine at its end shows as 50 % of the host, so both are asked.
            templates=(_level("EngineCPUUtilization", "nodes", _NODE), _level("CPUUtilization", "nodes", _NODE)),
            statistics=_UTILISATION,
            rules=_SUSTAINED,
        ),
        Preset(
            name="elasticache.engine_cpu",
            kind=Kind.SHARE,
            what="engine CPU of the worst cache node",
            namespace="AWS/ElastiCache",
            templates=(_level("EngineCPUUtilization", "nodes", _NODE),),
            statistics=_UTILISATION,
            rules=_SUSTAINED,
        ),
        Preset(
            name="elasticache.host_cpu",
            kind=Kind.SHARE,
            what="host CPU of the worst cache node",
            namespace="AWS/ElastiCache",
            templates=(_level("CPUUtilization", "nodes", _NODE),),
            statistics=_UTILISATION,
            rules=_SUSTAINED,
        ),
        _unbuilt("load.breaking_point", Kind.RATE, "the first rate of a climb that did not hold"),
        _unbuilt("load.headroom", Kind.SHARE, "how far the breaking point lies above the peak's rate"),
        _unbuilt("idempotency.violations", Kind.COUNT, "broken promises of the Idempotency-Key"),
    )
}


def preset_of(slo: Slo) -> Preset:
    """The preset a row names, or one that stands for the query it writes out."""
    if slo.query is None:
        return PRESETS[slo.metric or ""]
    return Preset(
        name="query",
        kind=slo.target.kind,
        what="a CloudWatch metric written out in slo.yaml",
        absent=Absent.INCONCLUSIVE if slo.alive is None else Absent.ZERO_WHILE_ALIVE,
        factor=slo.query.factor,
    )


def statistic_of(slo: Slo) -> str:
    """The statistic a row is judged by: its own, or its preset's first; empty where there is no choice."""
    statistics = preset_of(slo).statistics
    return slo.statistic or (statistics[0] if statistics else "")


def queries_for(slo: Slo, resources: Resources) -> tuple[Query, ...]:
    """The CloudWatch queries of a row; none where its value comes from elsewhere.

    Raises:
        Inconclusive: the preset is not built yet, or the environment does not list a resource the row looks at.
    """
    if slo.query is not None:
        value = _raw(Role.VALUE, slo.query, slo.statistic or "")
        return (value,) if slo.alive is None else (value, _raw(Role.ALIVE, slo.alive, "SampleCount"))
    preset = preset_of(slo)
    if not preset.built:
        raise Inconclusive(f"{preset.name} is known but not measured by this version; nothing was proven about it")
    if preset.fold is Fold.TASKS:
        service_of(resources, preset.name)
    return fill(preset, resources, statistic_of(slo))


def fill(preset: Preset, resources: Resources, statistic: str) -> tuple[Query, ...]:
    """The preset's queries for these resources, in order. Raises `Inconclusive` where a resource is not listed."""
    return tuple(
        _query(preset, template, names, statistic)
        for template in preset.templates
        for names in _repeats(template, resources, preset.name)
    )


def service_of(resources: Resources, wanted_by: str) -> tuple[str, str]:
    """The ECS cluster and service. Raises `Inconclusive` where none is listed."""
    if not resources.ecs_cluster or not resources.ecs_service:
        raise Inconclusive(_not_listed(wanted_by, "resources.ecs"))
    return resources.ecs_cluster, resources.ecs_service


def _query(preset: Preset, template: Template, names: dict[str, str | None], statistic: str) -> Query:
    filled = []
    for dimension, pattern in template.dimensions:
        key = pattern.strip("{}")
        value = names[key]
        if not value:
            raise Inconclusive(_not_listed(preset.name, _WHERE[key]))
        filled.append((dimension, value))
    return Query(
        role=template.role,
        namespace=preset.namespace,
        name=template.name,
        statistic=statistic if template.statistic == "{statistic}" else template.statistic,
        dimensions=tuple(filled),
        group="/".join(names[key] or "" for key in ("table", "index", "node") if key in names),
    )


def _repeats(template: Template, resources: Resources, wanted_by: str) -> Iterator[dict[str, str | None]]:
    """The names to fill in, once for each resource the template looks at."""
    names = {
        "rest_api": resources.rest_api,
        "http_api": resources.http_api,
        "stage": resources.stage,
        "cluster": resources.ecs_cluster,
        "service": resources.ecs_service,
        "queue": resources.queue,
    }
    match template.each:
        case None:
            yield names
        case "rest" | "http":
            kind = "http" if resources.http_api else "rest"
            if template.each == kind:
                yield names
        case "nodes":
            if not resources.cache:
                raise Inconclusive(_not_listed(wanted_by, "resources.cache"))
            for node in resources.cache:
                yield {**names, "node": node}
        case "tables" | "indexes":
            if not resources.tables:
                raise Inconclusive(_not_listed(wanted_by, "resources.tables"))
            for table, indexes in resources.tables.items():
                if template.each == "tables":
                    yield {**names, "table": table}
                else:
                    for index in indexes:
                        yield {**names, "table": table, "index": index}


_WHERE = {
    "rest_api": "resources.api.rest (or .http)",
    "http_api": "resources.api.http",
    "stage": "resources.api.stage",
    "cluster": "resources.ecs",
    "service": "resources.ecs",
    "queue": "resources.queue",
}


def _not_listed(wanted_by: str, what: str) -> str:
    return f"{wanted_by} needs {what} of the environment, which lists none; add it"


def _raw(role: Role, query: RawQuery, statistic: str) -> Query:
    return Query(
        role=role, namespace=query.namespace, name=query.name, statistic=statistic, dimensions=query.dimensions
    )
