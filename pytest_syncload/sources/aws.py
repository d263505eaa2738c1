"""boto3 clients that go where they are meant to go, and nowhere else; and what AWS's errors mean for a reader.

A sandbox client is hermetic: explicit keys and endpoint, no proxy, no profile, no config file. A client for a real
environment takes the user's own credentials, and refuses an endpoint that an emulator left behind in the variables.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urlsplit

import boto3
import botocore.exceptions
import botocore.parsers
import botocore.session
from botocore import xform_name
from botocore.config import Config

from pytest_syncload.facts.errors import Inconclusive, Refused
from pytest_syncload.facts.plan import AwsAccess
from pytest_syncload.sources.unlogged import hide_proofs


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a call is tried, and how long one try may take to connect and to be answered, wall seconds."""

    attempts: int
    connect_s: float
    read_s: float


#: botocore 1.44 tries 3 times by default; a verdict is worth more patience.
FOR_VERDICTS = Patience(attempts=8, connect_s=5, read_s=30)
#: A poll that fails is made again a minute later, and must not outlast that minute.
FOR_POLLS = Patience(attempts=3, connect_s=5, read_s=10)
#: Whoever waits before load is told what is wrong in ten seconds.
FOR_CHECKS = Patience(attempts=2, connect_s=2, read_s=3)

#: Where the session looks for what: (name in the config file, variables, default, conversion). Not by
#: `set_config_variable("profile", None)`: None counts as not set, and a stale AWS_PROFILE is read after all.
_NOTHING_OF_THE_USERS = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}

#: What a call to boto3 raises where AWS or the way to it is at fault. RuntimeError: botocore's own word for credentials
#: that were refreshed and are expired still, as those with an AWS_CREDENTIAL_EXPIRATION in the past are; and for a
#: moment of an answer that no calendar has.
FAILURES = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, RuntimeError)
#: What botocore's parsers raise on a body that is not of AWS's model: of a proxy, cut short, packed unasked.
_UNREADABLE = (botocore.parsers.ResponseParserError, ValueError, TypeError, AttributeError)

_CREDENTIALS = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "MissingAuthenticationToken",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
)
#: A signature holds for five minutes around AWS's own time; the code may be that of a wrong key, the words are not.
_CLOCK = ("RequestExpired", "RequestTimeTooSkewed")
_CLOCK_WORDS = ("Signature expired", "Signature not yet current")
_FORBIDDEN = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
_THROTTLED = (
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ThrottledException",
    "TooManyRequestsException",
)
_NOT_THERE = (
    "ResourceNotFoundException",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "ClusterNotFoundException",
    "ServiceNotFoundException",
    "ServerlessCacheNotFoundFault",
    "NoSuchResourceException",
)
#: Where the prefix of IAM actions is another than boto3's name of the service.
_ACTIONS = {"service-quotas": "servicequotas"}
_REJECTED = (
    "ValidationError",
    "ValidationException",
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "InvalidParameterCombination",
    "InvalidParameterException",
    "MissingRequiredParameter",
    "MissingParameter",
)


#: Clients may be used by any thread; a session, which makes them, by one at a time.
_SESSIONS = threading.Lock()


class Passing(Inconclusive):
    """AWS did not answer this time; asking again may help."""


class NotThere(Inconclusive):
    """AWS knows nothing of that name."""


class Rejected(Inconclusive):
    """AWS takes the question itself for a wrong one."""


def client(service: str, access: AwsAccess, *, patience: Patience = FOR_VERDICTS) -> Any:
    """A boto3 client of ``service``: cloudwatch, ecs, sqs, sts, dynamodb, elasticache, service-quotas, pricing, …

    Raises:
        Refused: boto3 cannot make it, or its resolved endpoint does not fit the environment.
    """
    config: dict[str, Any] = {
        "retries": {"mode": "standard", "total_max_attempts": patience.attempts},
        "connect_timeout": patience.connect_s,
        "read_timeout": patience.read_s,
    }
    hide_proofs()
    if access.endpoint_url is not None:
        with _SESSIONS:
            session = _sandbox_session(access)
            return session.client(service, endpoint_url=access.endpoint_url, config=straight(config))
    try:
        with _SESSIONS:
            made = users_session(access.region, _aws_variables()).client(service, config=Config(**config))
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        # ValueError: an endpoint or a time in a variable that cannot be read.
        raise Refused(f"boto3 cannot make a {service} client for {access.region}: {error}") from None
    require_aws(service, cast(str, made.meta.endpoint_url))
    return made


def straight(config: dict[str, Any]) -> Config:
    """This configuration, past every proxy of the environment, which would answer in the sandbox's place."""
    return Config(proxies={}, **config)


def require_aws(service: str, endpoint: str) -> None:
    """Raise `Refused` where a real environment's ``service`` would be asked anywhere but at AWS."""
    host = urlsplit(endpoint).hostname or ""
    # A machine of anybody's has a name there too.
    is_machine = ".compute" in host or ".elb." in host
    is_aws = host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")) and not is_machine
    if not is_aws or urlsplit(endpoint).scheme != "https":
        raise Refused(
            f"{service} resolves to {endpoint}, which is not AWS: a real environment cannot be judged by an emulator; "
            f"unset AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}"
        )


@functools.lru_cache(maxsize=2)
def _sandbox_session(access: AwsAccess) -> Any:
    """The hermetic session; kept, because AWS's models are read anew in each."""
    return boto3.session.Session(
        botocore_session=botocore.session.Session(session_vars=_NOTHING_OF_THE_USERS),
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret_access_key,
        region_name=access.region,
    )


@functools.lru_cache(maxsize=2)
def users_session(region: str, variables: tuple[tuple[str, str], ...]) -> Any:
    """A session with the user's own credentials; kept, because each new one would ask for them again (a helper process,
    a second factor). ``variables`` are those that boto3 reads: with others it is another session."""
    return boto3.session.Session(region_name=region)


def _aws_variables() -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))


def users_credentials(region: str) -> Any:
    """The credentials that clients of ``region`` use, None where boto3 finds none. Raises what boto3 raises."""
    with _SESSIONS:
        return users_session(region, _aws_variables()).get_credentials()


def call(client: Any, operation: str, **request: Any) -> dict[str, Any]:
    """One call by its name in AWS's reference, such as ``ListTasks``.

    Raises:
        Inconclusive: what `explained` makes of the error.
    """
    ask = getattr(client, xform_name(operation))
    try:
        return cast(dict[str, Any], ask(**request))
    except FAILURES as error:
        raise explained(error, *_asked(client, operation)) from None
    except _UNREADABLE as error:
        raise _unreadable(_asked(client, operation)[0], error) from None


def pages(client: Any, operation: str, member: str, **request: Any) -> list[Any]:
    """Everything that all pages of a listing have under ``member``. Raises as `call` does."""
    found: list[Any] = []
    asked = iter(client.get_paginator(xform_name(operation)).paginate(**request))
    while True:
        try:
            page = next(asked)
        except StopIteration:
            return found
        except FAILURES as error:
            raise explained(error, *_asked(client, operation)) from None
        except _UNREADABLE as error:
            raise _unreadable(_asked(client, operation)[0], error) from None
        found.extend(page.get(member, ()))


def _unreadable(asked: str, error: Exception) -> Passing:
    return Passing(
        f"{asked}: the answer cannot be read ({type(error).__name__}: {error}); does "
        "a proxy or something else answer in AWS's place?"
    )


def _asked(client: Any, operation: str) -> tuple[str, str]:
    return f"{operation} at {client.meta.endpoint_url}", client.meta.service_model.service_name


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
        answer = call(
            client,
            "GetMetricData",
            MetricDataQueries=[query],
            StartTime=now - timedelta(minutes=5),
            EndTime=now,
            MaxDatapoints=100,
        )
    except Inconclusive as error:
        raise Refused(f"{error}; nothing was sent") from None
    middle = (before + wall()) / 2
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
    try:
        # Date is cut to whole seconds, so half a second is its expected error.
        return parsedate_to_datetime(date).timestamp() + 0.5 - middle
    except ValueError:
        raise Refused(f"CloudWatch's answer has no HTTP Date that can be read ({date!r}); is it CloudWatch?") from None


def explained(error: Exception, asked: str, service: str = "cloudwatch") -> Inconclusive:
    """What an error of a boto3 call means for a reader; the subclass says what asking again, or otherwise, would help.

    ``asked`` is for the reader; ``service`` as boto3 names it.
    """
    if isinstance(error, botocore.exceptions.ClientError):
        return _refusal(error, asked, service)
    if isinstance(error, RuntimeError) and "credentials" not in str(error):
        return _unreadable(asked, error)
    if isinstance(error, RuntimeError):
        return Inconclusive(f"{asked}: the AWS credentials are expired ({error}); sign in again")
    if isinstance(error, botocore.exceptions.NoCredentialsError | botocore.exceptions.PartialCredentialsError):
        return Inconclusive(f"{asked}: boto3 finds no AWS credentials; set them, or name a profile in AWS_PROFILE")
    if isinstance(error, botocore.exceptions.ParamValidationError):
        return Rejected(f"{asked}: {error}")
    if isinstance(error, botocore.exceptions.EndpointConnectionError):
        return Passing(f"{asked}: {error}; is the region right, and does this machine's network reach it?")
    passing = isinstance(error, botocore.exceptions.HTTPClientError | botocore.exceptions.ConnectionError)
    return (Passing if passing else Inconclusive)(f"{asked}: {type(error).__name__}: {error}")


def _refusal(error: botocore.exceptions.ClientError, asked: str, service: str) -> Inconclusive:
    code = str(error.response.get("Error", {}).get("Code", ""))
    said = str(error.response.get("Error", {}).get("Message", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _CLOCK or said.startswith(_CLOCK_WORDS):
        return Inconclusive(f"{asked}: this machine's clock is minutes away from AWS's ({code}: {said}); set it right")
    if code in _CREDENTIALS:
        return Inconclusive(f"{asked}: the AWS credentials are expired or unknown ({code}); sign in again")
    if code in _FORBIDDEN:
        action = f"{_ACTIONS.get(service, service)}:{error.operation_name}"
        return Inconclusive(f"{asked}: forbidden ({code}: {said}); allow {action}")
    if code in _THROTTLED:
        return Passing(f"{asked}: throttled by AWS ({code})")
    if code in _NOT_THERE:
        return NotThere(f"{asked}: {code}: {said}")
    if code in _REJECTED:
        return Rejected(f"{asked}: {code}: {said}")
    return (Passing if status >= 500 else Inconclusive)(f"{asked}: {code}: {said}")
