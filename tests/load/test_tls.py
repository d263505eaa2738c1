"""TLS over real sockets: verified against the authority that the caller trusts, and cut off nowhere unnoticed."""

from __future__ import annotations

import asyncio
import datetime
import gc
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop

from pytest_syncload.load.tls import Tls
from pytest_syncload.load.transport import Failure, Transport
from tests.load.authority import Authority
from tests.load.relay import Relay, byte_by_byte
from tests.load.scripted import GET, OK, PATIENCE_S, Asked, End, Scripted, until_none_is_open

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


def test_records_may_come_byte_by_byte(tmp_path: Path, run: Run) -> None:
    authority = Authority(tmp_path)

    async def scenario() -> None:
        async with Scripted((OK,), tls=authority.server()) as server, Relay(server.url, byte_by_byte) as relay:
            transport = Transport(relay.url, ssl_context=authority.trusting)
            for _ in range(2):
                assert (await Asked(transport).answer()).body == b"ok"
            assert server.connections == 1
            await transport.aclose()

    run(scenario())


def test_more_than_a_record_goes_both_ways(tmp_path: Path, run: Run) -> None:
    """One record holds 16 KB; the request is more than the sockets hold, too."""
    authority = Authority(tmp_path)
    sent, come = b"s" * 5_000_000, b"c" * 700_000
    answers = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(come), come)
    wire = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(sent), sent)

    async def scenario() -> None:
        async with Scripted((answers,), tls=authority.server()) as server:
            transport = Transport(server.url, ssl_context=authority.trusting)
            for _ in range(2):
                assert (await Asked(transport, wire).answer()).body == come
            assert server.requests == [wire, wire]
            assert server.connections == 1
            await transport.aclose()

    run(scenario())


def test_a_record_that_was_tampered_with_ends_the_connection(tmp_path: Path, run: Run) -> None:
    authority = Authority(tmp_path)
    meddling = False

    def flip(data: bytes) -> list[bytes]:
        return [data[:-1] + bytes([data[-1] ^ 1])] if meddling else [data]

    async def scenario() -> None:
        nonlocal meddling
        async with Scripted((OK,), tls=authority.server()) as server, Relay(server.url, flip) as relay:
            transport = Transport(relay.url, ssl_context=authority.trusting)
            assert (await Asked(transport).answer()).body == b"ok"
            meddling = True
            answer = await Asked(transport).answer()
            assert (answer.failure, answer.body) == (Failure.PROTOCOL, b"")
            assert "SSLError" in answer.detail
            await until_none_is_open(transport)
            meddling = False
            assert (await Asked(transport).answer()).body == b"ok"
            assert server.connections == 2
            await transport.aclose()

    run(scenario())


@pytest.mark.parametrize("end", [End.CLOSE, End.RESET])
def test_a_connection_that_the_peer_closed_while_idle_is_not_used(end: End, tmp_path: Path, run: Run) -> None:
    authority = Authority(tmp_path)

    async def scenario() -> None:
        async with Scripted((OK, end), (OK,), tls=authority.server()) as server:
            transport = Transport(server.url, ssl_context=authority.trusting)
            assert (await Asked(transport).answer()).status == 200
            await until_none_is_open(transport)
            assert (await Asked(transport).answer()).status == 200
            assert server.served_by == [1, 2]
            await transport.aclose()

    run(scenario())


@pytest.mark.parametrize(
    ("said", "reason"),
    [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "wrong version number"), (b"", "closed without a closure alert")],
    ids=["plain HTTP", "nothing"],
)
def test_who_does_not_shake_hands_is_a_connect_error(said: bytes, reason: str, run: Run) -> None:
    def serve(listening: socket.socket) -> None:
        plain, _ = listening.accept()
        with plain:
            plain.recv(1000)
            plain.sendall(said)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(1000):  # a close with bytes unread would be a reset
                pass

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            serving = threading.Thread(target=serve, args=(listening,))
            serving.start()
            transport = Transport(f"https://127.0.0.1:{listening.getsockname()[1]}")
            answer = await Asked(transport).answer()
            await transport.aclose()
            serving.join()
        assert answer.failure is Failure.CONNECT
        assert reason in answer.detail
        assert answer.sent_at is None

    run(scenario())


@pytest.mark.parametrize("gives_up", ["timeout", "cancelled"])
def test_a_handshake_that_is_not_answered_is_given_up_and_its_socket_closed(gives_up: str, run: Run) -> None:
    async def scenario() -> None:
        gone = asyncio.Event()
        greeted = asyncio.Event()

        async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert await reader.read(1) == b"\x16", "a handshake record"
            greeted.set()
            try:
                await reader.read()
            except OSError:
                pass  # reset, which is gone as well
            writer.close()
            gone.set()

        server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
        transport = Transport(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        if gives_up == "timeout":
            answer = await Asked(transport, timeout_s=0.1).answer()
            assert (answer.failure, answer.detail) == (Failure.TIMEOUT, "while connecting")
        else:
            sending = asyncio.create_task(transport.send_prepared(GET, timeout_s=10))
            await asyncio.wait_for(greeted.wait(), PATIENCE_S)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
        await asyncio.wait_for(gone.wait(), PATIENCE_S)
        await until_none_is_open(transport)
        await transport.aclose()
        server.close()

    run(scenario())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command, which can change its keys")
def test_keys_that_the_peer_changes_are_answered(tmp_path: Path, run: Run) -> None:
    """RFC 8446, section 4.6.3; Python's own server cannot. Each line on s_server's input goes to the client."""
    authority = Authority(tmp_path)
    authority.server()
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    command = ["openssl", "s_server", "-crlf", "-accept", f"127.0.0.1:{port}", "-cert", str(tmp_path / "127.0.0.1.pem")]

    async def scenario() -> None:
        said = asyncio.Event()

        def listen(data: bytes) -> list[bytes]:
            said.set()
            return [data]

        server = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            await asyncio.wait_for(server.stdout.readuntil(b"ACCEPT"), PATIENCE_S)
            async with Relay(f"https://127.0.0.1:{port}", listen) as relay:
                transport = Transport(relay.url, ssl_context=authority.trusting)
                for number in range(2):
                    asked = Asked(transport, GET.replace(b"/ ", b"/%d " % number))
                    await asyncio.wait_for(server.stdout.readuntil(b"GET /%d " % number), PATIENCE_S)
                    said.clear()
                    # "K" asks for the client's new keys too: its next request is read only if it changed them.
                    server.stdin.write(b"K\n")
                    await asyncio.wait_for(said.wait(), PATIENCE_S)
                    server.stdin.write(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
                    answer = await asked.answer()
                    assert (answer.failure, answer.body) == (None, b"ok")
                await transport.aclose()
        finally:
            server.kill()
            await server.wait()

    run(scenario())


def test_a_cut_off_answer_is_none_even_where_openssl_takes_any_end_for_the_peers_word(tmp_path: Path, run: Run) -> None:
    """Debian 12's own Python 3.11.2 sets this option in every context (its OpenSSL 3 shall behave like 1.1.1)."""
    authority = Authority(tmp_path)
    theirs = authority.server()
    authority.trusting.options |= ssl.OP_IGNORE_UNEXPECTED_EOF

    def serve(listening: socket.socket) -> None:
        plain, _ = listening.accept()
        with theirs.wrap_socket(plain, server_side=True) as wrapped:
            wrapped.recv(1000)
            wrapped.sendall(b'HTTP/1.1 202 Accepted\r\n\r\n{"job_id": "1"')
            wrapped.shutdown(socket.SHUT_WR)

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            serving = threading.Thread(target=serve, args=(listening,))
            serving.start()
            transport = Transport(f"https://127.0.0.1:{listening.getsockname()[1]}", ssl_context=authority.trusting)
            answer = await Asked(transport).answer()
            await transport.aclose()
            serving.join()
        assert (answer.failure, answer.status) == (Failure.PROTOCOL, 0)

    run(scenario())


@pytest.mark.parametrize("how", ["unknown authority", "timeout"])
def test_a_failed_handshake_leaves_nothing_behind_where_nobody_collects_cycles(
    how: str, tmp_path: Path, run: Run
) -> None:
    """The engine turns the collector off for the whole phase; 67 KB of OpenSSL's memory a failure stayed."""
    authority = Authority(tmp_path)
    theirs = authority.server() if how == "unknown authority" else None

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the server's side of it
        async with Scripted((End.HOLD,), tls=theirs) as server:
            url = server.url.replace("http:", "https:")
            transport = Transport(url, ssl_context=ssl.create_default_context())
            gc.collect()
            gc.disable()
            try:
                for _ in range(5):
                    answer = await Asked(transport, timeout_s=10 if theirs else 0.05).answer()
                    assert answer.failure is (Failure.CONNECT if theirs else Failure.TIMEOUT)
                    del answer
                await until_none_is_open(transport)
                await asyncio.sleep(0.05)
                alive = [one for one in gc.get_objects() if isinstance(one, Tls)]
                assert len(alive) <= 1  # the last one may still be on its way out
            finally:
                gc.enable()
                await transport.aclose()

    run(scenario())
