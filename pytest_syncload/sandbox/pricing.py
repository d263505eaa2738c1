"""The Price List API as the sandbox has it: a few products in its own shape, of the sandbox's region.

Source: AWS Price List API Reference, GetProducts; its JSON is that of the public price lists. The numbers are near
those of us-east-1, and no price list of AWS. Beside a product stands one that could be taken for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_syncload.sandbox.awserror import AwsError, known_members, refusal
from pytest_syncload.sandbox.awsjson import JsonService
from pytest_syncload.sandbox.names import REGION
from pytest_syncload.sandbox.paging import ForeignToken, page

PUBLISHED = "2026-01-01T00:00:00Z"
_MOST = 100
_END = "Inf"
_Tiers = tuple[tuple[str, str], ...]


def _product(
    service: str, usage: str, unit: str, tiers: _Tiers, family: str = "", **more: str
) -> tuple[str, dict[str, Any]]:
    """``tiers`` are (end, dollars a unit), each beginning where the one before ends."""
    sku = f"SANDBOX{len(usage):02d}{abs(hash_of(usage)):07d}"[:16]
    begins = ["0", *(end for end, _ in tiers[:-1])]
    dimensions = {
        f"{sku}.JRTCKXETXF.{number:010d}": {
            "rateCode": f"{sku}.JRTCKXETXF.{number:010d}",
            "description": f"${usd} per {unit} for {usage} in US East (N. Virginia)",
            "beginRange": begin,
            "endRange": end,
            "unit": unit,
            "pricePerUnit": {"USD": usd},
            "appliesTo": [],
        }
        for number, (begin, (end, usd)) in enumerate(zip(begins, tiers, strict=True))
    }
    attributes = {"servicecode": service, "regionCode": REGION, "usagetype": usage, "locationType": "AWS Region"}
    told = {
        "product": {"productFamily": family, "attributes": attributes | more, "sku": sku},
        "serviceCode": service,
        "terms": {
            "OnDemand": {
                f"{sku}.JRTCKXETXF": {
                    "offerTermCode": "JRTCKXETXF",
                    "sku": sku,
                    "effectiveDate": PUBLISHED,
                    "priceDimensions": dimensions,
                    "termAttributes": {},
                }
            }
        },
        "version": "20260101000000",
        "publicationDate": PUBLISHED,
    }
    return service, told


def hash_of(text: str) -> int:
    """The same in every process, as Python's own is not."""
    return sum(number * ord(letter) for number, letter in enumerate(text, 1))


def _flat(usd: str) -> _Tiers:
    return ((_END, usd),)


_API, _ECS, _TABLES = "AmazonApiGateway", "AmazonECS", "AmazonDynamoDB"
_CACHE = {"instanceType": "cache.r7g.large", "cacheEngine": "Valkey"}
PRODUCTS: tuple[tuple[str, dict[str, Any]], ...] = (
    _product(
        _API,
        "USE1-ApiGatewayRequest",
        "Requests",
        (("333000000", "0.0000035"), ("1000000000", "0.0000028"), ("20000000000", "0.00000238"), (_END, "0.00000151")),
    ),
    _product(_API, "USE1-ApiGatewayHttpRequest", "Requests", (("300000000", "0.000001"), (_END, "0.0000009"))),
    _product(_API, "USE1-ApiGatewayCacheUsage:0.5GB", "Hrs", _flat("0.02")),
    _product(_ECS, "USE1-Fargate-vCPU-Hours:perCPU", "hours", _flat("0.04")),
    _product(_ECS, "USE1-Fargate-GB-Hours", "hours", _flat("0.0045")),
    _product(_ECS, "USE1-Fargate-ARM-vCPU-Hours:perCPU", "hours", _flat("0.032")),
    _product(_ECS, "USE1-Fargate-ARM-GB-Hours", "hours", _flat("0.0036")),
    _product(_ECS, "USE1-Fargate-EphemeralStorage-GB-Hours", "GB-Hours", _flat("0.0001")),
    _product(_TABLES, "WriteRequestUnits", "WriteRequestUnits", _flat("0.000000625")),
    _product(_TABLES, "ReadRequestUnits", "ReadRequestUnits", _flat("0.000000125")),
    _product(_TABLES, "IA-WriteRequestUnits", "WriteRequestUnits", _flat("0.00000078")),
    _product(_TABLES, "ReplWriteRequestUnits", "ReplicatedWriteRequestUnits", _flat("0.000000625")),
    # With a free tier, as AWS's own list has it here.
    _product(_TABLES, "WriteCapacityUnit-Hrs", "WriteCapacityUnit-Hrs", (("18600", "0"), (_END, "0.00065"))),
    _product(_TABLES, "ReadCapacityUnit-Hrs", "ReadCapacityUnit-Hrs", (("18600", "0"), (_END, "0.00013"))),
    _product("AWSQueueService", "USE1-Requests-Tier1", "Requests", _flat("0.0000004"), queueType="Standard"),
    _product("AWSQueueService", "USE1-Requests-FIFO-Tier1", "Requests", _flat("0.0000005"), queueType="FIFO"),
    _product("AmazonElastiCache", "NodeUsage:cache.r7g.large", "Hrs", _flat("0.18"), **_CACHE),
    _product("AmazonElastiCache", "NodeUsage:cache.r7g.xlarge", "Hrs", _flat("0.36"), cacheEngine="Valkey"),
    _product("AmazonCloudWatch", "CW:GMD-Metrics", "Metrics", _flat("0.00001")),
)


class PriceList:
    """GetProducts, over `PRODUCTS`. Answers of more than ``a_page`` go on on another page."""

    def __init__(self, a_page: int = 2) -> None:
        self._a_page = a_page

    def service(self) -> JsonService:
        """The service."""
        return JsonService(
            target="AWSPriceListService.",
            version="1.1",
            namespace="com.amazonaws.pricing#",
            operations={"GetProducts": self._get_products},
        )

    def _get_products(self, request: Mapping[str, Any]) -> dict[str, Any]:
        known = {"ServiceCode", "Filters", "FormatVersion", "MaxResults", "NextToken"}
        known_members(request, known, "GetProducts", _invalid)
        code = request.get("ServiceCode")
        if code not in {service for service, _ in PRODUCTS}:
            raise refusal("NotFoundException", f"The service code {code} was not found.")
        filters = [_filter(each) for each in request.get("Filters") or ()]
        found = [
            json.dumps(told)
            for service, told in PRODUCTS
            if service == code and all(told["product"]["attributes"].get(field) == value for field, value in filters)
        ]
        most = request.get("MaxResults", _MOST)
        if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= _MOST:
            raise _invalid(f"MaxResults must be from 1 to {_MOST}")
        asked = {name: value for name, value in request.items() if name != "NextToken"}
        try:
            kept, token = page(found, min(most, self._a_page), request.get("NextToken"), asked)
        except ForeignToken:
            raise refusal("InvalidNextTokenException", "The NextToken is not one of this request.") from None
        more = {} if token is None else {"NextToken": token}
        return {"FormatVersion": request.get("FormatVersion", "aws_v1"), "PriceList": list(kept)} | more


def _filter(given: Any) -> tuple[str, str]:
    if not isinstance(given, dict) or given.get("Type") != "TERM_MATCH":
        raise _invalid("the sandbox implements filters of the type TERM_MATCH only")
    return str(given.get("Field")), str(given.get("Value"))


def _invalid(message: str) -> AwsError:
    return refusal("InvalidParameterException", message)
