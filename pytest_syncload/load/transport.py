"""The connection pool at httpx's seam: one core, two doors.

`start(wire, on_answer)` is the hot path: no task, no Request, no Response a call. `handle_async_request` is httpx's own
door, for any `httpx.AsyncClient`. Both use the same serialiser and the same connections. Nothing is ever retried, and
proxies from the environment are not followed: this pool measures the target it was given and nothing on the way.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx

from pytest_syncload.load.connection import Answer, Connection, Exchange, Failure
from pytest_syncload.load.wire import serialise

__all__ = ["Answer", "Failure", "Transport"]

#: How often deadlines are looked at: a timeout is noticed this late at most.
_SWEEP_SECONDS = 0.02
#: Idle connections older than this may meet the peer's own idle limit on their next request (60 s and more at AWS's
#: load balancers), and a connection's age is bounded so that new addresses behind a name are followed.
_IDLE_SECONDS = 30.0
_AGE_SECONDS = 300.0


class Transport(httpx.AsyncBaseTransport):
    """Connections to the one origin of ``base_url``. How many are open is the caller's to bound."""

    def __init__(self, base_url: str, *, ssl_context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(base_url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._secure else 80)
        self._ssl = (ssl_context or ssl.create_default_context()) if self._secure else None
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._pending: deque[Exchange] = deque()
        self._connecting: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    def __repr__(self) -> str:
        scheme = "https" if self._secure else "http"
        return (
            f"<Transport {scheme}://{self._host}:{self._port} {len(self._open)} open, {len(self._idle)} idle, "
            f"{len(self._connecting)} connecting>"
        )

    def start(
        self, wire: bytes, on_answer: Callable[[Answer], None], *, timeout_s: float, head: bool = False
    ) -> Exchange:
        """Send ``wire``; ``on_answer`` is called exactly once, later, within ``timeout_s`` (and a sweep) from now."""
        exchange = Exchange(wire, on_answer, time.monotonic() + timeout_s, head)
        self._pending.append(exchange)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)
        connection = self._take_idle()
        if connection is not None:
            connection.send(exchange)
        else:
            task = asyncio.get_running_loop().create_task(self._connect(exchange))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)
        return exchange

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """httpx's door. Raises httpx's own exceptions."""
        if (request.url.scheme, request.url.host) != ("https" if self._secure else "http", self._host):
            raise httpx.UnsupportedProtocol(f"this transport goes to {self._host} only", request=request)
        body = await request.aread()
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"transfer-encoding"]
        if len(headers) != len(request.headers.raw):
            headers.append((b"Content-Length", str(len(body)).encode()))
        wire = serialise(request.method.encode(), request.url.raw_path, headers, body)
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def on_answer(answer: Answer) -> None:
            if not answered.done():
                answered.set_result(answer)

        timeouts = request.extensions.get("timeout", {})
        timeout = timeouts.get("read") or timeouts.get("connect") or 3600.0
        exchange = self.start(wire, on_answer, timeout_s=timeout, head=request.method == "HEAD")
        try:
            answer = await answered
        except asyncio.CancelledError:
            self._drop(exchange)
            raise
        return _response(answer, request)

    async def aclose(self) -> None:
        """Close every connection; what is under way ends as a protocol error."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for task in list(self._connecting):
            task.cancel()
        for connection in list(self._open):
            connection.close()
        while self._pending:
            self._pending.popleft().fail(Failure.PROTOCOL, "the transport was closed")
        # One turn of the loop for the connections to end in.
        await asyncio.sleep(0)

    def _take_idle(self) -> Connection | None:
        now = time.monotonic()
        while self._idle:
            # Last in, first out: as few connections as the load needs stay warm.
            connection = self._idle.pop()
            if connection.closing:
                continue
            if now - connection.idle_since > _IDLE_SECONDS or now - connection.opened_at > _AGE_SECONDS:
                connection.close()
                continue
            return connection
        return None

    async def _connect(self, exchange: Exchange) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(self._idle.append, self._lost), self._host, self._port, ssl=self._ssl
            )
        except OSError as error:  # ssl.SSLError is one
            exchange.fail(Failure.CONNECT, f"{type(error).__name__}: {error.strerror or error}")
            return
        if self._closed:
            connection.close()
            return
        self._open.add(connection)
        if exchange.done:
            self._idle.append(connection)
        else:
            connection.send(exchange)

    def _lost(self, connection: Connection) -> None:
        self._open.discard(connection)

    def _drop(self, exchange: Exchange) -> None:
        exchange.done = True
        if exchange.connection is not None:
            exchange.connection.close()

    def _sweep(self) -> None:
        now = time.monotonic()
        pending = self._pending
        # Deadlines of one timeout come in order; a facade's other timeouts wait for the ones before them to end.
        while pending and (pending[0].done or pending[0].deadline <= now):
            exchange = pending.popleft()
            if not exchange.done:
                where = "while connecting" if exchange.connection is None else "waiting for the answer"
                if exchange.connection is not None:
                    connection, exchange.connection = exchange.connection, None
                    exchange.fail(Failure.TIMEOUT, where)
                    connection.close()
                else:
                    exchange.fail(Failure.TIMEOUT, where)
        self._sweeper = None
        if pending:
            self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)


def _response(answer: Answer, request: httpx.Request) -> httpx.Response:
    match answer.failure:
        case None:
            return httpx.Response(
                answer.status, headers=answer.headers, stream=httpx.ByteStream(answer.body), request=request
            )
        case Failure.CONNECT:
            raise httpx.ConnectError(answer.detail, request=request)
        case Failure.TIMEOUT:
            raise httpx.ReadTimeout(answer.detail, request=request)
        case Failure.PROTOCOL:
            raise httpx.RemoteProtocolError(answer.detail, request=request)
