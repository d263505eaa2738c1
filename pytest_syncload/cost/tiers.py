"""Units of a month through the tiers of a price. In fractions, so that no sum depends on the order it is made in."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from pytest_syncload.facts.cost import Tier

#: Money is kept to the nano-dollar: a tenth of a read unit's price is a hundred of them.
_NANO = 10**9


def through(tiers: Sequence[Tier], units: Fraction) -> Fraction:
    """Dollars for the first ``units`` of a month."""
    dollars, begins = Fraction(0), Fraction(0)
    for tier in tiers:
        ends = units if tier.up_to is None else min(units, Fraction(tier.up_to))
        if ends > begins:
            dollars += (ends - begins) * Fraction(tier.usd)
            begins = ends
    return dollars


def between(tiers: Sequence[Tier], first: Fraction, last: Fraction) -> Fraction:
    """Dollars for the units that follow the first ``first`` of a month, up to ``last``."""
    return through(tiers, last) - through(tiers, first)


def well_formed(tiers: Sequence[Tier]) -> bool:
    """Whether every unit has one price: tiers in order, the last without an end, none below zero."""
    ends = [tier.up_to for tier in tiers]
    if not ends or ends[-1] is not None or any(tier.usd < 0 for tier in tiers):
        return False
    inner = [end for end in ends[:-1] if end is not None]
    return len(inner) == len(ends) - 1 and all(a < b for a, b in zip([Decimal(0), *inner], inner, strict=False))


def without_free_tier(tiers: Sequence[Tier]) -> tuple[Tier, ...]:
    """The tiers, with what is free at their beginning at the first price: an account has its free units only once, and
    others of its services may have used them. Empty where all is free."""
    paid = [tier for tier in tiers if tier.usd > 0]
    first = next((number for number, tier in enumerate(tiers) if tier.usd > 0), len(tiers))
    return tuple(tiers[first:]) if paid else ()


def dollars(amount: Fraction) -> Decimal:
    """The amount to the nano-dollar, halves to even."""
    return Decimal(round(amount * _NANO)) / _NANO
