"""A phase by k6, as a user has it: the same slo.yaml, rows, report and run folder; by a stand-in, and by a real k6."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.k6.standin import install
from tests.shell.conftest import Project, outcomes

PLAN = """\
service: syncwell
load: {{engine: {engine}, timeout: 2s{more}}}
request:
  path: /v1/sync-jobs
  headers: {{X-Api-Key: "key-of-the-plan"}}
  json: {{source: drive, destination: vault}}
  expect: {{status: 202, json: {{job_id: unique}}}}
environments:
  sandbox: {{sandbox: {{speed: 60{faults}}}}}
phases:
  peak:
    rate: {rate}/s
    ramp: 1m
    hold: 3m
    slos:
      api-latency-p95: {{metric: apigateway.latency, statistic: p95, target: "< 500 ms", min_samples: 20}}
      api-5xx-rate: {{metric: apigateway.5xx, target: "< 1 %", min_samples: 20}}
      dynamodb-throttles: {{metric: dynamodb.throttles, target: "== 0"}}
"""
ROWS = ("load", "api-latency-p95", "api-5xx-rate", "dynamodb-throttles")


#: More than can be open before the timeout, so that no stall of this machine drops an iteration.
PLENTY = ", vus: 600"


def write(project: Project, engine: str = "k6", faults: str = "", rate: int = 150, more: str = "") -> None:
    plan = PLAN.format(engine=engine, faults=faults, rate=rate, more=more)
    (project.pytester.path / "slo.yaml").write_text(plan, "utf-8")


@pytest.fixture
def k6(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A stand-in on PATH."""
    write(project, more=PLENTY)
    monkeypatch.setenv("PATH", install(tmp_path / "bin"))
    return tmp_path / "bin"


def measured(project: Project) -> Any:
    summary = json.loads((project.run_folder / "summary.json").read_text("utf-8"))
    return summary["phases"][0]["measured"]


def test_every_row_is_judged_and_what_k6_cannot_say_is_said(project: Project, k6: Path) -> None:
    result = project.run("-m", "peak", "-rA", "-v")
    text = result.stdout.str()
    assert result.ret == pytest.ExitCode.OK, text
    assert outcomes(result) == {f"slo.yaml::peak::{row}": "PASSED" for row in ROWS}
    assert re.search("^not looked at: .* · latency, lag, in flight of the load, which k6 does not say$", text, re.M)
    assert "peak: offering 150/s for 4s from k6 v2.2.0, hold" in text
    assert re.search(r"4\d\d ok · service time p95 [\d.]+ ms · latency, lag not measured", text)
    seen = measured(project)
    assert set(seen["not_measured"]) == {"latency", "lag", "in_flight"}
    assert (seen["latency"]["samples"], seen["latency"]["p95_ms"]) == (0, None)
    assert seen["service_time"]["samples"] == seen["arrivals"] == pytest.approx(450, abs=3)
    assert seen["generators"][0]["engine"] == "k6 v2.2.0"
    assert "requests in flight" in (project.run_folder / "report.html").read_text("utf-8")
    timeline = (project.run_folder / "peak.timeline.jsonl").read_text("utf-8").splitlines()
    assert len(timeline) >= 3
    assert {json.loads(line)["in_flight"] for line in timeline} == {None}
    # Its script and its users' tokens are nowhere.
    for file in project.run_folder.rglob("*"):
        if file.is_file() and file.name != "sandbox.log":
            said = file.read_text("utf-8", "replace")
            assert not re.search(r"eyJ[\w-]{20,}|key-of-the-plan", said), file
    assert "as a person reads it" in (project.run_folder / "peak.k6.log").read_text("utf-8")
    # And it can be judged again, without load and without k6.
    shutil.rmtree(k6)
    again = project.run("-m", "peak", "--syncload-run", "last", "-rA")
    assert outcomes(again) == {f"slo.yaml::peak::{row}": "PASSED" for row in ROWS}, again.stdout.str()


def test_a_slow_target_runs_k6_out_of_users_and_nothing_is_green(project: Project, k6: Path) -> None:
    write(project, faults=', faults: {latency: "1500 ms"}', rate=60)
    result = project.run("-m", "peak", "-rA")
    assert set(outcomes(result).values()) == {"ERROR"}
    assert "iterations of the hold, as all of its 61 virtual users were busy" in result.stdout.str()


def test_its_abort_rule_stops_k6(project: Project, k6: Path) -> None:
    write(project, faults=", faults: {errors: 99 %}", rate=60)
    plan = project.pytester.path / "slo.yaml"
    plan.write_text(
        plan.read_text("utf-8").replace("hold: 3m", 'hold: 30m\n    abort: "failed > 50 % for 2s"'), "utf-8"
    )
    result = project.run("-m", "peak", "-rA")
    assert outcomes(result)["slo.yaml::peak::load"] == "FAILED", "the target's doing"
    assert "the abort rule 'failed > 50 % for 2s' tripped" in result.stdout.str()
    assert measured(project)["arrivals"] < 300


def test_without_k6_nothing_is_offered(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write(project)
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    result = project.run("--syncload-check")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "there is no k6 on PATH; install it" in result.stdout.str()
    assert "151 virtual users of k6, room for answers of up to" in result.stdout.str()


def test_the_script_is_printed_and_nothing_started(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project)
    monkeypatch.setenv("PATH", "")
    result = project.run("--syncload-k6-script", "-m", "peak")
    text = result.stdout.str()
    assert result.ret == pytest.ExitCode.OK, text
    assert "syncload: k6 script of peak" in text
    assert "// syncwell, phase peak: 150/s, ramp 1s, hold 3s of wall time, 151 virtual users" in text
    assert '"executor": "ramping-arrival-rate"' in text
    assert '"X-Api-Key": VALUES[0],' in text
    assert "key-of-the-plan" not in text
    assert not project.started_load()


def test_of_a_plan_of_ours_too_and_a_phase_without_one_says_why(project: Project) -> None:
    result = project.run("--syncload-k6-script")
    text = result.stdout.str()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert text.count("export default function (data) {") == 2
    assert re.search(r"syncload: no script: stress climbs \(slo\.yaml:\d+\), and k6 is told its rates before it", text)
    both = project.run("--syncload-k6-script", "--syncload-check")
    assert "--syncload-check looks and --syncload-k6-script prints; ask for one at a time" in both.stderr.str()
    again = project.run("--syncload-k6-script", "--syncload-run", "last")
    assert "--syncload-k6-script looks at what a run needs, and --syncload-run needs none" in again.stderr.str()
    assert "selects no phase, so there is no script" in project.run("--syncload-k6-script", "-m", "pek").stderr.str()


@pytest.mark.skipif(shutil.which("k6") is None, reason="no k6 on PATH, so both engines cannot be compared")
def test_a_real_k6_gives_the_verdicts_that_our_own_engine_gives(project: Project) -> None:
    ruled = {}
    for engine in ("k6", "built-in"):
        write(project, engine, more=PLENTY if engine == "k6" else "")
        result = project.run("-m", "peak", "-rA")
        assert result.ret == pytest.ExitCode.OK, result.stdout.str()
        ruled[engine] = outcomes(result)
    assert ruled["k6"] == ruled["built-in"]


def test_calibrating_is_of_our_own_generators(project: Project) -> None:
    write(project)
    result = project.run("--syncload-calibrate")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "measures our own generators, and slo.yaml has engine: k6" in result.stderr.str()
