"""The whole catalogue of odd answers, through the real transport over real sockets, and beside plain httpx."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import uvloop

from pytest_syncload.load.connection import Failure
from pytest_syncload.load.transport import Answer, Transport
from tests.load.broken_answers import BROKEN
from tests.load.odd_answers import WHOLE, Case
from tests.load.scripted import (
    OK,
    PATIENCE_S,
    SHORT_S,
    Asked,
    End,
    Scripted,
    plain_httpx_reads,
    until_none_is_open,
)

CASES = WHOLE + BROKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of an odd answer, and of the plain one that was asked for next; ``same``: over one connection."""

    odd: list[Answer]
    plain: list[Answer]
    same: bool
    requests: int


async def ask_twice(server: Scripted, case: Case) -> Seen:
    """Ask for the odd answer and then for a plain one; give both, once nothing more can come."""
    server.will_answer(case.steps, (OK,))
    asked_before = len(server.served_by)
    transport = Transport(server.url)
    odd = Asked(transport, head=case.head, timeout_s=SHORT_S if case.failure is Failure.TIMEOUT else PATIENCE_S)
    await odd.answer()
    if isinstance(case.steps[-1], End):
        await until_none_is_open(transport)  # that it ends is known to the server alone until then
    plain = Asked(transport)
    await plain.answer()
    await transport.aclose()
    first, *rest = server.served_by[asked_before:]
    return Seen(odd=odd.answers, plain=plain.answers, same=first in rest, requests=1 + len(rest))


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    # The loop of the generators; `test_any_answer` and `test_connection` have asyncio's own.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner


@pytest.fixture(scope="module")
def server(loop: asyncio.Runner) -> Iterator[Scripted]:
    scripted = Scripted()
    loop.run(scripted.__aenter__())
    yield scripted
    loop.run(scripted.__aexit__())


def test_the_catalogue_is_as_large_as_it_should_be_and_names_nothing_twice() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 150


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_odd_answer_is_one_answer_or_one_error_and_spoils_no_other(
    case: Case, loop: asyncio.Runner, server: Scripted
) -> None:
    seen = loop.run(ask_twice(server, case))
    (odd,) = seen.odd
    assert (odd.failure, odd.status, odd.body) == (case.failure, case.status, case.body), odd
    assert case.detail in odd.detail
    assert odd.sent_at is not None
    assert odd.sent_at <= odd.done_at
    (plain,) = seen.plain
    assert (plain.failure, plain.status, plain.body) == (None, 200, b"ok"), plain
    assert seen.same == case.kept
    assert seen.requests == 2, "nothing may be sent twice"


@pytest.mark.parametrize("case", [case for case in WHOLE if case.as_httpx], ids=str)
def test_plain_httpx_reads_the_same_from_the_same_bytes(case: Case, loop: asyncio.Runner, server: Scripted) -> None:
    async def scenario() -> None:
        server.will_answer(case.steps, case.steps)
        transport = Transport(server.url)
        ours = await Asked(transport, head=case.head).answer()
        await transport.aclose()
        theirs = await plain_httpx_reads(server.url, "HEAD" if case.head else "GET")
        assert (ours.status, ours.headers, ours.body) == theirs

    loop.run(scenario())
