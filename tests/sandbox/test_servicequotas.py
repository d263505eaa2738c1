"""The double of Service Quotas through boto3's own client: applied values, defaults, and what it refuses."""

from __future__ import annotations

import botocore.exceptions
import pytest

from pytest_syncload.facts.plan import Faults
from tests.sandbox.awsclients import Stage

RATE = {"ServiceCode": "apigateway", "QuotaCode": "L-8A5B8E43"}


def code(refused: pytest.ExceptionInfo[botocore.exceptions.ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def test_what_nobody_changed_has_a_default_and_no_applied_value(stage: Stage) -> None:
    quotas = stage.client("service-quotas")
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        quotas.get_service_quota(**RATE)
    assert code(refused) == "NoSuchResourceException"
    told = quotas.get_aws_default_service_quota(**RATE)["Quota"]
    assert (told["QuotaName"], told["Value"]) == ("Throttle rate", 10_000.0)
    listed = quotas.list_service_quotas(ServiceCode="dynamodb")["Quotas"]
    assert {each["QuotaCode"]: each["Value"] for each in listed} == {"L-CF0CBE56": 40_000.0, "L-AB614373": 40_000.0}


def test_a_quota_that_was_lowered_is_applied(stage: Stage) -> None:
    stage.put(Faults(api_quota_per_s=70.0))
    quotas = stage.client("service-quotas")
    assert quotas.get_service_quota(**RATE)["Quota"]["Value"] == 70.0
    assert quotas.get_aws_default_service_quota(**RATE)["Quota"]["Value"] == 10_000.0
    listed = quotas.list_service_quotas(ServiceCode="apigateway")["Quotas"]
    assert {each["QuotaCode"]: each["Value"] for each in listed} == {"L-8A5B8E43": 70.0, "L-CDF5615A": 5000.0}
    region = stage.client("service-quotas", region="eu-west-1")
    assert region.get_service_quota(**RATE)["Quota"]["QuotaArn"].startswith("arn:aws:servicequotas:eu-west-1:")


@pytest.mark.parametrize(
    ("operation", "members", "faults", "says"),
    [
        ("get_service_quota", {"ServiceCode": "apigateway", "QuotaCode": "L-X"}, Faults(), "NoSuchResourceException"),
        ("get_service_quota", {**RATE, "ContextId": "x"}, Faults(), "IllegalArgumentException"),
        ("list_service_quotas", {"ServiceCode": "nobody"}, Faults(), "NoSuchResourceException"),
        ("list_service_quotas", {"ServiceCode": "fargate", "MaxResults": 1}, Faults(), "IllegalArgumentException"),
        ("get_service_quota", RATE, Faults(unreadable_quotas=True), "AccessDeniedException"),
        ("get_aws_default_service_quota", RATE, Faults(unreadable_quotas=True), "AccessDeniedException"),
        ("list_service_quotas", {"ServiceCode": "fargate"}, Faults(unreadable_quotas=True), "AccessDeniedException"),
    ],
)
def test_what_is_refused(stage: Stage, operation: str, members: dict[str, object], faults: Faults, says: str) -> None:
    stage.put(faults)
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        getattr(stage.client("service-quotas"), operation)(**members)
    assert code(refused) == says
