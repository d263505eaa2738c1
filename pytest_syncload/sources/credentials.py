"""With whose credentials AWS is asked, where, and whether they last until the planned end. Shows no secret, ever.

Where boto3 finds credentials, and AWS_CREDENTIAL_EXPIRATION: boto3 guide, "Credentials".
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import botocore.exceptions
from botocore.credentials import RefreshableCredentials

from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.plan import AwsAccess
from pytest_syncload.facts.units import format_duration
from pytest_syncload.sources.aws import FAILURES, call, explained, users_credentials

#: ISO 8601, beside the keys in the environment, from whatever exported them.
EXPIRATION = "AWS_CREDENTIAL_EXPIRATION"
_NAME = "credentials"


def account(client: Any) -> tuple[Check, str | None]:
    """Who asks, as STS sees it, and the account; None where it could not be asked. ``client``: STS."""
    try:
        told = call(client, "GetCallerIdentity")
    except Inconclusive as error:
        return _check("account", Finding.FAILED, str(error)), None
    number = told.get("Account")
    if not number:
        return _check("account", Finding.FAILED, "STS did not say whose credentials these are"), None
    return _check("account", Finding.OK, f"{number}, as {told.get('Arn', 'nobody it names')}"), str(number)


def endpoints(clients: Iterable[Any]) -> Check:
    """Where each of the boto3 clients goes."""
    where = {client.meta.service_model.service_name: client.meta.endpoint_url for client in clients}
    if len({*where.values()}) == 1:
        return _check("endpoints", Finding.OK, f"{', '.join(sorted(where))}: {next(iter(where.values()))}")
    return _check("endpoints", Finding.OK, ", ".join(f"{name} {url}" for name, url in sorted(where.items())))


def expiry(access: AwsAccess, *, now: float, ends: float) -> Check:
    """Whether the credentials last until ``ends``, wall time, epoch seconds. Asks the user's own set-up, not AWS."""
    if access.endpoint_url is not None:
        return _check(_NAME, Finding.OK, "the sandbox's own, which do not expire")
    try:
        found = users_credentials(access.region)
        if found is None:
            raise botocore.exceptions.NoCredentialsError
        if found.method == "env":
            return _of_environment(now, ends)
        if isinstance(found, RefreshableCredentials):
            return _check(_NAME, Finding.OK, f"from {found.method}, refreshed when they expire")
        if found.token is None:
            return _check(_NAME, Finding.OK, f"from {found.method}, a long-lived key")
        return _unknown(found.method, now, ends)
    except FAILURES as error:
        return _check(_NAME, Finding.FAILED, str(explained(error, "the credentials' expiry", "sts")))
    except ValueError:
        return _unreadable()


def _of_environment(now: float, ends: float) -> Check:
    """Keys in variables are never refreshed, though botocore takes them for refreshable where their end is given."""
    told = os.environ.get(EXPIRATION)
    if told is None:
        if os.environ.get("AWS_SESSION_TOKEN") or os.environ.get("AWS_SECURITY_TOKEN"):
            return _unknown("the environment", now, ends)
        return _check(_NAME, Finding.OK, "from the environment, a long-lived key")
    try:
        expires = datetime.fromisoformat(told)
    except ValueError:
        return _unreadable()
    # A time without a zone is taken for UTC, as AWS writes it.
    at = (expires if expires.tzinfo else expires.replace(tzinfo=UTC)).timestamp()
    if at <= now:
        return _check(_NAME, Finding.FAILED, f"expired at {_utc(at)}; sign in again")
    if at < ends:
        says = (
            f"they expire at {_utc(at)}, {format_duration(ends - at)} before the planned end at {_utc(ends)}; sign in "
            "for longer (of a role: a longer session), or choose shorter phases"
        )
        return _check(_NAME, Finding.FAILED, says)
    return _check(_NAME, Finding.OK, f"from the environment, until {_utc(at)}; the planned end is {_utc(ends)}")


def _unknown(method: str, now: float, ends: float) -> Check:
    # One hour is what GitHub's OIDC action asks for unless told otherwise; not verified here.
    says = (
        f"temporary ones from {method}, which do not say when they expire; the run needs them for "
        f"{format_duration(max(ends - now, 0.0))}, and those of GitHub's OIDC last an hour by default: ask for longer "
        f"(role-duration-seconds), or set {EXPIRATION}"
    )
    return _check(_NAME, Finding.NOTE, says)


def _unreadable() -> Check:
    return _check(_NAME, Finding.FAILED, f"{EXPIRATION} is no ISO 8601 time such as 2026-01-31T12:00:00Z; correct it")


def _check(name: str, finding: Finding, says: str) -> Check:
    return Check(name=name, finding=finding, says=says)


def _utc(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
