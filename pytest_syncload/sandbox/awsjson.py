"""The border of services that speak AWS JSON 1.0 or 1.1: X-Amz-Target names the operation, times are epoch numbers.

Source: Smithy, "AWS JSON 1.0 protocol", "awsQueryCompatible trait". It must never answer 200 to what it cannot read.
"""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_syncload.sandbox.awserror import AwsError, refusal
from pytest_syncload.sandbox.http import Answer, Request

#: CloudWatch's limit on a request's body, compressed; the other operations here take far less.
_BODY_LIMIT = 1024 * 1024
_UNPACKED_LIMIT = 16 * _BODY_LIMIT

Operation = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonService:
    """One service: ``target`` is the prefix of X-Amz-Target, ``namespace`` that of an error's ``__type``.

    ``query_compatible``: clients of the service's older query protocol know an error by the code that the header
    x-amzn-query-error carries. ``denied_status`` is the HTTP status of a refused signature.
    """

    target: str
    version: str
    namespace: str
    operations: Mapping[str, Operation]
    query_compatible: bool = False
    denied_status: int = 403

    def answer(self, request: Request, admit: Callable[[str], None]) -> Answer:
        """The answer to one request; ``admit`` raises `AwsError` for an operation that may not be called."""
        try:
            return self._answer(200, self._perform(request, admit))
        except AwsError as error:
            return self.refused(error)

    def refused(self, error: AwsError) -> Answer:
        """``error`` as the protocol has it."""
        body = {"__type": self.namespace + error.shape, "message": error.message}
        code = (b"x-amzn-query-error", f"{error.code};Sender".encode())
        return self._answer(error.status, body, *([code] if self.query_compatible else []))

    def unknown_key(self) -> AwsError:
        """The signature's access key is nobody's."""
        message = "The security token included in the request is invalid: not the sandbox's access key."
        return refusal("UnrecognizedClientException", message, self.denied_status)

    def expired(self) -> AwsError:
        """The credentials were right once."""
        message = "The security token included in the request is expired"
        return refusal("ExpiredTokenException", message, self.denied_status)

    def denied(self, action: str) -> AwsError:
        """The credentials are right, and may not do this."""
        message = f"User is not authorized to perform: {action} because no identity-based policy allows the action"
        return refusal("AccessDeniedException", message, self.denied_status)

    def _answer(self, status: int, body: Mapping[str, Any], *extra: tuple[bytes, bytes]) -> Answer:
        kind = f"application/x-amz-json-{self.version}".encode()
        request_id = (b"x-amzn-requestid", str(uuid.uuid4()).encode())
        return Answer(status, json.dumps(body).encode(), kind, (request_id, *extra))

    def _perform(self, request: Request, admit: Callable[[str], None]) -> dict[str, Any]:
        target = request.header("x-amz-target")
        if not target.startswith(self.target) or not request.header("content-type").startswith(
            "application/x-amz-json"
        ):
            raise _unknown(f"this protocol of the service; it is spoken in AWS JSON {self.version} here")
        name = target.removeprefix(self.target)
        admit(name)
        operation = self.operations.get(name)
        if operation is None:
            raise _unknown(f"the operation {name}")
        return operation(members(request))


def _unknown(what: str) -> AwsError:
    return AwsError("UnknownOperationException", "InvalidAction", f"the sandbox does not implement {what}", 404)


def members(request: Request) -> dict[str, Any]:
    """The members of a request's body, gzipped or not. Raises `AwsError`."""
    body = request.body
    if len(body) > _BODY_LIMIT:
        raise refusal("RequestEntityTooLarge", "the body is larger than 1 MB", 413)
    encoding = request.header("content-encoding")
    try:
        if encoding == "gzip":
            unpacking = zlib.decompressobj(wbits=31)
            body = unpacking.decompress(body, _UNPACKED_LIMIT)
            if not unpacking.eof:
                raise _unreadable("the gzipped body is cut short or too large")
        elif encoding:
            raise _unreadable(f"Content-Encoding {encoding!r} is not gzip")
        given = json.loads(body)
    except (ValueError, zlib.error) as error:
        raise _unreadable(f"the body cannot be read: {error}") from None
    if not isinstance(given, dict):
        raise _unreadable("the body is not a JSON object")
    return given


def _unreadable(message: str) -> AwsError:
    return AwsError("SerializationException", "MalformedInput", message)
