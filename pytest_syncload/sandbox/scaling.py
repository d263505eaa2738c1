"""Application Auto Scaling as the sandbox has it: nothing is scaled, and every question for what is gets an empty list.

Source: Application Auto Scaling API Reference, DescribeScalableTargets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_syncload.sandbox.awserror import AwsError, known_members, refusal
from pytest_syncload.sandbox.awsjson import JsonService


def scaling() -> JsonService:
    """The service."""
    return JsonService(
        target="AnyScaleFrontendService.",
        version="1.1",
        namespace="com.amazonaws.autoscaling.frontend#",
        denied_status=400,
        operations={"DescribeScalableTargets": _describe_scalable_targets},
    )


def _describe_scalable_targets(request: Mapping[str, Any]) -> dict[str, Any]:
    known_members(
        request, {"ServiceNamespace", "ResourceIds", "ScalableDimension"}, "DescribeScalableTargets", _invalid
    )
    if request.get("ServiceNamespace") not in ("dynamodb", "ecs", "elasticache"):
        raise _invalid("ServiceNamespace must be one of what the sandbox has: dynamodb, ecs, elasticache")
    return {"ScalableTargets": []}


def _invalid(message: str) -> AwsError:
    return refusal("ValidationException", message)
