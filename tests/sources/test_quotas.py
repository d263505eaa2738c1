"""What the account allows beside what phases want, by botocore's Stubber: each quota, and what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from pytest_syncload.facts.check import Finding
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.plan import AwsAccess
from pytest_syncload.sources import quotas
from pytest_syncload.sources.aws import client
from pytest_syncload.sources.quotas import Fargate, Quota, Wanted

AWS = AwsAccess(region="us-east-1", endpoint_url="http://127.0.0.1:1", access_key_id="k", secret_access_key="s")
PEAK = Wanted(rate_per_s=3000.0, phase="peak", climbs=False)
STRESS = Wanted(rate_per_s=20_000.0, phase="stress", climbs=True)


@pytest.fixture
def stub() -> Iterator[Stubber]:
    with Stubber(client("service-quotas", AWS)) as stub:
        yield stub
        stub.assert_no_pending_responses()


def allows(stub: Stubber, quota: Quota, value: float, *, by_default: bool = False) -> None:
    """Service Quotas says so; ``by_default``: only as AWS's default."""
    asked = {"ServiceCode": quota.service, "QuotaCode": quota.code}
    if by_default:
        stub.add_client_error("get_service_quota", "NoSuchResourceException", "no", expected_params=asked)
    operation = "get_aws_default_service_quota" if by_default else "get_service_quota"
    stub.add_response(operation, {"Quota": {**asked, "Value": value}}, asked)


def test_a_rate_within_the_quota_is_fine_also_by_default(stub: Stubber) -> None:
    allows(stub, quotas.API_RATE, 10_000.0, by_default=True)
    allows(stub, quotas.API_BURST, 5000.0)
    told = quotas.of_api(stub.client, PEAK)
    assert (told.name, told.finding, told.unlooked) == ("quota of API Gateway's throttle rate", Finding.OK, False)
    assert told.says == "the account allows 10,000/s for all its APIs here, in bursts of 5,000; peak holds 3,000/s"


@pytest.mark.parametrize(
    ("wanted", "does", "lower"),
    [
        (STRESS, "stress climbs to 20,000/s", "or lower at_most"),
        (Wanted(rate_per_s=10_000.5, phase="peak", climbs=False), "peak holds 10,000.5/s", "or lower the rate"),
        (
            Wanted(rate_per_s=9_990.0, phase="peak", climbs=False, checks_per_s=20.0),
            "peak holds 9,990/s and checks keys by 20/s more",
            "or lower the rate",
        ),
    ],
)
def test_a_rate_beyond_the_quota_is_refused(stub: Stubber, wanted: Wanted, does: str, lower: str) -> None:
    allows(stub, quotas.API_RATE, 10_000.0)
    allows(stub, quotas.API_BURST, 5000.0)
    told = quotas.of_api(stub.client, wanted)
    assert told.failed
    assert told.says.startswith(
        f"the account allows 10,000/s; {does}, and what is beyond would be refused by API Gateway"
    )
    assert told.says.endswith(f"have it raised (Service Quotas, L-8A5B8E43), {lower}")


def test_a_burst_that_cannot_be_read_lets_no_rate_through(stub: Stubber) -> None:
    allows(stub, quotas.API_RATE, 10_000.0)
    stub.add_client_error("get_service_quota", "AccessDeniedException", "not authorized")
    assert quotas.of_api(stub.client, STRESS).failed


def test_a_quota_without_a_value_is_not_looked_at(stub: Stubber) -> None:
    stub.add_response(
        "get_service_quota", {"Quota": {"ErrorReason": {"ErrorCode": "SERVICE_QUOTA_NOT_AVAILABLE_ERROR"}}}
    )
    told = quotas.of_api(stub.client, PEAK)
    assert (told.finding, told.unlooked) == (Finding.NOTE, True)
    assert "Service Quotas told no value of L-8A5B8E43" in told.says


@pytest.mark.parametrize(
    ("service", "definition", "says"),
    [
        (
            {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}, {"capacityProvider": "FARGATE"}]},
            None,
            "runs on Spot or elsewhere too",
        ),
        ({"launchType": "FARGATE", "desiredCount": 1}, None, "cannot be read (KeyError: 'taskDefinition')"),
        (
            {"launchType": "FARGATE", "desiredCount": 1, "taskDefinition": "worker:7"},
            {"cpu": "1 vCPU"},
            "cannot be read (ValueError: ",
        ),
    ],
)
def test_what_cannot_be_said_of_a_service_is_not_looked_at(
    service: dict[str, Any], definition: dict[str, Any] | None, says: str
) -> None:
    with Stubber(client("ecs", AWS)) as stub:
        stub.add_response("describe_services", {"services": [service]})
        if definition is not None:
            stub.add_response("describe_task_definition", {"taskDefinition": definition})
        with pytest.raises(Inconclusive) as refused:
            quotas.fargate_of(stub.client, None, "syncwell", "worker")
    assert says in str(refused.value)


def test_exactly_the_quota_is_allowed(stub: Stubber) -> None:
    allows(stub, quotas.API_RATE, 20_000.0)
    allows(stub, quotas.API_BURST, 5000.0)
    assert quotas.of_api(stub.client, STRESS).finding is Finding.OK


def test_what_may_not_be_read_is_a_note_with_the_permission(stub: Stubber) -> None:
    stub.add_client_error("get_service_quota", "AccessDeniedException", "not authorized")
    told = quotas.of_api(stub.client, PEAK)
    assert (told.finding, told.unlooked) == (Finding.NOTE, True)
    assert "not looked at: GetServiceQuota at http://127.0.0.1:1: forbidden" in told.says
    assert "allow servicequotas:GetServiceQuota" in told.says


def test_a_default_that_may_not_be_read_is_a_note_too(stub: Stubber) -> None:
    stub.add_client_error("get_service_quota", "NoSuchResourceException", "no")
    stub.add_client_error("get_aws_default_service_quota", "AccessDeniedException", "not authorized")
    told = quotas.of_fargate(stub.client, Fargate(service="worker", tasks=4, vcpu=1.0))
    assert told.unlooked
    assert "allow servicequotas:GetAWSDefaultServiceQuota" in told.says


def test_a_table_has_one_for_reads_and_one_for_writes_and_beyond_them_is_a_note(stub: Stubber) -> None:
    allows(stub, quotas.TABLE_WRITE, 15_000.0)
    stub.add_client_error("get_service_quota", "TooManyRequestsException", "slow down")
    writes, reads = quotas.of_tables(stub.client, STRESS)
    assert (writes.finding, writes.unlooked) == (Finding.NOTE, False)
    assert writes.says == (
        "the account allows 15,000 units/s; stress climbs to 20,000/s, so one unit a request is more than that: have "
        "it raised (Service Quotas, L-AB614373) where it is so"
    )
    assert (reads.name, reads.unlooked) == ("quota of a DynamoDB table's reads", True)
    allows(stub, quotas.TABLE_WRITE, 40_000.0)
    allows(stub, quotas.TABLE_READ, 40_000.0)
    assert {each.finding for each in quotas.of_tables(stub.client, STRESS)} == {Finding.OK}


def test_tasks_must_fit_into_fargate(stub: Stubber) -> None:
    allows(stub, quotas.FARGATE, 6.0)
    fine = quotas.of_fargate(stub.client, Fargate(service="worker", tasks=4, vcpu=1.5))
    assert (fine.finding, fine.says) == (Finding.OK, "the account allows 6; 4 tasks of worker are 6 vCPU")
    allows(stub, quotas.FARGATE, 6.0)
    much = quotas.of_fargate(stub.client, Fargate(service="worker", tasks=40, vcpu=0.25))
    assert much.failed
    assert much.says == (
        "the account allows 6; 40 tasks of worker are 10 vCPU, so not all can start: have it raised (Service Quotas, "
        "L-3032A538), or want fewer"
    )


SERVICE = {"launchType": "FARGATE", "desiredCount": 4, "taskDefinition": "worker:7"}


@pytest.mark.parametrize(
    ("service", "runs"),
    [
        (SERVICE, True),
        ({"launchType": "EC2"}, False),
        ({}, False),
        ({"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]}, False),
        ({"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}, {"capacityProvider": "FARGATE"}]}, True),
    ],
)
def test_who_is_on_fargate(service: dict[str, Any], runs: bool) -> None:
    assert quotas.on_demand(service) is runs


@pytest.fixture
def scaling() -> Iterator[Stubber]:
    with Stubber(client("application-autoscaling", AWS)) as stub:
        yield stub
        stub.assert_no_pending_responses()


SCALED = {
    "ServiceNamespace": "ecs",
    "ResourceIds": ["service/syncwell/worker"],
    "ScalableDimension": "ecs:service:DesiredCount",
}


@pytest.mark.parametrize(
    ("services", "cpu", "wants"),
    [
        ([SERVICE], "512", Fargate(service="worker", tasks=4, vcpu=0.5)),
        ([SERVICE], None, None),
        ([{"launchType": "EC2"}], None, None),
        ([], None, None),
    ],
)
def test_what_a_service_wants(
    scaling: Stubber, services: list[dict[str, Any]], cpu: str | None, wants: Fargate | None
) -> None:
    with Stubber(client("ecs", AWS)) as stub:
        asked = {"cluster": "syncwell", "services": ["worker"]}
        stub.add_response("describe_services", {"services": services}, asked)
        if services == [SERVICE]:
            definition = {} if cpu is None else {"cpu": cpu}
            answer = {"taskDefinition": definition}
            stub.add_response("describe_task_definition", answer, {"taskDefinition": "worker:7"})
        if wants is not None:
            scaling.add_response("describe_scalable_targets", {"ScalableTargets": []}, SCALED)
        assert quotas.fargate_of(stub.client, scaling.client, "syncwell", "worker") == wants
        stub.assert_no_pending_responses()


def test_how_far_a_service_scales_is_known_where_it_may_be_asked(scaling: Stubber) -> None:
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/syncwell/worker",
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 4,
        "MaxCapacity": 40,
        "RoleARN": "arn:aws:iam::111122223333:role/scaling",
        "CreationTime": 0,
    }
    scaling.add_response("describe_scalable_targets", {"ScalableTargets": [target]}, SCALED)
    assert quotas.scales_to(scaling.client, "syncwell", "worker") == 40
    scaling.add_client_error("describe_scalable_targets", "AccessDeniedException", "no")
    assert quotas.scales_to(scaling.client, "syncwell", "worker") is None


@pytest.mark.parametrize(
    ("at_most", "finding", "says"),
    [
        (6, Finding.OK, "the account allows 6; 4 tasks of worker are 4 vCPU, and the 6 that it may scale to 6"),
        (
            40,
            Finding.NOTE,
            "the account allows 6; 4 tasks of worker are 4 vCPU, and the 40 that it may scale to 40: scaling would end "
            "by the account's limit; have it raised (Service Quotas, L-3032A538)",
        ),
    ],
)
def test_scaling_beyond_the_quota_is_a_note(stub: Stubber, at_most: int, finding: Finding, says: str) -> None:
    allows(stub, quotas.FARGATE, 6.0)
    told = quotas.of_fargate(stub.client, Fargate(service="worker", tasks=4, vcpu=1.0, at_most=at_most))
    assert (told.finding, told.says, told.unlooked) == (finding, says, False)


def test_an_ecs_that_does_not_answer_says_so() -> None:
    with Stubber(client("ecs", AWS)) as stub:
        stub.add_client_error("describe_services", "AccessDeniedException", "no")
        with pytest.raises(Inconclusive, match="allow ecs:DescribeServices"):
            quotas.fargate_of(stub.client, None, "syncwell", "worker")
