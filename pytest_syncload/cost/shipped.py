"""List prices of us-east-1 that come with this version, for runs that may not ask the Price List API.

Only of that region: elsewhere they would be wrong without a sign of it. Free tiers are left out. Each has the month of
its source, where it has one; none has been compared with a bill.
"""

from __future__ import annotations

from decimal import Decimal

from pytest_syncload.facts.cost import UNDATED, Origin, Price, Product, Sold, Tier

REGION = "us-east-1"


def _millions(*tiers: tuple[int | None, str]) -> tuple[Tier, ...]:
    """Tiers as pages of prices have them: units in millions, dollars a million."""
    return tuple(
        Tier(up_to=None if up_to is None else Decimal(up_to) * 1_000_000, usd=Decimal(usd) / 1_000_000)
        for up_to, usd in tiers
    )


def _each(usd: str) -> tuple[Tier, ...]:
    return (Tier(up_to=None, usd=Decimal(usd)),)


#: By what is sold: the tiers, and the month of their source.
_TABLE: dict[Sold, tuple[tuple[Tier, ...], str]] = {
    # "Amazon API Gateway pricing": the first 333 million, the next 667 million, the next 19 billion, beyond.
    Sold.REST_REQUEST: (_millions((333, "3.50"), (1_000, "2.80"), (20_000, "2.38"), (None, "1.51")), "2024-07"),
    Sold.HTTP_REQUEST: (_millions((300, "1.00"), (None, "0.90")), "2024-07"),
    # "AWS Fargate pricing", Linux.
    Sold.VCPU_HOUR: (_each("0.04048"), "2025-07"),
    Sold.GB_HOUR: (_each("0.004445"), "2025-07"),
    Sold.ARM_VCPU_HOUR: (_each("0.03238"), "2025-07"),
    Sold.ARM_GB_HOUR: (_each("0.00356"), "2025-07"),
    # "Amazon DynamoDB pricing", standard table class.
    Sold.WRITE_UNIT: (_millions((None, "0.625")), "2024-11"),
    Sold.READ_UNIT: (_millions((None, "0.125")), "2024-11"),
    Sold.WRITE_CAPACITY_HOUR: (_each("0.00065"), "2024-11"),
    Sold.READ_CAPACITY_HOUR: (_each("0.00013"), "2024-11"),
    # As public guides of that month quote "Amazon SQS pricing": the first 100 billion. Beyond, they have less.
    Sold.QUEUE_REQUEST: (_millions((None, "0.40")), "2026-03"),
    Sold.FIFO_REQUEST: (_millions((None, "0.50")), "2026-03"),
    # 0.01 dollars for 1,000 metrics; no source that was found has a date.
    Sold.METRIC: (_each("0.00001"), UNDATED),
}


def shipped(product: Product, region: str) -> Price | None:
    """The shipped price, None where there is none: of another region, and of cache nodes, which have too many kinds."""
    if region != REGION or product.sold not in _TABLE:
        return None
    tiers, as_of = _TABLE[product.sold]
    return Price(product=product, region=region, tiers=tiers, origin=Origin.SHIPPED, as_of=as_of)
