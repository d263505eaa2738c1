"""False greens of what a phase costs: an uncertain amount, one that nobody knows, and one of somewhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_syncload.conductor.costing import cost_of_phase, observe_cost
from pytest_syncload.cost.sheet import sheet_of
from pytest_syncload.cost.shipped import REGION, shipped
from pytest_syncload.facts.cost import Billing, Price, Product, Sheet, Sizes, Sold, TableSize, Unpriced
from pytest_syncload.facts.plan import Resources, Slo, Target
from pytest_syncload.facts.result import Outcome
from pytest_syncload.facts.units import Kind
from pytest_syncload.sources.cloudwatch import Answer, Ask
from pytest_syncload.verdict import judge
from tests.conductor.plans import phase, spec
from tests.cost.bills import REQUEST, WRITE, price
from tests.false_greens.cloud import Cloud, seen
from tests.false_greens.entry import Entry, Seen, Through
from tests.false_greens.of_absence import nothing
from tests.rows import reading, result
from tests.sources.test_usage import told

#: An API and a queue; an API and a table.
_QUEUE = Resources(rest_api="syncwell", stage="v1", queue="hot-path")
_TABLE = Resources(rest_api="syncwell", stage="v1", tables={"sync-jobs": ()})
_SIZES = Sizes(tables={"sync-jobs": TableSize(on_demand=True)})
_MESSAGE = Product(Sold.QUEUE_REQUEST)
_SHEET = Sheet(prices=(price(REQUEST, (None, "0.000001")), price(_MESSAGE, (None, "0.000001"))))


def _verdict(
    limit: float,
    resources: Resources,
    sheet: Sheet,
    answers: dict[Ask, Answer],
    says: str,
    sizes: Sizes | None = None,
    **load: Any,
) -> Seen:
    target = Target(op="<", value=limit, kind=Kind.MONEY, text=f"< {limit:g} USD")
    row = Slo(name="cost", phase="peak", target=target, line=1, metric="cost.per_million_jobs")
    billing = Billing(region="us-east-1", sizes=sizes or Sizes(), sheet=sheet)
    measured = result(**load)
    cost = cost_of_phase(spec(phase("peak", row)), reading(answers), billing, resources, measured)
    return seen(judge(observe_cost(row, cost, resources, measured), measured, None), says)


def _between_the_bounds(cloud: Cloud) -> Seen:
    """Of 1.01 dollars for requests, and between 0.31 and 3.00 for messages."""
    return _verdict(2, _QUEUE, _SHEET, told(_QUEUE), "lies between")


def _without_a_price(cloud: Cloud) -> Seen:
    sheet = Sheet(prices=_SHEET.prices[:1], unpriced=(Unpriced(product=_MESSAGE, why="the list has none"),))
    return _verdict(2, _QUEUE, sheet, told(_QUEUE), "SQS request is not priced: the list has none")


def _silent_table(cloud: Cloud) -> Seen:
    """A wrong name: the table that the jobs are written to is another."""
    sheet = Sheet(prices=(*_SHEET.prices, price(WRITE, (None, "0.000001"))))
    silent = told(_TABLE, ConsumedWriteCapacityUnits=None, ConsumedReadCapacityUnits=None)
    return _verdict(2, _TABLE, sheet, silent, "no data point for what it consumed", _SIZES)


def _prices_of_another_region(cloud: Cloud) -> Seen:
    """Of a region whose requests cost more, and whose prices nobody could ask for."""
    api = Resources(rest_api="syncwell", stage="v1")
    sheet = sheet_of([REQUEST], [], [], "sa-east-1", "pricing may not be asked")
    return _verdict(4, api, sheet, told(api), "this version has prices of us-east-1 only")


def _free_for_the_first_million(cloud: Cloud) -> Seen:
    """Another service of the account has used the free units up."""
    api = Resources(rest_api="syncwell", stage="v1")
    sheet = sheet_of([REQUEST], [price(REQUEST, ("1000000", "0"), (None, "0.000005"))], [], "sa-east-1", None)
    return _verdict(4, api, sheet, told(api), "")


def _tiers_with_a_hole(cloud: Cloud) -> Seen:
    """The list's last tier was lost with a page: what lies beyond it would be free."""
    api = Resources(rest_api="syncwell", stage="v1")
    sheet = sheet_of([REQUEST], [price(REQUEST, ("100000", "0.000005"))], [], "sa-east-1", None)
    return _verdict(4, api, sheet, told(api), "leave units without a price")


def _jobs_that_came_later(cloud: Cloud) -> Seen:
    """Of 1,800 that were due, half were sent behind the window, whose 900 requests cost a dollar for a million jobs."""
    api = Resources(rest_api="syncwell", stage="v1")
    return _verdict(0.8, api, _SHEET, told(api, Count=300.0), "1.00 USD is not < 0.8 USD", wire_requests=900)


def _as_here(product: Product, region: str) -> Price | None:
    return shipped(product, REGION)


def _entry(
    name: str, mistake: str, scenario: Callable[[Cloud], Seen], guards: Mapping[str, Callable[..., Any]]
) -> Entry:
    return Entry(name=name, mistake=mistake, guards=guards, through=Through.PURE, scenario=scenario)


ENTRIES: tuple[Entry, ...] = (
    _entry(
        "a cost by its low bound",
        "No metric counts requests to SQS, and the fewest that are possible are taken for those that were billed.",
        _between_the_bounds,
        {"pytest_syncload.verdict.bounds:all_met": lambda target, bounds: target.met_by(bounds[0])},
    ),
    _entry(
        "a cost without what has no price",
        "What nobody has a price for is left out of the sum, which is then inside its target.",
        _without_a_price,
        {
            "pytest_syncload.conductor.costing:require_all_known": nothing,
        },
    ),
    _entry(
        "a cost of a table that shows no use",
        "A table by a wrong name consumed nothing, and so costs nothing.",
        _silent_table,
        {"pytest_syncload.sources.usage:require_use_of_the_table": nothing},
    ),
    _entry(
        "a cost by another region's prices",
        "Where the price list may not be asked, prices of us-east-1 are taken for those of a dearer region.",
        _prices_of_another_region,
        {"pytest_syncload.cost.shipped:shipped": _as_here},
    ),
    _entry(
        "a cost of jobs that were not in the window",
        "What the window used is divided by all jobs that were due in it, of which some were sent, and counted, later.",
        _jobs_that_came_later,
        {"pytest_syncload.sources.usage:jobs_of_the_window": lambda result: result.hold[Outcome.OK]},
    ),
    _entry(
        "a cost with the free tier",
        "The units that an account has for nothing, once, are taken to be this service's.",
        _free_for_the_first_million,
        {"pytest_syncload.cost.tiers:without_free_tier": tuple},
    ),
    _entry(
        "a cost by tiers with a hole",
        "Of a price list that lost its last tier, units beyond it cost nothing.",
        _tiers_with_a_hole,
        {"pytest_syncload.cost.tiers:well_formed": lambda tiers: True},
    ),
)
