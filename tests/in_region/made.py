"""The files of a run as pytest-syncload writes them: its own summary, and a JUnit XML of the same form."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from proof import JUNIT, LOG, PAGE, RUNS, SUMMARY, Asked

from pytest_syncload.report.summary import summary_text
from tests.report.reports import PASS, PEAK, peak, run_report

RUN = "20261124T090000Z-aaaaaa"
ASKED = Asked(environment="load-testing", phases=("peak",), sandbox=False)
XML = (
    '<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="{errors}"'
    ' failures="{failures}" skipped="{skipped}" tests="{tests}"><properties>'
    '<property name="syncload run id" value="{run}" /></properties></testsuite></testsuites>'
)


def summary() -> Any:
    """Of a peak whose one row passed in load-testing."""
    return json.loads(summary_text(run_report(peak(PASS, plan=replace(PEAK, slos=(PASS.slo,))))))


def junit(**changes: object) -> str:
    """Of that run: the phase and its row."""
    return XML.format(**{"errors": 0, "failures": 0, "skipped": 0, "tests": 2, "run": RUN, **changes})


def files(folder: Path, change: Callable[[Any], object] = lambda said: None) -> Path:
    """All that proves that run in ``folder``, but for what ``change`` does to the summary."""
    said = summary()
    change(said)
    (folder / RUNS / RUN).mkdir(parents=True)
    (folder / SUMMARY).write_text(json.dumps(said), "utf-8")
    (folder / RUNS / RUN / "summary.json").write_text(json.dumps(said), "utf-8")
    (folder / RUNS / RUN / "report.html").write_text("<!doctype html>", "utf-8")
    (folder / JUNIT).write_text(junit(), "utf-8")
    (folder / LOG).write_text("slo.yaml::peak::load PASSED\n::error title=x::y\n::set-env name=A::b\n", "utf-8")
    (folder / PAGE).write_text("## peak\n", "utf-8")
    return folder
