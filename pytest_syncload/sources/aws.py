"""boto3 clients that go where they are meant to go, and nowhere else.

A sandbox client is hermetic: explicit keys and endpoint, no proxy, no profile, no config file. A client for a real
environment takes the user's own credentials, and refuses an endpoint that an emulator left behind in the variables.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urlsplit

import boto3
import botocore.exceptions
import botocore.session
from botocore.config import Config

from pytest_syncload.facts.errors import Inconclusive, Refused
from pytest_syncload.facts.plan import AwsAccess

#: botocore 1.44 tries 3 times by default; a verdict is worth more patience.
_RETRIES = {"mode": "standard", "total_max_attempts": 8}

#: Where the session looks for what: (name in the config file, variables, default, conversion). Not by
#: `set_config_variable("profile", None)`: None counts as not set, and a stale AWS_PROFILE is read after all.
_NOTHING_OF_THE_USERS = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}

_CREDENTIALS = ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException")
_FORBIDDEN = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
_THROTTLED = ("Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException")


def cloudwatch_client(access: AwsAccess) -> Any:
    """A CloudWatch client. Raises `Refused` where the resolved endpoint does not fit the environment."""
    return _client("cloudwatch", access)


def _client(service: str, access: AwsAccess) -> Any:
    config: dict[str, Any] = {"retries": _RETRIES, "connect_timeout": 5, "read_timeout": 30}
    if access.endpoint_url is not None:
        session = botocore.session.Session(session_vars=_NOTHING_OF_THE_USERS)
        return boto3.session.Session(
            botocore_session=session,
            aws_access_key_id=access.access_key_id,
            aws_secret_access_key=access.secret_access_key,
            region_name=access.region,
        ).client(service, endpoint_url=access.endpoint_url, config=Config(proxies={}, **config))
    try:
        client = boto3.session.Session(region_name=access.region).client(service, config=Config(**config))
    except botocore.exceptions.BotoCoreError as error:
        raise Refused(f"boto3 cannot make a {service} client for {access.region}: {error}") from None
    endpoint = cast(str, client.meta.endpoint_url)
    host = urlsplit(endpoint).hostname or ""
    if not host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
        raise Refused(
            f"{service} resolves to {endpoint}, which is not AWS: a real environment cannot be judged by an emulator; "
            f"unset AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_{service.upper()}"
        )
    return client


def measured_offset_s(client: Any, wall: Callable[[], float]) -> float:
    """Service time minus this machine's wall time, in seconds, from the HTTP Date of a harmless query (± 1 s).

    Raises:
        Refused: CloudWatch did not answer, so nothing about this environment could be judged.
    """
    now = datetime.fromtimestamp(wall(), UTC)
    query = {
        "Id": "q",
        "MetricStat": {"Metric": {"Namespace": "AWS/ApiGateway", "MetricName": "Count"}, "Period": 60, "Stat": "Sum"},
    }
    before = wall()
    try:
        answer = client.get_metric_data(
            MetricDataQueries=[query], StartTime=now - timedelta(minutes=5), EndTime=now, MaxDatapoints=100
        )
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        raise Refused(f"{explained(error, 'GetMetricData')}; nothing was sent") from None
    middle = (before + wall()) / 2
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
    try:
        # Date is cut to whole seconds, so half a second is its expected error.
        return parsedate_to_datetime(date).timestamp() + 0.5 - middle
    except ValueError:
        raise Refused(f"CloudWatch's answer has no HTTP Date that can be read ({date!r}); is it CloudWatch?") from None


class Passing(Inconclusive):
    """AWS did not answer this time; asking again may help."""


def explained(error: Exception, asked: str) -> Inconclusive:
    """What a botocore error means for a reader. `Passing` where asking again may help."""
    if isinstance(error, botocore.exceptions.ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        said = str(error.response.get("Error", {}).get("Message", ""))
        if code in _CREDENTIALS:
            return Inconclusive(f"{asked}: the AWS credentials are expired or unknown ({code}); sign in again")
        if code in _FORBIDDEN:
            return Inconclusive(f"{asked}: forbidden ({code}: {said}); allow cloudwatch:GetMetricData")
        if code in _THROTTLED:
            return Passing(f"{asked}: throttled by AWS ({code})")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return (Passing if status >= 500 else Inconclusive)(f"{asked}: {code}: {said}")
    if isinstance(error, botocore.exceptions.NoCredentialsError | botocore.exceptions.PartialCredentialsError):
        return Inconclusive(f"{asked}: boto3 finds no AWS credentials; set them, or name a profile in AWS_PROFILE")
    passing = isinstance(error, botocore.exceptions.HTTPClientError | botocore.exceptions.ConnectionError)
    return (Passing if passing else Inconclusive)(f"{asked}: {type(error).__name__}: {error}")
