"""TLS over real sockets: verified against the authority that the caller trusts, and cut off nowhere unnoticed."""

from __future__ import annotations

import asyncio
import datetime
import socket
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop

from pytest_syncload.load.transport import Failure, Transport
from tests.load.authority import Authority
from tests.load.scripted import OK, Asked, Scripted

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    runner: Run = request.param
    return runner


def test_a_trusted_server_is_asked_over_one_connection(tmp_path: Path, run: Run) -> None:
    authority = Authority(tmp_path)

    async def scenario() -> None:
        async with Scripted((OK,), tls=authority.server()) as server:
            transport = Transport(server.url, ssl_context=authority.trusting)
            for _ in range(3):
                assert (await Asked(transport).answer()).body == b"ok"
            assert (server.connections, len(server.requests)) == (1, 3)
            await transport.aclose()

    run(scenario())


@pytest.mark.parametrize(
    ("name", "days", "trusted", "reason"),
    [
        ("127.0.0.1", 1, False, "unable to get local issuer certificate"),
        ("127.0.0.2", 1, True, "IP address mismatch"),
        ("other.example", 1, True, "IP address mismatch"),
        ("127.0.0.1", -1, True, "certificate has expired"),
    ],
    ids=["unknown authority", "another address", "another name", "expired"],
)
def test_who_cannot_be_verified_is_a_connect_error_with_the_reason(
    name: str, days: int, trusted: bool, reason: str, tmp_path: Path, run: Run
) -> None:
    authority = Authority(tmp_path)
    theirs = authority.server(name, ends_in=datetime.timedelta(days=days))

    async def scenario() -> None:
        async with Scripted((OK,), tls=theirs) as server:
            transport = Transport(server.url, ssl_context=authority.trusting if trusted else None)
            answer = await Asked(transport).answer()
            assert answer.failure is Failure.CONNECT
            assert reason in answer.detail
            async with httpx.AsyncClient(transport=transport) as client:
                with pytest.raises(httpx.ConnectError, match=reason):
                    await client.get(server.url)
            assert server.requests == [], "nothing is said to whom we do not know"

    run(scenario())


@pytest.mark.parametrize("says_so", [True, False], ids=["closure alert", "none"])
def test_an_answer_without_length_is_whole_only_where_the_peer_says_so(says_so: bool, tmp_path: Path, run: Run) -> None:
    """RFC 9112, section 9.8: without the closure alert anybody on the way may have cut it."""
    authority = Authority(tmp_path)
    theirs = authority.server()

    def serve(listening: socket.socket) -> None:
        plain, _ = listening.accept()
        with theirs.wrap_socket(plain, server_side=True) as wrapped:
            wrapped.recv(1000)
            wrapped.sendall(b"HTTP/1.1 200 OK\r\n\r\nok")
            try:
                wrapped.unwrap() if says_so else wrapped.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it was said; the client goes without saying so too

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            serving = threading.Thread(target=serve, args=(listening,))
            serving.start()
            url = f"https://127.0.0.1:{listening.getsockname()[1]}"
            transport = Transport(url, ssl_context=authority.trusting)
            answer = await Asked(transport).answer()
            await transport.aclose()
            serving.join()
        if says_so:
            assert (answer.failure, answer.body) == (None, b"ok")
        else:
            assert (answer.failure, answer.body) == (Failure.PROTOCOL, b"")
            assert "SSLEOFError" in answer.detail

    run(scenario())
