"""The connection pool at httpx's seam: one core, two doors.

`start(wire, on_answer)` is the hot path: no task, no Request, no Response a call; `send_prepared` awaits it.
`handle_async_request` is httpx's own door, for any `httpx.AsyncClient`. Both use the same serialiser and the same
connections. What one turn of the loop starts goes out together at its end: a write that wakes a sleeping peer costs
several times one that finds it awake. Nothing is ever retried, and proxies from the environment are not followed: this
pool measures the target it was given and nothing on the way.
"""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections import deque
from collections.abc import Callable
from itertools import chain
from urllib.parse import urlsplit

import httpx

from pytest_syncload.load.connection import BUFFER_BYTES, Answer, Connection, Exchange, Failure
from pytest_syncload.load.httpx_door import as_response, as_wire
from pytest_syncload.load.patience import Patience, Stage
from pytest_syncload.load.tls import Tls

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
        self._scheme = parts.scheme
        self._host = parts.hostname or ""
        secure = parts.scheme == "https"
        self._port = parts.port or (443 if secure else 80)
        self._ssl = (ssl_context or ssl.create_default_context()) if secure else None
        self._idle: dict[Connection, None] = {}  # in order of becoming idle; a list would search to remove one
        self._open: set[Connection] = set()
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._pending: dict[float, deque[Exchange]] = {}  # by timeout: within one, deadlines come in order
        self._patient: list[Patience] = []
        self._connecting: set[asyncio.Task[None]] = set()
        self._begun: list[Exchange] = []  # what this turn of the loop has started
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    def __repr__(self) -> str:
        return (
            f"<Transport {self._scheme}://{self._host}:{self._port} {len(self._open)} open, {len(self._idle)} idle, "
            f"{len(self._connecting)} connecting>"
        )

    def start(
        self, wire: bytes, on_answer: Callable[[Answer], None], *, timeout_s: float, head: bool = False
    ) -> Exchange:
        """Send ``wire``; ``on_answer`` is called exactly once, later, within ``timeout_s`` (and a sweep) from now."""
        exchange = Exchange(wire, on_answer, time.monotonic() + timeout_s, head)
        self._begin(exchange)
        pending = self._pending.get(timeout_s)  # `setdefault` would make a deque a request
        if pending is None:
            pending = self._pending[timeout_s] = deque()
        pending.append(exchange)
        return exchange

    async def send_prepared(self, wire: bytes, *, timeout_s: float, head: bool = False) -> Answer:
        """Send ``wire`` and wait for what comes of it, a failure included. Cancelled, it gives its connection up."""
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        exchange = self.start(wire, _into(answered), timeout_s=timeout_s, head=head)
        return await _one_way_or_the_other(exchange, answered)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """httpx's door: its exceptions, and its timeouts for connecting, writing and reading.

        Its timeout for the pool has no meaning here: no request ever waits for a connection of another. The body has
        come whole when the response is given, so reading it as a stream waits for nothing.
        """
        url = request.url
        port = url.port or (443 if url.scheme == "https" else 80)
        if (url.scheme, url.host, port) != (self._scheme, self._host, self._port):
            only = f"{self._scheme}://{self._host}:{self._port}"
            raise httpx.UnsupportedProtocol(f"this transport goes to {only} only, not to {url}", request=request)
        stream = request.stream
        # What is there already costs a task a turn to read as a stream would be.
        body = b"".join(stream) if isinstance(stream, httpx.ByteStream) else await request.aread()
        wire, last = as_wire(request, body)
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        exchange = Exchange(wire, _into(answered), math.inf, request.method == "HEAD", last)
        self._begin(exchange)
        patience = Patience(exchange, request.extensions.get("timeout", {}))
        self._patient.append(patience)
        answer = await _one_way_or_the_other(exchange, answered)
        return as_response(answer, request, patience.stage)

    async def aclose(self) -> None:
        """Close every connection; what is under way ends as a protocol error."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        connecting = list(self._connecting)
        for task in connecting:
            task.cancel()
        for connection in list(self._open):
            connection.close()
        pending, self._pending = self._pending, {}
        patient, self._patient = self._patient, []
        for exchange in (*chain.from_iterable(pending.values()), *(one.exchange for one in patient)):
            try:
                exchange.fail(Failure.PROTOCOL, "the transport was closed")
            except Exception as error:  # noqa: BLE001  # an `on_answer`'s own; the others must still be told
                _report(error)
        await asyncio.gather(*connecting, return_exceptions=True)
        # One turn of the loop for the connections to end in.
        await asyncio.sleep(0)

    def _begin(self, exchange: Exchange) -> None:
        if self._closed:
            raise RuntimeError("the transport is closed")
        begun = self._begun
        if not begun:
            asyncio.get_running_loop().call_soon(self.flush)
        begun.append(exchange)

    def flush(self) -> None:
        """Send what was started now, and not only at the end of this turn of the loop."""
        begun, self._begun = self._begun, []
        if not begun or self._closed:
            return  # closed, they have failed with it
        loop = asyncio.get_running_loop()
        if self._sweeper is None:
            self._sweeper = loop.call_later(_SWEEP_SECONDS, self._sweep)
        for exchange in begun:
            if exchange.done:  # given up before it went out
                continue
            try:
                if not self._send_on_idle(exchange):
                    exchange.connecting = loop.create_task(self._connect(exchange))
                    self._connecting.add(exchange.connecting)
                    exchange.connecting.add_done_callback(self._connecting.discard)
            except Exception as error:  # noqa: BLE001  # one's mistake, or its `on_answer`'s; the others must still go
                _report(error)

    def _send_on_idle(self, exchange: Exchange) -> bool:
        """Whether a connection that was idle carries it now."""
        now = time.monotonic()
        while self._idle:
            # Last in, first out: as few connections as the load needs stay warm.
            connection, _ = self._idle.popitem()
            if now - connection.idle_since > _IDLE_SECONDS or now - connection.opened_at > _AGE_SECONDS:
                connection.close()
            elif connection.send(exchange, now):
                return True
        return False

    async def _connect(self, exchange: Exchange) -> None:
        connection = Connection(self._fit, self._lost, self._buffer)
        try:
            await self._open_up(connection)
        except OSError as error:  # ssl.SSLError is one
            exchange.fail(Failure.CONNECT, f"{type(error).__name__}: {error.strerror or error}", error)
            return
        except UnicodeError as error:
            exchange.fail(Failure.CONNECT, f"{self._host!r} is not a host name: {error}")
            return
        if not connection.send(exchange, time.monotonic()):
            exchange.fail(Failure.CONNECT, "closed as soon as it was open")
            return
        self._open.add(connection)

    async def _open_up(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        if self._ssl is None:
            await loop.create_connection(lambda: connection, self._host, self._port)
            return
        context = self._ssl
        _, tls = await loop.create_connection(
            lambda: Tls(connection, context, self._host, self._buffer), self._host, self._port
        )
        try:
            refused = await tls.ready
        except asyncio.CancelledError:
            tls.abort()
            raise
        finally:
            del tls  # what is raised below holds this frame, and would hold it
        if refused is not None:
            try:
                raise refused
            finally:
                del refused  # its traceback holds this frame

    def _fit(self, connection: Connection) -> None:
        self._idle[connection] = None

    def _lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._idle.pop(connection, None)

    def _sweep(self) -> None:
        now = time.monotonic()
        try:
            for timeout_s, exchanges in list(self._pending.items()):
                while exchanges and (exchanges[0].done or exchanges[0].deadline <= now):
                    exchange = exchanges.popleft()
                    _time_out(exchange, Stage.CONNECT if exchange.sent_at is None else Stage.READ, now)
                if not exchanges:
                    del self._pending[timeout_s]
            # Those that nobody takes are the ones that were idle first: a burst has opened them.
            while self._idle and now - (longest := next(iter(self._idle))).idle_since > _IDLE_SECONDS:
                del self._idle[longest]
                longest.close()
            if self._patient:
                self._patient = [one for one in self._patient if not one.exchange.done]
                for one in [one for one in self._patient if one.is_at_an_end(now)]:
                    _time_out(one.exchange, one.stage, now)
        finally:  # what an `on_answer` raises is the loop's to report, and nobody else's timeout
            self._sweeper = None
            if self._pending or self._patient:
                self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)


_WAITING = {
    Stage.CONNECT: "while connecting",
    Stage.WRITE: "while sending the request",
    Stage.READ: "waiting for the answer",
}


def _time_out(exchange: Exchange, stage: Stage, now: float) -> None:
    if exchange.done:
        return
    exchange.abandon()
    exchange.on_answer(Answer(exchange.sent_at, now, failure=Failure.TIMEOUT, detail=_WAITING[stage]))


def _report(error: Exception) -> None:
    context = {"message": "an exception in the load's transport", "exception": error}
    asyncio.get_running_loop().call_exception_handler(context)


def _into(answered: asyncio.Future[Answer]) -> Callable[[Answer], None]:
    def on_answer(answer: Answer) -> None:
        if not answered.done():
            answered.set_result(answer)

    return on_answer


async def _one_way_or_the_other(exchange: Exchange, answered: asyncio.Future[Answer]) -> Answer:
    try:
        return await answered
    except asyncio.CancelledError:
        exchange.abandon()
        raise
