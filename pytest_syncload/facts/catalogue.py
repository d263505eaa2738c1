"""The presets a row can name, as data: the CloudWatch queries, how they fold, what a missing data point means.

A new metric is an entry here; only a new way of folding needs code, in `sources/fold.py`. Names, dimensions and
missing-data behaviour are AWS's: "Amazon API Gateway dimensions and metrics" and "DynamoDB metrics and dimensions" in
their developer guides.
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
    """How the queries' answers become one value."""

    WHOLE_WINDOW = "one statistic over the whole window"
    RATIO = "100 × numerator ÷ denominator"
    SUM = "sum over the window and all resources"


class Absent(StrEnum):
    """What a query without a data point means."""

    INCONCLUSIVE = "inconclusive"
    ZERO_BESIDE_DENOMINATOR = "0 where the denominator has data, else inconclusive"
    ZERO_WHILE_ALIVE = "0 while a sibling metric shows traffic, else inconclusive"


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
    """A query before the environment's resources are put in. ``each`` repeats it: over ``tables`` or ``indexes``."""

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
    that is judged beside it. ``every_request`` says that the metric has a sample for each request. A preset that is not
    ``built`` is known to slo.yaml, and its row is an error that says so.
    """

    name: str
    kind: Kind
    what: str
    namespace: str = ""
    fold: Fold = Fold.WHOLE_WINDOW
    absent: Absent = Absent.INCONCLUSIVE
    templates: tuple[Template, ...] = ()
    statistics: tuple[str, ...] = ()
    factor: float = 1.0
    client_view: str | None = None
    every_request: bool = False
    built: bool = True


_REST = (("ApiName", "{rest_api}"), ("Stage", "{stage}"))
_TABLE = (("TableName", "{table}"),)
#: A table's own figure leaves its indexes out.
_INDEX = (*_TABLE, ("GlobalSecondaryIndexName", "{index}"))
_PERCENTILES = ("p95", "p50", "p90", "p99", "p99.9", "Average", "Maximum")


def _unbuilt(name: str, kind: Kind, what: str, statistics: tuple[str, ...] = ()) -> Preset:
    return Preset(name=name, kind=kind, what=what, statistics=statistics, built=False)


#: Requests that API Gateway counted in the window: what every phase's own count is reconciled with.
REQUEST_COUNT = Template(role=Role.VALUE, name="Count", statistic="Sum", dimensions=_REST)

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="apigateway.latency",
            kind=Kind.TIME,
            what="time from API Gateway receiving a request to its answer",
            namespace="AWS/ApiGateway",
            templates=(Template(role=Role.VALUE, name="Latency", statistic="{statistic}", dimensions=_REST),),
            statistics=_PERCENTILES,
            every_request=True,
        ),
        Preset(
            name="apigateway.5xx",
            kind=Kind.SHARE,
            what="share of requests that API Gateway answered with 5xx, or that failed as the client saw it: the worse",
            namespace="AWS/ApiGateway",
            fold=Fold.RATIO,
            absent=Absent.ZERO_BESIDE_DENOMINATOR,
            templates=(
                Template(role=Role.NUMERATOR, name="5XXError", statistic="Sum", dimensions=_REST),
                Template(role=Role.DENOMINATOR, name="Count", statistic="Sum", dimensions=_REST),
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
                Template(role=role, name=name, statistic="Sum", dimensions=dimensions, each=each)
                for each, dimensions in (("tables", _TABLE), ("indexes", _INDEX))
                for role, name in (
                    (Role.VALUE, "ReadThrottleEvents"),
                    (Role.VALUE, "WriteThrottleEvents"),
                    (Role.ALIVE, "ConsumedReadCapacityUnits"),
                    (Role.ALIVE, "ConsumedWriteCapacityUnits"),
                )
            ),
        ),
        _unbuilt("ecs.cpu", Kind.SHARE, "CPU utilisation of the Fargate service", ("Average", "Maximum")),
        _unbuilt("ecs.memory", Kind.SHARE, "memory utilisation of the Fargate service", ("Average", "Maximum")),
        _unbuilt("ecs.task_errors", Kind.SHARE, "share of Fargate tasks stopped by an application error"),
        _unbuilt("sqs.visible", Kind.COUNT, "messages waiting in the queue", ("Maximum", "Average")),
        _unbuilt("sqs.oldest", Kind.TIME, "age of the oldest message in the queue", ("Maximum",)),
        _unbuilt("elasticache.engine_cpu", Kind.SHARE, "engine CPU of the worst cache node", ("Average", "Maximum")),
        _unbuilt("elasticache.cpu", Kind.SHARE, "host CPU of the worst cache node", ("Average", "Maximum")),
        _unbuilt("load.breaking_point", Kind.RATE, "the first rate of a climb that did not hold"),
        _unbuilt("load.headroom", Kind.SHARE, "how far the breaking point lies above the peak's rate"),
        _unbuilt("idempotency.violations", Kind.COUNT, "broken promises of the Idempotency-Key"),
    )
}


def queries_for(slo: Slo, resources: Resources) -> tuple[Query, ...]:
    """The CloudWatch queries of a row.

    Raises:
        Inconclusive: the preset is not built yet, or the environment does not list a resource the row looks at.
    """
    if slo.query is not None:
        value = _raw(Role.VALUE, slo.query, slo.statistic or "")
        return (value,) if slo.alive is None else (value, _raw(Role.ALIVE, slo.alive, "SampleCount"))
    preset = PRESETS[slo.metric or ""]
    if not preset.built:
        raise Inconclusive(f"{preset.name} is known but not measured by this version; nothing was proven about it")
    statistic = slo.statistic or (preset.statistics[0] if preset.statistics else "")
    return tuple(
        query
        for template in preset.templates
        for query in fill(template, preset.namespace, resources, statistic, preset.name)
    )


def fill(template: Template, namespace: str, resources: Resources, statistic: str, wanted_by: str) -> Iterator[Query]:
    """The template's queries for these resources, in order. Raises `Inconclusive` where a resource is not listed."""
    for names in _repeats(template, resources, wanted_by):
        filled = []
        for dimension, pattern in template.dimensions:
            key = pattern.strip("{}")
            value = names[key]
            if not value:
                raise Inconclusive(f"{wanted_by} needs {_WHERE[key]} of the environment, which is missing; add it")
            filled.append((dimension, value))
        yield Query(
            role=template.role,
            namespace=namespace,
            name=template.name,
            statistic=statistic if template.statistic == "{statistic}" else template.statistic,
            dimensions=tuple(filled),
            group="/".join(names[key] or "" for key in ("table", "index") if key in names),
        )


def _repeats(template: Template, resources: Resources, wanted_by: str) -> Iterator[dict[str, str | None]]:
    """The names to fill in, once for each resource the template looks at."""
    plain = {"rest_api": resources.rest_api, "stage": resources.stage}
    if template.each is None:
        yield plain
        return
    if not resources.tables:
        raise Inconclusive(
            f"{wanted_by} needs resources.tables of the environment, which lists none; add the table's name"
        )
    for table, indexes in resources.tables.items():
        if template.each == "tables":
            yield {**plain, "table": table}
        else:
            for index in indexes:
                yield {**plain, "table": table, "index": index}


_WHERE = {"rest_api": "resources.api.rest", "stage": "resources.api.stage", "table": "resources.tables"}


def _raw(role: Role, query: RawQuery, statistic: str) -> Query:
    return Query(
        role=role, namespace=query.namespace, name=query.name, statistic=statistic, dimensions=query.dimensions
    )
