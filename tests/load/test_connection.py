"""Every odd answer, over real sockets: what it counts as, and whether its connection is used again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx
import pytest

from pytest_syncload.load.connection import ANSWER_LIMIT
from pytest_syncload.load.transport import Answer, Failure, Transport
from tests.load.scripted import GET, OK, Asked, End, Scripted, Step


@dataclass(frozen=True)
class Case:
    name: str
    steps: tuple[Step, ...]
    status: int = 200
    body: bytes = b"ok"
    failure: Failure | None = None
    detail: str = ""
    reused: bool = False
    head: bool = False

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;ext=1\r\nk\r\n0\r\n"

WHOLE = [
    Case("content length", (OK,), reused=True),
    Case("no body at all", (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",), body=b"", reused=True),
    Case("headers and body apart", (OK[:-2], OK[-2:]), reused=True),
    Case("chunked", (CHUNKED + b"\r\n",), reused=True),
    Case("chunked with trailers", (CHUNKED + b"X-Sum: 1\r\n\r\n",), reused=True),
    Case("100 then 200", (b"HTTP/1.1 100 Continue\r\n\r\n" + OK,), reused=True),
    Case("100 and 200 apart", (b"HTTP/1.1 100 Continue\r\n\r\n", OK), reused=True),
    Case("103 with headers", (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", OK), reused=True),
    Case("204", (b"HTTP/1.1 204 No Content\r\n\r\n",), status=204, body=b"", reused=True),
    Case("304", (b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",), status=304, body=b"", reused=True),
    Case("HEAD", (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",), body=b"", head=True),
    Case("HEAD answered with a body", (OK,), body=b"", head=True),
    Case("connection close", (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",)),
    Case("connection close, then closed", (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"ok", End.CLOSE)),
    Case("until close", (b"HTTP/1.1 200 OK\r\n\r\no", b"k", End.CLOSE)),
    Case("until half close", (b"HTTP/1.1 200 OK\r\n\r\nok", End.HALF_CLOSE)),
    Case("coded until close", (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok", End.CLOSE)),
    Case("HTTP/1.0 with length", (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",)),
    Case("HTTP/1.0 until close", (b"HTTP/1.0 200 OK\r\n\r\nok", End.CLOSE)),
    Case(
        "HTTP/1.0 kept alive",
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",),
        reused=True,
    ),
    Case("503", (b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno",), status=503, body=b"no", reused=True),
    Case("no reason phrase", (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",), reused=True),
]

BROKEN = [
    Case("closed before", (End.CLOSE,), detail="before an answer"),
    Case("reset before", (End.RESET,), detail="before an answer"),
    Case("closed in status line", (b"HTTP/1.1 20", End.CLOSE), detail="in the middle"),
    Case("closed in headers", (b"HTTP/1.1 200 OK\r\nContent-Le", End.CLOSE), detail="in the middle"),
    Case("reset in headers", (b"HTTP/1.1 200 OK\r\nContent-Le", End.RESET), detail="in the middle"),
    Case("closed in body", (OK[:-1], End.CLOSE), detail="in the middle"),
    Case("half closed in body", (OK[:-1], End.HALF_CLOSE), detail="in the middle"),
    Case("reset in body", (OK[:-1], End.RESET), detail="in the middle"),
    Case("reset in body without length", (b"HTTP/1.1 200 OK\r\n\r\no", End.RESET), detail="in the middle"),
    Case("closed in chunk", (CHUNKED[:-8], End.CLOSE), detail="in the middle"),
    Case("closed behind 100", (b"HTTP/1.1 100 Continue\r\n\r\n", End.CLOSE), detail="in the middle"),
    Case("garbage", (b"\x16\x03\x01 not http at all\r\n\r\n",), detail="not HTTP/1.1"),
    Case("a request", (GET,), detail="not HTTP/1.1"),
    Case("two lengths", (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",), detail="not HTTP"),
    Case("length no number", (b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok",), detail="not HTTP/1.1"),
    Case(
        "length and chunked",
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",),
        detail="not HTTP/1.1",
    ),
    Case("bad chunk size", (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",), detail="not HTTP/1.1"),
    Case("switches protocols", (b"HTTP/1.1 101 Up\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",), detail="switches"),
    Case("two answers", (OK + OK,), detail="bytes behind"),
    Case("garbage behind", (OK + b"garbage",), detail="bytes behind"),
    Case("garbage behind a last one", (b"HTTP/1.1 204 No\r\nConnection: close\r\n\r\n!",), detail="bytes behind"),
    Case("body behind a 204", (b"HTTP/1.1 204 No Content\r\n\r\nbody",), detail="bytes behind"),
    Case("huge body", (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (ANSWER_LIMIT + 1),), detail="longer than"),
    Case("endless header", (b"HTTP/1.1 200 OK\r\nA: " + b"x" * (ANSWER_LIMIT + 1),), detail="longer than"),
]


async def twice(case: Case) -> tuple[Asked, Asked, Scripted]:
    """Ask for the odd answer and then for a plain one."""
    async with Scripted(case.steps, (OK,)) as server:
        transport = Transport(server.url)
        odd = Asked(transport, head=case.head)
        await odd.answer()
        plain = Asked(transport)
        await plain.answer()
        await transport.aclose()
        return odd, plain, server


def check_plain(answer: Answer) -> None:
    assert (answer.failure, answer.status, answer.body) == (None, 200, b"ok"), answer


@pytest.mark.parametrize("case", WHOLE, ids=str)
def test_a_whole_answer(case: Case) -> None:
    odd, plain, server = asyncio.run(twice(case))
    (answer,) = odd.answers
    assert (answer.failure, answer.status, answer.body) == (None, case.status, case.body), answer
    assert answer.sent_at is not None
    assert answer.sent_at <= answer.done_at
    assert len(plain.answers) == 1
    check_plain(plain.answers[0])
    assert server.connections == (1 if case.reused else 2)
    assert len(server.requests) == 2


@pytest.mark.parametrize("case", BROKEN, ids=str)
def test_a_broken_answer_is_a_protocol_error_and_its_connection_is_never_used_again(case: Case) -> None:
    odd, plain, server = asyncio.run(twice(case))
    (answer,) = odd.answers
    assert (answer.failure, answer.status, answer.body) == (Failure.PROTOCOL, 0, b""), answer
    assert case.detail in answer.detail
    assert answer.sent_at is not None
    check_plain(plain.answers[0])
    assert len(plain.answers) == 1
    assert (server.connections, len(server.requests)) == (2, 2), "nothing may be sent twice"


@pytest.mark.parametrize("whole", [OK, b"HTTP/1.1 100 Continue\r\n\r\n" + CHUNKED + b"X: 1\r\n\r\n"], ids=["ok", "all"])
def test_split_at_every_byte(whole: bytes) -> None:
    async def every_split() -> None:
        splits: list[tuple[Step, ...]] = [(whole[:at], whole[at:]) for at in range(1, len(whole))]
        splits.append(tuple(whole[at : at + 1] for at in range(len(whole))))
        async with Scripted(*splits) as server:
            transport = Transport(server.url)
            for split in splits:
                asked = Asked(transport)
                await asked.answer()
                check_plain(asked.answers[0])
                assert len(asked.answers) == 1, split
            assert server.connections == 1
            await transport.aclose()

    asyncio.run(every_split())


def test_headers_keep_their_order_and_their_repeats_and_no_trailer_joins_them() -> None:
    steps = (b"HTTP/1.1 200 OK\r\nA: 1\r\nb: 2\r\nA: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: 4\r\n\r\n",)
    odd, _, _ = asyncio.run(twice(Case("headers", steps)))
    assert odd.answers[0].headers == [(b"A", b"1"), (b"b", b"2"), (b"A", b"3"), (b"Transfer-Encoding", b"chunked")]


def test_bytes_that_come_while_idle_end_the_connection() -> None:
    async def scenario() -> None:
        async with Scripted((OK, b"late"), (OK,)) as server:
            transport = Transport(server.url)
            check_plain(await Asked(transport).answer())
            async with asyncio.timeout(5):
                await server.gone.wait()
            check_plain(await Asked(transport).answer())
            assert server.connections == 2
            await transport.aclose()

    asyncio.run(scenario())


def test_an_answer_before_the_request_was_taken_ends_the_connection() -> None:
    async def scenario() -> None:
        async with Scripted((OK, End.HOLD), (OK,), early=True) as server:
            transport = Transport(server.url)
            wire = GET[:-2] + b"Content-Length: 33554432\r\n\r\n" + bytes(1 << 25)
            check_plain(await Asked(transport, wire).answer())
            check_plain(await Asked(transport).answer())
            assert server.connections == 2
            await transport.aclose()

    asyncio.run(scenario())


# h11 refuses a transfer coding other than chunked, which HTTP allows.
@pytest.mark.parametrize("case", [case for case in WHOLE if not (case.head or case.name.startswith("coded"))], ids=str)
def test_httpx_reads_the_same_from_the_same_bytes(case: Case) -> None:
    async def scenario() -> tuple[Answer, httpx.Response, bytes]:
        async with Scripted(case.steps) as server:
            transport = Transport(server.url)
            ours = await Asked(transport).answer()
            await transport.aclose()
            async with httpx.AsyncClient(trust_env=False) as client, client.stream("GET", server.url) as theirs:
                raw = b"".join([piece async for piece in theirs.aiter_raw()])
            return ours, theirs, raw

    ours, theirs, raw = asyncio.run(scenario())
    assert (ours.status, ours.body) == (theirs.status_code, raw)
    assert httpx.Headers(ours.headers).multi_items() == theirs.headers.multi_items()


def test_repr_tells_an_answer_from_a_failure() -> None:
    assert repr(Answer(sent_at=None, done_at=1.0, failure=Failure.CONNECT, detail="refused")) == (
        "<Answer connect refused>"
    )
    assert repr(Answer(sent_at=0.0, done_at=1.0, status=202)) == "<Answer 202>"
