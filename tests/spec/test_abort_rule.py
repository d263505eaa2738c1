"""`abort:` as it is read: one rule or several, on the client's view and on presets, each with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_syncload.facts.errors import SpecError
from pytest_syncload.facts.plan import Abort, Alarm, Slo, Target
from pytest_syncload.facts.units import Kind
from tests.spec.plans import read_text

PLAN = """\
service: tiny
request: {path: /}
phases:
  peak:
    rate: 10/s
    ramp: 2m
    hold: 1m
    abort:
      - "ecs.cpu Maximum > 95 % for 3m"
      - "failed>20 % for 10s"
      - "apigateway.latency p99>2 s for 1m"
    slos: {latency: {metric: apigateway.latency, target: "< 500 ms"}}
"""
LIMIT = Target(op="<=", value=2000.0, kind=Kind.TIME, text="<= 2 s")


def test_several_rules_are_told_apart_and_know_their_lines(tmp_path: Path) -> None:
    phase = read_text(tmp_path, PLAN).phase("peak")
    assert phase.abort == Abort(failed_percent=20.0, for_s=10, text="failed>20 % for 10s")
    cpu, latency = phase.alarms
    assert (cpu.row.metric, cpu.row.statistic, cpu.row.line, cpu.minutes) == ("ecs.cpu", "Maximum", 9, 3)
    assert latency == Alarm(
        row=Slo(name="abort", phase="peak", target=LIMIT, line=11, metric="apigateway.latency", statistic="p99"),
        minutes=1,
        text="apigateway.latency p99>2 s for 1m",
    )
    assert [row.name for row in phase.looked_at] == ["latency", "abort", "abort"]


def test_one_rule_needs_no_list(tmp_path: Path) -> None:
    rule = "abort: 'dynamodb.throttles > 0 for 1m'"
    text = PLAN[: PLAN.index("abort:")] + rule + PLAN[PLAN.index("\n    slos") :]
    phase = read_text(tmp_path, text).phase("peak")
    assert phase.abort is None
    assert [alarm.text for alarm in phase.alarms] == ["dynamodb.throttles > 0 for 1m"]


def test_no_variable_s_value_is_in_a_message(tmp_path: Path) -> None:
    for text in (PLAN.replace("ecs.cpu Maximum", "${RULE}"), PLAN.replace('"failed>20 % for 10s"', "${RULE}")):
        with pytest.raises(SpecError) as error:
            read_text(tmp_path, text, environ={"RULE": "hunter2"})
        assert "hunter2" not in str(error.value)
        assert "abort" in str(error.value)


def test_a_rule_that_watches_for_longer_than_the_load_lasts_never_trips(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="watches for 4m, and the load lasts 3m, so it never trips; watch for less"):
        read_text(tmp_path, PLAN.replace("for 3m", "for 4m"))
