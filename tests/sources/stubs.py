"""boto3 clients that reach nobody, with botocore's Stubber in AWS's place: it checks requests and answers alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.stub import Stubber

from pytest_syncload.facts.check import Check
from pytest_syncload.facts.plan import AwsAccess
from pytest_syncload.sources.aws import client
from pytest_syncload.sources.inventory import Found

REGION = "eu-west-1"
NOWHERE = AwsAccess(
    region=REGION, endpoint_url="http://127.0.0.1:1", access_key_id="id", secret_access_key="not-a-secret"
)
CLIENTS = {
    name: client(name, NOWHERE)
    for name in ("dynamodb", "sqs", "elasticache", "ecs", "pricing", "application-autoscaling")
}
ROWS = ("peak::a (slo.yaml:1)",)


@contextmanager
def scripted(service: str) -> Iterator[Stubber]:
    """The service's Stubber; what it was told to answer must all have been asked for."""
    with Stubber(CLIENTS[service]) as stub:
        yield stub
        stub.assert_no_pending_responses()


def only(found: Found) -> Check:
    """The one check that was made, which names the rows that need it."""
    (check,) = (*found.checks, *found.missing)
    assert check.rows == ROWS
    return check
