"""The Price List API → prices: the one product that is meant, in order of its tiers, and nothing that could be another.

In the shape that its reference documents; it has never been asked for real.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from pytest_syncload.facts.cost import Origin, Price, Product, Sold, Tier
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.sources.prices import read_prices
from tests.sources.stubs import CLIENTS, scripted

REQUEST = Product(Sold.REST_REQUEST)
NODE = Product(Sold.NODE_HOUR, "cache.r7g.large valkey")
RATES = [("0", "333000000", "0.0000035"), ("333000000", "Inf", "0.0000028")]


def product(usage: str = "EUC1-ApiGatewayRequest", rates: Any = RATES, **more: Any) -> dict[str, Any]:
    dimensions = {
        f"SKU.TERM.{number}": {"beginRange": begin, "endRange": end, "unit": "Requests", "pricePerUnit": {"USD": usd}}
        for number, (begin, end, usd) in enumerate(rates)
    }
    return {
        "product": {"attributes": {"usagetype": usage, "regionCode": "eu-central-1"}, "sku": "SKU"},
        "serviceCode": "AmazonApiGateway",
        "terms": {"OnDemand": {"SKU.TERM": {"priceDimensions": dimensions}}},
        "publicationDate": "2026-10-30T12:00:00Z",
    } | more


def asked(service: str = "AmazonApiGateway", token: str | None = None, **also: str) -> dict[str, Any]:
    filters = [("regionCode", "eu-central-1"), *also.items()]
    request: dict[str, Any] = {
        "ServiceCode": service,
        "Filters": [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in filters],
        "FormatVersion": "aws_v1",
        "MaxResults": 100,
    }
    return request if token is None else request | {"NextToken": token}


def look(*told: object, of: Product = REQUEST) -> Price | str:
    """The price that an answer of these products gives, or why there is none."""
    with scripted("pricing") as stub:
        texts = [each if isinstance(each, str) else json.dumps(each) for each in told]
        stub.add_response("get_products", {"PriceList": texts}, asked() if of == REQUEST else None)
        prices, unpriced = read_prices(CLIENTS["pricing"], [of], "eu-central-1")
    if prices:
        assert unpriced == []
        return prices[0]
    return unpriced[0].why


def test_the_product_is_found_by_its_usage_type_and_its_tiers_put_in_order() -> None:
    found = look(product("EUC1-ApiGatewayCacheUsage:0.5GB"), product(rates=RATES[::-1]), "null", {"product": {}})
    assert found == Price(
        product=REQUEST,
        region="eu-central-1",
        tiers=(
            Tier(up_to=Decimal(333_000_000), usd=Decimal("0.0000035")),
            Tier(up_to=None, usd=Decimal("0.0000028")),
        ),
        origin=Origin.LIVE,
        as_of="2026-10-30",
    )
    assert isinstance(look(product("ApiGatewayRequest")), Price)  # of us-east-1 some have no prefix


def test_what_could_be_another_product_is_no_price() -> None:
    assert look() == "the Price List has no product of AmazonApiGateway in eu-central-1 that could be meant"
    assert look(product("EUC1-ApiGatewayRequestX"), product("x-ApiGatewayRequest")) == look()
    assert "2 products" in str(look(product(), product("ApiGatewayRequest")))


@pytest.mark.parametrize(
    "told",
    [
        product(terms={"Reserved": {}}),
        product(terms={"OnDemand": {}}),
        product(terms={"OnDemand": {"a": {"priceDimensions": {}}, "b": {"priceDimensions": {}}}}),
        product(terms=None),
        product(rates=[("0", "Inf", "free")]),
        product(rates=[("10", "Inf", "1")]),
        product(rates=[("0", "10", "1"), ("20", "Inf", "1")]),
        product(rates=[("0", "Inf", "1"), ("20", "Inf", "1")]),
        {key: value for key, value in product().items() if key != "publicationDate"},
    ],
)
def test_another_form_is_no_price(told: dict[str, Any]) -> None:
    assert "has another form than expected" in str(look(told))


def test_another_currency_is_no_price() -> None:
    told = json.loads(json.dumps(product()).replace("USD", "CNY"))
    assert "has another form than expected: 'USD'" in str(look(told))


def test_an_answer_that_is_no_json_is_no_price() -> None:
    assert look("{") == "the Price List's answer on AmazonApiGateway cannot be read"


def test_pages_are_read_to_the_last() -> None:
    with scripted("pricing") as stub:
        stub.add_response("get_products", {"PriceList": [], "NextToken": "2"}, asked())
        stub.add_response("get_products", {"PriceList": [json.dumps(product())]}, asked(token="2"))
        prices, _ = read_prices(CLIENTS["pricing"], [REQUEST], "eu-central-1")
    assert len(prices) == 1


def test_products_of_one_list_are_asked_for_once() -> None:
    other = Product(Sold.HTTP_REQUEST)
    with scripted("pricing") as stub:
        both = [product(), product("EUC1-ApiGatewayHttpRequest")]
        stub.add_response("get_products", {"PriceList": [json.dumps(each) for each in both]}, asked())
        prices, _ = read_prices(CLIENTS["pricing"], [REQUEST, other], "eu-central-1")
    assert [price.product for price in prices] == [REQUEST, other]


def test_pages_without_an_end_are_given_up() -> None:
    def tokens() -> Iterator[str]:
        yield from ("2", "2")

    with scripted("pricing") as stub:
        for token in tokens():
            stub.add_response("get_products", {"PriceList": [], "NextToken": token})
        _, unpriced = read_prices(CLIENTS["pricing"], [REQUEST], "eu-central-1")
    assert unpriced[0].why == "the Price List's answer on AmazonApiGateway has no last page"
    with scripted("pricing") as stub:
        for number in range(20):
            stub.add_response("get_products", {"PriceList": [], "NextToken": str(number)})
        _, unpriced = read_prices(CLIENTS["pricing"], [REQUEST], "eu-central-1")
    assert "no last page" in unpriced[0].why


def test_a_cache_node_is_asked_for_by_its_type_and_engine() -> None:
    with scripted("pricing") as stub:
        wanted = asked("AmazonElastiCache", instanceType="cache.r7g.large", cacheEngine="Valkey")
        told = [product(f"EUC1-NodeUsage:cache.r7g.{size}", [("0", "Inf", "0.2")]) for size in ("large", "xlarge")]
        stub.add_response("get_products", {"PriceList": [json.dumps(each) for each in told]}, wanted)
        prices, _ = read_prices(CLIENTS["pricing"], [NODE], "eu-central-1")
    assert prices[0].tiers == (Tier(up_to=None, usd=Decimal("0.2")),)


def test_where_it_may_not_be_asked_that_is_said_once() -> None:
    with scripted("pricing") as stub:
        stub.add_client_error("get_products", "AccessDeniedException", "no", 400)
        with pytest.raises(Inconclusive, match="allow pricing:GetProducts"):
            read_prices(CLIENTS["pricing"], [REQUEST, NODE], "eu-central-1")
