"""Live prices where there are any, shipped ones where not: the sheet that a run goes by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pytest_syncload.cost.shipped import REGION, shipped
from pytest_syncload.cost.tiers import well_formed, without_free_tier
from pytest_syncload.facts.cost import Price, Product, Sheet, Unpriced


def sheet_of(
    products: Iterable[Product], live: Iterable[Price], why_not: Iterable[Unpriced], region: str, problem: str | None
) -> Sheet:
    """A price for each product, where there is one. ``problem`` says why the Price List could not be asked at all."""
    usable = {price.product: price for price in map(_usable, live) if price is not None}
    reasons: Mapping[Product, str] = {each.product: each.why for each in why_not}
    prices: list[Price] = []
    unpriced: list[Unpriced] = []
    for product in products:
        price = usable.get(product) or shipped(product, region)
        if price is not None:
            prices.append(price)
            continue
        why = problem or reasons.get(product, "the Price List's tiers of it leave units without a price")
        rest = "comes with none of it" if region == REGION else f"has prices of {REGION} only, and this is {region}"
        unpriced.append(Unpriced(product=product, why=f"{why}; this version {rest}"))
    return Sheet(
        prices=tuple(prices), unpriced=tuple(unpriced), note=None if problem is None else f"not live: {problem}"
    )


def _usable(price: Price) -> Price | None:
    """The price without its free tier, None where its tiers leave a unit without one."""
    tiers = without_free_tier(price.tiers)
    return replace(price, tiers=tiers) if well_formed(tiers) else None
