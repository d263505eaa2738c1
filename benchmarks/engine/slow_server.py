"""The servers of the accuracy table, a process on a core of its own: `slow_server PORT KIND COUNTER`.

``tail`` answers in 20 ms, every 50th time in 200 ms; ``stall`` answers at once but stands still 1 s in every 10. It
counts into the file COUNTER and prints on SIGTERM, in the form of `Told`, how long it really took for each answer.
Every 50th and not every 100th: a 99th percentile on the very edge between both would be decided by chance.
"""

from __future__ import annotations

import asyncio
import mmap
import signal
import struct
import sys
import time
from pathlib import Path
from typing import cast

import httptools
import uvloop

from benchmarks.engine.told import of_samples

USUAL_S, SLOW_S, EVERY = 0.020, 0.200, 50
STALL_FROM_S, STALL_S, STALL_EVERY_S = 4.5, 1.0, 10.0
_BODY = b'{"job_id":"%032d"}'


class Served:
    """All that the server had, over all connections."""

    def __init__(self, kind: str, counter: mmap.mmap) -> None:
        self.kind = kind
        self.count = 0
        self.took_ms: list[float] = []
        self._counter = counter

    def delay_s(self) -> float:
        """How long the next answer takes; the first request sets the clock of the stalls."""
        self.count += 1
        self._counter[:8] = struct.pack("=q", self.count)
        if self.kind == "tail":
            return USUAL_S if self.count % EVERY else SLOW_S
        if self.count == 1:
            asyncio.get_running_loop().call_later(STALL_FROM_S, self._stall)
        return 0.0

    def _stall(self) -> None:
        asyncio.get_running_loop().call_later(STALL_EVERY_S, self._stall)
        time.sleep(STALL_S)  # the whole process stands still, as in a long collection


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        # A cast: uvloop's transports have asyncio's methods without being its subclasses.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Gone."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """A piece of a request."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Httptools: a request is whole."""
        came = time.perf_counter()
        delay_s = self._served.delay_s()
        if delay_s:
            asyncio.get_running_loop().call_later(delay_s, self._answer, came)
        else:
            self._answer(came)

    def _answer(self, came: float) -> None:
        if self._transport is None:
            return
        body = _BODY % self._served.count
        self._transport.write(
            b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        self._served.took_ms.append((time.perf_counter() - came) * 1000)


async def serve(port: int, served: Served) -> None:
    """Until SIGTERM."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    server = await loop.create_server(lambda: Connection(served), "127.0.0.1", port, backlog=4096)
    await over.wait()
    server.close()


def main() -> None:
    """The process."""
    port, kind, counter = sys.argv[1:]
    with Path(counter).open("r+b") as file, mmap.mmap(file.fileno(), 8) as shared:
        served = Served(kind, shared)
        uvloop.run(serve(int(port), served))
    sys.stdout.write(of_samples(served.took_ms, [], dropped=0, failed=0).line() + "\n")


if __name__ == "__main__":
    main()
