"""A raw server on loopback that answers by a script, byte for byte, however odd; and how to ask it."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
from enum import Enum
from typing import Self

import httpx

from pytest_syncload.load.transport import Answer, Transport

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#: Seconds that only a hang takes: a busy machine's loop may stand still for some.
PATIENCE_S = 60.0
#: Seconds of a timeout that is to strike, once a busy machine has connected and sent.
SHORT_S = 0.5


class End(Enum):
    """What the server does with its connection instead of waiting for the next request."""

    CLOSE = "close"
    RESET = "reset"
    HALF_CLOSE = "half close"
    HOLD = "say nothing until the client goes"


Step = bytes | End


class Scripted:
    """Request k, counted over all connections, is answered by ``answers[k]``; the last one repeats."""

    def __init__(self, *answers: tuple[Step, ...], tls: ssl.SSLContext | None = None, early: bool = False) -> None:
        self._answers = list(answers)
        self._tls = tls
        self._early = early
        self._writers: set[asyncio.StreamWriter] = set()
        self.connections = 0
        self.requests: list[bytes] = []
        self.served_by: list[int] = []  # the number of the connection that brought request k
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.gone = asyncio.Event()
        self.asked = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.wait_for(self._quiet.wait(), PATIENCE_S)
        await asyncio.sleep(0)

    @property
    def url(self) -> str:
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def will_answer(self, *answers: tuple[Step, ...]) -> None:
        """The next requests. What was scripted for some that never came is for nobody."""
        self._answers[len(self.requests) :] = answers

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self._writers.add(writer)
        self._quiet.clear()
        try:
            while await self._answer_one(number, reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            return  # the client has gone
        finally:
            self.gone.set()
            writer.transport.abort()
            self._writers.discard(writer)
            if not self._writers:
                self._quiet.set()

    async def _answer_one(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", request)
        if length is not None and not self._early:
            request += await reader.readexactly(int(length[1]))
        self.requests.append(request)
        self.served_by.append(number)
        self.asked.set()
        for step in self._answers[min(len(self.requests), len(self._answers)) - 1]:
            match step:
                case End.CLOSE:
                    writer.close()
                    return False
                case End.RESET:
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    writer.transport.abort()
                    return False
                case End.HALF_CLOSE:
                    writer.write_eof()
                    await reader.read()
                    return False
                case End.HOLD:
                    await reader.read()
                    return False
                case bytes():
                    writer.write(step)
                    # Loopback has delivered it by the time the client's turn comes; each piece is then read alone.
                    for _ in range(3):
                        await asyncio.sleep(0)
        return True


class Asked:
    """One `start`: its answer, and how often it was answered."""

    def __init__(
        self, transport: Transport, wire: bytes = GET, *, timeout_s: float = PATIENCE_S, head: bool = False
    ) -> None:
        self._done = asyncio.Event()
        self.answers: list[Answer] = []
        transport.start(wire, self._take, timeout_s=timeout_s, head=head)

    def _take(self, answer: Answer) -> None:
        self.answers.append(answer)
        self._done.set()

    async def answer(self) -> Answer:
        async with asyncio.timeout(PATIENCE_S):
            await self._done.wait()
        return self.answers[0]


async def plain_httpx_reads(url: str, method: str = "GET") -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body as httpx's own transport reads them, on a connection of its own."""
    # An empty context: to load every authority's certificate takes longer than to ask.
    async with httpx.AsyncHTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as plain:
        response = await plain.handle_async_request(httpx.Request(method, url))
        body = b"".join([piece async for piece in response.aiter_raw()])
        await response.aclose()
    return response.status_code, response.headers.raw, body


async def until_none_is_open(transport: Transport) -> None:
    """Wait until the transport has noticed that its connections are gone."""
    async with asyncio.timeout(PATIENCE_S):
        while " 0 open, 0 idle, 0 connecting" not in repr(transport):  # noqa: ASYNC110  # a repr has no event
            await asyncio.sleep(0.001)


def free_port() -> int:
    """A port that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
