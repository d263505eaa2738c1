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
    ``cause`` is the system's error behind a failure, where there was one.
    """

    __slots__ = ("body", "cause", "detail", "done_at", "failure", "headers", "sent_at", "status")

    def __init__(
        self,
        *,
        sent_at: float | None,
        done_at: float,
        failure: Failure | None = None,
        detail: str = "",
        cause: OSError | None = None,
        status: int = 0,
        headers: list[tuple[bytes, bytes]] | None = None,
        body: bytes = b"",
    ) -> None:
        self.sent_at = sent_at
        self.done_at = done_at
        self.failure = failure
        self.detail = detail
        self.cause = cause
        self.status = status
        self.headers = headers or []
        self.body = body

    def __repr__(self) -> str:
        return f"<Answer {self.failure or self.status} {self.detail}>".replace(" >", ">")


class Exchange:
    """A request under way: from `start` to its one answer."""

    __slots__ = ("connecting", "connection", "deadline", "done", "head", "on_answer", "sent_at", "wire")

    def __init__(self, wire: bytes, on_answer: Callable[[Answer], None], deadline: float, head: bool) -> None:
        self.wire = wire
        self.on_answer = on_answer
        self.deadline = deadline
        self.head = head
        self.connecting: asyncio.Task[None] | None = None
        self.connection: Connection | None = None
        self.sent_at: float | None = None
        self.done = False

    def fail(self, failure: Failure, detail: str, cause: OSError | None = None) -> None:
        """End without an answer. Does nothing once it has ended."""
        self.end(Answer(sent_at=self.sent_at, done_at=time.monotonic(), failure=failure, detail=detail, cause=cause))

    def end(self, answer: Answer) -> None:
        """End with this answer. Does nothing once it has ended."""
        if not self.done:
            self.done = True
            self.on_answer(answer)

    def abandon(self) -> None:
        """Nobody waits any more: what carries it, or is being opened for it, is closed.

        Does nothing once it has ended: its connection may carry another by then.
        """
        if self.done:
            return
        self.done = True
        if self.connecting is not None:
            self.connecting.cancel()
        if self.connection is not None:
            self.connection.close()


#: An answer to a sync job is some hundred bytes; a megabyte, headers and framing included, is a wrong target, and would
#: be our memory.
ANSWER_LIMIT = 1 << 20


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
        self._status = self._received = 0
        self._headers_done = self._complete = self._surplus = self._framed = self._keep = False
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
        """Connected. Asyncio and uvloop have set TCP_NODELAY already."""
        # A cast: uvloop's transports have asyncio's methods without being its subclasses.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer; bytes that nobody asked for end the connection."""
        exchange = self._exchange
        if exchange is None:
            self.close()
            return
        self._received += len(data)
        if self._received > ANSWER_LIMIT:
            self._break(exchange, f"the answer is longer than {ANSWER_LIMIT} bytes")
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._break(exchange, "the answer switches protocols, which nobody asked for")
            return
        except httptools.HttpParserError as error:
            if not self._complete:
                self._break(exchange, f"the answer is not HTTP/1.1: {error}")
                return
            self._surplus = True
        if self._headers_done and exchange.head:
            # llhttp cannot be told that no body follows, whatever the headers say; so the connection ends here.
            self._finish(exchange, keep=False)
        elif self._surplus:
            self._break(exchange, "bytes behind the end of the answer")
        elif self._complete:
            self._finish(exchange, keep=self._keep)

    def eof_received(self) -> bool:
        """The peer will send nothing more, so neither shall we."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The end. An answer without a length is complete by it; any other is cut off."""
        exchange, self._exchange = self._exchange, None
        self._transport = None
        if exchange is not None:
            if self._is_whole(error):
                exchange.end(self._answer(exchange))
            else:
                when = "in the middle of" if self._received else "before"
                how = type(error).__name__ if error else "end of stream"
                cause = error if isinstance(error, OSError) else None
                exchange.fail(Failure.PROTOCOL, f"closed {when} an answer ({how})", cause)
        self._on_lost(self)

    # What llhttp tells us.

    def on_message_begin(self) -> None:
        """A second message behind a complete one is surplus."""
        self._surplus = self._complete

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; a trailer is none of the answer's headers."""
        if self._headers_done:
            return
        self._headers.append((name, value))
        lower = name.lower()
        if lower == b"content-length" or (lower == b"transfer-encoding" and value.lower().endswith(b"chunked")):
            self._framed = True

    def on_headers_complete(self) -> None:
        """The body is next; behind a 1xx, the answer."""
        status = self._parser.get_status_code()
        if self._complete:
            return
        if 100 <= status < 200:
            self._headers, self._framed = [], False
            return
        self._status = status
        self._headers_done = True
        if status in (204, 304):
            self._framed = True
        # Asked here, because llhttp forgets the headers with the end of the message.
        self._keep = bool(self._parser.should_keep_alive())

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if not self._complete:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Whole, unless it was only a 1xx, behind which the answer follows."""
        self._complete = self._headers_done

    def _finish(self, exchange: Exchange, *, keep: bool) -> None:
        assert self._transport is not None
        self._exchange = None
        # An answer before the whole request was taken leaves the stream in no known state.
        if keep and not exchange.done and not self.closing and not self._transport.get_write_buffer_size():
            self.idle_since = time.monotonic()
            self._on_idle(self)
        else:
            self.close()
        exchange.end(self._answer(exchange))

    def _answer(self, exchange: Exchange) -> Answer:
        return Answer(
            sent_at=exchange.sent_at,
            done_at=time.monotonic(),
            status=self._status,
            headers=self._headers,
            body=b"" if exchange.head else b"".join(self._body),
        )

    def _is_whole(self, error: Exception | None) -> bool:
        """Whether the end of the connection completes an answer: only one that said nothing of its length."""
        return error is None and self._headers_done and not self._framed

    def _break(self, exchange: Exchange, detail: str) -> None:
        self._exchange = None
        self.close()
        exchange.fail(Failure.PROTOCOL, detail)
