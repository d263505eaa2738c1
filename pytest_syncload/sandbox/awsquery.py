"""The border of services that speak the AWS query protocol: a form with an Action comes in, XML goes out.

Source: Smithy, "AWS query protocol". It must never answer 200 to what it cannot read.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from pytest_syncload.sandbox.awserror import AwsError, refusal
from pytest_syncload.sandbox.http import Answer, Request

#: Members are flat texts, as the form has them; a list is a mapping of the element's name to the entries.
Operation = Callable[[Mapping[str, str]], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryService:
    """One service: its API ``version``, the ``namespace`` of its XML, and its operations by Action."""

    version: str
    namespace: str
    operations: Mapping[str, Operation]

    def answer(self, request: Request, admit: Callable[[str], None]) -> Answer:
        """The answer to one request; ``admit`` raises `AwsError` for an operation that may not be called."""
        try:
            action, result = self._perform(request, admit)
        except AwsError as error:
            return self.refused(error)
        body = {f"{action}Result": result, "ResponseMetadata": {"RequestId": str(uuid.uuid4())}}
        return self._xml(200, f"{action}Response", body)

    def refused(self, error: AwsError) -> Answer:
        """``error`` as the protocol has it."""
        whose = "Sender" if error.status < 500 else "Receiver"
        told = {"Type": whose, "Code": error.code, "Message": error.message}
        return self._xml(error.status, "ErrorResponse", {"Error": told, "RequestId": str(uuid.uuid4())})

    def unknown_key(self) -> AwsError:
        """The signature's access key is nobody's."""
        message = "The security token included in the request is invalid: not the sandbox's access key."
        return refusal("InvalidClientTokenId", message, 403)

    def expired(self) -> AwsError:
        """The credentials were right once."""
        return refusal("ExpiredToken", "The security token included in the request is expired", 403)

    def denied(self, action: str) -> AwsError:
        """The credentials are right, and may not do this."""
        message = f"User is not authorized to perform: {action} because no identity-based policy allows the action"
        return refusal("AccessDenied", message, 403)

    def _perform(self, request: Request, admit: Callable[[str], None]) -> tuple[str, dict[str, Any]]:
        if not request.header("content-type").startswith("application/x-www-form-urlencoded"):
            raise refusal("MalformedInput", "the query protocol is spoken here: the body must be a form")
        try:
            pairs = parse_qsl(request.body.decode("ascii"), keep_blank_values=True)
        except UnicodeDecodeError:
            raise refusal("MalformedInput", "the form must be ASCII, percent-encoded") from None
        members = dict(pairs)
        if len(members) != len(pairs):
            raise refusal("MalformedInput", "a member is given twice")
        action, version = members.pop("Action", ""), members.pop("Version", "")
        admit(action)
        operation = self.operations.get(action) if version == self.version else None
        if operation is None:
            message = f"the sandbox does not implement the operation {action!r} of version {version!r}"
            raise refusal("InvalidAction", message)
        return action, operation(members)

    def _xml(self, status: int, root: str, body: Mapping[str, Any]) -> Answer:
        text = f'<{root} xmlns="{self.namespace}">{"".join(_elements(body))}</{root}>'
        return Answer(status, text.encode(), b"text/xml")


def _elements(of: Mapping[str, Any]) -> Iterator[str]:
    for name, value in of.items():
        for one in value if isinstance(value, list) else [value]:
            yield f"<{name}>{_text(one)}</{name}>"


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return "".join(_elements(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value))
