"""What a run leaves for machines: valid by their own readers, and the same run that the terminal tells."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pytest_syncload.report.summary_form import json_schema
from tests.shell.conftest import Project

SCHEMA = Draft202012Validator(json_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)


def valid(text: str) -> Any:
    """The summary, once the schema that is shipped has accepted it."""
    data = json.loads(text)
    assert [f"{error.json_path}: {error.message}" for error in SCHEMA.iter_errors(data)] == []
    return data


@pytest.mark.usefixtures("unmeasured")
def test_a_run_and_its_judging_again_leave_a_summary(project: Project) -> None:
    project.write("{latency: 700 ms}")
    result = project.run("-m", "peak", "--syncload-json", "out/run.json", "--syncload-metrics", "out/metrics.txt")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    asked = project.pytester.path / "out" / "run.json"
    result.stdout.fnmatch_lines([f"syncload: --syncload-json {asked}"])
    text = asked.read_text("utf-8")
    assert text == (project.run_folder / "summary.json").read_text("utf-8")
    data = valid(text)
    rows = {row["name"]: row for row in data["rows"]}
    assert {name: row["verdict"] for name, row in rows.items()} == {
        "api-latency-p95": "breach",
        "api-5xx-rate": "pass",
        "dynamodb-throttles": "pass",
    }
    assert rows["api-latency-p95"]["value"] >= rows["api-latency-p95"]["target"]["value"] == 500
    (phase,) = data["phases"]
    assert phase["measured"]["scheduled"] == 600
    assert (data["run"]["sandbox"], data["run"]["speed"], data["run"]["proven"]) == (True, 60.0, False)
    began = phase["measured"]["load_began_at"]
    metrics = (project.run_folder / "metrics.txt").read_text("utf-8")
    assert (asked.parent / "metrics.txt").read_text("utf-8") == metrics
    families = text_string_to_metric_families(metrics)  # type: ignore[no-untyped-call]
    read = {family.name: family.samples for family in families}
    assert read["syncload_arrivals"][-1].value == 600
    # The sandbox's own log has the wall time of its requests: the counter's seconds are theirs.
    first = project.sent()["peak"]["first"]
    assert float(read["syncload_arrivals"][0].timestamp) <= first < float(read["syncload_arrivals"][-1].timestamp)
    again = project.run("-m", "peak", "--syncload-run", "last", "--syncload-json", "again.json")
    assert again.ret == pytest.ExitCode.TESTS_FAILED
    told = valid((project.pytester.path / "again.json").read_text("utf-8"))
    assert told["run"]["rejudged"]["run_id"] == data["run"]["id"]
    assert told["rows"][0]["before"]["verdict"] == told["rows"][0]["verdict"] == "breach"
    assert told["phases"][0]["measured"]["load_began_at"] == began


@pytest.mark.parametrize("option", ["--syncload-json", "--syncload-metrics"])
def test_a_path_that_is_empty_is_refused(project: Project, option: str) -> None:
    result = project.run("-m", "peak", option, "")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{option} is empty*"])
    assert not project.started_load()
