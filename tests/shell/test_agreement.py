"""One run, told in many places: every one of them has the same rows, values, targets and verdicts."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.shell.conftest import Project

#: A breach (the latency that the sandbox adds), a pass, and a row of which nothing can be read.
ROWS = """\
      api-latency-p95: {metric: apigateway.latency, statistic: p95, target: "< 100 ms", min_samples: 20}
      api-5xx-rate: {metric: apigateway.5xx, target: "< 0.1 %", min_samples: 20}
      nobody: {query: {namespace: Nowhere, name: Nothing}, statistic: p95, kind: time, unit: seconds, target: "< 1s"}
"""
#: A verdict's words; the last is what a person reads who does not know pytest-syncload.
WORDS = {"breach": ("breach",), "pass": ("pass",), "inconclusive": ("inconclusive", "not proven")}
RULED = {"api-latency-p95": "breach", "api-5xx-rate": "pass", "nobody": "inconclusive"}


@pytest.fixture
def told(project: Project, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    """What the terminal said, and the folder with all else."""
    folder = project.pytester.path
    project.write("{latency: 300 ms}")
    text = (folder / "slo.yaml").read_text("utf-8")
    text = re.sub(r"(slos: &rows\n)(?:      .*\n)+", lambda found: found[1] + ROWS, text)
    (folder / "slo.yaml").write_text(text, "utf-8")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(folder))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "step.md"))
    result = project.run(
        *("-m", "baseline", "--syncload-env", "sandbox", "--junitxml", "junit.xml", "-rA"),
        *("--syncload-json", "summary.json", "--syncload-html", "report.html", "--syncload-metrics", "metrics.txt"),
    )
    assert result.ret == 1
    return result.stdout.str(), folder


def test_every_surface_tells_the_same(told: tuple[str, Path]) -> None:
    terminal, folder = told
    rows = {row["name"]: row for row in json.loads((folder / "summary.json").read_text("utf-8"))["rows"]}
    assert {name: row["verdict"] for name, row in rows.items()} == RULED
    shown = {
        name: re.search(rf"^baseline::{name} +(\S+(?: ms| %)?)  +target (.+?)  +\S+(?: %)?  +(\w+)$", terminal, re.M)
        for name in RULED
    }
    junit = {
        case.get("name"): {part.get("name"): part.get("value") for part in case.iter("property")}
        for case in ET.parse(folder / "junit.xml").iter("testcase")
    }
    outcomes = {
        case.get("name"): next((part.tag for part in case if part.tag in ("failure", "error")), "passed")
        for case in ET.parse(folder / "junit.xml").iter("testcase")
    }
    step = (folder / "step.md").read_text("utf-8")
    page = (folder / "report.html").read_text("utf-8")
    metrics = (folder / "metrics.txt").read_text("utf-8")
    for name, row in rows.items():
        found = shown[name]
        assert found is not None, name
        value, target, verdict = found.groups()
        assert verdict == row["verdict"]
        assert target == row["target"]["text"]
        line = next(line for line in step.splitlines() if line.startswith("|") and name in line)
        part = re.search(rf"<tr\b(?:(?!</tr>).)*{name}.*?</tr>", page, re.S)
        assert part is not None, name
        for place in (line, re.sub(r"<[^>]*>", " ", part[0])):
            assert any(word in place.lower() for word in WORDS[verdict]), (name, place)
            assert value in place.replace("\u00a0", " ") or row["value"] is None, (name, place)
        assert outcomes[name] == {"pass": "passed", "breach": "failure", "inconclusive": "error"}[verdict]
        if row["value"] is None:
            assert value == "–"
            assert "value" not in junit[name]
        else:
            number, unit = value.split(" ") if " " in value else (value, "")
            assert float(number) == pytest.approx(row["value"], rel=0.005)
            assert unit == row["unit"]
            assert float(junit[name]["value"] or "nan") == row["value"]
            assert junit[name]["target"] == target
            (told_value,) = re.findall(rf'^syncload_slo_value\w*{{[^}}]*row="{name}"[^}}]*}} (\S+)', metrics, re.M)
            scale = {"ms": 1000, "%": 100, "": 1}[unit]
            assert float(told_value) * scale == pytest.approx(row["value"]) or float(told_value) == row["value"]
    annotations = [line for line in terminal.splitlines() if line.startswith("::error")]
    for name in ("api-latency-p95", "nobody"):
        (found_line,) = [line for line in annotations if name in line]
        assert f"file=slo.yaml,line={rows[name]['line']}," in found_line
    assert not [line for line in annotations if "api-5xx-rate broke" in line]
