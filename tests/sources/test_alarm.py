"""A preset by the minute: what is asked, and what each fold makes of it while a load runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from pytest_syncload.facts.catalogue import PRESETS, Fold
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.plan import Resources, Slo, Target
from pytest_syncload.facts.units import Kind
from pytest_syncload.sources.alarm import alarm_asks, alarm_minutes, known_until
from pytest_syncload.sources.cloudwatch import COMPLETE, PARTIAL, Answer, Ask
from tests.rows import MINUTES, RESOURCES, WINDOW


def row(metric: str, statistic: str | None = None) -> Slo:
    kind = PRESETS[metric].kind
    return Slo(
        name="abort",
        phase="peak",
        target=Target(op="<=", value=1.0, kind=kind, text="<= 1"),
        line=1,
        metric=metric,
        statistic=statistic,
    )


def answered(slo: Slo, told: Mapping[str, tuple[float | None, ...]], status: str = COMPLETE) -> dict[Ask, Answer]:
    """By a word of the query's text, each minute's value; all else is silent."""
    answers = {}
    for ask in alarm_asks(slo, RESOURCES, WINDOW):
        values = next((values for word, values in told.items() if word in str(ask.query)), ())
        known = [(at, value) for at, value in zip(MINUTES, values, strict=False) if value is not None]
        answers[ask] = Answer(
            ask=ask,
            status=status,
            timestamps=tuple(at for at, _ in known),
            values=tuple(value for _, value in known),
        )
    return answers


def seen(slo: Slo, told: Mapping[str, tuple[float | None, ...]]) -> list[dict[float, float]]:
    return [dict(minutes) for minutes in alarm_minutes(slo, RESOURCES, WINDOW, answered(slo, told)).values()]


def test_each_resource_has_a_series_of_its_own_in_the_canonical_unit() -> None:
    slo = row("elasticache.engine_cpu")
    found = alarm_minutes(slo, RESOURCES, WINDOW, answered(slo, {"001": (90.0, None, 91.0), "002": (5.0, 6.0, 7.0)}))
    assert list(found.values()) == [
        {MINUTES[0]: 90.0, MINUTES[2]: 91.0},
        dict(zip(MINUTES, (5.0, 6.0, 7.0), strict=True)),
    ]
    assert ["001" in name for name in found] == [True, False]
    assert seen(row("sqs.oldest"), {"Age": (2.0,)}) == [{MINUTES[0]: 2000.0}], "seconds of CloudWatch in ms"


def test_counts_of_all_resources_add_up_and_silence_says_nothing() -> None:
    slo = row("dynamodb.throttles")
    told = {"ReadThrottleEvents": (3.0,), "WriteThrottleEvents": (1.0, 2.0)}
    assert seen(slo, told) == [{MINUTES[0]: 4.0, MINUTES[1]: 2.0}]
    assert seen(slo, {}) == [{}]


def test_a_share_needs_both_sides_of_its_minute() -> None:
    slo = row("apigateway.5xx")
    assert seen(slo, {"5XXError": (5.0, 1.0, None), "Count": (50.0, None, 60.0)}) == [{MINUTES[0]: 10.0}]
    assert seen(slo, {"5XXError": (0.0,), "Count": (0.0,)}) == [{}]
    used = row("containerinsights.cpu")
    assert seen(used, {"CpuUtilized": (512.0,), "CpuReserved": (1024.0,)}) == [{MINUTES[0]: 50.0}]


def test_the_rules_own_statistic_is_asked_for() -> None:
    (ask,) = alarm_asks(row("ecs.cpu", "Maximum"), RESOURCES, WINDOW)
    assert (ask.query.statistic, ask.period_s, ask.window) == ("Maximum", 60, WINDOW)


def until(slo: Slo, told: Mapping[str, tuple[float | None, ...]]) -> list[float | None]:
    return list(known_until(slo, RESOURCES, WINDOW, answered(slo, told)).values())


def test_a_level_is_known_where_it_has_a_value_and_each_resource_by_itself() -> None:
    assert until(row("ecs.cpu"), {"CPU": (1.0, 2.0)}) == [MINUTES[1] + 60]
    assert until(row("ecs.cpu"), {}) == [None]
    assert until(row("elasticache.engine_cpu"), {"001": (1.0,)}) == [MINUTES[0] + 60, None]


def test_a_share_is_known_where_its_denominator_is() -> None:
    assert until(row("apigateway.5xx"), {"Count": (1.0, 1.0)}) == [MINUTES[1] + 60], "no failure is no failure"
    assert until(row("apigateway.5xx"), {"5XXError": (1.0, 1.0)}) == [None]
    assert until(row("containerinsights.cpu"), {"CpuReserved": (1.0,)}) == [MINUTES[0] + 60]


def test_what_is_only_counted_is_known_while_its_sibling_shows_traffic() -> None:
    throttles = row("dynamodb.throttles")
    assert until(throttles, {}) == [None, None]
    used = {"ConsumedReadCapacityUnits": (5.0,), "ConsumedWriteCapacityUnits": (5.0, 5.0)}
    assert all(at is not None for at in until(throttles, used))


def test_what_is_not_whole_and_what_is_not_listed_is_an_error() -> None:
    slo = row("ecs.cpu")
    with pytest.raises(Inconclusive, match="PartialData"):
        alarm_minutes(slo, RESOURCES, WINDOW, answered(slo, {"CPU": (99.0,)}, PARTIAL))
    with pytest.raises(Inconclusive, match=r"resources\.ecs"):
        alarm_asks(slo, Resources(), WINDOW)
    with pytest.raises(Inconclusive, match="nan"):
        alarm_minutes(slo, RESOURCES, WINDOW, answered(slo, {"CPU": (float("nan"),)}))


@pytest.mark.parametrize(
    "name", [name for name, preset in PRESETS.items() if preset.fold in (Fold.WORST, Fold.SUM, Fold.RATIO, Fold.USED)]
)
def test_every_preset_that_a_rule_may_name_makes_series(name: str) -> None:
    listed = replace(
        RESOURCES,
        dead_letter_queue="dead",
        serverless_cache=("cache",),
        operations=dict.fromkeys(RESOURCES.tables, ("PutItem",)),
    )
    slo = row(name)
    asks = alarm_asks(slo, listed, WINDOW)
    told = {ask: Answer(ask=ask, status=COMPLETE, timestamps=MINUTES, values=(2.0, 2.0, 2.0)) for ask in asks}
    found = alarm_minutes(slo, listed, WINDOW, told)
    assert found
    assert all(set(minutes) == set(MINUTES) for minutes in found.values())
    assert slo.target.kind is not Kind.MONEY
