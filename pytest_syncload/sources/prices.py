"""Live prices by the Price List API: which products are asked, and which of the answers is the one that is meant.

[U] It has never been asked for real: filters and attributes are those that AWS's documentation and public price lists
show. So nothing is guessed: what is not exactly one product in dollars, by a usage type of the expected name, has no
price. Source: AWS Price List API Reference, GetProducts; "Reading the price list".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import Any

from pytest_syncload.facts.cost import Origin, Price, Product, Sold, Tier, Unpriced
from pytest_syncload.sources.aws import call

#: The Price List API stands in three regions, and tells of all. This is the one that every account may ask.
ENDPOINT_REGION = "us-east-1"
#: Products that a page holds at most, and pages that what is asked here can fill.
_A_PAGE = 100
_PAGES = 20
_END = "Inf"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """What the Price List calls a product: its service, and its usage type behind the region's prefix (``EUC1-``).

    ``also`` are further attributes that tell it from others of that usage type.
    """

    service: str
    usage: str
    also: Mapping[str, str]


def _named(service: str, usage: str, **also: str) -> _Named:
    return _Named(service=service, usage=re.escape(usage), also=also)


_NAMES: Mapping[Sold, _Named] = {
    Sold.REST_REQUEST: _named("AmazonApiGateway", "ApiGatewayRequest"),
    Sold.HTTP_REQUEST: _named("AmazonApiGateway", "ApiGatewayHttpRequest"),
    Sold.VCPU_HOUR: _named("AmazonECS", "Fargate-vCPU-Hours:perCPU"),
    Sold.GB_HOUR: _named("AmazonECS", "Fargate-GB-Hours"),
    Sold.ARM_VCPU_HOUR: _named("AmazonECS", "Fargate-ARM-vCPU-Hours:perCPU"),
    Sold.ARM_GB_HOUR: _named("AmazonECS", "Fargate-ARM-GB-Hours"),
    Sold.WRITE_UNIT: _named("AmazonDynamoDB", "WriteRequestUnits"),
    Sold.READ_UNIT: _named("AmazonDynamoDB", "ReadRequestUnits"),
    Sold.WRITE_CAPACITY_HOUR: _named("AmazonDynamoDB", "WriteCapacityUnit-Hrs"),
    Sold.READ_CAPACITY_HOUR: _named("AmazonDynamoDB", "ReadCapacityUnit-Hrs"),
    Sold.QUEUE_REQUEST: _named("AWSQueueService", "Requests-Tier1", queueType="Standard"),
    Sold.FIFO_REQUEST: _named("AWSQueueService", "Requests-FIFO-Tier1"),
    Sold.METRIC: _named("AmazonCloudWatch", "CW:GMD-Metrics"),
}
_ENGINES = {"redis": "Redis", "valkey": "Valkey", "memcached": "Memcached"}


def read_prices(client: Any, products: Iterable[Product], region: str) -> tuple[list[Price], list[Unpriced]]:
    """The live price of each product in ``region``, or why it has none. ``client``: pricing.

    Raises:
        Inconclusive: the Price List API may not be asked, or does not answer.
    """
    prices: list[Price] = []
    unpriced: list[Unpriced] = []
    listed: dict[tuple[str, ...], list[Any]] = {}
    for product in products:
        named = _name(product)
        asked = (named.service, *named.also.values())
        try:
            if asked not in listed:  # several products are in one list
                listed[asked] = _listed(client, named, region)
            offered = [told for told in listed[asked] if _is_meant(told, named)]
            prices.append(_priced(product, region, offered, named))
        except _Unusable as error:
            unpriced.append(Unpriced(product=product, why=str(error)))
    return prices, unpriced


class _Unusable(ValueError):
    """What the list says of a product is not one price in dollars."""


def _name(product: Product) -> _Named:
    if product.sold is not Sold.NODE_HOUR:
        return _NAMES[product.sold]
    kind, _, engine = product.variant.partition(" ")
    return _named("AmazonElastiCache", f"NodeUsage:{kind}", instanceType=kind, cacheEngine=_ENGINES.get(engine, engine))


def _listed(client: Any, named: _Named, region: str) -> list[Any]:
    filters = [("regionCode", region), *named.also.items()]
    request: dict[str, Any] = {
        "ServiceCode": named.service,
        "Filters": [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in filters],
        "FormatVersion": "aws_v1",
        "MaxResults": _A_PAGE,
    }
    found: list[Any] = []
    for _ in range(_PAGES):
        page = call(client, "GetProducts", **request)
        for text in page.get("PriceList", ()):
            try:
                found.append(json.loads(text))
            except ValueError:
                raise _Unusable(f"the Price List's answer on {named.service} cannot be read") from None
        token = page.get("NextToken")
        if not token:
            return found
        if token == request.get("NextToken"):
            break
        request["NextToken"] = token
    raise _Unusable(f"the Price List's answer on {named.service} has no last page")


def _is_meant(told: Any, named: _Named) -> bool:
    """Whether it is the product: others have longer usage types, such as those of a reserved or extended kind. IA is no
    region, but DynamoDB's class for tables of infrequent access."""
    try:
        usage = told["product"]["attributes"]["usagetype"]
    except (KeyError, TypeError):
        return False
    return isinstance(usage, str) and re.fullmatch(rf"((?!IA-)[A-Z0-9]+-)?{named.usage}", usage) is not None


def _priced(product: Product, region: str, offered: list[dict[str, Any]], named: _Named) -> Price:
    if len(offered) != 1:
        count = "no product" if not offered else f"{len(offered)} products"
        raise _Unusable(f"the Price List has {count} of {named.service} in {region} that could be meant")
    (told,) = offered
    try:
        published = str(told["publicationDate"])[:10]
        (term,) = told["terms"]["OnDemand"].values()
        tiers = tuple(_tiers(term["priceDimensions"].values()))
    except (KeyError, TypeError, ValueError, AttributeError, DecimalException) as error:
        raise _Unusable(f"the Price List's answer on {named.service} has another form than expected: {error}") from None
    return Price(product=product, region=region, tiers=tiers, origin=Origin.LIVE, as_of=published)


def _tiers(dimensions: Iterable[Mapping[str, Any]]) -> Iterator[Tier]:
    """In order, each beginning where the one before ends."""
    reached = Decimal(0)
    for each in sorted(dimensions, key=lambda each: Decimal(each["beginRange"])):
        if Decimal(each["beginRange"]) != reached:
            raise ValueError(f"a tier begins at {each['beginRange']}, and the one before ends at {reached}")
        end = each["endRange"]
        up_to = None if end == _END else Decimal(end)
        yield Tier(up_to=up_to, usd=Decimal(each["pricePerUnit"]["USD"]))
        reached = Decimal("Infinity") if up_to is None else up_to
