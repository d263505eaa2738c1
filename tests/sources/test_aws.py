"""Clients go where they are meant to go: hermetic for the sandbox, never to an emulator for a real environment."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import format_datetime

import botocore.exceptions
import pytest
from botocore.stub import Stubber

from pytest_syncload.facts.errors import Inconclusive, Refused
from pytest_syncload.facts.plan import AwsAccess
from pytest_syncload.sources.aws import Passing, cloudwatch_client, explained, measured_offset_s

SANDBOX = AwsAccess(
    region="us-east-1", endpoint_url="http://127.0.0.1:1", access_key_id="id", secret_access_key="not-a-secret"
)
REAL = AwsAccess(region="eu-central-1")


def test_a_sandbox_client_takes_nothing_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "stale")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:2")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:3")
    client = cloudwatch_client(SANDBOX)
    assert client.meta.endpoint_url == "http://127.0.0.1:1"
    assert client.meta.config.proxies == {}


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_CLOUDWATCH"])
def test_a_real_environment_is_never_judged_by_an_emulator(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "http://localhost:4566")
    with pytest.raises(Refused, match="which is not AWS"):
        cloudwatch_client(REAL)


def test_a_real_client_goes_to_its_region() -> None:
    assert cloudwatch_client(REAL).meta.endpoint_url == "https://monitoring.eu-central-1.amazonaws.com"


def test_a_profile_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "stale")
    with pytest.raises(Refused, match="stale"):
        cloudwatch_client(REAL)


@pytest.mark.parametrize("ahead_s", [0.0, 100.0, -3600.0])
def test_the_offset_is_read_from_the_answers_date(ahead_s: float) -> None:
    client = cloudwatch_client(SANDBOX)
    date = format_datetime(datetime.fromtimestamp(time.time() + ahead_s, UTC), usegmt=True)
    answer = {"MetricDataResults": [], "ResponseMetadata": {"HTTPHeaders": {"date": date}, "HTTPStatusCode": 200}}
    with Stubber(client) as stub:
        stub.add_response("get_metric_data", answer)
        # HTTP Date is cut to whole seconds.
        assert abs(measured_offset_s(client, time.time) - ahead_s) <= 1.5
        stub.assert_no_pending_responses()


def test_without_a_date_nothing_is_started() -> None:
    client = cloudwatch_client(SANDBOX)
    answer = {"MetricDataResults": [], "ResponseMetadata": {"HTTPHeaders": {}, "HTTPStatusCode": 200}}
    with Stubber(client) as stub:
        stub.add_response("get_metric_data", answer)
        with pytest.raises(Refused, match="no HTTP Date"):
            measured_offset_s(client, time.time)


@pytest.mark.parametrize(
    ("code", "status", "passing", "says"),
    [
        ("ExpiredToken", 400, False, "sign in again"),
        ("AccessDenied", 403, False, "allow cloudwatch:GetMetricData"),
        ("Throttling", 400, True, "throttled by AWS"),
        ("InternalServiceFault", 500, True, "InternalServiceFault"),
        ("InvalidParameterValue", 400, False, "InvalidParameterValue"),
    ],
)
def test_an_error_of_aws_has_its_own_words(code: str, status: int, passing: bool, says: str) -> None:
    client = cloudwatch_client(SANDBOX)
    with Stubber(client) as stub:
        stub.add_client_error("get_metric_data", code, "why", status)
        with pytest.raises(Refused, match="nothing was sent") as caught:
            measured_offset_s(client, time.time)
    assert says in str(caught.value)
    error = botocore.exceptions.ClientError(
        {"Error": {"Code": code, "Message": "why"}, "ResponseMetadata": {"HTTPStatusCode": status}},
        "GetMetricData",
    )
    assert isinstance(explained(error, "GetMetricData"), Passing) is passing


def test_what_asking_again_cannot_help_is_not_asked_again() -> None:
    assert isinstance(explained(botocore.exceptions.EndpointConnectionError(endpoint_url="x"), "q"), Passing)
    for error in (botocore.exceptions.NoCredentialsError(), botocore.exceptions.ParamValidationError(report="x")):
        found = explained(error, "q")
        assert isinstance(found, Inconclusive)
        assert not isinstance(found, Passing)
