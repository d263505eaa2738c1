"""Judges a value that is only known to lie between two bounds: with the target between them, nothing is proven."""

from __future__ import annotations

from pytest_syncload.facts.observation import Ruling
from pytest_syncload.facts.plan import Target
from pytest_syncload.facts.units import Kind, format_range
from pytest_syncload.verdict.part import Part


def judge_bounds(target: Target, bounds: tuple[float, float], kind: Kind) -> Part:
    """A pass where both bounds meet the target, a breach where nothing between them does."""
    low, high = bounds
    seen = format_range(low, high, kind)
    if all_met(target, bounds):
        return Part(ruling=Ruling.PASS, says=f"{seen} is {target.text}")
    if none_met(target, bounds):
        return Part(ruling=Ruling.BREACH, says=f"{seen} is not {target.text}")
    says = f"the value is known to be {seen}, and the target {target.text} lies between: it may be met or not"
    return Part(ruling=Ruling.INCONCLUSIVE, says=says)


def all_met(target: Target, bounds: tuple[float, float]) -> bool:
    """Whether every value that it may be meets the target."""
    low, high = bounds
    return target.met_by(low) and target.met_by(high) and (target.op != "==" or low == high)


def none_met(target: Target, bounds: tuple[float, float]) -> bool:
    """Whether no value that it may be meets the target."""
    low, high = bounds
    if target.op == "==":
        return not low <= target.value <= high
    return not target.met_by(low) and not target.met_by(high)
