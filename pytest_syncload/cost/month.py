"""A window's usage → a line a product: dollars for a million jobs, and for a month at the scale of slo.yaml.

A million jobs is what the window used, for so many jobs, at the average price of a month at that scale (without one, of
the first million). A month is what its jobs use, through the tiers, and what is paid without any job.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

from pytest_syncload.cost.capacity import alternatives
from pytest_syncload.cost.tiers import between, dollars, through
from pytest_syncload.facts.cost import (
    HOURS_A_MONTH,
    MILLION,
    Consumed,
    Cost,
    CostLine,
    Price,
    Range,
    Sheet,
    Sold,
    Usage,
)

_ORDER = {sold: number for number, sold in enumerate(Sold)}


def cost_of(consumed: Consumed, sheet: Sheet, jobs_a_month: int | None) -> Cost:
    """What the window's jobs cost. Nothing that was used is left out of both the lines and the gaps."""
    gaps = list(consumed.gaps)
    used = consumed.usages
    if consumed.jobs <= 0:
        gaps.append("no job was accepted in the window, so there is nothing to divide by")
        used = ()
    by_product = sorted(used, key=lambda usage: (_ORDER[usage.product.sold], usage.product.variant))
    lines = []
    for product, usages in groupby(by_product, key=lambda usage: usage.product):
        price = sheet.price(product)
        if price is None:
            gaps.append(f"{product} is not priced: {sheet.why_not(product)}")
        lines.append(_line(tuple(usages), consumed.jobs, price, jobs_a_month))
    scaled = jobs_a_month is not None
    return Cost(
        phase=consumed.phase,
        jobs=consumed.jobs,
        lines=tuple(lines),
        per_million=_sum(line.per_million for line in lines),
        jobs_a_month=jobs_a_month,
        variable=_sum(line.variable for line in lines) if scaled else None,
        fixed=sum((line.fixed for line in lines if line.fixed is not None), Decimal(0)) if scaled else None,
        gaps=tuple(gaps),
        left_out=consumed.left_out,
        alternatives=alternatives(consumed, sheet, jobs_a_month),
        note=sheet.note,
    )


def _sum(ranges: Iterable[Range | None]) -> Range:
    return sum((each for each in ranges if each is not None), Range.of(Decimal(0)))


def _line(usages: tuple[Usage, ...], jobs: int, price: Price | None, jobs_a_month: int | None) -> CostLine:
    """All usages of one product together, because an account's tiers are of all of it."""
    low, high = (
        sum((Fraction(bound) for bound in bounds), Fraction(0)) / jobs
        for bounds in ([usage.used.low for usage in usages], [usage.used.high for usage in usages])
    )
    units = Range(low=_units(low * MILLION), high=_units(high * MILLION))
    product, of = usages[0].product, tuple(dict.fromkeys(usage.of for usage in usages))
    if price is None:
        return CostLine(product=product, of=of, units=units, price=None)
    at_scale = jobs_a_month or MILLION
    per_million = [through(price.tiers, each * at_scale) * MILLION / at_scale for each in (low, high)]
    line = CostLine(
        product=product,
        of=of,
        units=units,
        price=price,
        per_million=Range(low=dollars(per_million[0]), high=dollars(per_million[1])),
    )
    if jobs_a_month is None:
        return line
    always = _a_month(usage.always_per_h for usage in usages)
    kept = _a_month(usage.kept_per_h for usage in usages)
    # What stands there bears jobs too: only what they need beyond it is theirs. What stood there in the window bears
    # as many as came then; if it never shrinks, all of it is paid all month.
    least = max(low * jobs_a_month, always)
    most = max(high * jobs_a_month, always, kept)
    variable = [between(price.tiers, always, each) for each in (least, most)]
    return CostLine(
        product=product,
        of=of,
        units=units,
        price=price,
        per_million=line.per_million,
        variable=Range(low=dollars(variable[0]), high=dollars(variable[1])),
        fixed=dollars(through(price.tiers, always)),
    )


def _a_month(per_h: Iterable[Decimal | None]) -> Fraction:
    return sum((Fraction(each) * HOURS_A_MONTH for each in per_h if each is not None), Fraction(0))


def _units(units: Fraction) -> Decimal:
    """For a person; sums are made of the fractions."""
    return Decimal(round(units * MILLION)) / MILLION
