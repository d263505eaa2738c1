"""Arrivals by httpx's own transport, for what our pool does not do: proxies from the environment, and HTTP/2.

Its pool looks through all its connections at each request and tops out at some hundreds of requests/s on a core
(benchmarks/), beyond which a phase is invalid by its own lag. It stands below `httpx.AsyncClient`, so no cookie of one
user reaches another, no redirect is followed and nothing is sent twice.
"""

from __future__ import annotations

import asyncio
import importlib.util
import ipaddress
import time
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.idempotency import Variant
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.plan import RequestTemplate
from pytest_syncload.load.connection import Answer, Failure
from pytest_syncload.load.reading import ANSWER_LIMIT
from pytest_syncload.load.wire import RequestWriter, check_writers

#: Connections idle for longer may meet the peer's own idle limit on their next request.
_IDLE_SECONDS = 30.0
#: Names of httpcore's trace events at which a request goes to a connection (httpx's documentation, "Extensions").
_SENDING = (".send_request_headers.started",)


class Plain:
    """A task an arrival. ``base_url`` decides on the proxy, by the environment's variables as `urllib.request` reads
    them."""

    def __init__(self, template: RequestTemplate, base_url: str) -> None:
        self._template = template
        self._writer = RequestWriter(template, base_url)
        self._of_checks = check_writers(template, base_url)
        self._url = httpx.URL(base_url).copy_with(userinfo=b"")
        try:
            self._transport = httpx.AsyncHTTPTransport(
                http2=importlib.util.find_spec("h2") is not None,
                limits=httpx.Limits(
                    max_connections=None, max_keepalive_connections=None, keepalive_expiry=_IDLE_SECONDS
                ),
                proxy=proxy_for(self._url),
            )
        except (ValueError, ImportError) as error:
            # Never the text: it may quote the proxy's address, and that a password.
            raise Refused(
                f"the proxy that the environment names for {self._url.scheme} cannot be used ({type(error).__name__}; "
                "for SOCKS, pip install socksio); correct the variable, name the target in NO_PROXY, or leave "
                "load.transport: httpx out"
            ) from None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(
        self,
        identity: Identity,
        key: str,
        arrival: int,
        on_answer: Callable[[Answer], None],
        *,
        timeout_s: float,
        variant: Variant = Variant.WHOLE,
    ) -> object:
        """See `door.Door`."""
        writer = self._writer if variant is Variant.WHOLE else self._of_checks[variant]
        request = self._request(writer, identity, key, arrival)
        task = asyncio.get_running_loop().create_task(self._carry(request, on_answer, timeout_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def flush(self) -> None:
        """See `door.Door`: each is a task, which begins with the loop's next turn."""

    async def aclose(self) -> None:
        """See `door.Door`."""
        open_tasks = list(self._tasks)
        for task in open_tasks:
            task.cancel()
        await asyncio.gather(*open_tasks, return_exceptions=True)
        await self._transport.aclose()

    def _request(self, writer: RequestWriter, identity: Identity, key: str, arrival: int) -> httpx.Request:
        return httpx.Request(
            self._template.method,
            self._url.copy_with(raw_path=writer.target(arrival)),
            headers=writer.headers(identity, key, arrival),
            content=writer.body(arrival),
        )

    async def _carry(self, request: httpx.Request, on_answer: Callable[[Answer], None], timeout_s: float) -> None:
        sending: list[float] = []

        async def trace(event: str, info: Mapping[str, Any]) -> None:
            # A proxy's CONNECT comes first, and is no request of ours.
            if event.endswith(_SENDING) and info["request"].method != b"CONNECT":
                sending.append(time.monotonic())

        def failed(failure: Failure, detail: str) -> Answer:
            sent_at = sending[0] if sending else None
            return Answer(sent_at=sent_at, done_at=time.monotonic(), failure=failure, detail=detail)

        request.extensions["trace"] = trace
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._transport.handle_async_request(request)
                try:
                    body = await _limited(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            answer = failed(Failure.TIMEOUT, "waiting for the answer" if sending else "while connecting")
        except asyncio.CancelledError:
            on_answer(failed(Failure.PROTOCOL, "the transport was closed"))
            raise
        except (httpx.ConnectError, httpx.ProxyError) as error:
            answer = failed(Failure.CONNECT, f"{type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001  # the door's border: httpx's own, or an arrival without an outcome
            answer = failed(Failure.PROTOCOL, f"{type(error).__name__}: {error}")
        else:
            if may_be_cut_off(request, response):
                on_answer(failed(Failure.PROTOCOL, "an answer without a length, of which nobody can say it is whole"))
                return
            answer = Answer(
                sent_at=sending[0] if sending else None,
                done_at=time.monotonic(),
                status=response.status_code,
                fields=response.headers.raw,
                body=body,
            )
        on_answer(answer)


def may_be_cut_off(request: httpx.Request, response: httpx.Response) -> bool:
    """Whether only the end of the connection ended the answer, under TLS.

    RFC 9112, section 9.8, has such an answer whole only where the peer said so, by a closure alert. httpx does not tell
    whether it did, so that it counts as none.
    """
    if request.url.scheme != "https" or response.extensions.get("http_version") not in (b"HTTP/1.1", b"HTTP/1.0"):
        return False
    if request.method == "HEAD" or response.status_code in (204, 304):
        return False
    return not ("content-length" in response.headers or "transfer-encoding" in response.headers)


async def _limited(response: httpx.Response) -> bytes:
    """The body as it came, not decoded. Raises `httpx.ReadError` beyond the limit, which is our memory."""
    pieces = []
    size = 0
    async for piece in response.aiter_raw():
        size += len(piece)
        if size > ANSWER_LIMIT:
            raise httpx.ReadError(f"the answer is longer than {ANSWER_LIMIT} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def proxy_for(url: httpx.URL) -> str | None:
    """The proxy that the environment names for ``url``, None for none. This machine is never asked by one."""
    if _is_loopback(url.host) or urllib.request.proxy_bypass(url.host):
        return None
    proxies = urllib.request.getproxies()
    named = proxies.get(url.scheme) or proxies.get("all")
    return f"http://{named}" if named and "://" not in named else named


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
