"""The door at which k6 asks when to begin."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from pytest_syncload.k6.gate import Gate


async def ask(url: str, path: str | None = None) -> bytes:
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(f"GET {path or where.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    said = await reader.read()
    writer.close()
    return said


def test_it_answers_once_the_start_is_known() -> None:
    async def scenario() -> None:
        async with Gate() as gate:
            asking = asyncio.create_task(ask(gate.url))
            await gate.asked.wait()
            assert not asking.done()
            gate.open(1_700_000_000_123)
            assert (await asking).endswith(b"\r\n\r\n1700000000123")
            gate.open(5)
            assert (await ask(gate.url)).endswith(b"123"), "the first word counts"
            assert gate.times == 2

    asyncio.run(scenario())


def test_others_are_told_nothing_and_count_for_nothing() -> None:
    async def scenario() -> None:
        async with Gate() as gate:
            gate.open(7)
            assert b"404 Not Found" in await ask(gate.url, "/")
            assert (gate.times, gate.asked.is_set()) == (0, False)
            where = urlsplit(gate.url)
            _, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.close()

    asyncio.run(scenario())


def test_leaving_closes_the_door_on_whoever_waits() -> None:
    async def scenario() -> None:
        async with Gate() as gate:
            asking = asyncio.create_task(ask(gate.url))
            await gate.asked.wait()
        assert await asyncio.wait_for(asking, 5) == b""

    asyncio.run(scenario())


def test_each_has_a_path_of_its_own() -> None:
    async def scenario() -> tuple[str, str]:
        async with Gate() as one, Gate() as other:
            return urlsplit(one.url).path, urlsplit(other.url).path

    one, other = asyncio.run(scenario())
    assert one != other
    assert len(one) > 16
