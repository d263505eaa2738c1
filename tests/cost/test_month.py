"""A window's usage as dollars: examples by hand, and what no usage, no price and no gap may do to a sum."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.cost.month import cost_of
from pytest_syncload.facts.cost import Cost, Product, Range, Sheet, Sold, Unpriced, Usage
from tests.cost.bills import MESSAGE, NODE, REQUEST, SHEET, VCPU, WRITE, price, used, window

MONTH = 6_000_000


def of(amount: str) -> Range:
    return Range.of(Decimal(amount))


def test_a_million_jobs_and_a_month_by_hand() -> None:
    cost = cost_of(
        window(used(REQUEST, "606"), used(WRITE, "600"), used(WRITE, "600"), used(MESSAGE, "180", "1800")), SHEET, MONTH
    )
    by = {line.product: line for line in cost.lines}
    assert [line.product for line in cost.lines] == [REQUEST, WRITE, MESSAGE]
    assert by[REQUEST].units == of("1010000")
    # 6,060,000 requests: a million at 4, the rest at 2 dollars a million.
    assert by[REQUEST].variable == of("14.12")
    assert by[REQUEST].per_million == Range.of(Decimal("2.353333333"))
    assert by[WRITE].variable == of("12")
    assert by[MESSAGE].per_million == Range(low=Decimal("0.3"), high=Decimal(3))
    assert cost.variable == Range(low=Decimal("27.92"), high=Decimal("44.12"))
    assert cost.fixed == 0
    assert cost.per_month == cost.variable
    assert (cost.gaps, cost.jobs, cost.jobs_a_month) == ((), 600, MONTH)


def test_without_a_scale_a_million_jobs_are_the_first_and_there_is_no_month() -> None:
    cost = cost_of(window(used(REQUEST, "600"), used(NODE, "0", always_per_h=Decimal(2))), SHEET, None)
    assert cost.per_million == of("4")
    assert (cost.per_month, cost.variable, cost.fixed, cost.alternatives) == (None, None, None, ())
    assert {line.variable for line in cost.lines} == {None}


def test_what_is_paid_without_a_job_is_fixed_and_in_no_job() -> None:
    nodes = [used(NODE, "0", of=of, always_per_h=Decimal(1)) for of in ("a", "b")]
    cost = cost_of(window(*nodes), SHEET, MONTH)
    (line,) = cost.lines
    assert line.of == ("a", "b")
    assert line.fixed == cost.fixed == Decimal(730)
    assert line.per_million == line.variable == cost.per_million == of("0")


def test_tasks_are_between_what_jobs_need_and_what_stood_there() -> None:
    """Two tasks of a vCPU bore 600 jobs in three seconds; one of them always runs."""
    tasks = used(VCPU, "0.001666666", always_per_h=Decimal(1), kept_per_h=Decimal(2))
    few, many = (cost_of(window(tasks), SHEET, jobs).lines[0] for jobs in (MONTH, 1000 * MONTH))
    assert few.fixed == many.fixed == Decimal("29.2")
    # The least is what is fixed: the one task bears all jobs of so few. At most both run all month.
    assert few.variable == Range(low=Decimal(0), high=Decimal("29.2"))
    # Of more jobs than two tasks bear all month, jobs say how many there must be.
    assert many.variable is not None
    assert many.variable.low == many.variable.high > Decimal(500)
    unknown = cost_of(window(replace(tasks, always_per_h=Decimal(0))), SHEET, MONTH).lines[0]
    assert unknown.fixed == 0
    assert unknown.variable is not None
    assert Decimal(0) < unknown.variable.low < unknown.variable.high == Decimal("58.4")


def test_what_has_no_price_is_a_gap_with_its_reason_and_no_zero() -> None:
    sheet = replace(SHEET, prices=SHEET.prices[1:], unpriced=(Unpriced(product=REQUEST, why="denied"),))
    cost = cost_of(window(used(REQUEST, "600"), used(WRITE, "600"), gaps=("the queue is silent",)), sheet, MONTH)
    assert cost.gaps == ("the queue is silent", "REST API request is not priced: denied")
    line = cost.lines[0]
    assert (line.product, line.price, line.per_million, line.variable, line.fixed) == (REQUEST, None, None, None, None)
    assert line.units == of("1000000")
    assert cost.per_million == of("1")
    assert "nobody asked" in cost_of(window(used(REQUEST, "1")), Sheet(), None).gaps[0]


def test_without_a_job_nothing_is_known() -> None:
    cost = cost_of(window(used(REQUEST, "3"), jobs=0), SHEET, MONTH)
    assert cost.gaps == ("no job was accepted in the window, so there is nothing to divide by",)
    assert (cost.lines, cost.per_million) == ((), of("0"))


_PRODUCTS = (REQUEST, WRITE, MESSAGE, VCPU, NODE)
_UNITS = st.decimals(0, 10**9, places=2)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    low, more = draw(_UNITS), draw(_UNITS)
    return Usage(
        product=draw(st.sampled_from(_PRODUCTS)),
        of="it",
        used=Range(low=low, high=low + more),
        source="a test",
        always_per_h=draw(st.decimals(0, 100, places=1)),
        kept_per_h=draw(st.none() | st.decimals(0, 100, places=1)),
    )


MONTHS = st.none() | st.integers(1, 10**11)
JOBS = st.integers(1, 10**7)


def ranges(cost: Cost) -> list[Range]:
    of_lines = [found for line in cost.lines for found in (line.units, line.per_million, line.variable)]
    return [found for found in (cost.per_million, cost.variable, cost.per_month, *of_lines) if found is not None]


@given(st.lists(usages(), max_size=6), JOBS, MONTHS)
def test_the_low_bound_is_never_above_the_high_one(of: list[Usage], jobs: int, month: int | None) -> None:
    for found in ranges(cost_of(window(*of, jobs=jobs), SHEET, month)):
        assert 0 <= found.low <= found.high


@given(st.lists(usages(), max_size=4), usages(), JOBS, MONTHS)
def test_a_cost_never_falls_when_usage_grows(of: list[Usage], more: Usage, jobs: int, month: int | None) -> None:
    less, grown = (cost_of(window(*each, jobs=jobs), SHEET, month) for each in (of, [*of, more]))
    for before, after in ((less.per_million, grown.per_million), (less.per_month, grown.per_month)):
        if before is not None and after is not None:
            assert before.low <= after.low
            assert before.high <= after.high


@given(st.lists(usages(), max_size=5), JOBS, MONTHS)
def test_the_order_in_which_usage_is_read_changes_nothing(of: list[Usage], jobs: int, month: int | None) -> None:
    there, back = (cost_of(window(*each, jobs=jobs), SHEET, month) for each in (of, of[::-1]))
    assert (there.per_million, there.per_month, there.fixed) == (back.per_million, back.per_month, back.fixed)


@given(usages(), st.integers(0, 100), JOBS, MONTHS)
def test_usage_split_in_two_costs_the_same(whole: Usage, share: int, jobs: int, month: int | None) -> None:
    def part(units: Decimal, other: bool) -> Decimal:
        first = units * share / 100
        return units - first if other else first

    halves = [
        replace(
            whole,
            used=Range(low=part(whole.used.low, other), high=part(whole.used.high, other)),
            always_per_h=part(whole.always_per_h, other),
            kept_per_h=None if whole.kept_per_h is None else part(whole.kept_per_h, other),
        )
        for other in (False, True)
    ]
    one, two = (cost_of(window(*each, jobs=jobs), SHEET, month) for each in ([whole], halves))
    assert (one.per_million, one.per_month, one.fixed) == (two.per_million, two.per_month, two.fixed)


@given(st.lists(usages(), min_size=1, max_size=5), JOBS, MONTHS)
def test_a_price_that_is_missing_lowers_a_sum_and_is_always_told(of: list[Usage], jobs: int, month: int | None) -> None:
    missing = of[0].product
    sheet = replace(SHEET, prices=tuple(each for each in SHEET.prices if each.product != missing))
    whole, part = (cost_of(window(*of, jobs=jobs), each, month) for each in (SHEET, sheet))
    assert part.per_million.low <= whole.per_million.low
    assert any(str(missing) in gap for gap in part.gaps)
    assert whole.gaps == ()


def test_a_writes_other_way_of_paying() -> None:
    """600 writes in three seconds are 200/s: 200 units, 146 dollars a month provisioned."""
    cost = cost_of(window(used(WRITE, "600", of="jobs")), SHEET, 100_000_000)
    (other,) = cost.alternatives
    assert (other.of, other.what, other.on_demand, other.provisioned) == ("jobs", "writes", Decimal(100), Decimal(146))
    # 200 units bear 525.6 million writes a month, which are 525.6 dollars on demand.
    assert round(other.break_even_percent, 2) == 27.78
    assert round(other.used_percent, 2) == 19.03


def test_the_other_way_is_told_only_where_the_data_allows_it() -> None:
    writes = used(WRITE, "600")
    assert cost_of(window(writes), SHEET, 10**9).alternatives == ()  # the scale needs more than the phase's rate
    without = replace(SHEET, prices=(price(WRITE, (None, "1")),))
    assert cost_of(window(writes), without, 1000).alternatives == ()
    assert cost_of(window(writes, jobs=0), SHEET, 1000).alternatives == ()
    assert cost_of(window(used(WRITE, "0"), used(REQUEST, "600")), SHEET, 1000).alternatives == ()


def test_a_variant_is_a_product_of_its_own() -> None:
    other = Product(Sold.NODE_HOUR, "cache.t4g.micro redis")
    cost = cost_of(window(used(NODE, "0"), used(other, "0")), SHEET, None)
    assert [str(line.product) for line in cost.lines] == [
        "ElastiCache node hour cache.r7g.large valkey",
        "ElastiCache node hour cache.t4g.micro redis",
    ]
