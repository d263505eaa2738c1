"""What request.idempotency must agree with, beyond the mistakes of one place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.facts.feeder import Feeder
from pytest_syncload.facts.idempotency import Idempotency
from pytest_syncload.facts.plan import RequestTemplate
from pytest_syncload.spec.idempotency_check import of_the_request
from tests.spec.plans import problems, read_text

PLAN = """\
service: tiny
environments:
  sandbox: {{sandbox: {{}}, max_rate: {max_rate}}}
request:
  path: /
  json: {{mode: some}}
  expect: {{json: {{id: unique}}}}
  idempotency: {idempotency}
phases:
  peak:
    rate: 100/s
    hold: 1m
    slos:
      keys: {{metric: idempotency.violations, target: "== 0"{more}}}
"""
VERIFIED = "{verify: 1 %, changed: {mode: full}}"


def plan(idempotency: str = VERIFIED, max_rate: str = "1000/s", more: str = "") -> str:
    return PLAN.format(idempotency=idempotency, max_rate=max_rate, more=more)


def test_the_unique_member_names_the_job_where_nothing_else_does(tmp_path: Path) -> None:
    assert read_text(tmp_path, plan()).request.idempotency == Idempotency(
        verify_percent=1.0, job_id="id", changed={"mode": "full"}
    )


def test_a_unique_member_further_inside_names_the_job_too(tmp_path: Path) -> None:
    nested = plan().replace("{id: unique}", "{job: {id: unique, state: any}}")
    assert read_text(tmp_path, nested).request.idempotency.job_id == "job/id"


def test_a_row_without_checks_is_told_at_its_own_line(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, plan("{}"))
    assert problem.startswith("14: phases.peak.slos.keys.metric: idempotency.violations is judged here and checked now")


def test_checks_are_load_too_and_stay_below_the_limit(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, plan(max_rate="101/s"))
    assert "11: phases.peak.rate: 100/s and 1.67/s of checks beside them are more than" in problem
    assert "(max_rate 101/s)" in problem
    assert read_text(tmp_path, plan(max_rate="102/s")).request.idempotency.verify_percent == 1.0


@pytest.mark.parametrize("more", [", min_samples: 5", ", sustained: 1m", ", statistic: Sum"])
def test_what_is_counted_has_neither_samples_nor_minutes_nor_a_statistic(tmp_path: Path, more: str) -> None:
    assert len(problems(tmp_path, plan(more=more))) == 1


def test_a_mistake_in_the_only_row_is_not_told_as_a_missing_row_too(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, plan(more=", sustaind: 1m"))
    assert "unknown key 'sustaind'" in problem


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"json": None}, "request.json has none"),
        ({"json": ["mode"]}, "request.json has none"),
        ({"headers": (("idempotency-key", "1"),)}, "Idempotency-Key is set by syncload"),
        ({"idempotency": Idempotency(verify_percent=1.0, job_id="id")}, "add changed"),
        ({"idempotency": Idempotency(verify_percent=1.0, changed={"mode": "full"})}, "add job_id"),
    ],
)
def test_a_request_that_python_made_is_held_to_the_same(changes: dict[str, Any], what: str) -> None:
    sound = RequestTemplate(
        json={"mode": "some"},
        idempotency=Idempotency(verify_percent=1.0, job_id="id", changed={"mode": "full"}),
    )
    assert list(of_the_request(sound)) == []
    assert [what in said for _, said in of_the_request(replace(sound, **changes))] == [True]


ROWS = Feeder(name="rows", rows=({"mode": "some", "in": "a"}, {"mode": "full", "in": "b"}))


@pytest.mark.parametrize(
    ("json", "changed", "feeder", "is_told"),
    [
        ({"mode": "{{rows.mode}}"}, {"mode": "full"}, ROWS, True),
        ({"mode": "{{rows.mode}}"}, {"mode": "other"}, ROWS, False),
        ({"mode": {"in": ["for {{rows.in}}", 1]}}, {"mode": {"in": ["for b", 1]}}, ROWS, True),
        ({"mode": "{{rows.mode}}", "way": 1}, {"mode": "full", "way": 1}, ROWS, True),
        ({"mode": "{{rows.mode}}", "way": 1}, {"mode": "full", "way": 2}, ROWS, False),
        ({"mode": "{{rows.mode}}"}, {"mode": "full", "more": True}, ROWS, False),
        ({"mode": "{{rows}}"}, {"mode": "full"}, Feeder(name="rows", function="ours:mode"), False),
    ],
)
def test_a_payload_that_arrivals_may_draw_is_no_other(
    json: Any, changed: dict[str, Any], feeder: Feeder, is_told: bool
) -> None:
    key = Idempotency(verify_percent=1.0, job_id="id", changed=changed)
    told = [what for _, what in of_the_request(RequestTemplate(json=json, feeders=(feeder,), idempotency=key))]
    assert ["some arrivals draw just this" in what for what in told] == [True] * is_told
