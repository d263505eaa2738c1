"""A process that answers every request at once and rightly: what a generator is calibrated against.

`python -m pytest_syncload.sandbox.sink` reads which answer from a line of JSON on stdin, prints its port, and ends with
stdin. It does no work and proves nothing about a target.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import TypeAdapter

from pytest_syncload.facts.member import put

_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)")
#: Statuses that have no body (RFC 9110, section 6.4.1).
_BODILESS = (204, 304)


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """The right answer: its status, headers, members, and those of them (see `member`) that are others each time."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    members: dict[str, Any] = field(default_factory=dict)
    distinct: tuple[str, ...] = ()


RIGHT = TypeAdapter(Right)


class Sink(asyncio.Protocol):
    """One connection. Requests may come in pieces, and one behind another."""

    answered = 0

    def __init__(self, right: Right) -> None:
        self._right = right
        # Headers know no case; the length is the sink's own to say.
        headers = {"content-type": "application/json"} if right.status not in _BODILESS else {}
        headers |= {name.lower(): value for name, value in right.headers.items() if name.lower() != "content-length"}
        self._lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember whom to answer."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        pending = self._pending + data
        while (end := pending.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(pending, 0, end + 2)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(pending) < whole:
                break
            head = pending.startswith(b"HEAD ")
            pending = pending[whole:]
            self._transport.write(self._answer(head=head))
        self._pending = pending

    def _answer(self, *, head: bool) -> bytes:
        Sink.answered += 1
        right = self._right
        if right.status in _BODILESS:
            return b"HTTP/1.1 %d Right\r\n%b\r\n" % (right.status, self._lines)
        for member in right.distinct:
            put(right.members, member, f"{Sink.answered:032d}")
        body = json.dumps(right.members).encode()
        lines = b"HTTP/1.1 %d Right\r\n%bContent-Length: %d\r\n\r\n"
        return lines % (right.status, self._lines, len(body)) + (b"" if head else body)


async def serve(right: Right) -> None:
    """Answer on a port of the system's choice until stdin ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(right), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    # In a thread: stdin may be a pipe or not, and both end.
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    """The process."""
    right = RIGHT.validate_json(sys.stdin.readline())
    try:
        import uvloop  # noqa: PLC0415  # not on every platform
    except ImportError:
        asyncio.run(serve(right))
    else:
        uvloop.run(serve(right))


if __name__ == "__main__":
    main()
