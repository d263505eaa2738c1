"""Any valid answer, cut anywhere: hypothesis writes them, and plain httpx is the second opinion on each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_syncload.load.reading import Reading
from pytest_syncload.load.transport import Transport
from tests.load.scripted import OK, Asked, End, Scripted, Step, plain_httpx_reads, until_none_is_open

TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: Fields that say where the answer ends, or who may read on; the generator writes those itself.
FRAMING = {"content-length", "transfer-encoding", "connection", "proxy-connection", "upgrade"}

names = st.text(TOKEN, min_size=1, max_size=17).filter(lambda name: name.lower() not in FRAMING).map(str.encode)
values = st.binary(max_size=20).map(lambda text: bytes(b for b in text if b in b"\t" or 32 <= b != 127).strip(b" \t"))
padding = st.text(" \t", max_size=2).map(str.encode)
bodies = st.binary(max_size=60) | st.sampled_from([OK, b"\r\n\r\n", b"0\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Valid:
    """A valid answer as sent, and what it says. ``closes``: it ends with its connection."""

    wire: bytes
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    closes: bool
    kept: bool


@st.composite
def valid_answers(draw: st.DrawFn) -> Valid:
    """Every way of framing, with and without interim answers, fields, extensions and trailers."""
    fields = st.lists(st.tuples(names, values), max_size=5)
    interim = draw(st.lists(st.sampled_from([100, 102, 103, 199]), max_size=2))
    status = draw(st.sampled_from([200, 202, 204, 304, 404, 429, 503]))
    version = draw(st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0"]))
    body = b"" if status in (204, 304) else draw(bodies)
    headers = draw(fields)
    framing = "none" if status in (204, 304) else draw(st.sampled_from(["length", "chunked", "end"]))
    if framing == "chunked":
        version = b"HTTP/1.1"
    says = draw(st.sampled_from([None, b"close", b"keep-alive"]))
    sent = body
    if says is not None:
        headers.insert(draw(st.integers(0, len(headers))), (b"Connection", says))
    if framing == "length":
        headers.insert(draw(st.integers(0, len(headers))), (b"Content-Length", b"%d" % len(body)))
    if framing == "chunked":
        headers.insert(draw(st.integers(0, len(headers))), (b"Transfer-Encoding", b"chunked"))
        sent = b"".join(draw(chunks(body))) + draw(st.sampled_from([b"0", b"000", b"0;x=1"])) + b"\r\n"
        sent += lines(draw, draw(fields)) + b"\r\n"
    reason = draw(st.sampled_from([b"", b" ", b" OK", b" gr\xc3\xbcn"]))
    wire = b"".join(b"HTTP/1.1 %d Wait\r\n" % one + lines(draw, draw(fields)) + b"\r\n" for one in interim)
    wire += version + b" %d" % status + reason + b"\r\n" + lines(draw, headers) + b"\r\n" + sent
    kept = framing != "end" and says != b"close" and (version == b"HTTP/1.1" or says == b"keep-alive")
    return Valid(wire=wire, status=status, headers=tuple(headers), body=body, closes=framing == "end", kept=kept)


def lines(draw: st.DrawFn, fields: list[tuple[bytes, bytes]]) -> bytes:
    """The fields as they are sent, with white space around the values where it may be."""
    return b"".join(
        name + b":" + draw(padding) + value + (b"" if name == b"Transfer-Encoding" else draw(padding)) + b"\r\n"
        for name, value in fields
    )


@st.composite
def chunks(draw: st.DrawFn, body: bytes) -> list[bytes]:
    """The body, cut and framed."""
    made = []
    for piece in cut(body, draw(st.lists(st.integers(0, len(body)), max_size=4))):
        size = draw(st.sampled_from([b"%x", b"%X", b"00%x"])) % len(piece)
        made.append(size + draw(st.sampled_from([b"", b";a", b';a="b;c"'])) + b"\r\n" + piece + b"\r\n")
    return made


def cut(whole: bytes, at: list[int]) -> list[bytes]:
    """The pieces between these places, none empty."""
    ends = [0, *sorted(at), len(whole)]
    return [whole[begin:end] for begin, end in pairwise(ends) if begin < end]


@given(valid=valid_answers(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_valid_answer_cut_at_any_bytes_reads_the_same(valid: Valid, data: st.DataObject) -> None:
    reading = Reading()
    for places in (
        data.draw(st.lists(st.integers(0, len(valid.wire)), max_size=6)),
        list(range(len(valid.wire))),
        [],
    ):  # one reader for all: what one answer leaves behind must not show in the next
        if not valid.kept:
            reading = Reading()
        reading.begin(head=False)
        pieces = cut(valid.wire, places)
        over = [reading.feed(piece) for piece in pieces]
        assert not any(over[:-1]), "over before its end"
        assert over[-1] != valid.closes
        assert not valid.closes or reading.ends_with_connection
        assert (reading.fault, reading.status, b"".join(reading.pieces)) == ("", valid.status, valid.body)
        assert tuple((name, value.strip(b" \t")) for name, value in reading.fields) == valid.headers
        assert valid.closes or reading.keep == valid.kept


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def server(loop: asyncio.Runner) -> Iterator[Scripted]:
    scripted = Scripted()
    loop.run(scripted.__aenter__())
    yield scripted
    loop.run(scripted.__aexit__())


@given(valid=valid_answers(), data=st.data())
@settings(max_examples=40, deadline=None)
def test_over_sockets_any_valid_answer_is_what_plain_httpx_reads(
    loop: asyncio.Runner, server: Scripted, valid: Valid, data: st.DataObject
) -> None:
    places = data.draw(st.lists(st.integers(0, len(valid.wire)), max_size=6))
    steps: tuple[Step, ...] = (*cut(valid.wire, places), *([End.CLOSE] if valid.closes else []))

    async def scenario() -> None:
        server.will_answer(steps, (OK,), steps)
        transport = Transport(server.url)
        ours = Asked(transport)
        answer = await ours.answer()
        if valid.closes:
            await until_none_is_open(transport)
        assert (await Asked(transport).answer()).body == b"ok"
        first, second = server.served_by[-2:]
        assert (first == second) == valid.kept
        await transport.aclose()
        assert answer.failure is None
        assert (answer.status, answer.headers, answer.body) == await plain_httpx_reads(server.url)
        assert len(ours.answers) == 1

    loop.run(scenario())
