"""A request as bytes: the one serialiser behind both doors of the transport. What is constant is serialised once.

It refuses whatever would smuggle in another header or request, and never guesses a request's length.
"""

from __future__ import annotations

from collections.abc import Iterable
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


class RequestWriter:
    """Writes the template's request, or a ``variant`` of it, for an identity, a key and an arrival.

    What is constant is serialised once, here: the template's bytes and the feeders' rows. An arrival costs a join, what
    it draws, and its length where the body is drawn. Nothing is kept of an identity: a token is encoded in 0.1 µs, and
    to keep its bytes took 5 µs when they were first made, in memory of which ten thousand are in no cache.

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
        feeding = Feeding(template.feeders)
        self._method = template.method.encode()
        self._target, self._body = rendering(target, feeding), rendering(body, feeding)
        self._host = [] if "host" in given else [(b"Host", origin.netloc.rpartition("@")[2].encode())]
        self._headers = [(name, rendering(parts, feeding)) for name, parts in headers]
        self._has_length = bool(body) or template.method in _SAY_THEIR_LENGTH
        self._keyed = variant is not Variant.KEYLESS
        self._key_name = template.idempotency.header.encode()
        # What stands on both sides of a key (RFC 8941, section 3.3.3).
        self._quote = b'"' if self._keyed and template.idempotency.key is KeyForm.SF_STRING else b""
        self._end = self._quote + b"\r\n\r\n"
        try:
            serialise(self._method, self._target(0), self.headers(_NOBODY, "", 0), b"")
        except ValueError as error:
            raise _unwritable(error) from None

        # The same again, cut where a token, a key or what is drawn goes in.
        first: Parts = (self._method + b" ", *target, b" HTTP/1.1", _lines(self._host) + b"\r\nAuthorization: Bearer ")
        middle = [part for name, parts in headers for part in (b"\r\n" + name + b": ", *parts)]
        key = b"\r\n" + self._key_name + b": " + self._quote if self._keyed else b""
        #: What follows the middle where the body is drawn; else the middle has it.
        self._lengths = _Lengths(key) if is_drawn(body) else None
        if self._lengths is None:
            middle.append((b"\r\nContent-Length: %d" % len(self._body(0)) if self._has_length else b"") + key)
        self._first, self._middle = rendering(first, feeding), rendering(tuple(middle), feeding)

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

    def wire(self, identity: Identity, key: str, arrival: int) -> bytes:
        """The whole request.

        Raises:
            ValueError: the key cannot be a header's value.
            Refused: the token cannot, or what a function drew cannot be written.
        """
        if not key.isprintable() or (self._quote and ('"' in key or "\\" in key)):
            raise ValueError(f"{key!r} cannot be an Idempotency-Key")
        token = identity.token
        if "\n" in token or "\r" in token or "\0" in token:
            raise Refused("a token holds a line break, so no request can carry it")
        body = self._body(arrival)
        middle = self._middle(arrival)
        if self._lengths is not None:
            middle += self._lengths[len(body)]
        if not self._keyed:
            key = ""
        return b"".join((self._first(arrival), token.encode(), middle, key.encode(), self._end, body))


def check_writers(template: RequestTemplate, base_url: str) -> dict[Variant, RequestWriter]:
    """A writer for each variant that only checks of the key send; none where nothing is checked. Raises `Refused`."""
    if not template.idempotency.verify_percent:
        return {}
    return {one: RequestWriter(template, base_url, one) for one in (Variant.KEYLESS, Variant.CHANGED)}


class _Lengths(dict[int, bytes]):
    """The header of each length that a body had, with what follows it: to look it up is cheaper than to write it."""

    def __init__(self, then: bytes) -> None:
        super().__init__()
        self._then = then

    def __missing__(self, length: int) -> bytes:
        line = b"\r\nContent-Length: %d" % length + self._then
        self[length] = line
        return line


#: Whose request is written to see that the template's can be.
_NOBODY = Identity(0, "", "")


def _lines(headers: Headers) -> bytes:
    return b"".join(b"\r\n%b: %b" % header for header in headers)


def is_drawn(parts: Parts) -> bool:
    """Whether arrivals differ in it."""
    return any(isinstance(part, Slot) for part in parts)


def _unwritable(error: ValueError) -> Refused:
    return Refused(f"the request cannot be written: {error}; look at request of slo.yaml")
