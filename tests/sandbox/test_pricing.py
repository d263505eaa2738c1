"""The Price List's double, by the code that asks it and by boto3's own client."""

from __future__ import annotations

import json
from typing import Any

import botocore.exceptions
import pytest

from pytest_syncload.facts.cost import Product, Sold
from pytest_syncload.sandbox.pricing import PRODUCTS
from pytest_syncload.sources.prices import read_prices
from tests.sandbox.awsclients import Stage

NODE = Product(Sold.NODE_HOUR, "cache.r7g.large valkey")


def refused(client: Any, **request: Any) -> str:
    with pytest.raises(botocore.exceptions.ClientError) as error:
        client.get_products(**{"ServiceCode": "AmazonECS"} | request)
    return str(error.value.response["Error"]["Code"])


def test_it_has_a_price_for_everything_in_its_region_and_in_no_other(stage: Stage) -> None:
    products = [NODE, *(Product(sold) for sold in Sold if sold is not Sold.NODE_HOUR)]
    client = stage.client("pricing")
    prices, unpriced = read_prices(client, products, "us-east-1")
    assert ([price.product for price in prices], unpriced) == (products, [])
    assert {price.as_of for price in prices} == {"2026-01-01"}
    elsewhere, missing = read_prices(client, products, "eu-central-1")
    assert (elsewhere, len(missing)) == ([], len(products))


def test_every_product_is_told_once_over_its_pages(stage: Stage) -> None:
    client = stage.client("pricing")
    told: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = client.get_products(ServiceCode="AmazonECS", **token)
        told += page["PriceList"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    skus = [json.loads(each)["product"]["sku"] for each in told]
    assert len(skus) == len(set(skus)) == sum(service == "AmazonECS" for service, _ in PRODUCTS)


def test_what_it_does_not_know_it_refuses(stage: Stage) -> None:
    client = stage.client("pricing")
    assert refused(client, ServiceCode="AmazonEC2") == "NotFoundException"
    assert refused(client, NextToken="2-else") == "InvalidNextTokenException"
    assert refused(client, MaxResults=101) == "InvalidParameterException"
    other = [{"Type": "CONTAINS", "Field": "usagetype", "Value": "Fargate"}]
    assert refused(client, Filters=other) == "InvalidParameterException"
