"""A request as bytes: the one serialiser behind both doors of the transport. What is constant is serialised once.

It refuses whatever would smuggle in another header or request, and never guesses a request's length.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.idempotency import KeyForm, Variant
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.plan import RequestTemplate

#: Headers that the generator writes itself; a second one of them would contradict it.
_OURS = ("authorization", "idempotency-key", "content-length", "transfer-encoding", "connection")
#: What a path may hold as it is (RFC 3986, section 3.3 and 3.4), and the sign of what is quoted already.
_SAFE = "/?%:@!$&'()*+,;=~-._"


def serialise(method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bytes:
    """An HTTP/1.1 request. Raises ValueError where a line break or a space would smuggle in something else."""
    if b" " in method or b" " in target or not target:
        raise ValueError(f"{target!r} cannot be a request's target")
    lines = [method + b" " + target + b" HTTP/1.1"]
    for name, value in headers:
        if b":" in name or b" " in name or not name:
            raise ValueError(f"{name!r} cannot be a header's name")
        lines.append(name + b": " + value)
    head = b"\r\n".join(lines)
    ends = len(lines) - 1
    if head.count(b"\r") != ends or head.count(b"\n") != ends or b"\0" in head:
        raise ValueError("a request line or header contains a line break")
    return b"%b\r\n\r\n%b" % (head, body)


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request of one identity, less its key, which stands between ``before`` and ``after``."""

    token: str = field(repr=False)
    before: bytes = field(repr=False)
    after: bytes = field(repr=False)


class RequestWriter:
    """Writes the template's request, or a ``variant`` of it, for an identity and a key.

    Raises:
        Refused: the template's headers or path cannot be written, or contradict what the generator writes.
    """

    def __init__(self, template: RequestTemplate, base_url: str, variant: Variant = Variant.PLAIN) -> None:
        parts = urlsplit(base_url)
        self._template = template
        #: What the request line names, and the body that follows the headers.
        self.target = quote(parts.path.rstrip("/") + template.path, safe=_SAFE).encode()
        self._host = parts.netloc.rpartition("@")[2].encode()
        sent = template.json
        if variant is Variant.CHANGED:
            sent = {**template.json, **template.idempotency.changed}
        self.body = b"" if sent is None else json.dumps(sent, separators=(",", ":")).encode()
        self._key_name = b"" if variant is Variant.WITHOUT_KEY else template.idempotency.header.encode()
        #: What stands on both sides of a key (RFC 8941, section 3.3.3).
        self._quote = b'"' if template.idempotency.key is KeyForm.SF_STRING else b""
        self._prepared: dict[int, PreparedRequest] = {}
        written = {*_OURS, template.idempotency.header.lower()}
        ours = [name for name, _ in template.headers if name.lower() in written]
        if ours:
            raise Refused(f"the generator writes {ours[0]} itself; take it out of request.headers of slo.yaml")

    def headers(self, identity: Identity, key: str) -> list[tuple[bytes, bytes]]:
        """The request's headers, in the order in which they go out; the key, if it has one, is last."""
        given = {name.lower() for name, _ in self._template.headers}
        headers = [] if "host" in given else [(b"Host", self._host)]
        headers.append((b"Authorization", b"Bearer " + identity.token.encode()))
        headers += [(name.encode(), value.encode()) for name, value in self._template.headers]
        if self._template.json is not None and "content-type" not in given:
            headers.append((b"Content-Type", b"application/json"))
        # Without a body, these three must say so (RFC 9110, section 8.6).
        if self.body or self._template.method in ("POST", "PUT", "PATCH"):
            headers.append((b"Content-Length", str(len(self.body)).encode()))
        if self._key_name:
            headers.append((self._key_name, self._quote + key.encode() + self._quote))
        return headers

    def prepared(self, identity: Identity) -> PreparedRequest:
        """The constant bytes of this identity's requests, made anew only when its token has changed."""
        known = self._prepared.get(identity.index)
        if known is not None and known.token == identity.token:
            return known
        method = self._template.method.encode()
        try:
            whole = serialise(method, self.target, self.headers(identity, ""), self.body)
        except ValueError as error:
            raise Refused(f"the request cannot be written: {error}; look at request of slo.yaml") from None
        end = len(whole) - len(self.body) - len(b"\r\n\r\n") - len(self._quote)
        made = PreparedRequest(identity.token, whole[:end], whole[end:])
        self._prepared[identity.index] = made
        return made

    def wire(self, identity: Identity, key: str) -> bytes:
        """The whole request. Costs a join of three parts once an identity has been seen. Raises ValueError.

        ``key`` is "" where the variant has none.
        """
        if not key.isprintable() or (self._quote and ('"' in key or "\\" in key)):
            raise ValueError(f"{key!r} cannot be an Idempotency-Key")
        prepared = self.prepared(identity)
        return prepared.before + key.encode() + prepared.after


def writers(template: RequestTemplate, base_url: str) -> dict[Variant, RequestWriter]:
    """A writer for each variant that this template has. Raises `Refused` as `RequestWriter` does."""
    changed = [Variant.CHANGED] if template.idempotency.changed else []
    return {one: RequestWriter(template, base_url, one) for one in (Variant.PLAIN, *changed, Variant.WITHOUT_KEY)}
