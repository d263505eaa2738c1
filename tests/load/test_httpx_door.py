"""The httpx door over real sockets: any client can use it, and each failure is httpx's own exception."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator

import httpx
import pytest

from pytest_syncload.load.transport import Transport
from tests.load.scripted import OK, PATIENCE_S, End, Scripted, until_none_is_open

RESET, CLOSE, HOLD = (End.RESET,), (End.CLOSE,), (End.HOLD,)
#: More than the system's buffers on both sides take.
HUGE = bytes(1 << 25)


def asking(url: str, content: bytes = b"", **timeouts: float | None) -> httpx.Request:
    """A request with these of httpx's timeouts."""
    return httpx.Request("POST", url, content=content, extensions={"timeout": timeouts})


def test_any_async_client_can_use_it() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async def scenario() -> None:
        answer = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a": 1}\n'
        async with Scripted((answer,)) as server:
            async with httpx.AsyncClient(transport=Transport(server.url), base_url=server.url) as client:
                assert (await client.post("/x", content=pieces())).json() == {"a": 1}
                assert (await client.head("/y")).status_code == 200
                async with client.stream("GET", "/z") as response:
                    assert [piece async for piece in response.aiter_lines()] == ['{"a": 1}']
            assert server.requests[0].endswith(b"Content-Length: 6\r\n\r\nonetwo")
            assert b"chunked" not in server.requests[0].lower()
            assert server.requests[1].startswith(b"HEAD /y HTTP/1.1\r\n")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (RESET, httpx.ReadError),
        ((OK[:-1], End.RESET), httpx.ReadError),
        (CLOSE, httpx.RemoteProtocolError),
        ((OK[:-1], End.CLOSE), httpx.RemoteProtocolError),
        ((b"rubbish",), httpx.RemoteProtocolError),
        (HOLD, httpx.ReadTimeout),
        ((OK[:-1], End.HOLD), httpx.ReadTimeout),
    ],
    ids=["reset", "reset in the body", "closed", "closed in the body", "rubbish", "silent", "silent in the body"],
)
def test_failures_are_httpx_exceptions_and_no_connection_stays(
    steps: tuple[bytes | End, ...], expected: type[Exception]
) -> None:
    async def scenario() -> None:
        async with Scripted(steps) as server:
            transport = Transport(server.url)
            with pytest.raises(expected):
                await transport.handle_async_request(
                    asking(server.url, read=0.05 if expected is httpx.ReadTimeout else None)
                )
            await until_none_is_open(transport)
            await transport.aclose()

    asyncio.run(scenario())


def test_a_handshake_that_does_not_end_is_a_connect_timeout() -> None:
    async def scenario() -> None:
        async with Scripted(HOLD) as server:
            url = server.url.replace("http:", "https:")  # plain TCP under a TLS client
            transport = Transport(url)
            with pytest.raises(httpx.ConnectTimeout, match="while connecting"):
                await transport.handle_async_request(asking(url, connect=0.05, read=0.001, write=0.001))
            await asyncio.wait_for(server.gone.wait(), PATIENCE_S)
            await until_none_is_open(transport)
            await transport.aclose()

    asyncio.run(scenario())


def test_a_peer_that_does_not_take_the_request_is_a_write_timeout() -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
            transport = Transport(url)
            with pytest.raises(httpx.WriteTimeout, match="while sending"):
                await transport.handle_async_request(asking(url, HUGE, write=0.05, read=0.001))
            await until_none_is_open(transport)
            await transport.aclose()

    asyncio.run(scenario())


def test_a_reset_while_the_request_is_written_is_a_write_error() -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as rude:
            rude.setblocking(False)
            url = f"http://127.0.0.1:{rude.getsockname()[1]}"
            transport = Transport(url)
            call = asyncio.create_task(transport.handle_async_request(asking(url, HUGE)))
            peer, _ = await asyncio.get_running_loop().sock_accept(rude)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await asyncio.get_running_loop().sock_recv(peer, 1)
            peer.close()
            with pytest.raises(httpx.WriteError):
                await call
            await until_none_is_open(transport)
            await transport.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("method", "headers", "reason"),
    [
        ("POST", [(b"Host", b"x"), (b"A", b"1\r\nB: 2")], "line break"),
        ("POST", [(b"Host", b"x"), (b"A\r\nB", b"1")], "line break"),
        ("POST", [(b"Host", b"x"), (b"A b", b"1")], "header's name"),
        ("GET /other", [(b"Host", b"x")], "target"),
        ("POST", [(b"Host", b"x"), (b"Content-Length", b"5")], "has 0 bytes"),
        ("POST", [(b"Host", b"x"), (b"Content-Length", b"0"), (b"Content-Length", b"0")], "has 0 bytes"),
        ("POST", [(b"Host", b"x"), (b"host", b"y")], "2 Host headers"),
        ("GET", [(b"Host", b"x"), (b"Upgrade", b"h2c")], "switches protocols"),
        ("CONNECT", [(b"Host", b"x")], "tunnels"),
    ],
)
def test_a_request_that_cannot_be_written_is_a_local_protocol_error_and_nothing_is_sent(
    method: str, headers: list[tuple[bytes, bytes]], reason: str
) -> None:
    async def scenario() -> None:
        transport = Transport("http://127.0.0.1:1")
        with pytest.raises(httpx.LocalProtocolError, match=reason):
            await transport.handle_async_request(httpx.Request(method, "http://127.0.0.1:1", headers=headers))
        assert "0 open, 0 idle, 0 connecting" in repr(transport)
        await transport.aclose()

    asyncio.run(scenario())


def test_the_pool_timeout_has_no_meaning_and_no_request_waits_for_another() -> None:
    async def scenario() -> None:
        async with Scripted(HOLD, (OK,)) as server:
            transport = Transport(server.url)
            first = asyncio.create_task(transport.handle_async_request(asking(server.url)))
            await asyncio.wait_for(server.asked.wait(), PATIENCE_S)
            response = await transport.handle_async_request(asking(server.url, pool=0.0))
            assert response.status_code == 200
            await transport.aclose()
            with pytest.raises(httpx.RemoteProtocolError, match="closed"):
                await first

    asyncio.run(scenario())


def test_a_request_that_says_close_is_its_connections_last() -> None:
    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            async with httpx.AsyncClient(transport=Transport(server.url), base_url=server.url) as client:
                for _ in range(2):
                    assert (await client.get("/", headers={"Connection": "foo, Close"})).text == "ok"
            assert server.served_by == [1, 2]

    asyncio.run(scenario())


@pytest.mark.parametrize("said", [b"", OK[:9], OK[:-1]], ids=["nothing", "in the head", "in the body"])
def test_a_call_cancelled_in_any_state_leaves_no_connection_behind(said: bytes) -> None:
    async def scenario() -> None:
        async with Scripted((said, End.HOLD) if said else HOLD, (OK,)) as server:
            transport = Transport(server.url)
            call = asyncio.create_task(transport.handle_async_request(asking(server.url)))
            await asyncio.wait_for(server.asked.wait(), PATIENCE_S)
            for _ in range(5):
                await asyncio.sleep(0)  # what was said is read
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await asyncio.wait_for(server.gone.wait(), PATIENCE_S)
            assert (await transport.handle_async_request(asking(server.url))).status_code == 200
            assert server.served_by == [1, 2]
            await transport.aclose()

    asyncio.run(scenario())
