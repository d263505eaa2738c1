"""httpx's own transport behind the engine's door: the same request, the same outcomes, the same exactly one answer."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.plan import Passage, RequestTemplate
from pytest_syncload.load.connection import Answer, Failure
from pytest_syncload.load.door import Direct, Door, open_door
from pytest_syncload.load.plain import Plain, proxy_for
from pytest_syncload.load.reading import ANSWER_LIMIT
from tests.load.authority import Authority
from tests.load.scripted import OK, PATIENCE_S, SHORT_S, End, Scripted

TEMPLATE = RequestTemplate(
    path="/v1/jobs?a=b c", json={"source": "drive"}, headers=(("X-Api-Version", "7"), ("User-Agent", "syncwell"))
)
USER = Identity(0, "user", "token")
DOORS = pytest.mark.parametrize("opened", [Direct, Plain])


async def asked(door: Door, key: str = "key-1", timeout_s: float = PATIENCE_S) -> Answer:
    answers: asyncio.Queue[Answer] = asyncio.Queue()
    door.start(USER, key, 0, answers.put_nowait, timeout_s=timeout_s)
    answer = await asyncio.wait_for(answers.get(), PATIENCE_S)
    await asyncio.sleep(0)
    assert answers.empty(), "answered twice"
    return answer


def through(opened: Callable[[RequestTemplate, str], Door], *answers: tuple[bytes | End, ...], **how: float) -> Answer:
    """What one request through the door comes to, at a server that does as told."""

    async def main() -> Answer:
        async with Scripted(*answers) as server:
            door = opened(TEMPLATE, server.url)
            try:
                return await asked(door, **how)  # type: ignore[arg-type]
            finally:
                await door.aclose()

    return asyncio.run(main())


def test_both_doors_send_the_same_request() -> None:
    async def main() -> list[bytes]:
        async with Scripted((OK,), (OK,)) as server:
            for opened in (Direct, Plain):
                door = opened(TEMPLATE, server.url)
                assert (await asked(door)).status == 200
                await door.aclose()
            return server.requests

    direct, plain = asyncio.run(main())
    assert plain.split(b"\r\n")[0] == direct.split(b"\r\n")[0] == b"POST /v1/jobs?a=b%20c HTTP/1.1"
    head, _, body = direct.partition(b"\r\n\r\n")
    other_head, _, other_body = plain.partition(b"\r\n\r\n")
    assert body == other_body == b'{"source":"drive"}'
    assert sorted(head.split(b"\r\n")) == sorted(other_head.split(b"\r\n"))


@DOORS
@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        ((OK,), 200, b"ok"),
        ((b"HTTP/1.1 302 Found\r\nLocation: /\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n",), 302, b""),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",), 200, b"ok"),
        ((b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",), 200, b"ok"),
    ],
)
def test_an_answer_comes_as_it_is(
    opened: Callable[[RequestTemplate, str], Door], answer: tuple[bytes, ...], status: int, body: bytes
) -> None:
    seen = through(opened, answer)
    assert (seen.failure, seen.status, seen.body) == (None, status, body)
    assert seen.sent_at is not None
    assert seen.sent_at <= seen.done_at


@DOORS
@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ((End.CLOSE,), Failure.PROTOCOL),
        ((End.RESET,), Failure.PROTOCOL),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", End.CLOSE), Failure.PROTOCOL),
        ((b"no http\r\n\r\n", End.CLOSE), Failure.PROTOCOL),
        (
            (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (ANSWER_LIMIT + 9), b"x" * (ANSWER_LIMIT + 9)),
            Failure.PROTOCOL,
        ),
    ],
    ids=["closed", "reset", "cut short", "no http", "too long"],
)
def test_what_is_no_answer_is_one_protocol_error(
    opened: Callable[[RequestTemplate, str], Door], answer: tuple[bytes | End, ...], failure: Failure
) -> None:
    seen = through(opened, answer)
    assert (seen.failure, seen.status) == (failure, 0)
    assert seen.sent_at is not None
    assert seen.detail


@DOORS
def test_an_answer_that_does_not_come_is_a_timeout(opened: Callable[[RequestTemplate, str], Door]) -> None:
    seen = through(opened, (End.HOLD,), timeout_s=SHORT_S)
    assert (seen.failure, seen.detail) == (Failure.TIMEOUT, "waiting for the answer")
    assert seen.sent_at is not None


@DOORS
def test_what_was_never_sent_has_no_time_of_sending(opened: Callable[[RequestTemplate, str], Door]) -> None:
    async def main() -> Answer:
        async with Scripted((OK,)) as server:
            url = server.url
        door = opened(TEMPLATE, url)
        try:
            return await asked(door)
        finally:
            await door.aclose()

    seen = asyncio.run(main())
    assert (seen.failure, seen.sent_at) == (Failure.CONNECT, None)


@DOORS
def test_closing_ends_what_is_under_way(opened: Callable[[RequestTemplate, str], Door]) -> None:
    async def main() -> list[Answer]:
        answers: list[Answer] = []
        async with Scripted((End.HOLD,)) as server:
            door = opened(TEMPLATE, server.url)
            door.start(USER, "k", 0, answers.append, timeout_s=10)
            await server.asked.wait()
            await door.aclose()
        return answers

    (seen,) = asyncio.run(main())
    assert (seen.failure, seen.detail) == (Failure.PROTOCOL, "the transport was closed")


def test_a_cookie_of_one_user_is_not_sent_by_another() -> None:
    async def main() -> list[bytes]:
        cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: session=1\r\nContent-Length: 0\r\n\r\n"
        async with Scripted((cookie,)) as server:
            door = Plain(TEMPLATE, server.url)
            await asked(door)
            await asked(door)
            await door.aclose()
            assert server.connections == 1, "kept alive"
            return server.requests

    assert not any(b"ookie" in request for request in asyncio.run(main()))


def test_a_proxy_of_the_environment_is_followed_by_httpx_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> list[tuple[Passage, Answer, int]]:
        seen = []
        async with Scripted((OK,)) as proxy:
            # Without a scheme, as many write it.
            monkeypatch.setenv("http_proxy", proxy.url.removeprefix("http://"))
            monkeypatch.setenv("no_proxy", "")
            for passage in Passage:
                door = open_door(passage, TEMPLATE, "http://target.invalid:81")
                seen.append((passage, await asked(door), len(proxy.requests)))
                await door.aclose()
            assert proxy.requests[0].startswith(b"POST http://target.invalid:81/v1/jobs?a=b%20c HTTP/1.1")
        return seen

    (_, direct, none), (_, proxied, one) = asyncio.run(main())
    assert (direct.failure, none) == (Failure.CONNECT, 0)
    assert (proxied.status, one) == (200, 1)


def test_what_is_on_this_machine_is_asked_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox is, and what a generator is calibrated against."""
    monkeypatch.setenv("http_proxy", "http://proxy.example:8080")
    monkeypatch.setenv("no_proxy", "")
    for host in ("127.0.0.1", "127.8.9.10", "[::1]", "localhost", "api.localhost"):
        assert proxy_for(httpx.URL(f"http://{host}:4000/")) is None
    assert proxy_for(httpx.URL("http://10.0.0.1/")) == "http://proxy.example:8080"


def test_a_proxy_s_connect_is_no_request_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> Answer:
        async with Scripted((b"HTTP/1.1 407 no\r\nContent-Length: 0\r\n\r\n",)) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url)
            monkeypatch.setenv("no_proxy", "")
            door = Plain(TEMPLATE, "https://target.invalid")
            try:
                return await asked(door)
            finally:
                await door.aclose()

    seen = asyncio.run(main())
    assert (seen.failure, seen.sent_at) == (Failure.CONNECT, None)


@pytest.mark.parametrize("proxy", ["socks5://user:s3cret@127.0.0.1:9", "ftp://user:s3cret@proxy.example"])
def test_a_proxy_that_cannot_be_used_is_refused_without_its_password(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(Refused, match="the proxy that the environment names for http cannot be used") as refused:
        Plain(TEMPLATE, "http://target.invalid")
    assert "s3cret" not in str(refused.value)


def test_no_proxy_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:8080")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert proxy_for(httpx.URL("https://outside.example/")) == "http://proxy.example:8080"
    assert proxy_for(httpx.URL("https://inside.example/")) is None
    assert proxy_for(httpx.URL("http://outside.example/")) is None


async def speak_http2(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: list[dict[bytes, bytes]]
) -> None:
    """One connection of a server that answers every request with 202 and `ok`."""
    connection = H2Connection(H2Configuration(client_side=False, header_encoding=None))
    connection.initiate_connection()
    writer.write(connection.data_to_send())
    while data := await reader.read(65536):
        for event in connection.receive_data(data):
            if isinstance(event, RequestReceived):
                seen.append(dict(event.headers))
            if isinstance(event, StreamEnded):
                connection.send_headers(event.stream_id, [(":status", "202"), ("content-length", "2")])
                connection.send_data(event.stream_id, b"ok", end_stream=True)
        writer.write(connection.data_to_send())
    writer.close()


def test_it_speaks_http2_where_the_target_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = Authority(tmp_path).server()
    theirs.set_alpn_protocols(["h2", "http/1.1"])
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    seen: list[dict[bytes, bytes]] = []

    async def main() -> list[Answer]:
        ended: list[asyncio.Task[None]] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ended.append(asyncio.current_task())  # type: ignore[arg-type]  # None only outside a task
            await speak_http2(reader, writer, seen)

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=theirs)
        door = Plain(TEMPLATE, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        answers = [await asked(door, key) for key in ("one", "two")]
        await door.aclose()
        server.close()
        await asyncio.gather(*ended)
        assert len(ended) == 1, "one connection for both"
        return answers

    answers = asyncio.run(main())
    assert [(answer.status, answer.body) for answer in answers] == [(202, b"ok")] * 2
    assert all(answer.sent_at is not None for answer in answers)
    assert [headers[b"idempotency-key"] for headers in seen] == [b"one", b"two"]


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        (b"HTTP/1.1 202 Accepted\r\n\r\n{", Failure.PROTOCOL),
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 1\r\n\r\n{", None),
        (b"HTTP/1.1 204 No Content\r\n\r\n", None),
    ],
    ids=["cut off or not", "with a length", "without a body"],
)
def test_an_answer_that_may_have_been_cut_off_under_tls_is_none(
    said: bytes, failure: Failure | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = Authority(tmp_path).server()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))

    def serve(listening: socket.socket) -> None:
        plain, _ = listening.accept()
        with theirs.wrap_socket(plain, server_side=True) as wrapped:
            wrapped.recv(5000)
            wrapped.sendall(said)
            wrapped.shutdown(socket.SHUT_WR)

    async def main(url: str) -> Answer:
        door = Plain(TEMPLATE, url)
        try:
            return await asked(door)
        finally:
            await door.aclose()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve, args=(listening,))
        serving.start()
        answer = asyncio.run(main(f"https://127.0.0.1:{listening.getsockname()[1]}"))
        serving.join()
    assert answer.failure is failure
