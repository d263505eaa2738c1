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
from pytest_syncload.sources.aws import (
    FOR_CHECKS,
    FOR_VERDICTS,
    NotThere,
    Passing,
    Rejected,
    call,
    client,
    explained,
    measured_offset_s,
    pages,
)

SANDBOX = AwsAccess(
    region="us-east-1", endpoint_url="http://127.0.0.1:1", access_key_id="id", secret_access_key="not-a-secret"
)
REAL = AwsAccess(region="eu-central-1")


def test_a_sandbox_client_takes_nothing_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "stale")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:2")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:3")
    cloudwatch = client("cloudwatch", SANDBOX)
    assert cloudwatch.meta.endpoint_url == "http://127.0.0.1:1"
    assert cloudwatch.meta.config.proxies == {}


SERVICES = {
    "cloudwatch": "monitoring",
    "ecs": "ecs",
    "sqs": "sqs",
    "sts": "sts",
    "dynamodb": "dynamodb",
    "elasticache": "elasticache",
}


@pytest.mark.parametrize("service", SERVICES)
def test_a_real_environment_is_never_judged_by_an_emulator(monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    for variable in ("AWS_ENDPOINT_URL", f"AWS_ENDPOINT_URL_{service.upper()}"):
        with monkeypatch.context() as environment:
            environment.setenv(variable, "http://localhost:4566")
            with pytest.raises(Refused, match=f"which is not AWS.*AWS_ENDPOINT_URL_{service.upper()}"):
                client(service, REAL)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://ec2-192-0-2-1.compute-1.amazonaws.com:4566",
        "https://toy-1.us-east-1.elb.amazonaws.com",
        "http://monitoring.eu-central-1.amazonaws.com",
    ],
)
def test_an_emulator_on_a_machine_of_ones_own_in_aws_is_one(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(Refused, match="which is not AWS"):
        client("cloudwatch", REAL)


@pytest.mark.parametrize(("service", "host"), SERVICES.items())
def test_a_real_client_goes_to_its_region(service: str, host: str) -> None:
    assert client(service, REAL).meta.endpoint_url == f"https://{host}.eu-central-1.amazonaws.com"


def test_whoever_waits_for_a_check_is_told_sooner_than_a_verdict() -> None:
    for patience, most_s in ((FOR_CHECKS, 10), (FOR_VERDICTS, 300)):
        made = client("sts", SANDBOX, patience=patience).meta.config
        assert made.retries["total_max_attempts"] == patience.attempts
        assert patience.attempts * (made.connect_timeout + made.read_timeout) <= most_s


def test_a_time_in_the_variables_that_cannot_be_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "tomorrow")
    with pytest.raises(Refused, match="tomorrow"):
        client("sts", REAL)


def test_credentials_that_ended_on_the_way_are_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z")
    with pytest.raises(Inconclusive, match=r"expired.*sign in again"):
        call(client("sts", REAL, patience=FOR_CHECKS), "GetCallerIdentity")


def test_a_forbidden_call_names_the_action_to_allow() -> None:
    ecs, sqs = client("ecs", SANDBOX), client("sqs", SANDBOX)
    with Stubber(ecs) as stub:
        stub.add_client_error("list_tasks", "AccessDeniedException", "no", 400)
        with pytest.raises(Inconclusive, match=r"^ListTasks at http://127.0.0.1:1: forbidden.*allow ecs:ListTasks$"):
            pages(ecs, "ListTasks", "taskArns", cluster="c")
        stub.assert_no_pending_responses()
    with Stubber(sqs) as stub:
        stub.add_client_error("get_queue_url", "AccessDenied", "no", 403)
        with pytest.raises(Inconclusive, match="allow sqs:GetQueueUrl"):
            call(sqs, "GetQueueUrl", QueueName="q")


def test_a_listing_is_read_to_its_end() -> None:
    ecs = client("ecs", SANDBOX)
    with Stubber(ecs) as stub:
        stub.add_response("list_tasks", {"taskArns": ["a", "b"], "nextToken": "more"}, {"cluster": "c"})
        stub.add_response("list_tasks", {"taskArns": ["d"]}, {"cluster": "c", "nextToken": "more"})
        assert pages(ecs, "ListTasks", "taskArns", cluster="c") == ["a", "b", "d"]
        stub.assert_no_pending_responses()


def test_a_name_that_is_not_there_is_told_from_a_wrong_question() -> None:
    sqs, ecs = client("sqs", SANDBOX), client("ecs", SANDBOX)
    with Stubber(sqs) as stub:
        stub.add_client_error("get_queue_url", "AWS.SimpleQueueService.NonExistentQueue", "no", 400)
        with pytest.raises(NotThere):
            call(sqs, "GetQueueUrl", QueueName="q")
    with Stubber(ecs) as stub:
        stub.add_client_error("describe_services", "InvalidParameterException", "no", 400)
        with pytest.raises(Rejected):
            call(ecs, "DescribeServices", cluster="c", services=[])


def test_a_profile_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "stale")
    with pytest.raises(Refused, match="stale"):
        client("cloudwatch", REAL)


@pytest.mark.parametrize("ahead_s", [0.0, 100.0, -3600.0])
def test_the_offset_is_read_from_the_answers_date(ahead_s: float) -> None:
    cloudwatch = client("cloudwatch", SANDBOX)
    date = format_datetime(datetime.fromtimestamp(time.time() + ahead_s, UTC), usegmt=True)
    answer = {"MetricDataResults": [], "ResponseMetadata": {"HTTPHeaders": {"date": date}, "HTTPStatusCode": 200}}
    with Stubber(cloudwatch) as stub:
        stub.add_response("get_metric_data", answer)
        # HTTP Date is cut to whole seconds.
        assert abs(measured_offset_s(cloudwatch, time.time) - ahead_s) <= 1.5
        stub.assert_no_pending_responses()


def test_without_a_date_nothing_is_started() -> None:
    cloudwatch = client("cloudwatch", SANDBOX)
    answer = {"MetricDataResults": [], "ResponseMetadata": {"HTTPHeaders": {}, "HTTPStatusCode": 200}}
    with Stubber(cloudwatch) as stub:
        stub.add_response("get_metric_data", answer)
        with pytest.raises(Refused, match="no HTTP Date"):
            measured_offset_s(cloudwatch, time.time)


@pytest.mark.parametrize(
    ("code", "status", "passing", "says"),
    [
        ("ExpiredToken", 400, False, "sign in again"),
        ("AccessDenied", 403, False, "allow cloudwatch:GetMetricData"),
        ("Throttling", 400, True, "throttled by AWS"),
        ("InternalServiceFault", 500, True, "InternalServiceFault"),
        ("InvalidParameterValue", 400, False, "InvalidParameterValue"),
        ("SignatureDoesNotMatch", 403, False, "sign in again"),
        ("NoSuchThing", 400, False, "NoSuchThing: why"),
    ],
)
def test_an_error_of_aws_has_its_own_words(code: str, status: int, passing: bool, says: str) -> None:
    cloudwatch = client("cloudwatch", SANDBOX)
    with Stubber(cloudwatch) as stub:
        stub.add_client_error("get_metric_data", code, "why", status)
        with pytest.raises(Refused, match="nothing was sent") as caught:
            measured_offset_s(cloudwatch, time.time)
    assert says in str(caught.value)
    error = botocore.exceptions.ClientError(
        {"Error": {"Code": code, "Message": "why"}, "ResponseMetadata": {"HTTPStatusCode": status}},
        "GetMetricData",
    )
    assert isinstance(explained(error, "GetMetricData"), Passing) is passing


def test_what_asking_again_cannot_help_is_not_asked_again() -> None:
    nobody = explained(botocore.exceptions.EndpointConnectionError(endpoint_url="x"), "q")
    assert isinstance(nobody, Passing)
    assert "is the region right" in str(nobody)
    assert isinstance(explained(botocore.exceptions.ReadTimeoutError(endpoint_url="x"), "q"), Passing)
    for error in (botocore.exceptions.NoCredentialsError(), botocore.exceptions.ParamValidationError(report="x")):
        found = explained(error, "q")
        assert isinstance(found, Inconclusive)
        assert not isinstance(found, Passing)


def test_only_what_speaks_of_credentials_is_a_matter_of_credentials() -> None:
    expired = explained(
        RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired."), "q"
    )
    assert "sign in again" in str(expired)
    assert not isinstance(expired, Passing)
    unread = explained(RuntimeError("Unable to calculate correct timezone offset"), "q")
    assert "the answer cannot be read" in str(unread)
    assert isinstance(unread, Passing)
