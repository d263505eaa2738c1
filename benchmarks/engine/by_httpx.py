"""Clients at httpx's door: `AsyncClient` with its own pool or aiohttp's, and bare transports, one of them ours.

The bare ones are asked through `handle_async_request` directly, with the cheapest request that httpx's public
constructors make, so that what is measured is the transport.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import sys
from collections.abc import AsyncIterator

import httpx

from benchmarks.engine.drive import Call, main
from benchmarks.engine.request import BODY_TEXT, KEY_HEADER, MEMBER, PATH, STATUS, Job

_TIMEOUT_S = 10.0


@contextlib.asynccontextmanager
async def through_client(job: Job, transport: httpx.AsyncBaseTransport | None) -> AsyncIterator[Call]:
    """`AsyncClient.post`. Of its own pool's limits, as many kept as allowed: it compares all with the latter."""
    headers, body, url = job.headers(), BODY_TEXT.encode(), job.url + PATH
    most = job.in_flight if job.rate_per_s is None else 1000
    limits = httpx.Limits(max_connections=most, max_keepalive_connections=most)
    async with httpx.AsyncClient(transport=transport, limits=limits, timeout=_TIMEOUT_S) as client:

        async def call(key: str) -> bool:
            response = await client.post(url, content=body, headers=headers | {KEY_HEADER: key})
            return response.status_code == STATUS and MEMBER in response.json()

        yield call


@contextlib.asynccontextmanager
async def directly(job: Job, transport: httpx.AsyncBaseTransport) -> AsyncIterator[Call]:
    """The transport itself."""
    body, url = BODY_TEXT.encode(), httpx.URL(job.url + PATH)
    headers = [(name.encode(), value.encode()) for name, value in job.headers().items()]
    headers += [(b"Host", url.netloc), (b"Content-Length", str(len(body)).encode())]
    name = KEY_HEADER.encode()
    timeout = httpx.Timeout(_TIMEOUT_S).as_dict()
    async with transport:

        async def call(key: str) -> bool:
            request = httpx.Request(
                "POST",
                url,
                headers=[*headers, (name, key.encode())],
                stream=httpx.ByteStream(body),
                extensions={"timeout": timeout},
            )
            response = await transport.handle_async_request(request)
            assert isinstance(response.stream, httpx.AsyncByteStream)
            # Not `aread`, which costs as much as a lean transport does.
            answer = b"".join([chunk async for chunk in response.stream])
            await response.aclose()
            return response.status_code == STATUS and MEMBER in json.loads(answer)

        yield call


@contextlib.asynccontextmanager
async def opened(job: Job) -> AsyncIterator[Call]:
    """The one that the command line's second word names."""
    # Each is of an environment where the other is not.
    match sys.argv[2]:
        case "plain":
            made = through_client(job, None)
        case "aiohttp":
            made = through_client(job, _of_aiohttp())
        case "aiohttp-directly":
            made = directly(job, _of_aiohttp())
        case "ours":
            from pytest_syncload.load.transport import Transport  # noqa: PLC0415

            made = directly(job, Transport(job.url))
        case other:
            raise SystemExit(f"there is no client {other!r}")
    async with made as call:
        yield call


def _of_aiohttp() -> httpx.AsyncBaseTransport:
    from httpx_aiohttp import AiohttpTransport  # noqa: PLC0415

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    transport: httpx.AsyncBaseTransport = AiohttpTransport(verify=ssl.create_default_context(), limits=limits)
    return transport


if __name__ == "__main__":
    main(opened)
