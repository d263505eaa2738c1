"""What sign-in says when it refuses, in Google's two forms: Identity Toolkit's and the Secure Token service's.

Forms: Firebase's own emulator (firebase-tools 15) for Identity Toolkit; for the Secure Token service, which tells no
``errors`` but a ``status``, answers of production as users report them (firebase-js-sdk#8159). Clients match the
message up to " : ".
"""

from __future__ import annotations

import json
from typing import Any

from pytest_syncload.sandbox.http import Answer


class SignInError(Exception):
    """Google's error message, such as INVALID_CUSTOM_TOKEN; a reason may follow after " : ".

    ``code`` is the HTTP status, ``reason`` the one of Identity Toolkit's ``errors``, ``status`` google.rpc.Code's name.
    """

    def __init__(self, message: str, *, code: int = 400, reason: str = "invalid", status: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.status = status


def no_such_operation() -> SignInError:
    """Nothing that the sandbox implements."""
    message = "NOT_FOUND : the sandbox does not implement this sign-in operation"
    return SignInError(message, code=404, reason="notFound", status="NOT_FOUND")


def bad_api_key(given: str | None) -> SignInError:
    """A Web API key that is missing, or another project's."""
    if given is None:
        message = "The request is missing a valid API key."
        return SignInError(message, code=403, reason="forbidden", status="PERMISSION_DENIED")
    message = "API key not valid. Please pass a valid API key."
    return SignInError(message, reason="badRequest", status="INVALID_ARGUMENT")


def unavailable() -> SignInError:
    """A moment of the service's that passes."""
    message = "The service is currently unavailable."
    return SignInError(message, code=503, reason="backendError", status="UNAVAILABLE")


def identity_toolkit(error: SignInError) -> Answer:
    """``error`` as accounts:* answers it."""
    message = str(error)
    told: dict[str, Any] = {
        "code": error.code,
        "message": message,
        "errors": [{"message": message, "domain": "global", "reason": error.reason}],
    }
    if error.status is not None:
        told["status"] = error.status
    return _answer(error.code, told)


def secure_token(error: SignInError) -> Answer:
    """``error`` as the refresh of a token answers it."""
    return _answer(
        error.code, {"code": error.code, "message": str(error), "status": error.status or "INVALID_ARGUMENT"}
    )


def _answer(code: int, told: dict[str, Any]) -> Answer:
    return Answer(code, json.dumps({"error": told}).encode())
