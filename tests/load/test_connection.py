"""One connection over real sockets: what comes while nobody asked, and before the request was taken."""

from __future__ import annotations

import asyncio

from pytest_syncload.load.transport import Answer, Failure, Transport
from tests.load.scripted import GET, OK, Asked, End, Scripted


def check_plain(answer: Answer) -> None:
    assert (answer.failure, answer.status, answer.body) == (None, 200, b"ok"), answer


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


def test_repr_tells_an_answer_from_a_failure() -> None:
    assert repr(Answer(sent_at=None, done_at=1.0, failure=Failure.CONNECT, detail="refused")) == (
        "<Answer connect refused>"
    )
    assert repr(Answer(sent_at=0.0, done_at=1.0, status=202)) == "<Answer 202>"
