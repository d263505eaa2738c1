"""A request as bytes: the one serialiser behind both doors of the transport. What is constant is serialised once.

It refuses whatever would smuggle in another header or request, and never guesses a request's length.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.idempotency import KeyForm, Variant
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.placeholder import Parts, Slot, header_parts, json_parts, path_parts
from pytest_syncload.facts.plan import RequestTemplate
from pytest_syncload.load.feeding import Feeding, rendering

#: Headers that the generator writes itself; a second one of them would contradict it.
_OURS = ("authorization", "idempotency-key", "content-length", "transfer-encoding", "connection")
#: Without a body, these must say so (RFC 9110, section 8.6).
_SAY_THEIR_LENGTH = ("POST", "PUT", "PATCH")
_END = b"\r\n\r\n"
_LENGTH = b"\r\nContent-Length: %d"

Headers = list[tuple[bytes, bytes]]


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
    """The bytes that all requests of one identity have in common: up to the key, or to the first that is drawn."""

    token: str = field(repr=False)
    head: bytes = field(repr=False)


class RequestWriter:
    """Writes the template's request, or a ``variant`` of it, for an identity, a key and an arrival.

    What is constant is serialised once: the template's bytes and the feeders' rows here, an identity's when it is first
    seen or has a new token. An arrival costs a join, what it draws, and its length where the body is drawn.

    Raises:
        Refused: the template or a feeder's row cannot be written, or contradicts what the generator writes.
    """

    def __init__(self, template: RequestTemplate, base_url: str, variant: Variant = Variant.WHOLE) -> None:
        written = {*_OURS, template.idempotency.header.lower()}
        ours = [name for name, _ in template.headers if name.lower() in written]
        if ours:
            raise Refused(f"the generator writes {ours[0]} itself; take it out of request.headers of slo.yaml")
        origin = urlsplit(base_url)
        given = {name.lower() for name, _ in template.headers}
        json = template.json
        if variant is Variant.CHANGED:
            json = {**json, **template.idempotency.changed}
        try:
            target = path_parts(origin.path.rstrip("/") + template.path)
            body = () if json is None else json_parts(json)
            headers = [(name.encode(), header_parts(value)) for name, value in template.headers]
        except ValueError as error:
            raise _unwritable(error) from None
        if template.json is not None and "content-type" not in given:
            headers.append((b"Content-Type", (b"application/json",)))
        self._method = template.method.encode()
        self._host = [] if "host" in given else [(b"Host", origin.netloc.rpartition("@")[2].encode())]
        self._keyed = variant is not Variant.KEYLESS
        self._key_name = template.idempotency.header.encode()
        # What stands on both sides of a key (RFC 8941, section 3.3.3).
        self._quote = b'"' if self._keyed and template.idempotency.key is KeyForm.SF_STRING else b""
        self._key = b"\r\n" + self._key_name + b": " + self._quote if self._keyed else b""
        self._end = self._quote + _END
        self._has_length = bool(body) or template.method in _SAY_THEIR_LENGTH
        self._prepared: dict[int, PreparedRequest] = {}

        feeding = Feeding(template.feeders)
        self._target, self._body = rendering(target, feeding), rendering(body, feeding)
        self._headers = [(name, rendering(parts, feeding)) for name, parts in headers]
        self._draws_target, self._draws_body = is_drawn(target), is_drawn(body)
        self._fixed = next((at for at, (_, parts) in enumerate(headers) if is_drawn(parts)), len(headers))
        self._draws = self._draws_target or self._draws_body or self._fixed < len(headers)
        # What an arrival draws, in the order of the wire: its line, what follows its identity's bytes, its body.
        self._line = rendering((self._method + b" ", *target, b" HTTP/1.1") if self._draws_target else (), feeding)
        self._middle = rendering(self._middle_of(headers[self._fixed :]) if self._draws else (), feeding)

    def _middle_of(self, drawn: list[tuple[bytes, Parts]]) -> Parts:
        parts = [part for name, value in drawn for part in (b"\r\n" + name + b": ", *value)]
        if not self._draws_body:
            parts.append(_LENGTH % len(self._body(0)) if self._has_length else b"")
        return tuple(parts)

    def target(self, arrival: int) -> bytes:
        """What the arrival's request line names."""
        return self._target(arrival)

    def body(self, arrival: int) -> bytes:
        """What follows the arrival's headers."""
        return self._body(arrival)

    def headers(self, identity: Identity, key: str, arrival: int) -> Headers:
        """The request's headers, in the order in which they go out; the key is last."""
        headers = [*self._host, (b"Authorization", b"Bearer " + identity.token.encode())]
        headers += [(name, value(arrival)) for name, value in self._headers]
        if self._has_length:
            headers.append((b"Content-Length", b"%d" % len(self._body(arrival))))
        if self._keyed:
            headers.append((self._key_name, self._quote + key.encode() + self._quote))
        return headers

    def prepared(self, identity: Identity, arrival: int) -> PreparedRequest:
        """The constant bytes of this identity's requests, made anew only when its token has changed."""
        known = self._prepared.get(identity.index)
        if known is not None and known.token == identity.token:
            return known
        target, headers = self._target(arrival), self.headers(identity, "", arrival)
        try:
            whole = serialise(self._method, target, headers, b"")
            fixed = len(self._host) + 1 + self._fixed if self._draws else len(headers)
            end = len(serialise(self._method, target, headers[:fixed], b"")) - len(_END if self._draws else self._end)
        except ValueError as error:
            raise _unwritable(error) from None
        begin = len(self._line(arrival))
        made = PreparedRequest(identity.token, whole[begin:end])
        self._prepared[identity.index] = made
        return made

    def wire(self, identity: Identity, key: str, arrival: int) -> bytes:
        """The whole request.

        Raises:
            ValueError: the key cannot be a header's value.
            Refused: what a function drew cannot be written.
        """
        if not key.isprintable() or (self._quote and ('"' in key or "\\" in key)):
            raise ValueError(f"{key!r} cannot be an Idempotency-Key")
        head = self.prepared(identity, arrival).head
        body = self._body(arrival)
        key_bytes = key.encode() if self._keyed else b""
        if not self._draws:
            return b"%b%b%b%b" % (head, key_bytes, self._end, body)
        length = _LENGTH % len(body) if self._draws_body else b""
        return b"".join(
            (self._line(arrival), head, self._middle(arrival), length, self._key, key_bytes, self._end, body)
        )


def check_writers(template: RequestTemplate, base_url: str) -> dict[Variant, RequestWriter]:
    """A writer for each variant that only checks of the key send; none where nothing is checked. Raises `Refused`."""
    if not template.idempotency.verify_percent:
        return {}
    return {one: RequestWriter(template, base_url, one) for one in (Variant.KEYLESS, Variant.CHANGED)}


def is_drawn(parts: Parts) -> bool:
    """Whether arrivals differ in it."""
    return any(isinstance(part, Slot) for part in parts)


def _unwritable(error: ValueError) -> Refused:
    return Refused(f"the request cannot be written: {error}; look at request of slo.yaml")
