"""AWS at home: a real environment's way to the sandbox's doubles, with nothing of boto3 or the plugin redirected.

boto3 asks the addresses that AWS documents, over TLS, through a proxy that HTTPS_PROXY names; the proxy answers in
AWS's place with a certificate of an authority that AWS_CA_BUNDLE names. So a real environment is looked at as it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tests.load.authority import Authority

#: Whoever is asked for by these names is the sandbox.
_AWS = ".amazonaws.com"
_CHUNK = 64 * 1024


class Proxy:
    """A proxy for CONNECT. ``asked`` are the hosts that somebody wanted, in order."""

    def __init__(self, endpoint: str, context: ssl.SSLContext) -> None:
        address = urlsplit(endpoint)
        self.asked: list[str] = []
        self._to = (address.hostname, address.port)
        self._context = context
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        """Answer nobody any more."""
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _shut(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, *_ = head.decode("latin-1").split(" ")
            host = target.partition(":")[0]
            self.asked.append(host)
            if method != "CONNECT" or not host.endswith(_AWS):
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await writer.drain()
                await writer.start_tls(self._context)
                there_reader, there = await asyncio.open_connection(*self._to)
                try:
                    await asyncio.gather(_carry(reader, there), _carry(there_reader, writer))
                finally:
                    there.close()
        writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    writer.close()


@contextlib.contextmanager
def aws_at(endpoint: str, folder: Path) -> Iterator[tuple[Proxy, dict[str, str]]]:
    """The proxy, and the variables with which boto3 finds it."""
    authority = Authority(folder)
    proxy = Proxy(endpoint, authority.server("*.us-east-1.amazonaws.com", "*.pricing.us-east-1.amazonaws.com"))
    try:
        yield proxy, {"HTTPS_PROXY": proxy.url, "AWS_CA_BUNDLE": str(authority.bundle)}
    finally:
        proxy.close()
