"""Random mutation of valid answers, through the real transport over loopback, for as long as it is told.

    python benchmarks/mutation.py --minutes 10

Each case asks for a mutated answer, cut at random and ended at random, and then for a plain one on the same transport.
It must end in one answer or one error before its deadline, the plain one must be right, and a connection may carry both
only where h11, which is not ours, reads the mutated bytes as exactly one whole answer. Prints the seed and what became
of the cases; exit status 1, with the case's number and bytes, at the first that broke a rule. `--case N` repeats one.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import secrets
import socket
import struct
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import cast

import h11

from pytest_syncload.load.transport import Answer, Failure, Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nA: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
VALID = (
    OK,
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n" + b'{"job_id": "abc"}',
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nA: 1\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\nuntil the end",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.0 200 OK\r\n\r\nok",
    CHUNKED + b"2\r\nok\r\n0\r\n\r\n",
    CHUNKED + b'5;a=b;c="d"\r\nhello\r\n000\r\nX-Sum: 1\r\n\r\n',
    CHUNKED + b"1\r\nx\r\n" * 20 + b"0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + CHUNKED + b"2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nA: 1\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n",
    b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
)
PIECES = (
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\0", b" ", b"\t", b":", b",", b";", b"0", b"-", b"+", b"\x7f", b"\xff"),
    *(b"Content-Length: 2\r\n", b"Content-Length: 3\r\n", b"Content-Length:\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Transfer-Encoding: gzip\r\n", b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Upgrade: h2c\r\n"),
    *(
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 Up\r\n\r\n",
        b"0\r\n\r\n",
        b"1\r\nx\r\n",
        b"ffffffffffffffff\r\n",
    ),
    *(b"HTTP/1.1 ", b"HTTP/1.0 ", b"HTTP/2.0 ", b"HTTP/0.9 ", b"close", b"chunked", b" x\r\n", b"A" * 300),
)
ENDS = ("close", "close", "close", "reset", "half close", "hold", "hold")
#: RFC 9112, section 4: a client should ignore the reason, as ours does; h11 refuses controls in it.
_REASON = re.compile(rb"(?<=HTTP/1\.[01] \d\d\d )[^\r\n]*(?=\r\n)")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
TIMEOUT_S = 0.15
DEADLINE_S = 10.0
AT_ONCE = 16


@dataclass(slots=True)
class Case:
    """One mutated answer: its bytes as they are sent, in pieces, and what the server does then."""

    number: int
    pieces: list[bytes]
    end: str
    played: asyncio.Event = field(default_factory=asyncio.Event)
    connections: list[int] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    @property
    def wire(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces)


def made(seed: str, number: int) -> Case:
    """Case ``number`` of this seed, always the same."""
    draw = random.Random(f"{seed}:{number}")
    wire = bytearray(draw.choice(VALID))
    for _ in range(draw.choice((0, 1, 1, 1, 2, 2, 3, 5))):
        mutate(draw, wire)
    cuts = sorted(draw.randrange(len(wire) + 1) for _ in range(draw.choice((0, 0, 1, 2, 5))))
    ends = [0, *cuts, len(wire)]
    pieces = [bytes(wire[a:b]) for a, b in pairwise(ends) if a < b]
    return Case(number, pieces, draw.choice(ENDS))


def mutate(draw: random.Random, wire: bytearray) -> None:
    """Change it somewhere."""
    at = draw.randrange(len(wire) + 1)
    to = min(len(wire), at + draw.choice((1, 1, 2, 4, 20)))
    match draw.randrange(8):
        case 0:
            wire[at:to] = bytes(draw.randrange(256) for _ in range(to - at))
        case 1:
            del wire[at:to]
        case 2:
            wire[at:at] = wire[at:to]
        case 3:
            del wire[at:]
        case 4:
            wire[at:at] = draw.choice(VALID)[draw.randrange(20) :]
        case 5:
            wire[at:to] = wire[at:to].swapcase()
        case _:
            wire[at:at] = draw.choice(PIECES)


class Server(asyncio.Protocol):
    """Plays the case that the request's path names, or the plain answer."""

    opened = 0

    def __init__(self, cases: dict[int, Case]) -> None:
        self._cases = cases
        Server.opened += 1
        self._number = Server.opened
        self._playing: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclasses

    def data_received(self, data: bytes) -> None:
        """A request; they are small and come whole."""
        _, what, number, _ = data.split(b"/", 3)
        case = self._cases[int(number)]
        case.connections.append(self._number)
        if what == b"plain":
            self._transport.write(OK)
        else:
            self._playing = asyncio.get_running_loop().create_task(self._play(case))

    def eof_received(self) -> bool:
        """The client goes."""
        return False

    async def _play(self, case: Case) -> None:
        for piece in case.pieces:
            if self._transport.is_closing():
                break  # the client has gone
            self._transport.write(piece)
            for _ in range(3):
                await asyncio.sleep(0)  # loopback has delivered it by then, so each is read alone
        if not self._transport.is_closing():
            self._end(case.end)
        case.played.set()

    def _end(self, how: str) -> None:
        if how == "close":
            self._transport.close()
        elif how == "half close":
            self._transport.write_eof()
        elif how == "reset":
            linger = struct.pack("ii", 1, 0)
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()


async def run(case: Case, cases: dict[int, Case], url: str) -> str:
    """Ask for it and then for a plain one; what became of it. Raises AssertionError where a rule was broken."""
    cases[case.number] = case
    transport = Transport(url)
    try:
        async with asyncio.timeout(DEADLINE_S):
            answer = await ask(transport, case, b"odd")
            if answer.failure is not Failure.TIMEOUT:  # on a stalled machine the server may not even have been asked
                await case.played.wait()
            while case.end != "hold" and " 0 open" not in repr(transport):  # noqa: ASYNC110  # a repr has no event
                await asyncio.sleep(0.001)  # that it ends is known to the server alone until then
            for _ in range(5):
                await asyncio.sleep(0)
            plain = await ask(transport, case, b"plain")
            await asyncio.sleep(0)
    except TimeoutError:
        raise AssertionError(f"a hang: {transport!r} after {DEADLINE_S:.0f} s") from None
    finally:
        await transport.aclose()
        del cases[case.number]
    assert len(case.answers) == 2, f"on_answer was called {len(case.answers)} times for two requests"
    assert (plain.failure, plain.status, plain.body) == (None, 200, b"ok"), f"the next answer was spoiled: {plain!r}"
    if answer.failure is Failure.TIMEOUT:
        assert len(set(case.connections)) == len(case.connections), "its connection was used again after a timeout"
        return "timeout"
    assert len(case.connections) == 2, f"{len(case.connections)} requests were sent for two"
    ended = case.end in ("close", "half close")
    judged = h11_reads(case.wire, ended=ended)
    if isinstance(judged, str) and "status line" in judged:
        judged = h11_reads(_REASON.sub(lambda reason: _CONTROL.sub(b"x", reason[0]), case.wire), ended=ended)
    if case.connections[0] == case.connections[1]:
        assert answer.failure is None, f"its connection was used again after {answer!r}"
        assert isinstance(judged, tuple), f"its connection was used again, and h11 says: {judged}"
        assert not judged[3], f"its connection was used again with {judged[3]!r} behind the answer"
    if answer.failure is not None:
        return answer.failure.value
    if isinstance(judged, str):
        return f"whole, where h11 says: {judged[:60]}"
    headers = [(name, value.lower() if len(name) == 17 else value) for name, value in answer.headers]
    assert (answer.status, headers, answer.body) == judged[:3], f"{answer!r} where h11 reads {judged}"
    return "whole"


async def ask(transport: Transport, case: Case, what: bytes) -> Answer:
    """One request, counted."""
    answered = asyncio.Event()

    def on_answer(answer: Answer) -> None:
        case.answers.append(answer)
        answered.set()

    wire = b"GET /%s/%d/ HTTP/1.1\r\nHost: x\r\n\r\n" % (what, case.number)
    transport.start(wire, on_answer, timeout_s=TIMEOUT_S if case.end == "hold" and what == b"odd" else DEADLINE_S)
    await answered.wait()
    return case.answers[-1]


def h11_reads(wire: bytes, *, ended: bool) -> tuple[int, list[tuple[bytes, bytes]], bytes, bytes] | str:
    """Status, headers, body and what is behind, or why it is no answer."""
    peer = h11.Connection(h11.CLIENT)
    peer.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    peer.send(h11.EndOfMessage())
    status, headers, body = 0, [], b""
    try:
        peer.receive_data(wire)
        if ended:
            peer.receive_data(b"")
        while True:
            event = peer.next_event()
            match event:
                case h11.Response():
                    # It gives the coding, whose name has 17 letters, in small ones.
                    status, headers = event.status_code, event.headers.raw_items()
                    headers = [(name, value.lower() if len(name) == 17 else value) for name, value in headers]
                case h11.Data():
                    body += bytes(event.data)
                case h11.EndOfMessage():
                    return status, headers, body, peer.trailing_data[0]
                case h11.NEED_DATA | h11.PAUSED | h11.ConnectionClosed():
                    return "not whole"
    except h11.RemoteProtocolError as error:
        return str(error)


async def main(seed: str, until: float, only: int | None) -> int:
    """Run cases until then; the exit status."""
    cases: dict[int, Case] = {}
    server = await asyncio.get_running_loop().create_server(lambda: Server(cases), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    became: Counter[str] = Counter()
    broken: list[str] = []
    numbers = iter(range(sys.maxsize)) if only is None else iter([only])

    async def work() -> None:
        for number in numbers:
            if time.monotonic() > until or broken:
                return
            case = made(seed, number)
            try:
                became[await run(case, cases, url)] += 1
            except AssertionError as error:
                broken.append(f"case {number} of seed {seed}: {error}\n  {case.end} after {case.pieces}")

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    server.close()
    for what, count in became.most_common():
        sys.stdout.write(f"{count:9} {what}\n")
    sys.stdout.write(f"{became.total():9} cases of seed {seed}, {len(broken)} broke a rule\n")
    sys.stdout.writelines(f"{one}\n" for one in broken)
    return 1 if broken else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="random mutation of valid answers")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", default=secrets.token_hex(4))
    parser.add_argument("--case", type=int, help="repeat one case of --seed")
    parser.add_argument("--plain-loop", action="store_true", help="asyncio's own loop, not uvloop")
    options = parser.parse_args()
    sys.stdout.write(f"seed {options.seed}\n")
    sys.stdout.flush()
    if options.plain_loop:
        runner = asyncio.run
    else:
        import uvloop  # the loop of the generators

        runner = uvloop.run
    sys.exit(runner(main(options.seed, time.monotonic() + 60 * options.minutes, options.case)))
