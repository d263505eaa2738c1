"""The process that answers every request rightly, however its bytes come."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from typing import Any

import pytest

from pytest_syncload.sandbox.sink import RIGHT, Right, Sink

REQUEST = b"POST / HTTP/1.1\r\nHost: h\r\ncontent-length: 5\r\n\r\nhello"


class Wire(asyncio.Transport):
    """Keeps what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))


def answered(right: Right, *pieces: bytes) -> list[bytes]:
    sink, wire = Sink(right), Wire()
    sink.connection_made(wire)
    for piece in pieces:
        sink.data_received(piece)
    return wire.written


@pytest.mark.parametrize("at", range(1, len(REQUEST)))
def test_a_request_in_two_pieces_has_one_answer(at: int) -> None:
    (answer,) = answered(Right(), REQUEST[:at], REQUEST[at:])
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_two_requests_in_one_piece_have_two_answers_that_differ() -> None:
    right = Right(status=202, members={"state": "queued"}, distinct=("job_id",))
    bodies = [json.loads(answer.partition(b"\r\n\r\n")[2]) for answer in answered(right, REQUEST * 2)]
    assert [body["state"] for body in bodies] == ["queued", "queued"]
    assert bodies[0]["job_id"] != bodies[1]["job_id"]


def test_what_has_no_body_has_none() -> None:
    (answer,) = answered(Right(members={"a": 1}), b"HEAD / HTTP/1.1\r\n\r\n")
    assert answer.endswith(b"Content-Length: 8\r\n\r\n")
    assert answered(Right(status=204), REQUEST) == [b"HTTP/1.1 204 Right\r\n\r\n"]


def test_it_ends_with_its_stdin() -> None:
    async def main() -> tuple[bytes, int | None]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pytest_syncload.sandbox.sink", stdin=PIPE, stdout=PIPE
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(RIGHT.dump_json(Right(status=202)) + b"\n")
        reader, writer = await asyncio.open_connection("127.0.0.1", int(await process.stdout.readline()))
        writer.write(REQUEST)
        line = await reader.readline()
        process.stdin.close()
        code = await asyncio.wait_for(process.wait(), 60)
        writer.close()
        return line, code

    line, code = asyncio.run(main())
    assert line == b"HTTP/1.1 202 Right\r\n"
    assert code == 0
