"""What a row asks: its preset or its own query, with the environment's resources put in. One door to all of it.

What a preset is stands in `metric`, the presets themselves in `presets`. It asks nobody and judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.metric import (
    CHOSEN,
    COMPARED_MINUTES,
    GROWTH_MINUTES,
    Absent,
    Each,
    Fold,
    Preset,
    Query,
    Role,
    Rule,
    Template,
)
from pytest_syncload.facts.plan import RawQuery, Resources, Slo
from pytest_syncload.facts.presets import PRESETS
from pytest_syncload.facts.presets.apigateway import REQUEST_COUNT
from pytest_syncload.facts.presets.cost import HTTP_BYTES, MESSAGES, TASKS, UNITS
from pytest_syncload.facts.presets.dynamodb import OPERATIONS

__all__ = [
    "COMPARED_MINUTES",
    "GROWTH_MINUTES",
    "OPERATIONS",
    "PRESETS",
    "REQUEST_COUNT",
    "Absent",
    "Each",
    "Fold",
    "Preset",
    "Query",
    "Role",
    "Rule",
    "Template",
    "fill",
    "metered",
    "preset_of",
    "queries_for",
    "service_of",
    "statistic_of",
]


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
        Inconclusive: the environment does not list a resource the row looks at.
    """
    if slo.query is not None:
        value = _raw(Role.VALUE, slo.query, slo.statistic or "")
        return (value,) if slo.alive is None else (value, _raw(Role.ALIVE, slo.alive, "SampleCount"))
    preset = preset_of(slo)
    if preset.fold is Fold.TASKS:
        service_of(resources, preset.name)
    if preset.fold is Fold.COST:
        return metered(resources)
    return fill(preset, resources, statistic_of(slo))


def metered(resources: Resources) -> tuple[Query, ...]:
    """What counts that AWS bills, of everything that the environment lists.

    Raises:
        Inconclusive: it lists no API, by whose requests jobs are counted, or no stage of it.
    """
    meters = [
        REQUEST_COUNT,
        *([HTTP_BYTES] if resources.http_api else []),
        *([UNITS] if resources.tables else []),
        *([MESSAGES] if resources.queue else []),
        *([TASKS] if resources.ecs_cluster and resources.ecs_service else []),
    ]
    return tuple(query for meter in meters for query in fill(meter, resources, "Sum"))


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
        statistic=statistic if template.statistic == CHOSEN else template.statistic,
        dimensions=tuple(filled),
        every_s=template.every_s,
        steady=template.steady,
        group=_path(names, "table", "index", "node", "serverless_cache"),
        part=_path(names, "table", "index", "operation", "node", "serverless_cache"),
    )


def _path(names: dict[str, str | None], *keys: str) -> str:
    return "/".join(names[key] or "" for key in keys if key in names)


def _repeats(template: Template, resources: Resources, wanted_by: str) -> Iterator[dict[str, str | None]]:
    """The names to fill in, once for each resource the template looks at."""
    match template.each:
        case Each.REST | Each.REST_ROUTE | Each.HTTP | Each.HTTP_ROUTE:
            if template.each is _kind_of_api(resources):
                method, _, resource = (resources.route or "").partition(" ")
                yield {
                    "rest_api": resources.rest_api,
                    "http_api": resources.http_api,
                    "stage": resources.stage,
                    "method": method,
                    "resource": resource,
                }
        case Each.SERVICE:
            yield {"cluster": resources.ecs_cluster, "service": resources.ecs_service}
        case Each.QUEUE:
            yield {"queue": resources.queue}
        case Each.DEAD_LETTERS:
            yield {"dead_letter_queue": resources.dead_letter_queue}
        case Each.NODE:
            for node in resources.cache or (None,):
                yield {"node": node}
        case Each.SERVERLESS:
            for cache in resources.serverless_cache or (None,):
                yield {"serverless_cache": cache}
        case Each.LISTED_OPERATION:
            if not any(resources.operations.values()):
                raise Inconclusive(_not_listed(wanted_by, "resources.operations"))
            for table, operations in resources.operations.items():
                for operation in operations:
                    yield {"table": table, "operation": operation}
        case Each.TABLE | Each.INDEX | Each.EVERY_OPERATION:
            if not resources.tables:
                raise Inconclusive(_not_listed(wanted_by, "resources.tables"))
            for table, indexes in resources.tables.items():
                yield from _of_table(template.each, table, indexes)


def _of_table(each: Each, table: str, indexes: tuple[str, ...]) -> Iterator[dict[str, str | None]]:
    if each is Each.TABLE:
        yield {"table": table}
    elif each is Each.INDEX:
        for index in indexes:
            yield {"table": table, "index": index}
    else:
        for operation in OPERATIONS:
            yield {"table": table, "operation": operation}


def _kind_of_api(resources: Resources) -> Each:
    if resources.http_api:
        return Each.HTTP_ROUTE if resources.route else Each.HTTP
    return Each.REST_ROUTE if resources.route else Each.REST


#: Where slo.yaml lists what a name stands for. An API that is not listed is looked for as a REST API.
_WHERE = {
    "rest_api": "resources.api.rest (or .http)",
    "http_api": "resources.api.http",
    "stage": "resources.api.stage",
    **dict.fromkeys(("method", "resource"), "resources.api.route, a method and a path,"),
    "cluster": "resources.ecs",
    "service": "resources.ecs",
    "queue": "resources.queue",
    "dead_letter_queue": "resources.dead_letter_queue",
    "node": "resources.cache",
    "serverless_cache": "resources.serverless_cache",
}


def _not_listed(wanted_by: str, what: str) -> str:
    return f"{wanted_by} needs {what} of the environment, which lists none; add it"


def _raw(role: Role, query: RawQuery, statistic: str) -> Query:
    return Query(
        role=role,
        namespace=query.namespace,
        name=query.name,
        statistic=statistic,
        dimensions=query.dimensions,
        signed=True,
    )
