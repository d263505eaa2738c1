"""What a run itself costs: by hand, and what no plan and no price may do to it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.cost.month import cost_of
from pytest_syncload.cost.run import assumed, measured, over, run_price
from pytest_syncload.facts.cost import PerRequest, Product, Range, RunPrice, Sheet, Sizes, Sold, TableSize
from pytest_syncload.facts.plan import Resources
from tests.cost.bills import MESSAGE, REQUEST, SHEET, VCPU, WRITE, price, used, window
from tests.rows import RESOURCES

METRIC = Product(Sold.METRIC)
PRICES = replace(SHEET, prices=(*SHEET.prices, price(METRIC, (None, "0.00001"))))
EACH = PerRequest(
    units={REQUEST: Range.of(Decimal(1)), MESSAGE: Range(low=Decimal("0.3"), high=Decimal(3))}, basis="a test"
)


def some(low: str, high: str | None = None) -> Range:
    return Range(low=Decimal(low), high=Decimal(high or low))


def test_a_run_by_hand_at_the_price_of_the_first_units() -> None:
    found = run_price(some("2000000"), EACH, some("100", "1000"), PRICES)
    assert found.items == {
        "REST API request": some("8"),  # 4 dollars a million, though the second million costs 2
        "SQS request": some("0.6", "6"),
        "GetMetricData metric": some("0.001", "0.01"),
    }
    assert (found.usd, found.requests, found.basis, found.gaps) == (
        some("8.601", "14.01"),
        some("2000000"),
        "a test",
        (),
    )


def test_what_has_no_price_is_told_and_may_be_any_amount() -> None:
    found = run_price(some("10"), EACH, some("0"), Sheet(prices=PRICES.prices[1:]))
    assert found.gaps == ("REST API request is not priced: nobody asked for its price",)
    assert over(Decimal(10**9), found)
    whole = run_price(some("1000000"), EACH, some("0"), PRICES)
    assert over(Decimal("6.99"), whole)
    assert not over(Decimal(7), whole)


def test_two_phases_are_one_run() -> None:
    one = run_price(some("10"), EACH, some("5"), PRICES)
    two = RunPrice(requests=some("5"), items={"else": some("1")}, basis="b", gaps=("x",))
    both = one + two
    assert both.usd == one.usd + some("1")
    assert (both.requests, both.basis, both.gaps) == (some("15"), "a test and b", ("x",))
    assert (one + one).basis == "a test"


def test_what_is_assumed_of_a_request() -> None:
    sizes = Sizes(
        tables={
            "sync-jobs": TableSize(on_demand=True),
            "users": TableSize(on_demand=True),
            "old": TableSize(on_demand=False),
        }
    )
    listed = replace(RESOURCES, tables={"sync-jobs": ("by-user",), "users": (), "old": ()})
    found = assumed(listed, sizes)
    assert found.units == {
        REQUEST: some("1"),
        WRITE: some("3"),
        Product(Sold.READ_UNIT): some("2"),
        MESSAGE: some("0.3", "3"),
    }
    assert assumed(Resources(), Sizes()).units == {}
    http = assumed(Resources(http_api="a1", stage="v1", queue="x.fifo"), Sizes())
    assert [product.sold for product in http.units] == [Sold.HTTP_REQUEST, Sold.FIFO_REQUEST]


def test_what_was_measured_of_a_job_is_of_a_request_too() -> None:
    cost = cost_of(window(used(REQUEST, "660"), used(MESSAGE, "180", "1800"), used(VCPU, "5")), SHEET, None)
    found = measured(cost, EACH, "as measured")
    assert (found.units, found.basis) == ({REQUEST: some("1.1"), MESSAGE: some("0.3", "3")}, "as measured")
    # 600 of 660 requests were jobs: a request used one unit.
    of_requests = measured(cost, EACH, "as measured", 660)
    assert of_requests.units[REQUEST].low.quantize(Decimal("1e-9")) == 1


def test_what_was_not_measured_is_assumed_and_said_so() -> None:
    cost = cost_of(window(used(REQUEST, "660"), gaps=("the queue is silent",)), SHEET, None)
    found = measured(cost, EACH, "as measured")
    assert found.units == {REQUEST: some("1.1"), MESSAGE: some("0.3", "3")}
    assert found.basis == "as measured; SQS request a test"
    # Of what that cost does have, a part may be missing too.
    less = cost_of(window(used(REQUEST, "60"), gaps=("a part was lost",)), SHEET, None)
    assert measured(less, EACH, "as measured").units[REQUEST] == some("0.1", "1")
    nothing = cost_of(window(used(VCPU, "5")), SHEET, None)
    assert measured(nothing, EACH, "as measured") == EACH


@given(st.decimals(0, 10**9, places=0), st.decimals(0, 10**9, places=0), st.decimals(0, 10**6, places=0))
def test_more_requests_and_more_questions_never_cost_less(less: Decimal, more: Decimal, metrics: Decimal) -> None:
    few = run_price(Range.of(less), EACH, Range.of(Decimal(0)), PRICES).usd
    many = run_price(Range(low=less, high=less + more), EACH, Range.of(metrics), PRICES).usd
    assert few.low <= many.low
    assert few.high <= many.high
    assert many.low <= many.high
