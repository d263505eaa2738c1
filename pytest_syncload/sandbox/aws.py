"""The AWS double's HTTP side: AWS JSON 1.0 as boto3 speaks it to CloudWatch. Other protocols get an error.

botocore 1.44 offers CBOR and query too but picks JSON: POST / with X-Amz-Target, bodies perhaps gzipped, times as
epoch numbers. Signatures are not verified; the access key must be the one the sandbox gave out, so that a client that
took the user's own credentials is found out.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.sandbox.awserror import AwsError, bad_value
from pytest_syncload.sandbox.cloudwatch import Store
from pytest_syncload.sandbox.getmetricdata import POINTS_A_CALL, get_metric_data
from pytest_syncload.sandbox.http import Answer, Request

_TARGET = "GraniteServiceVersion20100801."
#: CloudWatch's limit on a request's body, compressed.
_BODY_LIMIT = 1024 * 1024
_UNPACKED_LIMIT = 16 * _BODY_LIMIT
_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/")


class Aws:
    """Answers POST / from a `Store`, in the clock's service time."""

    def __init__(self, store: Store, clock: ServiceClock, access_key_id: str, points_a_call: int = POINTS_A_CALL):
        self._store = store
        self._clock = clock
        self._access_key_id = access_key_id
        self._points_a_call = points_a_call

    def answer(self, request: Request) -> Answer:
        """The answer to one request, errors included."""
        try:
            status, body, error = 200, self._perform(request), ""
        except AwsError as refused:
            shape = f"com.amazonaws.cloudwatch.v2010_08_01#{refused.shape}"
            status, body = refused.status, {"__type": shape, "message": refused.message}
            error = f"{refused.code};Sender"
        # x-amzn-query-error carries the code that clients of the older query protocol know (awsQueryCompatible).
        extra = ((b"x-amzn-query-error", error.encode()),) if error else ()
        return Answer(status, json.dumps(body).encode(), b"application/x-amz-json-1.0", extra)

    def _perform(self, request: Request) -> dict[str, Any]:
        target = request.header("x-amz-target")
        if not target.startswith(_TARGET) or not request.header("content-type").startswith("application/x-amz-json"):
            raise _unknown("this protocol or service; CloudWatch is spoken in AWS JSON 1.0 here")
        signed = _CREDENTIAL.match(request.header("authorization"))
        if signed is None or signed[1] != self._access_key_id:
            message = "The security token included in the request is invalid: not the sandbox's access key."
            raise AwsError("UnrecognizedClientException", "UnrecognizedClientException", message, 403)
        operation = target.removeprefix(_TARGET)
        match operation:
            case "PutMetricData":
                self._store.put(_members(request), self._clock.now())
                return {}
            case "GetMetricData":
                return get_metric_data(self._store, _members(request), self._clock.now(), self._points_a_call)
        raise _unknown(f"the operation {operation}")


def _unknown(what: str) -> AwsError:
    return AwsError("UnknownOperationException", "InvalidAction", f"the sandbox does not implement {what}", 404)


def _members(request: Request) -> dict[str, Any]:
    body = request.body
    if len(body) > _BODY_LIMIT:
        raise AwsError("RequestEntityTooLarge", "RequestEntityTooLarge", "the body is larger than 1 MB", 413)
    encoding = request.header("content-encoding")
    try:
        if encoding == "gzip":
            unpacking = zlib.decompressobj(wbits=31)
            body = unpacking.decompress(body, _UNPACKED_LIMIT)
            if not unpacking.eof:
                raise bad_value("the gzipped body is cut short or too large")
        elif encoding:
            raise bad_value(f"Content-Encoding {encoding!r} is not gzip")
        members = json.loads(body)
    except (ValueError, zlib.error) as error:
        raise AwsError("SerializationException", "MalformedInput", f"the body cannot be read: {error}") from None
    if not isinstance(members, dict):
        raise AwsError("SerializationException", "MalformedInput", "the body is not a JSON object")
    return members
