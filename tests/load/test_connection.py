"""One connection over real sockets: what comes while nobody asked, and before the request was taken."""

from __future__ import annotations

import asyncio

from pytest_syncload.load.transport import Answer, Failure, Transport
from tests.load.scripted import GET, OK, PATIENCE_S, Asked, End, Scripted, until_none_is_open


def check_plain(answer: Answer) -> None:
    assert (answer.failure, answer.status, answer.body) == (None, 200, b"ok"), answer


def test_bytes_that_come_while_idle_end_the_connection() -> None:
    async def scenario() -> None:
        async with Scripted((OK, b"late"), (OK,)) as server:
            transport = Transport(server.url)
            check_plain(await Asked(transport).answer())
            async with asyncio.timeout(PATIENCE_S):
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


def test_a_server_that_speaks_first_spoils_no_second_answer() -> None:
    """TCP does not tell which came first, so its word is taken for the answer; the one that follows ends it all."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK.replace(b"ok", b"no"))
        await reader.read()
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        transport = Transport(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        for _ in range(3):
            asked = Asked(transport)
            answer = await asked.answer()
            await until_none_is_open(transport)
            # Both in one piece is an error; the second by itself comes while nobody asked.
            assert answer.failure is Failure.PROTOCOL or answer.body == b"ok"
            assert len(asked.answers) == 1
        await transport.aclose()
        server.close()
        await server.wait_closed()

    asyncio.run(scenario())


def test_repr_tells_an_answer_from_a_failure() -> None:
    assert repr(Answer(sent_at=None, done_at=1.0, failure=Failure.CONNECT, detail="refused")) == (
        "<Answer connect refused>"
    )
    assert repr(Answer(sent_at=0.0, done_at=1.0, status=202)) == "<Answer 202>"
