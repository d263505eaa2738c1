"""A request as bytes: the one serialiser behind both doors of the transport. What is constant is serialised once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import urlsplit

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.plan import RequestTemplate


def serialise(method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bytes:
    """An HTTP/1.1 request. Raises ValueError where a line break would smuggle in another header."""
    lines = [method + b" " + target + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in headers]
    for line in lines:
        if b"\r" in line or b"\n" in line:
            raise ValueError("a request line or header contains a line break")
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class RequestWriter:
    """Writes the template's request for an identity and a key."""

    def __init__(self, template: RequestTemplate, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._template = template
        self._target = (parts.path.rstrip("/") + template.path).encode()
        self._host = parts.netloc.rpartition("@")[2].encode()
        self._body = b"" if template.json is None else json.dumps(template.json, separators=(",", ":")).encode()
        self._prepared: dict[int, tuple[bytes, bytes]] = {}

    def headers(self, identity: Identity, key: str) -> list[tuple[bytes, bytes]]:
        """The request's headers, in the order in which they go out; the key is last."""
        headers = [(b"Host", self._host), (b"Authorization", b"Bearer " + identity.token.encode())]
        headers += [(name.encode(), value.encode()) for name, value in self._template.headers]
        if self._template.json is not None:
            headers.append((b"Content-Type", b"application/json"))
        if self._body or self._template.method in ("POST", "PUT", "PATCH"):
            headers.append((b"Content-Length", str(len(self._body)).encode()))
        return [*headers, (b"Idempotency-Key", key.encode())]

    def wire(self, identity: Identity, key: str) -> bytes:
        """The whole request. Costs a join of three parts once an identity has been seen."""
        prepared = self._prepared.get(identity.index)
        if prepared is None:
            prepared = self._prepared[identity.index] = self._prepare(identity)
        before, after = prepared
        return before + key.encode() + after

    def _prepare(self, identity: Identity) -> tuple[bytes, bytes]:
        hole = "0" * 32
        try:
            whole = serialise(self._template.method.encode(), self._target, self.headers(identity, hole), self._body)
        except ValueError as error:
            raise Refused(f"the request cannot be written: {error}; look at request.headers of slo.yaml") from None
        before, _, after = whole.partition(b"Idempotency-Key: " + hole.encode())
        return before + b"Idempotency-Key: ", after
