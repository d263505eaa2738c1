from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pytest_syncload.facts.catalogue import PRESETS, Rule
from pytest_syncload.facts.plan import Slo, Target
from pytest_syncload.facts.units import EXAMPLE, Kind
from pytest_syncload.spec import row_schema

WRITTEN = {Rule.SUSTAINED: "3m", Rule.GROWTH: "none", Rule.DRAINS: "5m", Rule.REGRESSION: "< 10 %"}
QUERY = {"namespace": "N", "name": "n"}


def accepted(model: type[row_schema.PresetRowModel | row_schema.RawRowModel], row: dict[str, Any]) -> bool:
    try:
        model.model_validate(row)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("rule", Rule)
def test_a_row_takes_the_rules_of_its_preset_and_no_other(name: str, rule: Rule) -> None:
    row = {"metric": name, "target": f"< {EXAMPLE[PRESETS[name].kind]}"}
    assert accepted(row_schema.PresetRowModel, row)
    assert accepted(row_schema.PresetRowModel, {**row, rule.value: WRITTEN[rule]}) == (rule in PRESETS[name].rules)


@pytest.mark.parametrize(
    ("rule", "signs"),
    [
        (Rule.SUSTAINED, {"<", "<=", ">", ">="}),
        (Rule.GROWTH, {"<", "<=", "==", ">", ">="}),
        (Rule.REGRESSION, {"<", "<=", ">", ">="}),
        (Rule.DRAINS, {"<", "<="}),
    ],
)
def test_a_rule_goes_with_some_targets(rule: Rule, signs: set[str]) -> None:
    rows = {
        sign: {"metric": "sqs.visible", "target": f"{sign} 10", rule.value: WRITTEN[rule]}
        for sign in ("<", "<=", "==", ">", ">=")
    }
    assert {sign for sign, row in rows.items() if accepted(row_schema.PresetRowModel, row)} == signs


@pytest.mark.parametrize(
    ("statistic", "level"),
    [
        *[
            (level, True)
            for level in ("Average", "Minimum", "Maximum", "IQM", "p95", "tm99", "wm99", "TM(2%:98%)", "PR(:5)")
        ],
        *[(amount, False) for amount in ("Sum", "SampleCount", "tc99", "ts99", "TC(:5)", "TS(:5)")],
    ],
)
def test_a_query_takes_rules_where_its_statistic_is_a_level(statistic: str, level: bool) -> None:
    row = {"query": QUERY, "statistic": statistic, "kind": "count", "target": "< 10"}
    assert accepted(row_schema.RawRowModel, row)
    for rule in (Rule.SUSTAINED, Rule.GROWTH, Rule.REGRESSION):
        assert accepted(row_schema.RawRowModel, {**row, rule.value: WRITTEN[rule]}) == level
    assert not accepted(row_schema.RawRowModel, {**row, Rule.DRAINS.value: WRITTEN[Rule.DRAINS]})


def test_a_mistake_in_metric_or_target_is_not_told_again_of_the_rule() -> None:
    with pytest.raises(ValidationError) as caught:
        row_schema.PresetRowModel.model_validate({"metric": "x", "target": "10", **WRITTEN})
    assert [error["loc"] for error in caught.value.errors()] == [("metric",), ("target",)]
    with pytest.raises(ValidationError) as caught:
        row_schema.RawRowModel.model_validate(
            {"query": QUERY, "statistic": "x", "kind": "count", "target": "10", "sustained": "3m"}
        )
    assert [error["loc"] for error in caught.value.errors()] == [("statistic",), ("target",)]


@pytest.mark.parametrize(
    ("sustained", "growth", "hold", "short"),
    [
        (None, None, 60.0, []),
        (180.0, None, 180.0, []),
        (180.0, None, 179.0, [Rule.SUSTAINED]),
        (None, "none", 360.0, []),
        (None, "none", 359.0, [Rule.GROWTH]),
        (600.0, "none", 60.0, [Rule.SUSTAINED, Rule.GROWTH]),
    ],
)
def test_a_hold_must_be_long_enough_for_the_rules(
    sustained: float | None, growth: str | None, hold: float, short: list[Rule]
) -> None:
    target = Target(op="<", value=1.0, kind=Kind.COUNT, text="< 1")
    slo = Slo(name="a", phase="peak", target=target, line=1, sustained_s=sustained, growth=growth)
    assert [rule for rule, _ in row_schema.misfits(slo, hold, is_climb=False)] == short
    told = list(row_schema.misfits(slo, hold, is_climb=True))
    assert [rule for rule, _ in told] == short
    assert all("a step of phase 'peak' lasts" in what for _, what in told)


def test_a_comparison_needs_six_minutes_of_one_rate() -> None:
    target = Target(op="<", value=1.0, kind=Kind.COUNT, text="< 1")
    limit = Target(op="<", value=10.0, kind=Kind.SHARE, text="< 10 %")
    slo = Slo(name="a", phase="peak", target=target, line=1, regression=limit)
    assert list(row_schema.misfits(slo, 360.0, is_climb=False)) == []
    ((key, what),) = row_schema.misfits(slo, 300.0, is_climb=False)
    assert (key, "noise shows in 6m or more" in what) == (Rule.REGRESSION, True)
    ((key, what),) = row_schema.misfits(slo, 600.0, is_climb=True)
    assert (key, "two climbs judge steps of different rates" in what) == (Rule.REGRESSION, True)


@pytest.mark.parametrize("metric", ["load.breaking_point", "load.headroom"])
def test_what_a_climb_finds_fits_no_phase_that_holds(metric: str) -> None:
    target = Target(op=">", value=1.0, kind=PRESETS[metric].kind, text="> 1")
    slo = Slo(name="a", phase="peak", target=target, line=1, metric=metric)
    ((key, what),) = row_schema.misfits(slo, 600.0, is_climb=False)
    assert (key, what) == (
        "metric",
        f"{metric} is what a climb finds, and phase 'peak' holds one rate; give it a climb",
    )
    assert list(row_schema.misfits(slo, 600.0, is_climb=True)) == []
