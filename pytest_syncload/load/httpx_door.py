"""httpx's Request as bytes, and an answer as httpx's Response or exception: all that the httpx door translates.

It must never write a request whose length its headers do not tell truly, nor one that switches to another protocol.
"""

from __future__ import annotations

import httpx

from pytest_syncload.load.connection import Answer, Failure
from pytest_syncload.load.patience import Stage
from pytest_syncload.load.wire import serialise

#: Headers that decide where the request ends and what may follow it, and how long their names are.
_OF_FRAMING = frozenset({b"transfer-encoding", b"content-length", b"host", b"upgrade", b"connection"})
_LENGTHS = frozenset(map(len, _OF_FRAMING))
_LATE = {Stage.CONNECT: httpx.ConnectTimeout, Stage.WRITE: httpx.WriteTimeout, Stage.READ: httpx.ReadTimeout}


def as_wire(request: httpx.Request, body: bytes) -> tuple[bytes, bool]:
    """The request's bytes, and whether they say that it is its connection's last (RFC 9112, section 9.6).

    A body of unknown length has been read and gets its length.

    Raises:
        httpx.LocalProtocolError: the request's headers cannot be written, or contradict its body.
    """
    headers = request.headers.raw
    told: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if len(name) in _LENGTHS and (lower := name.lower()) in _OF_FRAMING:
            told.setdefault(lower, []).append(value)
    length = b"%d" % len(body)
    lengths = told.get(b"content-length", [])
    if b"transfer-encoding" in told:
        headers = [(name, value) for name, value in headers if name.lower() != b"transfer-encoding"]
        headers.append((b"Content-Length", length))
        lengths.append(length)
    hosts = len(told.get(b"host", ()))
    last = any(b"close" in map(bytes.strip, value.lower().split(b",")) for value in told.get(b"connection", ()))
    switches = request.method == "CONNECT" or b"upgrade" in told
    try:
        if switches:
            raise ValueError("this transport neither tunnels nor switches protocols")
        if lengths != [length] and (lengths or body):
            raise ValueError(f"Content-Length says {lengths}, and the body has {len(body)} bytes")
        if hosts != 1:
            raise ValueError(f"{hosts} Host headers where there must be one (RFC 9112, section 3.2)")
        return serialise(request.method.encode(), request.url.raw_path, headers, body), last
    except ValueError as error:
        raise httpx.LocalProtocolError(f"the request cannot be written: {error}", request=request) from None


def as_response(answer: Answer, request: httpx.Request, stage: Stage) -> httpx.Response:
    """The response, or httpx's exception for what came instead of it at this stage."""
    match answer.failure:
        case None:
            return httpx.Response(
                answer.status, headers=answer.headers, stream=httpx.ByteStream(answer.body), request=request
            )
        case Failure.CONNECT:
            raise httpx.ConnectError(answer.detail, request=request) from answer.cause
        case Failure.TIMEOUT:
            raise _LATE[stage](answer.detail, request=request)
        case Failure.PROTOCOL if answer.cause is None:
            raise httpx.RemoteProtocolError(answer.detail, request=request)
        case Failure.PROTOCOL:
            writing = stage is Stage.WRITE or isinstance(answer.cause, BrokenPipeError)
            broken = httpx.WriteError if writing else httpx.ReadError
            raise broken(answer.detail, request=request) from answer.cause
