"""Stands between a client and a server on loopback, and does to the server's bytes what a network or a liar may."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Self
from urllib.parse import urlsplit


def byte_by_byte(data: bytes) -> Iterable[bytes]:
    """Each alone."""
    return (data[at : at + 1] for at in range(len(data)))


class Relay:
    """``passes_on`` says in which pieces the server's bytes, as they came, reach the client.

    It is asked once for each read; what it does not give is lost.
    """

    def __init__(self, url: str, passes_on: Callable[[bytes], Iterable[bytes]]) -> None:
        parts = urlsplit(url)
        self._scheme, self._port = parts.scheme, parts.port
        self._passes_on = passes_on
        self._both: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._both:
            task.cancel()
        await asyncio.gather(*self._both, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
        self._both += [
            asyncio.create_task(_carry(reader, to_server, lambda data: [data])),
            asyncio.create_task(_carry(from_server, writer, self._passes_on)),
        ]


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pieces_of: Callable[[bytes], Iterable[bytes]]
) -> None:
    try:
        while data := await reader.read(1 << 16):
            for piece in pieces_of(data):
                writer.write(piece)
                for _ in range(3):  # see `scripted`: each piece is then read alone
                    await asyncio.sleep(0)
    except OSError:
        pass  # one of the two has gone
    finally:
        writer.close()
