"""What a run itself costs: planned before it, and counted behind it, from what a request uses and what it is priced at.

Every unit is at the price of a month's first units: what an account has used already is not known here, and that is the
most a unit costs.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from pytest_syncload.cost.tiers import dollars
from pytest_syncload.facts.cost import (
    BY_USE,
    MILLION,
    Cost,
    PerRequest,
    Price,
    Product,
    Range,
    RunPrice,
    Sheet,
    Sizes,
    Sold,
    message_of,
    request_of,
)
from pytest_syncload.facts.plan import Resources

#: Requests to SQS that a message needs: to be sent, received and deleted, each by itself or with nine others.
_A_MESSAGE = Range(low=Decimal("0.3"), high=Decimal(3))


def run_price(requests: Range, each: PerRequest, metrics: Range, sheet: Sheet) -> RunPrice:
    """What so many requests cost, and so many metrics of CloudWatch that are asked for."""
    units = {
        product: Range(low=of_one.low * requests.low, high=of_one.high * requests.high)
        for product, of_one in each.units.items()
    } | {Product(Sold.METRIC): metrics}
    items, gaps = {}, []
    for product, used in units.items():
        price = sheet.price(product)
        if price is None:
            gaps.append(f"{product} is not priced: {sheet.why_not(product)}")
        else:
            items[str(product)] = _priced(used, price)
    return RunPrice(requests=requests, items=items, basis=each.basis, gaps=tuple(gaps))


def assumed(resources: Resources, sizes: Sizes) -> PerRequest:
    """What a request is taken to use where nobody has measured it: one request to the API; a write of each table on
    demand and of each of its indexes, and a read of the table; a message, sent, received and deleted."""
    one = Range.of(Decimal(1))
    units: dict[Product, Range] = {}
    if resources.rest_api or resources.http_api:
        units[request_of(is_http=resources.http_api is not None)] = one
    on_demand = [table for table, size in sizes.tables.items() if size.on_demand]
    if on_demand:
        writes = len(on_demand) + sum(len(resources.tables.get(table, ())) for table in on_demand)
        units[Product(Sold.WRITE_UNIT)] = Range.of(Decimal(writes))
        units[Product(Sold.READ_UNIT)] = Range.of(Decimal(len(on_demand)))
    if resources.queue:
        units[message_of(resources.queue)] = _A_MESSAGE
    return PerRequest(units=units, basis="assumed: a write and a read of each table, a message")


def measured(cost: Cost, otherwise: PerRequest, basis: str, requests: int | None = None) -> PerRequest:
    """What a job of that cost used, for a request; of ``requests`` only so many were jobs, where that is known.

    What could not be measured is taken from ``otherwise``, and the basis says so. Where that cost is not whole, a part
    of what was measured may be missing too: then it is no less than what is assumed.
    """
    share = Decimal(1) if requests is None else Decimal(cost.jobs) / max(requests, 1)
    units: dict[Product, Range] = {
        line.product: Range(low=line.units.low * share / MILLION, high=line.units.high * share / MILLION)
        for line in cost.lines
        if line.product.sold in BY_USE
    }
    if cost.gaps:
        units = {
            product: replace(used, high=max(used.high, otherwise.units[product].high))
            if product in otherwise.units
            else used
            for product, used in units.items()
        }
    missing = [product for product in otherwise.units if product not in units]
    if len(missing) == len(otherwise.units):
        return otherwise
    beside = f"; {', '.join(map(str, missing))} {otherwise.basis}" if missing else ""
    return PerRequest(units={**otherwise.units, **units}, basis=f"{basis}{beside}")


def over(limit: Decimal, price: RunPrice) -> bool:
    """Whether the run may cost more than that, or nobody knows whether it does."""
    return bool(price.gaps) or price.usd.high > limit


def _priced(used: Range, price: Price) -> Range:
    first = Fraction(price.tiers[0].usd)
    return Range(low=dollars(Fraction(used.low) * first), high=dollars(Fraction(used.high) * first))
