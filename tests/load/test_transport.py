"""The pool over real sockets: both doors, timeouts, cancelling, closing, and what it never does."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx
import pytest

from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.plan import RequestTemplate
from pytest_syncload.load.transport import Answer, Failure, Transport
from pytest_syncload.load.wire import RequestWriter
from tests.load.scripted import GET, OK, PATIENCE_S, SHORT_S, Asked, End, Scripted, free_port, until_none_is_open

RESET, CLOSE, HOLD = (End.RESET,), (End.CLOSE,), (End.HOLD,)


def request(url: str, timeout_s: float = 10.0) -> httpx.Request:
    return httpx.Request("GET", url, extensions={"timeout": {"connect": timeout_s, "read": timeout_s}})


def test_both_doors_put_identical_bytes_on_the_wire() -> None:
    async def scenario() -> list[bytes]:
        async with Scripted((OK,)) as server:
            template = RequestTemplate(path="/v1/jobs?x=1", headers=(("X-Trace", "on"),), json={"mode": "full", "n": 1})
            writer, user = RequestWriter(template, server.url), Identity(0, "u", "token")
            transport = Transport(server.url)
            await Asked(transport, writer.wire(user, "key-7", 0)).answer()
            async with httpx.AsyncClient(transport=transport) as client:
                body = b'{"mode":"full","n":1}'
                url = server.url + "/v1/jobs?x=1"
                await client.send(httpx.Request("POST", url, headers=writer.headers(user, "key-7", 0), content=body))
            assert server.connections == 1
            return server.requests

    first, second = asyncio.run(scenario())
    assert first == second
    assert first.endswith(b'Idempotency-Key: key-7\r\n\r\n{"mode":"full","n":1}')


def test_a_refused_port_is_a_connect_error_through_both_doors() -> None:
    async def scenario() -> None:
        url = f"http://127.0.0.1:{free_port()}"
        transport = Transport(url)
        asked = Asked(transport)
        assert asked.answers == [], "the answer comes later, never inside start"
        answer = await asked.answer()
        assert (answer.failure, answer.sent_at) == (Failure.CONNECT, None)
        assert "refused" in answer.detail.lower()
        with pytest.raises(httpx.ConnectError):
            await transport.handle_async_request(request(url))
        await transport.aclose()

    asyncio.run(scenario())


def test_a_name_that_cannot_be_one_is_a_connect_error() -> None:
    async def scenario() -> None:
        transport = Transport(f"http://{'a' * 70}.example")
        answer = await Asked(transport).answer()
        assert answer.failure is Failure.CONNECT
        assert "host name" in answer.detail
        await transport.aclose()

    asyncio.run(scenario())


def test_a_silent_server_times_out_and_its_connection_is_closed() -> None:
    async def scenario() -> None:
        async with Scripted(HOLD, (OK,)) as server:
            transport = Transport(server.url)
            asked = Asked(transport, timeout_s=SHORT_S)
            answer = await asked.answer()
            assert (answer.failure, answer.detail) == (Failure.TIMEOUT, "waiting for the answer")
            assert answer.sent_at is not None
            assert answer.done_at >= answer.sent_at
            await asyncio.wait_for(server.gone.wait(), PATIENCE_S)
            assert (await Asked(transport).answer()).status == 200
            assert len(asked.answers) == 1
            await transport.aclose()

    asyncio.run(scenario())


def test_a_timeout_while_connecting_gives_the_connection_up() -> None:
    async def scenario() -> None:
        # Plain TCP under a TLS client: connected, and for ever in its handshake.
        async with Scripted(HOLD) as server:
            transport = Transport(server.url.replace("http:", "https:"))
            answer = await Asked(transport, timeout_s=0.1).answer()
            assert (answer.failure, answer.detail, answer.sent_at) == (Failure.TIMEOUT, "while connecting", None)
            await until_none_is_open(transport)
            await asyncio.wait_for(server.gone.wait(), PATIENCE_S)
            with pytest.raises(httpx.ConnectTimeout):
                await transport.handle_async_request(request(server.url.replace("http:", "https:"), 0.1))
            await transport.aclose()

    asyncio.run(scenario())


def test_a_short_timeout_does_not_wait_for_a_long_one() -> None:
    async def scenario() -> None:
        async with Scripted(HOLD) as server:
            transport = Transport(server.url)
            long = Asked(transport, timeout_s=3600)
            assert (await Asked(transport, timeout_s=0.05).answer()).failure is Failure.TIMEOUT
            assert long.answers == []
            await transport.aclose()
            assert [answer.failure for answer in long.answers] == [Failure.PROTOCOL]

    asyncio.run(scenario())


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_cancelled_call_closes_its_connection(scheme: str) -> None:
    async def scenario() -> None:
        async with Scripted(HOLD) as server:
            url = server.url.replace("http:", scheme + ":")
            transport = Transport(url)
            call = asyncio.create_task(transport.handle_async_request(request(url)))
            async with asyncio.timeout(PATIENCE_S):
                if scheme == "http":
                    await server.asked.wait()
                else:
                    while not server.connections:  # noqa: ASYNC110  # still in its handshake
                        await asyncio.sleep(0.001)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await asyncio.wait_for(server.gone.wait(), PATIENCE_S)
            await until_none_is_open(transport)
            await transport.aclose()

    asyncio.run(scenario())


def test_a_call_that_is_cancelled_once_it_was_answered_harms_nobody() -> None:
    async def scenario() -> None:
        async with Scripted((OK,), (b"HTTP/1.1 200 OK\r\n", OK[17:])) as server:
            transport = Transport(server.url)
            exchange = transport.start(b"GET / HTTP/1.1\r\n\r\n", lambda _: asked.append(Asked(transport)), timeout_s=9)
            asked: list[Asked] = []
            async with asyncio.timeout(PATIENCE_S):
                while not asked:  # noqa: ASYNC110
                    await asyncio.sleep(0)
            # Its connection carries the second request now.
            exchange.abandon()
            assert (await asked[0].answer()).status == 200
            assert server.connections == 1
            await transport.aclose()

    asyncio.run(scenario())


def test_closing_ends_everything_under_way_exactly_once() -> None:
    async def scenario() -> None:
        async with Scripted(HOLD) as server:
            transport = Transport(server.url)
            asked = [Asked(transport) for _ in range(3)]
            async with asyncio.timeout(PATIENCE_S):
                while len(server.requests) < 3:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            asked.append(Asked(transport))  # still connecting
            await transport.aclose()
            for one in asked:
                assert [(a.failure, a.detail) for a in one.answers] == [(Failure.PROTOCOL, "the transport was closed")]
            with pytest.raises(RuntimeError, match="closed"):
                Asked(transport)
            await until_none_is_open(transport)

    asyncio.run(scenario())


def test_a_connection_that_the_peer_closed_while_idle_is_not_used() -> None:
    async def scenario() -> None:
        async with Scripted((OK, End.CLOSE), (OK,)) as server:
            transport = Transport(server.url)
            assert (await Asked(transport).answer()).status == 200
            await until_none_is_open(transport)
            assert (await Asked(transport).answer()).status == 200
            assert (server.connections, len(server.requests)) == (2, 2)
            await transport.aclose()

    asyncio.run(scenario())


def test_a_reset_on_a_reused_connection_is_not_retried() -> None:
    async def scenario() -> None:
        async with Scripted((OK,), RESET) as server:
            transport = Transport(server.url)
            assert (await Asked(transport).answer()).status == 200
            assert (await Asked(transport).answer()).failure is Failure.PROTOCOL
            assert (server.connections, len(server.requests)) == (1, 2)
            await transport.aclose()

    asyncio.run(scenario())


def test_what_was_sent_can_be_awaited_and_given_up() -> None:
    async def scenario() -> None:
        async with Scripted((OK,), CLOSE, HOLD, HOLD, (OK,)) as server:
            transport = Transport(server.url)
            assert (await transport.send_prepared(GET, timeout_s=10)).body == b"ok"
            assert (await transport.send_prepared(GET, timeout_s=10)).failure is Failure.PROTOCOL
            assert (await transport.send_prepared(GET, timeout_s=SHORT_S)).failure is Failure.TIMEOUT
            server.asked.clear()
            call = asyncio.create_task(transport.send_prepared(GET, timeout_s=10))
            await asyncio.wait_for(server.asked.wait(), PATIENCE_S)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert (await transport.send_prepared(GET, timeout_s=10, head=True)).body == b""
            assert server.served_by == [1, 1, 2, 3, 4]
            await transport.aclose()

    asyncio.run(scenario())


def test_a_callback_that_raises_is_reported_and_takes_no_timeout_from_another() -> None:
    async def scenario() -> None:
        reported: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

        def fail(_: Answer) -> None:
            raise RuntimeError("of the caller")

        async with Scripted(HOLD) as server:
            transport = Transport(server.url)
            transport.start(GET, fail, timeout_s=0.05)
            assert (await Asked(transport, timeout_s=0.1).answer()).failure is Failure.TIMEOUT
            assert [str(context["exception"]) for context in reported] == ["of the caller"]
            await transport.aclose()

    asyncio.run(scenario())


def test_new_addresses_behind_a_name_are_followed_once_a_connection_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two servers on one port, of which a name that moves names one at a time."""
    answers = {"127.0.0.1": b"old", "127.0.0.2": b"new"}
    now_at = ["127.0.0.1"]

    def resolve(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        assert host == "target.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (now_at[0], port))]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            if (await reader.readuntil(b"\r\n\r\n")).endswith(b"\r\n\r\n"):
                body = answers[writer.get_extra_info("sockname")[0]]
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + body)
        writer.close()

    async def scenario() -> None:
        first = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = first.sockets[0].getsockname()[1]
        second = await asyncio.start_server(serve, "127.0.0.2", port)
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        transport = Transport(f"http://target.example:{port}")
        assert (await transport.send_prepared(GET, timeout_s=10)).body == b"old"
        now_at[0] = "127.0.0.2"
        assert (await transport.send_prepared(GET, timeout_s=10)).body == b"old", "a young connection is kept"
        monkeypatch.setattr("pytest_syncload.load.transport._AGE_SECONDS", 0.0)
        assert (await transport.send_prepared(GET, timeout_s=10)).body == b"new"
        await transport.aclose()
        for server in (first, second):
            server.close()
            await server.wait_closed()
        await asyncio.sleep(0)

    asyncio.run(scenario())


@pytest.mark.parametrize("limit", ["_IDLE_SECONDS", "_AGE_SECONDS"])
def test_a_connection_that_is_idle_or_old_for_long_is_not_used(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            transport = Transport(server.url)
            await Asked(transport).answer()
            monkeypatch.setattr(f"pytest_syncload.load.transport.{limit}", -1.0)
            await Asked(transport).answer()
            assert server.connections == 2
            await transport.aclose()

    asyncio.run(scenario())


def test_what_a_burst_opened_and_nobody_uses_any_more_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_syncload.load.transport._IDLE_SECONDS", 0.1)

    async def scenario() -> None:
        async with Scripted((OK,), (OK,), HOLD) as server:
            transport = Transport(server.url)
            for asked in [Asked(transport), Asked(transport)]:
                await asked.answer()
            assert server.connections == 2
            Asked(transport)
            async with asyncio.timeout(PATIENCE_S):
                await server.gone.wait()
                while " 1 open, 0 idle" not in repr(transport):  # noqa: ASYNC110  # a repr has no event
                    await asyncio.sleep(0.01)
            await transport.aclose()

    asyncio.run(scenario())


def test_the_last_used_connection_is_used_first() -> None:
    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            transport = Transport(server.url)
            for one in [Asked(transport) for _ in range(5)]:
                await one.answer()
            assert repr(transport) == f"<Transport {server.url} 5 open, 5 idle, 0 connecting>"
            for _ in range(5):
                await Asked(transport).answer()
            assert server.connections == 5
            await transport.aclose()

    asyncio.run(scenario())


def test_another_origin_is_refused() -> None:
    async def scenario() -> None:
        transport = Transport("http://127.0.0.1:8001")
        for url in ("http://127.0.0.1:8002", "https://127.0.0.1:8001", "http://localhost:8001", "http://127.0.0.1"):
            with pytest.raises(httpx.UnsupportedProtocol, match=r"goes to http://127\.0\.0\.1:8001 only"):
                await transport.handle_async_request(request(url))
        await transport.aclose()

    asyncio.run(scenario())


def test_proxies_of_the_environment_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")

    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            transport = Transport(server.url)
            assert (await Asked(transport).answer()).status == 200
            await transport.aclose()

    asyncio.run(scenario())


def test_closing_tells_everybody_even_where_one_of_them_raises() -> None:
    """A closed loop starts the next request in `on_answer`, which a closed transport refuses."""

    async def scenario() -> None:
        async with Scripted((End.HOLD,)) as server:
            transport = Transport(server.url)
            told: list[Answer] = []

            def again(answer: Answer) -> None:
                told.append(answer)
                transport.start(GET, again, timeout_s=0.2)

            for _ in range(3):
                transport.start(GET, again, timeout_s=0.2)
            waiting = asyncio.create_task(transport.send_prepared(GET, timeout_s=0.2))
            await asyncio.sleep(0)
            try:
                await transport.aclose()
            except RuntimeError:
                pass
            done, _ = await asyncio.wait([waiting], timeout=PATIENCE_S)
            waiting.cancel()
            assert len(told) == 3
            assert done, "it waits for ever: nothing sweeps any more"

    asyncio.run(scenario())


def test_a_reset_connection_is_forgotten_even_where_on_answer_raises() -> None:
    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with Scripted((End.RESET,), (OK,)) as server:
            transport = Transport(server.url)

            def boom(_: Answer) -> None:
                raise KeyError

            transport.start(GET, boom, timeout_s=5)
            await asyncio.wait_for(server.gone.wait(), PATIENCE_S)
            assert (await Asked(transport).answer()).status == 200
            assert " 1 open" in repr(transport)
            await transport.aclose()

    asyncio.run(scenario())


def test_one_request_that_cannot_be_sent_takes_no_other_with_it() -> None:
    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with Scripted((OK,)) as server:
            transport = Transport(server.url)
            for one in [Asked(transport) for _ in range(2)]:
                await one.answer()
            transport.start("no bytes", lambda _: None, timeout_s=0.3)  # type: ignore[arg-type]
            assert (await Asked(transport).answer()).failure is None
            await transport.aclose()

    asyncio.run(scenario())
