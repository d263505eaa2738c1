"""The form of one row of slo.yaml: a preset or a CloudWatch query, its target, and rules over its minutes.

Which rules a metric bears is the catalogue's; which target a rule goes with, and how long it must be watched, is here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator, model_validator

from pytest_syncload.facts.catalogue import COMPARED_MINUTES, GROWTH_MINUTES, PRESETS, Fold, Rule
from pytest_syncload.facts.clock import MINUTE
from pytest_syncload.facts.plan import Slo, Target
from pytest_syncload.facts.units import Kind, format_duration
from pytest_syncload.spec import fields, forms
from pytest_syncload.spec.fields import Given, Text, wrong
from pytest_syncload.spec.reasons import nearest
from pytest_syncload.spec.schema import Strict

_SHORTEST_GROWTH_S = GROWTH_MINUTES * MINUTE
_SHORTEST_COMPARED_S = COMPARED_MINUTES * MINUTE

_BOUNDS = ("<", "<=", ">", ">=")
_AT_MOST = ("<", "<=")
# A level that lasted or got worse is above or below something, and a queue drains downwards.
_SIGNS = {Rule.SUSTAINED: _BOUNDS, Rule.REGRESSION: _BOUNDS, Rule.DRAINS: ("<", "<=")}
# What adds up over a minute is no level: its value for the window lies far above that of any minute.
_ADDS_UP = re.compile(r"Sum|SampleCount|tc|ts|TC|TS")
#: What is added up over the hold here; the others of their kind are folded by CloudWatch.
_SUMS = re.compile(r"Sum|SampleCount")
#: Metrics' own units, by the kind that they measure, and what turns them into its canonical one.
UNITS = {
    Kind.TIME: {"microseconds": 0.001, "milliseconds": 1.0, "seconds": 1000.0},
    Kind.SHARE: {"percent": 1.0, "fraction": 100.0},
}

_TARGET = "What its value must be, with its unit: one of < <= == >= > and a quantity."
_SUSTAINED = "Judge the worst level that lasted this long without a break, in whole minutes."
_GROWTH = "`none`: the level must not grow over the hold, of at least 6m."
_REGRESSION = "It may be worse than in the run of --syncload-compare by so much; without that run it is inconclusive."
_MIN_SAMPLES = "From fewer samples than these, the row is inconclusive."


class QueryModel(Strict):
    """A CloudWatch metric written out."""

    namespace: Text = Field(description="Such as AWS/Lambda.")
    name: Text = Field(description="The metric's name, such as Errors.")
    dimensions: dict[str, Text] = Field(default={}, description="All its dimensions; CloudWatch matches exactly.")


class ZeroWhileModel(Strict):
    """A missing data point is zero while this sibling metric has samples, else inconclusive."""

    zero_while: QueryModel


def _missing(value: Any) -> Any:
    if isinstance(value, dict):
        return value
    if value == "inconclusive":
        return None
    takes = "'inconclusive' or {zero_while: {namespace: …, name: …, dimensions: {…}}}"
    raise wrong(f"{value!r} is not {takes}" if isinstance(value, str) else f"write {takes}", takes)


class PresetRowModel(Strict):
    """A row that names a preset."""

    metric: Annotated[
        str, WithJsonSchema(forms.explained((preset.name, preset.what) for preset in PRESETS.values()))
    ] = Field(description="The preset it judges.")
    statistic: Annotated[str | None, Given, WithJsonSchema({"type": "string"})] = Field(
        default=None, description="One of the preset's statistics; its first is the default."
    )
    target: Annotated[Any, WithJsonSchema(forms.target(None))] = Field(description=_TARGET)
    sustained: Annotated[fields.Minutes | None, Given] = Field(default=None, description=_SUSTAINED)
    growth: Annotated[Literal["none"] | None, Given] = Field(default=None, description=_GROWTH)
    drains_within: Annotated[fields.Drain | None, Given] = Field(
        default=None, description="So long after the hold it must be back near zero; whole minutes, at most 10m."
    )
    regression: Annotated[Any, BeforeValidator(fields.regression), forms.REGRESSION, Given] = Field(
        default=None, description=_REGRESSION
    )
    min_samples: Annotated[fields.Whole | None, Given] = Field(default=None, description=_MIN_SAMPLES)

    @field_validator("metric")
    @classmethod
    def _known(cls, metric: str) -> str:
        if metric not in PRESETS:
            raise wrong(f"no preset {metric!r}; {nearest(metric, PRESETS)}", "the name of a preset")
        return metric

    @field_validator("statistic")
    @classmethod
    def _allowed(cls, statistic: str, info: ValidationInfo) -> str:
        preset = PRESETS.get(info.data.get("metric", ""))
        if preset is not None and statistic not in preset.statistics:
            takes = f"one of {', '.join(preset.statistics)}" if preset.statistics else "no statistic; leave it out"
            raise wrong(f"{preset.name} has no statistic {statistic!r}; it takes {takes}", takes)
        return statistic

    @field_validator("target")
    @classmethod
    def _of_the_metric(cls, text: Any, info: ValidationInfo) -> Target:
        preset = PRESETS.get(info.data.get("metric", ""))
        target = fields.target(text, None if preset is None else preset.kind)
        if preset is not None and preset.fold is Fold.COST and target.op not in _AT_MOST:
            takes = "a target with < or <=, such as '< 4 USD'"
            raise wrong(f"a cost is bounded from above, and {target.text!r} is no such bound; write {takes}", takes)
        return target

    @field_validator(*Rule)
    @classmethod
    def _borne_by_the_metric(cls, value: Any, info: ValidationInfo) -> Any:
        rule = Rule(str(info.field_name))
        preset = PRESETS.get(info.data.get("metric", ""))
        if preset is not None and rule not in preset.rules:
            bear = ", ".join(one.name for one in PRESETS.values() if rule in one.rules)
            raise wrong(f"{preset.name} takes no {rule}; leave it out. Presets that take it: {bear}", "no value here")
        _fits(rule, info.data.get("target"))
        return value

    @field_validator("min_samples")
    @classmethod
    def _has_samples(cls, value: int, info: ValidationInfo) -> int:
        preset = PRESETS.get(info.data.get("metric", ""))
        if preset is not None and preset.fold in (Fold.SUM, Fold.TASKS, Fold.OWN, Fold.CLIMB, Fold.COST):
            raise wrong(f"{preset.name} has no samples behind it; leave min_samples out", "no value here")
        return value


class RawRowModel(Strict):
    """A row that asks CloudWatch itself."""

    query: QueryModel
    statistic: fields.Statistic = Field(description="Any statistic of CloudWatch.")
    kind: Literal["time", "share", "rate", "count"] = Field(
        description="What it measures: time in ms, a share in percent, a rate per second, or a count."
    )
    unit: Annotated[Literal["microseconds", "milliseconds", "seconds", "percent", "fraction"] | None, Given] = Field(
        default=None, description="The metric's own unit; a time and a share must name it, as CloudWatch converts none."
    )
    missing: Annotated[ZeroWhileModel | None, BeforeValidator(_missing)] = Field(
        default=None, description="What a missing data point means. Default: inconclusive."
    )
    target: Annotated[Any, WithJsonSchema(forms.target(None))] = Field(description=_TARGET)
    sustained: Annotated[fields.Minutes | None, Given] = Field(default=None, description=_SUSTAINED)
    growth: Annotated[Literal["none"] | None, Given] = Field(default=None, description=_GROWTH)
    regression: Annotated[Any, BeforeValidator(fields.regression), forms.REGRESSION, Given] = Field(
        default=None, description=_REGRESSION
    )
    min_samples: Annotated[fields.Whole | None, Given] = Field(default=None, description=_MIN_SAMPLES)

    @field_validator("kind")
    @classmethod
    def _no_rate_of_a_sum(cls, kind: str, info: ValidationInfo) -> str:
        refuse_rate_of_a_sum(kind, info.data.get("statistic", ""))
        return kind

    @model_validator(mode="after")
    def _in_a_unit_of_the_kind(self) -> Self:
        refuse_other_unit(self.unit, self.kind)
        if self.missing is not None and not _SUMS.fullmatch(self.statistic):
            raise wrong(
                f"zero_while fits what adds up, and {self.statistic} of nothing is no zero; leave missing out",
                "no value here",
            )
        if self.min_samples is not None and _SUMS.fullmatch(self.statistic):
            raise wrong(f"{self.statistic} has no samples behind it; leave min_samples out", "no value here")
        return self

    @field_validator("target")
    @classmethod
    def _of_the_kind(cls, text: Any, info: ValidationInfo) -> Target:
        kind = info.data.get("kind")
        return fields.target(text, None if kind is None else Kind(kind))

    @field_validator(Rule.SUSTAINED, Rule.GROWTH, Rule.REGRESSION)
    @classmethod
    def _of_a_level(cls, value: Any, info: ValidationInfo) -> Any:
        rule = Rule(str(info.field_name))
        statistic = info.data.get("statistic", "")
        if _ADDS_UP.match(statistic):
            raise wrong(
                f"{rule} watches a level, and {statistic} adds up; leave it out, or ask for Average, Maximum, p95 …",
                "no value here",
            )
        _fits(rule, info.data.get("target"))
        return value


def refuse_rate_of_a_sum(kind: str, statistic: str) -> None:
    """A sum over the hold is compared with a rate a second only by mistake, and lies far above any."""
    if kind == Kind.RATE and _ADDS_UP.match(statistic):
        raise wrong(
            f"{statistic} over the hold is a count and no rate; write kind: count, and a target for the hold",
            "a kind that fits the statistic",
        )


def refuse_other_unit(unit: str | None, kind: str) -> None:
    """A time and a share say in which unit the metric is; without, 0.9 s would be taken for 0.9 ms."""
    units = UNITS.get(Kind(kind), {})
    if units and unit is None:
        raise wrong(
            f"a raw {kind} names the metric's own unit, because CloudWatch converts none; "
            f"add unit: {' or '.join(units)}",
            "a unit",
        )
    if unit is not None and unit not in units:
        raise wrong(f"a {kind} has no unit {unit!r}; leave it out or correct it", "a unit of the kind")


def _fits(rule: Rule, target: Target | None) -> None:
    signs = _SIGNS.get(rule)
    if signs is not None and target is not None and target.op not in signs:
        takes = f"a target with one of {' '.join(signs)}"
        raise wrong(
            f"{rule} goes with {takes}, not with {target.op}; leave it out, or change the target", "no value here"
        )


def misfits(slo: Slo, judged_s: float, *, is_climb: bool) -> Iterator[tuple[str, str]]:
    """The keys of a row that do not fit its phase, each with what is wrong. ``judged_s`` service seconds are judged:
    the hold, or a step of a climb."""
    if slo.metric is not None and PRESETS[slo.metric].fold is Fold.CLIMB and not is_climb:
        yield "metric", f"{slo.metric} is what a climb finds, and phase {slo.phase!r} holds one rate; give it a climb"
    if slo.drains_within_s is not None and is_climb:
        drains = "looks at the minutes after the load, and behind a step of a climb load goes on; leave it out"
        yield Rule.DRAINS, f"{Rule.DRAINS} {drains}, or give it to a phase that holds"
    lasts = format_duration(judged_s)
    lasting = f"a step of phase {slo.phase!r} lasts {lasts}" if is_climb else f"phase {slo.phase!r} holds for {lasts}"
    longer = "make steps longer" if is_climb else "hold longer"
    if slo.sustained_s is not None and slo.sustained_s > judged_s:
        wanted = format_duration(slo.sustained_s)
        yield Rule.SUSTAINED, f"{lasting}, so nothing can last {wanted}; {longer}, or ask for less"
    if slo.growth is not None and judged_s < _SHORTEST_GROWTH_S:
        wanted = format_duration(_SHORTEST_GROWTH_S)
        yield Rule.GROWTH, f"{lasting}, and growth shows in {wanted} or more; {longer}, or leave it out"
    if slo.regression is not None and is_climb:
        yield (
            Rule.REGRESSION,
            f"phase {slo.phase!r} climbs, and two climbs judge steps of different rates; leave it out",
        )
    elif slo.regression is not None and judged_s < _SHORTEST_COMPARED_S:
        wanted = format_duration(_SHORTEST_COMPARED_S)
        yield Rule.REGRESSION, f"{lasting}, and noise shows in {wanted} or more; {longer}, or leave it out"
