"""What k6 cannot do of a plan is told with its line, all at once, and only where k6 offers the load."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_syncload.facts.plan import Engine
from tests.spec.plans import problems, read_text

PLAN = """\
service: tiny
load: {load}
request:
  path: /
  json: {{mode: some}}
  expect: {{json: {{id: unique{expect}}}}}
{more}
phases:
  peak:
    rate: 100/s
    hold: 1m
    slos: {{latency: {{metric: apigateway.latency, target: "< 1 s"}}}}
{phases}
"""
CLIMB = """\
  up:
    climb: {from: 10/s, step: 10 %, every: 1m, until: "failed > 1 %", at_most: 20/s}
    slos: {point: {metric: load.breaking_point, target: "> 10/s"}}
"""


def plan(load: str = "{engine: k6}", expect: str = "", more: str = "", phases: str = "") -> str:
    return PLAN.format(load=load, expect=expect, more=more, phases=phases)


def test_a_plan_that_k6_can_offer(tmp_path: Path) -> None:
    read = read_text(tmp_path, plan("{engine: k6, vus: 700, timeout: 2s}")).load
    assert (read.engine, read.vus, read.timeout_s) == (Engine.K6, 700, 2.0)
    read = read_text(tmp_path, plan("{}")).load
    assert (read.engine, read.vus) == (Engine.BUILT_IN, 0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (plan("{engine: k6, arrivals: poisson}"), "2: load.arrivals: k6 spaces arrivals evenly; leave poisson out, or"),
        (plan("{engine: k6, transport: httpx}"), "2: load.transport: k6 carries requests by its own stack"),
        (plan("{engine: k6, generators: 2}"), "2: load.generators: k6 is one process, of as many cores as there are"),
        (plan("{engine: k7}"), "2: load.engine: 'k7' is not known here; known: built-in, k6"),
        (plan("{vus: 7}"), "2: load.vus: virtual users are k6's; leave vus out, or say engine: k6"),
        (plan(phases=CLIMB), "14: phases.up.climb: k6 is told its rates before it starts"),
        (
            plan(more="  feeders: {made: {function: 'values:row'}}"),
            "7: request.feeders.made.function: this is a Python function, and k6 runs none; write its rows to a file",
        ),
        (
            plan(expect=", big: [{n: 9007199254740992}, -9007199254740991, true, 1.5, x]"),
            "6: request.expect.json.big[0].n: k6's JavaScript does not tell 9007199254740992 from the numbers",
        ),
    ],
)  # fmt: skip
def test_what_k6_cannot_do(text: str, says: str, tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, text)
    assert says in problem


def test_it_checks_no_idempotency_keys(tmp_path: Path) -> None:
    text = plan(more="  idempotency: {verify: 1 %, changed: {mode: full}}").replace(
        "slos: {latency", 'slos: {keys: {metric: idempotency.violations, target: "== 0"}, latency'
    )
    (problem,) = problems(tmp_path, text)
    assert (
        "7: request.idempotency.verify: k6 sends no request beside its arrivals, so nothing would be checked" in problem
    )
    assert read_text(tmp_path, text.replace("engine: k6", "engine: built-in")).load.engine is Engine.BUILT_IN


def test_all_of_it_at_once(tmp_path: Path) -> None:
    assert len(problems(tmp_path, plan("{engine: k6, arrivals: poisson, generators: 3}", phases=CLIMB))) == 3
