"""What a phase's jobs cost, as summary.json has it."""

from __future__ import annotations

from decimal import Decimal

from pytest_syncload.facts.cost import Cost, CostLine, Price, Range, RunPrice
from pytest_syncload.report.summary_form import (
    AlternativeModel,
    CostLineModel,
    CostModel,
    PriceModel,
    RangeModel,
    RunPriceModel,
    TierModel,
)


def cost_model(cost: Cost) -> CostModel:
    """The cost as data. Dollars become the nearest float of a nano-dollar, which every reader of JSON makes of it."""
    return CostModel(
        jobs=cost.jobs,
        jobs_per_month=cost.jobs_a_month,
        usd_per_million_jobs=_range(cost.per_million),
        usd_per_month=None if cost.per_month is None else _range(cost.per_month),
        usd_per_month_variable=None if cost.variable is None else _range(cost.variable),
        usd_per_month_fixed=_number(cost.fixed),
        lines=[_line(line) for line in cost.lines],
        not_known=list(cost.gaps),
        not_in_it=list(cost.left_out),
        alternatives=[
            AlternativeModel(
                of=each.of,
                what=each.what,
                usd_on_demand=float(each.on_demand),
                usd_provisioned=float(each.provisioned),
                break_even_percent=each.break_even_percent,
                used_percent=each.used_percent,
            )
            for each in cost.alternatives
        ],
        prices_note=cost.note,
    )


def run_price_model(price: RunPrice) -> RunPriceModel:
    """What a run cost, or was thought to."""
    return RunPriceModel(
        usd=_range(price.usd),
        requests=_range(price.requests),
        items={item: _range(found) for item, found in price.items.items()},
        basis=price.basis,
        not_known=list(price.gaps),
    )


def _line(line: CostLine) -> CostLineModel:
    return CostLineModel(
        item=str(line.product),
        of=list(line.of),
        units_per_million_jobs=_range(line.units),
        price=None if line.price is None else _price(line.price),
        usd_per_million_jobs=None if line.per_million is None else _range(line.per_million),
        usd_per_month_variable=None if line.variable is None else _range(line.variable),
        usd_per_month_fixed=_number(line.fixed),
    )


def _price(price: Price) -> PriceModel:
    return PriceModel(
        origin=price.origin,
        as_of=price.as_of,
        region=price.region,
        tiers=[TierModel(up_to=_number(tier.up_to), usd=float(tier.usd)) for tier in price.tiers],
    )


def _range(found: Range) -> RangeModel:
    return RangeModel(low=float(found.low), high=float(found.high))


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
