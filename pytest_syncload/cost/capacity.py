"""DynamoDB on demand beside provisioned: what each costs at the scale of slo.yaml, and from which use on.

One provisioned unit bears one on-demand unit a second ("Amazon DynamoDB pricing": a write of up to 1 KB is one unit of
either). Provisioned is taken without autoscaling and to its last unit, which is the least it can cost at that rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from pytest_syncload.cost.tiers import dollars, through
from pytest_syncload.facts.cost import HOURS_A_MONTH, Alternative, Consumed, Product, Sheet, Sold

_SECONDS_AN_HOUR = 3600
#: What is paid by use, by the other way of paying it, and what it is called.
_WAYS = {
    Sold.WRITE_UNIT: (Sold.WRITE_CAPACITY_HOUR, "writes"),
    Sold.READ_UNIT: (Sold.READ_CAPACITY_HOUR, "reads"),
}


def alternatives(consumed: Consumed, sheet: Sheet, jobs_a_month: int | None) -> tuple[Alternative, ...]:
    """One for the writes and one for the reads of each table or index on demand, where both prices are known."""
    if jobs_a_month is None or consumed.jobs <= 0 or consumed.wall_s <= 0:
        return ()
    return tuple(_all(consumed, sheet, jobs_a_month))


def _all(consumed: Consumed, sheet: Sheet, jobs_a_month: int) -> Iterator[Alternative]:
    for usage in consumed.usages:
        if usage.product.sold not in _WAYS or usage.used.high <= 0:
            continue
        other, what = _WAYS[usage.product.sold]
        by_use, by_hour = sheet.price(usage.product), sheet.price(Product(other))
        if by_use is None or by_hour is None:
            continue
        provisioned_units = ceil(Fraction(usage.used.high) / Fraction(consumed.wall_s))
        needed = Fraction(usage.used.high) * jobs_a_month / consumed.jobs
        on_demand = through(by_use.tiers, needed)
        provisioned = through(by_hour.tiers, Fraction(provisioned_units * HOURS_A_MONTH))
        bears = Fraction(provisioned_units * HOURS_A_MONTH * _SECONDS_AN_HOUR)
        if needed > bears:
            continue  # a rate below the average of the scale says nothing of what must be provisioned
        yield Alternative(
            of=usage.of,
            what=what,
            on_demand=dollars(on_demand),
            provisioned=dollars(provisioned),
            break_even_percent=float(100 * provisioned / through(by_use.tiers, bears)),
            used_percent=float(100 * needed / bears),
        )
