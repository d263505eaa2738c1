from dataclasses import replace

import pytest

from pytest_syncload.facts.catalogue import PRESETS, Role, queries_for
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.plan import Resources
from tests.rows import LATENCY, RESOURCES, THROTTLES


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


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if not preset.built])
def test_what_is_not_built_says_so(name: str) -> None:
    with pytest.raises(Inconclusive, match="known but not measured by this version"):
        queries_for(replace(THROTTLES, metric=name), RESOURCES)


def test_every_built_preset_has_queries() -> None:
    for preset in PRESETS.values():
        assert preset.built == bool(preset.templates)


def test_a_resource_that_is_missing_is_named() -> None:
    with pytest.raises(Inconclusive, match=r"resources\.api\.stage"):
        queries_for(LATENCY, Resources(rest_api="syncwell"))
