"""Tells k6 when to begin: a door on loopback at which the script asks once its virtual users are made.

That k6 has asked says that it is ready, so nothing is begun before; and the answer is the moment of the first arrival,
which could not be known earlier. Whoever does not know the path, which is drawn at random, is told nothing.
"""

from __future__ import annotations

import asyncio
import secrets

#: A request's head that is longer is none of k6's.
_HEAD = 16_384


class Gate:
    """Use as a context manager: leaving it closes the door, whoever waits at it."""

    def __init__(self) -> None:
        self._path = f"/{secrets.token_urlsafe(16)}"
        self._server: asyncio.Server | None = None
        self._start_ms: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting: set[asyncio.StreamWriter] = set()
        #: Set once k6 has asked.
        self.asked = asyncio.Event()
        #: How often it was asked; each time k6 counts a request.
        self.times = 0

    async def __aenter__(self) -> Gate:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0, limit=_HEAD)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self._start_ms.cancel()
        for writer in self._waiting:
            writer.close()

    @property
    def url(self) -> str:
        """Where to ask."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}{self._path}"

    def open(self, start_ms: int) -> None:
        """Answer, now or when asked: the start, in milliseconds of the wall's clock since the epoch."""
        if not self._start_ms.done():
            self._start_ms.set_result(start_ms)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._waiting.add(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.split(b" ")[1:2] != [self._path.encode()]:
                status, body = "404 Not Found", b""
            else:
                self.times += 1
                self.asked.set()
                status, body = "200 OK", str(await self._start_ms).encode()
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
                "\r\n".encode()
                + body
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError, ConnectionError):
            pass  # whoever it was is gone, or the door is closed
        finally:
            self._waiting.discard(writer)
            writer.close()
