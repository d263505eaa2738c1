"""Whether anything could break a row's target: one that every value meets is green for ever, and is a slip of the pen.

Only of presets: what a raw metric can be, its author alone knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_syncload.facts.catalogue import PRESETS, Fold
from pytest_syncload.facts.plan import Slo, Target
from pytest_syncload.facts.presets.load import HEADROOM
from pytest_syncload.facts.units import Kind, format_duration

#: What a share is measured of can be used up and no more; provisioned and reserved capacity can be exceeded, and a
#: breaking point may lie anywhere above the plan's peak, or below.
_EXCEEDABLE = (Fold.CAPACITY, Fold.USED, Fold.CLIMB)
#: Seconds after which API Gateway gives up an integration, unless its quota was raised ("Amazon API Gateway quotas").
_INTEGRATION_S = 29.0
#: Presets of how long a request took. How long a message waits has no end.
_OF_REQUESTS = ("apigateway.", "dynamodb.")


def unbreakable(slo: Slo, timeout_s: float) -> str | None:
    """Why no value breaks the row's target, None where one does. ``timeout_s`` is when an arrival is given up."""
    preset = PRESETS.get(slo.metric or "")
    if preset is None:
        return None
    return next(filter(None, _reasons(slo, preset.fold, timeout_s)), None)


def _reasons(slo: Slo, fold: Fold, timeout_s: float) -> Iterator[str | None]:
    target = slo.target
    if target.op == ">=" and target.value <= 0 and slo.metric != HEADROOM:
        yield "no value is below 0"
    if target.kind is Kind.SHARE and fold not in _EXCEEDABLE and _takes_all_up_to(100.0, target):
        yield "no share is more than 100 %"
    longest_s = max(timeout_s, _INTEGRATION_S)
    of_a_request = target.kind is Kind.TIME and (slo.metric or "").startswith(_OF_REQUESTS)
    if of_a_request and _takes_all_up_to(longest_s * 1000, target):
        yield f"no request takes longer than {format_duration(longest_s)}"


def _takes_all_up_to(most: float, target: Target) -> bool:
    return (target.op == "<" and target.value > most) or (target.op == "<=" and target.value >= most)
