"""One HTTP/1.1 connection: bytes in, one answer out, and then fit for another request or closed for good.

Parsing is llhttp's (httptools); ours are the edges of framing: 1xx, answers without a length, HEAD, bytes after an
answer, ends in the middle. A connection that behaved oddly is never used again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from enum import StrEnum
from typing import cast

import httptools


class Failure(StrEnum):
    """Why there is no answer."""

    CONNECT = "connect"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"


class Answer:
    """What came of one request. ``status`` is 0 and ``failure`` set where nothing usable came.

    ``sent_at`` (monotonic, None: never) is when the request's bytes went to a connection, ``done_at`` when it was over.
    """

    __slots__ = ("body", "detail", "done_at", "failure", "headers", "sent_at", "status")

    def __init__(
        self,
        *,
        sent_at: float | None,
        done_at: float,
        failure: Failure | None = None,
        detail: str = "",
        status: int = 0,
        headers: list[tuple[bytes, bytes]] | None = None,
        body: bytes = b"",
    ) -> None:
        self.sent_at = sent_at
        self.done_at = done_at
        self.failure = failure
        self.detail = detail
        self.status = status
        self.headers = headers or []
        self.body = body

    def __repr__(self) -> str:
        return f"<Answer {self.failure or self.status} {self.detail}>".replace(" >", ">")


class Exchange:
    """A request under way: from `start` to its one answer."""

    __slots__ = ("connection", "deadline", "done", "head", "on_answer", "sent_at", "wire")

    def __init__(self, wire: bytes, on_answer: Callable[[Answer], None], deadline: float, head: bool) -> None:
        self.wire = wire
        self.on_answer = on_answer
        self.deadline = deadline
        self.head = head
        self.connection: Connection | None = None
        self.sent_at: float | None = None
        self.done = False

    def fail(self, failure: Failure, detail: str) -> None:
        """End without an answer. Does nothing once it has ended."""
        if not self.done:
            self.done = True
            self.on_answer(Answer(sent_at=self.sent_at, done_at=time.monotonic(), failure=failure, detail=detail))


#: An answer to a sync job is some hundred bytes; a megabyte is a wrong target, and would be our memory.
BODY_LIMIT = 1 << 20


class Connection(asyncio.Protocol):
    """Carries one exchange at a time. ``on_idle`` is told when it is fit for the next, ``on_lost`` when it is gone."""

    def __init__(self, on_idle: Callable[[Connection], None], on_lost: Callable[[Connection], None]) -> None:
        self._on_idle = on_idle
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self.opened_at = time.monotonic()
        self.idle_since = self.opened_at

    def send(self, exchange: Exchange) -> None:
        """Put the exchange's bytes on the wire."""
        assert self._transport is not None
        self._exchange = exchange
        exchange.connection = self
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._size = 0
        self._headers_done = self._complete = self._surplus = self._framed = False
        exchange.sent_at = time.monotonic()
        self._transport.write(exchange.wire)
        exchange.wire = b""  # a timeout later nobody reads it, and there may be thousands

    def close(self) -> None:
        """Close now. An exchange under way ends as a protocol error."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def closing(self) -> bool:
        """Whether it can carry nothing more."""
        return self._transport is None or self._transport.is_closing()

    # What asyncio tells us.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        # A cast: uvloop's transports have asyncio's methods without being its subclasses.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer; bytes that nobody asked for end the connection."""
        if self._exchange is None:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._break("the answer switches protocols, which nobody asked for")
            return
        except httptools.HttpParserError as error:
            if not self._complete:
                self._break(f"the answer is not HTTP/1.1: {error}")
                return
            self._surplus = True
        if self._complete:
            self._finish(keep=self._parser.should_keep_alive() and not self._surplus)
        elif self._headers_done and self._exchange.head:
            self._finish(keep=False)

    def eof_received(self) -> bool:
        """The peer will send nothing more, so neither shall we."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The end. An answer without a length is complete by it; any other is cut off."""
        exchange = self._exchange
        self._transport = None
        if exchange is not None and not exchange.done:
            if error is None and self._headers_done and not self._framed:
                self._answer(exchange)
            elif not self._headers_done and not self._headers:
                exchange.fail(Failure.PROTOCOL, f"closed before an answer ({type(error).__name__ if error else 'EOF'})")
            else:
                exchange.fail(Failure.PROTOCOL, "closed in the middle of an answer")
        self._exchange = None
        self._on_lost(self)

    # What llhttp tells us.

    def on_message_begin(self) -> None:
        """A second message behind a complete one is surplus."""
        if self._complete:
            self._surplus = True
        else:
            self._headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer."""
        if self._complete:
            return
        self._headers.append((name, value))
        lower = name.lower()
        if lower == b"content-length" or (lower == b"transfer-encoding" and b"chunked" in value.lower()):
            self._framed = True

    def on_headers_complete(self) -> None:
        """The body is next."""
        status = self._parser.get_status_code()
        self._headers_done = not 100 <= status < 200
        if status in (204, 304):
            self._framed = True

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._complete:
            return
        self._size += len(body)
        if self._size > BODY_LIMIT:
            self._break(f"the answer is longer than {BODY_LIMIT} bytes")
            return
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Whole, unless it was only a 1xx, behind which the answer follows."""
        if self._headers_done:
            self._complete = True
        else:
            self._headers = []

    def _finish(self, *, keep: bool) -> None:
        exchange = self._exchange
        assert exchange is not None
        assert self._transport is not None
        self._exchange = None
        # An answer before the whole request was taken leaves the stream in no known state.
        if keep and self._framed and not self._transport.get_write_buffer_size():
            self.idle_since = time.monotonic()
            self._on_idle(self)
        else:
            self.close()
        self._answer(exchange)

    def _answer(self, exchange: Exchange) -> None:
        if exchange.done:
            return
        exchange.done = True
        exchange.on_answer(
            Answer(
                sent_at=exchange.sent_at,
                done_at=time.monotonic(),
                status=self._parser.get_status_code(),
                headers=self._headers,
                body=b"".join(self._body),
            )
        )

    def _break(self, detail: str) -> None:
        exchange = self._exchange
        self.close()
        if exchange is not None:
            exchange.fail(Failure.PROTOCOL, detail)
