"""STS as the sandbox has it: whose credentials these are. They are valid in every region, as AWS's are."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_syncload.sandbox.awserror import known_members
from pytest_syncload.sandbox.awsquery import QueryService
from pytest_syncload.sandbox.names import ACCOUNT


def sts() -> QueryService:
    """The service."""
    return QueryService(
        version="2011-06-15",
        namespace="https://sts.amazonaws.com/doc/2011-06-15/",
        operations={"GetCallerIdentity": _get_caller_identity},
    )


def _get_caller_identity(request: Mapping[str, str]) -> dict[str, str]:
    known_members(request, set(), "GetCallerIdentity")
    arn = f"arn:aws:iam::{ACCOUNT}:user/syncload-sandbox"
    return {"Arn": arn, "UserId": "AIDASYNCLOADSANDBOX00", "Account": ACCOUNT}
