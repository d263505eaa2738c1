"""What a phase's jobs cost, as a table, a sentence and words: for every report alike."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pytest_syncload.facts.cost import MILLION, Alternative, Cost, CostLine, Price, Range
from pytest_syncload.facts.units import format_money, format_number

_NOTHING = "–"
#: The columns of the table.
HEAD = ("item", "units a million jobs", "USD a unit", "USD a million jobs", "USD a month", "fixed")


def cost_table(cost: Cost) -> list[str]:
    """The table with its caption, and below it what is not known, what nobody looked at, and what else could be paid.

    Where no scale is known there is nothing of a month.
    """
    columns = 4 if cost.jobs_a_month is None else len(HEAD)
    rows = [row[:columns] for row in (HEAD, *table_rows(cost))]
    widths = [max(len(row[column]) for row in rows) for column in range(columns)]
    left = (0, 2)
    lines = [f"{cost.phase}: {caption(cost)}"]
    for row in rows:
        cells = [
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return [*lines, *(f"  {note}" for note in notes(cost))]


def caption(cost: Cost) -> str:
    """What the table is of."""
    month = "" if cost.jobs_a_month is None else f", and a month of {cost.jobs_a_month:,} jobs"
    return f"what a million jobs cost{month}, by {cost.jobs:,} jobs of this phase"


def table_rows(cost: Cost) -> list[tuple[str, ...]]:
    """A row a product and the total, in the columns of `HEAD`."""
    rows = [_row(line) for line in cost.lines]
    month, fixed = cost.per_month, cost.fixed
    total = (
        "total",
        "",
        "",
        known_usd(cost.per_million, cost.gaps),
        _NOTHING if month is None else known_usd(month, cost.gaps),
        _NOTHING if fixed is None else known_usd(Range.of(fixed), cost.gaps),
    )
    return [*rows, total]


def notes(cost: Cost) -> list[str]:
    """What the table does not have, and what it stands on."""
    return [
        *(f"not known: {gap}" for gap in cost.gaps),
        f"not in it: {'; '.join(cost.left_out)}",
        *([] if cost.note is None else [f"prices: {cost.note}"]),
        *(f"instead: {alternative_in_words(each)}" for each in cost.alternatives),
    ]


def sentence(cost: Cost) -> str:
    """``a million jobs cost 4.45 to 5.53 USD, a month of 2,160,000,000 jobs 9,874 to 12,204 USD``."""
    month, jobs = cost.per_month, cost.jobs_a_month
    beside = ""
    if month is not None and jobs is not None:
        beside = f", a month of {jobs:,} jobs {known_usd(month, cost.gaps)} USD"
    return f"a million jobs cost {known_usd(cost.per_million, cost.gaps)} USD{beside}"


def usd(amount: Range) -> str:
    """``4.45 to 5.53``, one number where both read the same."""
    low, high = format_money(float(amount.low)), format_money(float(amount.high))
    return low if low == high else f"{low} to {high}"


def known_usd(amount: Range, gaps: Sequence[str]) -> str:
    """The same; with gaps, only what it is at least: what is missing may be any amount."""
    return f"at least {usd(Range.of(amount.low))}" if gaps else usd(amount)


def price_in_words(price: Price) -> str:
    """``3.50/M in 4 tiers (live, 2026-01-01)``: of the first tier, for a million units where one costs little."""
    first = price.tiers[0].usd
    # Of what is sold by the million one unit's price has too many zeros to be read.
    each = f"{_digits(first * MILLION)}/M" if first < Decimal("0.0001") else _digits(first)
    tiers = "" if len(price.tiers) == 1 else f" in {len(price.tiers)} tiers"
    return f"{each}{tiers} ({price})"


def _digits(amount: Decimal) -> str:
    """All its digits, and two after the point at least."""
    plain = f"{amount.normalize():f}"
    whole, _, rest = plain.partition(".")
    return f"{whole}.{rest:0<2}"


def alternative_in_words(other: Alternative) -> str:
    """A table's other way of paying, with what each costs and when it would be the cheaper."""
    cheaper = other.used_percent >= other.break_even_percent
    return (
        f"{other.of} {other.what}: {usd(Range.of(other.provisioned))} USD a month provisioned for this phase's rate, "
        f"{usd(Range.of(other.on_demand))} on demand; provisioned is cheaper from "
        f"{format_number(round(other.break_even_percent, 1))} % of use, and the scale uses "
        f"{format_number(round(other.used_percent, 1))} %" + (", so it is" if cheaper else "")
    )


def _row(line: CostLine) -> tuple[str, ...]:
    variable, fixed = line.variable, line.fixed
    month = None if variable is None or fixed is None else variable + Range.of(fixed)
    return (
        str(line.product),
        _units(line.units),
        "none" if line.price is None else price_in_words(line.price),
        _NOTHING if line.per_million is None else usd(line.per_million),
        _NOTHING if month is None else usd(month),
        _NOTHING if not fixed else usd(Range.of(fixed)),
    )


def _units(units: Range) -> str:
    """``1,002,000``, or ``300,000 to 3,000,000``."""
    low, high = _count(units.low), _count(units.high)
    return low if low == high else f"{low} to {high}"


def _count(count: Decimal) -> str:
    return f"{count:,.0f}" if count >= MILLION / 1000 else format_number(float(count))
