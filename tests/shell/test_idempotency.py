"""The row on the Idempotency-Key, judged from real load on the sandbox: a broken rule turns it red."""

from __future__ import annotations

import json

import pytest

from pytest_syncload.facts.idempotency import MEANING, KeyRule
from tests.shell.conftest import Project, outcomes

pytestmark = pytest.mark.usefixtures("unmeasured")

#: A check of each rule at least six times, at a rate that any machine offers.
PLAN = """\
service: syncwell
environments:
  sandbox:
    sandbox: {{speed: 60, faults: {faults}}}
load: {{timeout: 2s}}
request:
  method: POST
  path: /v1/sync-jobs
  json: {{source: drive, destination: vault, mode: incremental}}
  expect: {{status: 202, json: {{job_id: unique}}}}
  idempotency: {idempotency}
phases:
  peak:
    rate: 200/s
    hold: 2m
    slos:
      errors: {{metric: apigateway.5xx, target: "< 1 %", min_samples: 100}}
      keys: {{metric: idempotency.violations, target: "== 0"}}
"""
VERIFIED = "{verify: 10 %, changed: {mode: full}}"
LOAD, ERRORS, KEYS = (f"slo.yaml::peak::{name}" for name in ("load", "errors", "keys"))


def run(project: Project, faults: str = "{}", idempotency: str = VERIFIED) -> pytest.RunResult:
    (project.pytester.path / "slo.yaml").write_text(PLAN.format(faults=faults, idempotency=idempotency), "utf-8")
    return project.run("-m", "peak", "-rA")


def test_a_store_that_keeps_its_promises_is_green(project: Project) -> None:
    result = run(project, idempotency="{verify: 10 %, changed: {mode: full}, key: sf-string}")
    assert outcomes(result) == dict.fromkeys((LOAD, ERRORS, KEYS), "PASSED")
    # Kept apart: the load's own figures are those of its arrivals.
    (measured,) = [json.loads(path.read_text("utf-8")) for path in project.run_folder.glob("peak.result.json")]
    assert measured["result"]["hold"]["outcomes"] == {"ok": 400}
    assert measured["result"]["wire_requests"] > 440
    assert [count["rule"] for count in measured["result"]["idempotency"]] == list(KeyRule)
    assert all(count["finished"] >= 5 for count in measured["result"]["idempotency"])


def test_a_broken_rule_turns_exactly_its_row_red_and_is_named_with_a_key_also_when_judged_again(
    project: Project,
) -> None:
    """One of them: `tests/load/test_idempotency.py` has the sandbox break each."""
    result = run(project, "{idempotency: payload}")
    assert outcomes(result) == {LOAD: "PASSED", ERRORS: "PASSED", KEYS: "FAILED"}
    key = f"{project.run_folder.name}-peak-"
    meaning = MEANING[KeyRule.PAYLOAD]
    result.stdout.fnmatch_lines([f"*payload ({meaning}) is broken in * checks; with key {key}*"])
    broken = [line for line in result.outlines if " is broken in " in line]
    assert {other for other in KeyRule if any(f"{other} ({MEANING[other]})" in line for line in broken)} == {"payload"}
    again = project.run("-m", "peak", "-rA", "--syncload-run", "last")
    assert outcomes(again) == {LOAD: "PASSED", ERRORS: "PASSED", KEYS: "FAILED"}
    again.stdout.fnmatch_lines(["*payload (*) is broken in *", "*was: breach*"])


def test_checks_that_meet_failures_prove_nothing_and_break_nothing(project: Project) -> None:
    """What a third of all requests is answered with is no answer about a key."""
    result = run(project, "{errors: 33 %}")
    assert outcomes(result) == {LOAD: "PASSED", ERRORS: "FAILED", KEYS: "ERROR"}
    result.stdout.re_match_lines([".*checks of .* did not finish; .*(was answered 500|ended as 5xx)"])


def test_too_few_arrivals_are_told_before_load(project: Project) -> None:
    result = run(project, idempotency="{verify: 2 %, changed: {mode: full}}")
    assert outcomes(result) == dict.fromkeys((LOAD, ERRORS, KEYS), "ERROR")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert project.sent().get("peak") is None
    result.stdout.fnmatch_lines(
        ["*FAILED*keys of peak*2 % of the arrivals of peak are some 7 checks, and 6 rules of 3 each need 18*"]
    )


def test_a_row_that_nothing_is_checked_for_is_told_before_collection(project: Project) -> None:
    result = run(project, idempotency="{}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*slo.yaml:18: phases.peak.slos.keys.metric: *is judged here and checked nowhere*"])
