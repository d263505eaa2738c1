"""Usage, prices and costs for tests: a window of 600 jobs in three wall seconds, priced by round numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from pytest_syncload.facts.cost import Consumed, Origin, Price, Product, Range, Sheet, Sold, Tier, Usage

REGION = "us-east-1"
REQUEST = Product(Sold.REST_REQUEST)
WRITE = Product(Sold.WRITE_UNIT)
WRITE_HOUR = Product(Sold.WRITE_CAPACITY_HOUR)
MESSAGE = Product(Sold.QUEUE_REQUEST)
VCPU = Product(Sold.VCPU_HOUR)
NODE = Product(Sold.NODE_HOUR, "cache.r7g.large valkey")


def tiers(*steps: tuple[str | None, str]) -> tuple[Tier, ...]:
    """(units up to which, dollars a unit)."""
    return tuple(Tier(up_to=None if end is None else Decimal(end), usd=Decimal(usd)) for end, usd in steps)


def price(product: Product, *steps: tuple[str | None, str], origin: Origin = Origin.LIVE) -> Price:
    return Price(product=product, region=REGION, tiers=tiers(*steps), origin=origin, as_of="2026-01-01")


SHEET = Sheet(
    prices=(
        price(REQUEST, ("1000000", "0.000004"), (None, "0.000002")),
        price(WRITE, (None, "0.000001")),
        price(WRITE_HOUR, (None, "0.001")),
        price(MESSAGE, (None, "0.000001")),
        price(VCPU, (None, "0.04"), origin=Origin.SHIPPED),
        price(NODE, (None, "0.5")),
    )
)


def used(product: Product, low: str, high: str | None = None, of: str = "it", **more: Any) -> Usage:
    bounds = Range(low=Decimal(low), high=Decimal(low if high is None else high))
    return Usage(product=product, of=of, used=bounds, source="a test", **more)


def window(*usages: Usage, jobs: int = 600, **more: Any) -> Consumed:
    return Consumed(phase="peak", jobs=jobs, wall_s=Decimal(3), usages=usages, **more)


#: Amounts of anything, and prices of a unit.
AMOUNTS = st.decimals(0, 10**12, places=3)
PRICES = st.decimals(0, 10, places=9)


@st.composite
def any_tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    """Tiers of any price, rising or falling."""
    ends = sorted(set(draw(st.lists(st.decimals(1, 10**11, places=0), max_size=4))))
    return tuple(Tier(up_to=end, usd=draw(PRICES)) for end in (*ends, None))
