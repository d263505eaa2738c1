from dataclasses import replace

import pytest

from pytest_syncload.facts.catalogue import (
    PRESETS,
    REQUEST_COUNT,
    Absent,
    Each,
    Fold,
    Preset,
    Role,
    Rule,
    fill,
    queries_for,
)
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.plan import Resources, Slo
from tests.rows import CACHE, DEPTH, ERRORS, LATENCY, RESOURCES, TASKS, THROTTLES


def test_a_preset_is_filled_with_the_environments_names() -> None:
    (query,) = queries_for(LATENCY, RESOURCES)
    assert str(query) == "AWS/ApiGateway Latency p95 {ApiName=syncwell, Stage=v1}"


def test_the_default_statistic_is_the_presets_first() -> None:
    (query,) = queries_for(replace(LATENCY, statistic=None), RESOURCES)
    assert query.statistic == "p95"


def test_every_listed_table_is_asked_for() -> None:
    resources = replace(RESOURCES, tables={"a": (), "b": ()})
    values = [query.dimensions for query in queries_for(THROTTLES, resources) if query.role is Role.VALUE]
    assert values == [(("TableName", "a"),), (("TableName", "b"),)] * 2


def test_every_listed_index_is_asked_for_beside_its_own_consumption() -> None:
    resources = replace(RESOURCES, tables={"sync-jobs": ("by-user",)})
    index = (("TableName", "sync-jobs"), ("GlobalSecondaryIndexName", "by-user"))
    of_index = [query for query in queries_for(THROTTLES, resources) if query.dimensions == index]
    assert {query.name for query in of_index if query.role is Role.VALUE} == {
        "ReadThrottleEvents",
        "WriteThrottleEvents",
    }
    assert {query.group for query in of_index} == {"sync-jobs/by-user"}


def test_every_preset_asks_cloudwatch_unless_its_value_comes_from_elsewhere() -> None:
    for preset in PRESETS.values():
        assert bool(preset.templates) != (preset.fold in (Fold.TASKS, Fold.OWN, Fold.CLIMB, Fold.COST))


def test_a_resource_that_is_missing_is_named() -> None:
    with pytest.raises(Inconclusive, match=r"resources\.api\.stage"):
        queries_for(LATENCY, Resources(rest_api="syncwell"))


def test_an_http_api_is_asked_by_its_own_names() -> None:
    resources = Resources(http_api="a1b2c3", stage="v1")
    dimensions = (("ApiId", "a1b2c3"), ("Stage", "v1"))
    assert [(query.name, query.dimensions) for query in queries_for(ERRORS, resources)] == [
        ("5xx", dimensions),
        ("Count", dimensions),
    ]
    assert [(query.name, query.dimensions) for query in queries_for(LATENCY, resources)] == [("Latency", dimensions)]
    assert [query.dimensions for query in fill(REQUEST_COUNT, resources, "Sum")] == [dimensions]


def test_both_views_of_every_cache_node_are_asked_for() -> None:
    asked = [(query.name, query.dimensions[0][1]) for query in queries_for(CACHE, RESOURCES)]
    assert asked == [
        ("EngineCPUUtilization", "syncwell-001"),
        ("EngineCPUUtilization", "syncwell-002"),
        ("CPUUtilization", "syncwell-001"),
        ("CPUUtilization", "syncwell-002"),
    ]


@pytest.mark.parametrize(
    ("slo", "needs"),
    [(DEPTH, "resources.queue"), (CACHE, "resources.cache"), (TASKS, "resources.ecs"), (THROTTLES, "resources.tables")],
    ids=lambda value: getattr(value, "name", value),
)
def test_each_row_names_the_resource_it_lacks(slo: Slo, needs: str) -> None:
    with pytest.raises(Inconclusive, match=needs):
        queries_for(slo, Resources(rest_api="syncwell", stage="v1"))


def test_rules_are_only_where_one_series_can_show_them() -> None:
    """Growth needs one series; draining needs something that can be emptied."""
    assert {name for name, preset in PRESETS.items() if Rule.DRAINS in preset.rules} == {
        "sqs.visible",
        "sqs.in_flight",
        "sqs.oldest",
    }
    many = {Each.NODE, Each.SERVERLESS, Each.LISTED_OPERATION, Each.EVERY_OPERATION, Each.TABLE, Each.INDEX}
    assert not any(
        Rule.GROWTH in preset.rules and many & {template.each for template in preset.templates}
        for preset in PRESETS.values()
    )


EVERYTHING = Resources(
    rest_api="syncwell",
    stage="v1",
    tables={"a": ("by-user", "by-day"), "b": ("by-user",)},
    operations={"a": ("GetItem", "PutItem"), "b": ("GetItem",)},
    queue="jobs.fifo",
    dead_letter_queue="jobs-dead.fifo",
    ecs_cluster="syncwell",
    ecs_service="worker",
    cache=("c-001", "c-002"),
    serverless_cache=("sessions", "carts"),
)


@pytest.mark.parametrize("resources", [EVERYTHING, replace(EVERYTHING, route="POST /v1/jobs")], ids=["stage", "route"])
@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_no_query_of_a_row_is_hidden_behind_another(preset: Preset, resources: Resources) -> None:
    """A sum is told by its parts: two of one name would count once."""
    queries = fill(preset, resources, "Average")
    assert len(set(queries)) == len(queries)
    values = [query for query in queries if query.role is not Role.ALIVE]
    assert len({(query.role, query.name, query.part) for query in values}) == len(values)
    alive = {query.group for query in queries if query.role is Role.ALIVE}
    assert preset.absent is not Absent.ZERO_WHILE_ALIVE or {query.group for query in values} == alive


@pytest.mark.parametrize(
    ("metric", "needs"),
    [
        ("dynamodb.latency", r"resources\.operations"),
        ("dynamodb.system_errors", r"resources\.tables"),
        ("sqs.dead_letters", r"resources\.dead_letter_queue"),
        ("elasticache.memory", r"resources\.cache"),
        ("elasticache.throttled", r"resources\.serverless_cache"),
        ("containerinsights.cpu", r"resources\.ecs"),
    ],
)
def test_each_preset_names_the_resource_it_lacks(metric: str, needs: str) -> None:
    with pytest.raises(Inconclusive, match=needs):
        queries_for(replace(THROTTLES, metric=metric), Resources(operations={"jobs": ()}))


def test_the_count_is_reconciled_on_the_route_that_is_judged() -> None:
    (query,) = fill(REQUEST_COUNT, Resources(http_api="a1", stage="v1", route="POST /v1/jobs"), "Sum")
    assert str(query) == "AWS/ApiGateway Count Sum {ApiId=a1, Method=POST, Resource=/v1/jobs, Stage=v1}"
