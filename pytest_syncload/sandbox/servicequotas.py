"""Service Quotas as the sandbox has it: what AWS allows an account that never asked for more.

Source: Service Quotas API Reference, GetServiceQuota, GetAWSDefaultServiceQuota and ListServiceQuotas; the defaults are
AWS General Reference's. For some quotas AWS has no applied value, only the default; here for all that nobody changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_syncload.facts.plan import Faults
from pytest_syncload.sandbox.awserror import AwsError, known_members, refusal
from pytest_syncload.sandbox.awsjson import JsonService
from pytest_syncload.sandbox.names import ACCOUNT


@dataclass(frozen=True, slots=True)
class _Quota:
    """One quota, by the names that AWS gives it, and its default."""

    service: str
    service_name: str
    code: str
    name: str
    value: float

    def answer(self, region: str, value: float) -> dict[str, Any]:
        """As an answer has it."""
        return {
            "ServiceCode": self.service,
            "ServiceName": self.service_name,
            "QuotaArn": f"arn:aws:servicequotas:{region}:{ACCOUNT}:{self.service}/{self.code}",
            "QuotaCode": self.code,
            "QuotaName": self.name,
            "Value": value,
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }


_API, _TABLES, _FARGATE = (
    ("apigateway", "Amazon API Gateway"),
    ("dynamodb", "Amazon DynamoDB"),
    ("fargate", "AWS Fargate"),
)
_RATE = "L-8A5B8E43"
_KNOWN = (
    _Quota(*_API, _RATE, "Throttle rate", 10_000.0),
    _Quota(*_API, "L-CDF5615A", "Throttle burst rate", 5_000.0),
    _Quota(*_TABLES, "L-CF0CBE56", "Table-level read throughput limit", 40_000.0),
    _Quota(*_TABLES, "L-AB614373", "Table-level write throughput limit", 40_000.0),
    _Quota(*_FARGATE, "L-3032A538", "Fargate On-Demand vCPU resource count", 6.0),
)


class ServiceQuotas:
    """The quotas of a region. The fault ``api_quota`` is an applied value of API Gateway's rate."""

    def __init__(self, region: str, faults: Faults) -> None:
        self._region = region
        self._applied = {} if faults.api_quota_per_s is None else {_RATE: faults.api_quota_per_s}
        self._denied = faults.unreadable_quotas

    def service(self) -> JsonService:
        """The service."""
        return JsonService(
            target="ServiceQuotasV20190624.",
            version="1.1",
            namespace="com.amazonaws.servicequotas.v20190624#",
            denied_status=400,
            operations={
                "GetServiceQuota": self._get_service_quota,
                "GetAWSDefaultServiceQuota": self._get_default,
                "ListServiceQuotas": self._list_service_quotas,
            },
        )

    def _get_service_quota(self, request: Mapping[str, Any]) -> dict[str, Any]:
        quota = self._asked(request, "GetServiceQuota")
        if quota.code not in self._applied:
            raise _no_such(quota.code)
        return {"Quota": quota.answer(self._region, self._applied[quota.code])}

    def _get_default(self, request: Mapping[str, Any]) -> dict[str, Any]:
        quota = self._asked(request, "GetAWSDefaultServiceQuota")
        return {"Quota": quota.answer(self._region, quota.value)}

    def _list_service_quotas(self, request: Mapping[str, Any]) -> dict[str, Any]:
        known_members(request, {"ServiceCode"}, "ListServiceQuotas", _illegal)
        self._admit("ListServiceQuotas")
        there = [quota for quota in _KNOWN if quota.service == request.get("ServiceCode")]
        if not there:
            raise _no_such(str(request.get("ServiceCode")))
        return {"Quotas": [each.answer(self._region, self._applied.get(each.code, each.value)) for each in there]}

    def _asked(self, request: Mapping[str, Any], operation: str) -> _Quota:
        known_members(request, {"ServiceCode", "QuotaCode"}, operation, _illegal)
        self._admit(operation)
        asked = (request.get("ServiceCode"), request.get("QuotaCode"))
        for quota in _KNOWN:
            if (quota.service, quota.code) == asked:
                return quota
        raise _no_such(str(request.get("QuotaCode")))

    def _admit(self, operation: str) -> None:
        if self._denied:
            message = f"User is not authorized to perform: servicequotas:{operation}"
            raise refusal("AccessDeniedException", message)


def _no_such(what: str) -> AwsError:
    return refusal(
        "NoSuchResourceException", f"The request failed because the specified resource does not exist: {what}."
    )


def _illegal(message: str) -> AwsError:
    return refusal("IllegalArgumentException", message)
