"""The cases differ in what the client does, and in nothing that the server or the network would notice."""

from __future__ import annotations

import pytest

from benchmarks.engine.by_engine import Users
from benchmarks.templates import ALL, CASES, ENGINE, cost, table
from pytest_syncload.facts.result import Outcome
from pytest_syncload.load.connection import Answer
from pytest_syncload.load.outcome import expectation
from pytest_syncload.load.wire import RequestWriter


@pytest.mark.parametrize("case", CASES)
def test_all_put_as_many_bytes_on_the_wire_and_take_the_server_s_answer(case: str) -> None:
    engine = RequestWriter(CASES[ENGINE][0], "http://127.0.0.1:8000")
    template, count = CASES[case]
    writer, users = RequestWriter(template, "http://127.0.0.1:8000"), Users(count)
    for arrival in (0, 1, 77, 123_456):
        wire = writer.wire(users.for_arrival(arrival), "bench-1", arrival)
        assert len(wire) == len(engine.wire(users.for_arrival(arrival), "bench-1", arrival))
    fields = [(b"Server", b"nginx"), (b"Date", b"now"), (b"Content-Type", b"application/json")]
    answer = Answer(sent_at=0.0, done_at=1.0, status=202, fields=fields, body=b'{"job_id":"1"}')
    assert expectation(template)(answer) is Outcome.OK


def test_a_cost_is_of_one_round_s_two_slices() -> None:
    figures = {case: [10.0, 20.0, 30.0] for case in CASES}
    figures[ALL] = [11.0, 24.0, 30.0]
    assert cost(figures, ALL) == pytest.approx(10.0)
    assert table(figures)[-1] == f"| {ALL} | 24.0 | +10.0 % |"
