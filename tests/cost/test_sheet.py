"""Which price stands: the live one, else the shipped one of its own region, else none; and what must have one."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pytest_syncload.cost.products import needed_of, products_of
from pytest_syncload.cost.sheet import sheet_of
from pytest_syncload.cost.shipped import REGION, shipped
from pytest_syncload.cost.tiers import well_formed
from pytest_syncload.facts.cost import NodeSize, Origin, Product, Sizes, Sold, TableSize, TaskSize, Unpriced
from pytest_syncload.facts.plan import Resources
from tests.cost.bills import NODE, REQUEST, WRITE, WRITE_HOUR, price
from tests.rows import RESOURCES


def test_a_live_price_goes_before_a_shipped_one() -> None:
    live = price(REQUEST, (None, "7"))
    sheet = sheet_of([REQUEST, WRITE], [live], [], REGION, None)
    assert sheet.price(REQUEST) == live
    other = sheet.price(WRITE)
    assert other is not None
    assert (other.origin, other.as_of, str(other)) == (Origin.SHIPPED, "2024-11", "shipped, 2024-11")
    assert (sheet.unpriced, sheet.note) == ((), None)


def test_another_region_never_gets_the_prices_of_this_one() -> None:
    sheet = sheet_of([REQUEST], [], [Unpriced(product=REQUEST, why="no product")], "eu-central-1", None)
    assert sheet.price(REQUEST) is None
    assert sheet.why_not(REQUEST) == "no product; this version has prices of us-east-1 only, and this is eu-central-1"


def test_where_nobody_may_ask_that_is_why() -> None:
    sheet = sheet_of([REQUEST, NODE], [], [], REGION, "forbidden; allow pricing:GetProducts")
    assert sheet.note == "not live: forbidden; allow pricing:GetProducts"
    assert sheet.price(REQUEST) is not None
    assert sheet.why_not(NODE) == "forbidden; allow pricing:GetProducts; this version comes with none of it"


def test_live_tiers_with_a_hole_are_no_price() -> None:
    sheet = sheet_of([NODE], [price(NODE, ("10", "1"))], [], "eu-west-1", None)
    assert "leave units without a price" in sheet.why_not(NODE)
    free = sheet_of([WRITE_HOUR], [price(WRITE_HOUR, ("18600", "0"), (None, "1"))], [], "eu-west-1", None)
    assert free.prices == (price(WRITE_HOUR, (None, "1")),)


@pytest.mark.parametrize("sold", [sold for sold in Sold if sold is not Sold.NODE_HOUR])
def test_every_shipped_price_is_whole_and_of_one_region(sold: Sold) -> None:
    found = shipped(Product(sold), REGION)
    assert found is not None
    assert well_formed(found.tiers)
    assert all(tier.usd > 0 for tier in found.tiers)
    falling = [tier.usd for tier in found.tiers]
    assert falling == sorted(falling, reverse=True)
    assert shipped(Product(sold), "eu-west-1") is None


def test_cache_nodes_have_no_shipped_price() -> None:
    assert shipped(NODE, REGION) is None


def test_the_first_million_requests_cost_what_the_page_says() -> None:
    found = shipped(REQUEST, REGION)
    assert found is not None
    assert found.tiers[0].usd * 1_000_000 == Decimal("3.5")


def test_what_is_listed_is_priced_both_ways_of_a_table_and_the_runs_own_questions_too() -> None:
    sizes = Sizes(
        tables={"sync-jobs": TableSize(on_demand=True)},
        task=TaskSize(vcpu=Decimal(1), gb=Decimal(2)),
        nodes=dict.fromkeys("ab", NodeSize(kind="cache.r7g.large", engine="valkey")),
    )
    assert [str(product) for product in products_of(RESOURCES, sizes)] == [
        "REST API request",
        "DynamoDB write unit",
        "DynamoDB read unit",
        "SQS request",
        "Fargate vCPU hour",
        "Fargate GB hour",
        "ElastiCache node hour cache.r7g.large valkey",
        "DynamoDB provisioned write hour",
        "DynamoDB provisioned read hour",
        "GetMetricData metric",
    ]
    listed = Resources(http_api="a1", stage="v1", queue="jobs.fifo")
    arm = replace(sizes, task=TaskSize(vcpu=Decimal(1), gb=Decimal(2), arm=True), tables={}, nodes={})
    assert {product.sold for product in products_of(listed, arm)} == {
        Sold.HTTP_REQUEST,
        Sold.FIFO_REQUEST,
        Sold.ARM_VCPU_HOUR,
        Sold.ARM_GB_HOUR,
        Sold.METRIC,
    }
    assert products_of(Resources(), Sizes()) == (Product(Sold.METRIC),)
    provisioned = Sizes(tables={"sync-jobs": TableSize(on_demand=False)})
    assert [product.sold for product in needed_of(Resources(tables={"sync-jobs": ()}), provisioned)] == [
        Sold.WRITE_CAPACITY_HOUR,
        Sold.READ_CAPACITY_HOUR,
    ]
