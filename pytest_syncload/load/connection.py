"""One HTTP/1.1 connection: bytes in, one answer out, and then fit for another request or closed for good.

What the bytes mean is `reading`'s; here is what the connection does: its ends, in every state, and bytes that nobody
asked for. A connection that behaved oddly is never used again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, cast

from pytest_syncload.load.reading import Reading


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

    __slots__ = ("body", "cause", "detail", "done_at", "failure", "fields", "sent_at", "status")

    def __init__(
        self,
        sent_at: float | None,
        done_at: float,
        status: int = 0,
        fields: list[tuple[bytes, bytes]] | None = None,
        body: bytes = b"",
        failure: Failure | None = None,
        detail: str = "",
        cause: OSError | None = None,
    ) -> None:
        self.sent_at = sent_at
        self.done_at = done_at
        self.status = status
        self.fields = fields
        self.body = body
        self.failure = failure
        self.detail = detail
        self.cause = cause

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Names and values in their order; white space around a value is no part of it (RFC 9112, section 5.1)."""
        return [(name, value.strip(b" \t")) for name, value in self.fields or ()]

    def __repr__(self) -> str:
        return f"<Answer {self.failure or self.status} {self.detail}>".replace(" >", ">")


class Exchange:
    """A request under way: from `start` to its one answer."""

    __slots__ = ("connecting", "connection", "deadline", "done", "head", "last", "on_answer", "sent_at", "wire")

    def __init__(
        self, wire: bytes, on_answer: Callable[[Answer], None], deadline: float, head: bool, last: bool = False
    ) -> None:
        self.wire = wire
        self.on_answer = on_answer
        self.deadline = deadline
        self.head = head
        self.last = last  # said "Connection: close": its connection carries no other
        self.connecting: asyncio.Task[None] | None = None
        self.connection: Connection | None = None
        self.sent_at: float | None = None
        self.done = False

    def fail(self, failure: Failure, detail: str, cause: OSError | None = None) -> None:
        """End without an answer. Does nothing once it has ended."""
        now = time.monotonic()
        self.end(Answer(self.sent_at, now, failure=failure, detail=detail, cause=cause))

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


class Stream(Protocol):
    """What carries a connection's bytes: asyncio's transport of a socket, or TLS upon one."""

    def write(self, data: bytes, /) -> None:
        """Send it, or keep it until the peer takes it."""

    def abort(self) -> None:
        """Close now."""

    def is_closing(self) -> bool:
        """Whether it can carry nothing more."""

    def get_write_buffer_size(self) -> int:
        """Bytes that the system has not taken yet."""


#: Bytes that are read at once: an answer to a sync job is some hundred.
BUFFER_BYTES = 1 << 16


class Connection(asyncio.BufferedProtocol):
    """Carries one exchange at a time. ``on_idle`` is told when it is fit for the next, ``on_lost`` when it is gone.

    It reads into ``buffer``, which all connections of a loop share: what is in it is taken before the next read.
    ``choked`` says that the peer takes the request's bytes more slowly than they come.
    """

    def __init__(
        self,
        on_idle: Callable[[Connection], None],
        on_lost: Callable[[Connection], None],
        buffer: memoryview,
    ) -> None:
        self._buffer = buffer
        self._on_idle = on_idle
        self._on_lost = on_lost
        self._stream: Stream | None = None
        self._exchange: Exchange | None = None
        self._reading = Reading()
        self.choked = False
        self.opened_at = time.monotonic()
        self.idle_since = self.opened_at

    def send(self, exchange: Exchange, now: float) -> bool:
        """Put the exchange's bytes on the wire at ``now``, monotonic. False, and nothing done, where it is closing."""
        stream = self._stream
        if stream is None or stream.is_closing():
            return False
        self._exchange = exchange
        exchange.connection = self
        self._reading.begin(exchange.head)
        exchange.sent_at = now
        stream.write(exchange.wire)
        exchange.wire = b""  # a timeout later nobody reads it, and there may be thousands
        return True

    def close(self) -> None:
        """Close now. An exchange under way ends as a protocol error."""
        if self._stream is not None:
            self._stream.abort()

    @property
    def closing(self) -> bool:
        """Whether it can carry nothing more."""
        return self._stream is None or self._stream.is_closing()

    @property
    def unsent(self) -> int:
        """Bytes of the request that the system has not taken yet."""
        return 0 if self._stream is None else self._stream.get_write_buffer_size()

    @property
    def received(self) -> int:
        """Bytes of the answer so far."""
        return self._reading.received

    # What the stream tells us.

    def opened(self, stream: Stream) -> None:
        """Connected, by a stream that is fit for a request."""
        self._stream = stream

    def take(self, data: bytes) -> None:
        """Bytes of an answer; bytes that nobody asked for end the connection."""
        exchange = self._exchange
        if exchange is None:
            self.close()
        elif self._reading.feed(data):
            self._finish(exchange)

    def ended(self, error: Exception | None) -> None:
        """The peer will send nothing more, so neither shall we, not even what it has not yet taken of the request.

        ``error`` says why this end may not be the peer's word.
        """
        try:
            self._end(error)
        finally:
            self.close()

    def lost(self, error: Exception | None) -> None:
        """The end."""
        try:
            self._end(error)
        finally:  # what an `on_answer` raises is the loop's to report
            self._stream = None
            self._reading.end()
            self._on_lost(self)

    # What asyncio tells us where the stream is its own transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected. Asyncio and uvloop have set TCP_NODELAY already."""
        # A cast: uvloop's transports have asyncio's methods without being its subclasses.
        self.opened(cast(asyncio.Transport, transport))

    def pause_writing(self) -> None:
        """The peer does not take what we write."""
        self.choked = True

    def resume_writing(self) -> None:
        """It does again."""
        self.choked = False

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to read to."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """See `take`."""
        self.take(self._buffer[:nbytes].tobytes())

    def eof_received(self) -> bool:
        """See `ended`."""
        self.ended(None)
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """See `lost`."""
        self.lost(error)

    def _end(self, error: Exception | None) -> None:
        """The end of the stream completes an answer without a length; any other is cut off."""
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            return
        if self._is_whole(error):
            exchange.end(self._answer(exchange))
            return
        when = "in the middle of" if self._reading.received else "before"
        how = type(error).__name__ if error else "end of stream"
        if reason := getattr(error, "reason", None):  # OpenSSL's, of an `ssl.SSLError` that has one
            how = f"{how}: {reason}"
        cause = error if isinstance(error, OSError) else None
        exchange.fail(Failure.PROTOCOL, f"closed {when} an answer ({how})", cause)

    def _finish(self, exchange: Exchange) -> None:
        stream = self._stream
        assert stream is not None
        self._exchange = None
        reading = self._reading
        if reading.fault:
            self.close()
            exchange.fail(Failure.PROTOCOL, reading.fault)
            return
        answer = self._answer(exchange)
        if (
            reading.keep
            and not (exchange.done or exchange.last or stream.is_closing())
            # An answer before the whole request was taken leaves the stream in no known state.
            and not stream.get_write_buffer_size()
        ):
            self.idle_since = answer.done_at
            self._on_idle(self)
        else:
            self.close()
        exchange.end(answer)

    def _answer(self, exchange: Exchange) -> Answer:
        reading = self._reading
        pieces = reading.pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return Answer(exchange.sent_at, time.monotonic(), reading.status, reading.fields, body)

    def _is_whole(self, error: Exception | None) -> bool:
        """Whether the end of the connection completes an answer: only one that said nothing of its length."""
        return error is None and self._reading.ends_with_connection
