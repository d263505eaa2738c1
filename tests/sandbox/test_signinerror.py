"""Google's two forms of a refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_syncload.sandbox.http import Answer
from pytest_syncload.sandbox.signinerror import (
    SignInError,
    bad_api_key,
    identity_toolkit,
    no_such_operation,
    secure_token,
    unavailable,
)


def told(answer: Answer) -> tuple[int, Any]:
    return answer.status, json.loads(answer.body)


def test_identity_toolkit_lists_its_errors() -> None:
    listed = {"message": "EMAIL_EXISTS", "domain": "global", "reason": "invalid"}
    expected = {"error": {"code": 400, "message": "EMAIL_EXISTS", "errors": [listed]}}
    assert told(identity_toolkit(SignInError("EMAIL_EXISTS"))) == (400, expected)


def test_secure_token_tells_a_status_and_no_list() -> None:
    expected = {"error": {"code": 400, "message": "TOKEN_EXPIRED", "status": "INVALID_ARGUMENT"}}
    assert told(secure_token(SignInError("TOKEN_EXPIRED"))) == (400, expected)


@pytest.mark.parametrize(
    ("error", "code", "reason", "status"),
    [
        (no_such_operation(), 404, "notFound", "NOT_FOUND"),
        (bad_api_key(None), 403, "forbidden", "PERMISSION_DENIED"),
        (bad_api_key("x"), 400, "badRequest", "INVALID_ARGUMENT"),
        (unavailable(), 503, "backendError", "UNAVAILABLE"),
    ],
)
def test_what_every_service_of_google_says(error: SignInError, code: int, reason: str, status: str) -> None:
    answered, body = told(identity_toolkit(error))
    assert (answered, body["error"]["code"], body["error"]["status"]) == (code, code, status)
    assert body["error"]["errors"][0]["reason"] == reason
    assert told(secure_token(error))[1]["error"] == {"code": code, "message": str(error), "status": status}
    assert "x" not in str(bad_api_key("x")).split()
