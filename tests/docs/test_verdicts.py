"""docs/verdicts.md explains every line that a verdict can have, and numbers.md has the limits that the code has."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_syncload.facts.comparison import Change, Compared, Regression
from pytest_syncload.facts.observation import Before, Series
from pytest_syncload.facts.plan import Rejudged, Spec
from pytest_syncload.report.table import closing_table
from pytest_syncload.report.text import explain
from pytest_syncload.spec import read
from tests.docs.blocks import ROOT
from tests.report.reports import BREACH, REAL, TOY, observation, run_report
from tests.rows import LATENCY

VERDICTS = (ROOT / "docs" / "verdicts.md").read_text("utf-8")
NUMBERS = (ROOT / "docs" / "numbers.md").read_text("utf-8")
_LIMIT = re.compile(r"^\| `([\w.]+)\.(\w+)` \| ([\d.,]+) ?(%?)", re.M)


@pytest.fixture(scope="module")
def spec() -> Spec:
    return read(ROOT / "slo.yaml", environment=None, environ={})


def test_every_line_of_a_failure_is_explained(spec: Spec) -> None:
    seen = observation(
        parts={"client": 610.0},
        notes=("at 22:15 UTC moved too: x",),
        after=Series(timestamps=(0.0,), values=(1.0,), period_s=60),
    )
    run = Rejudged(run_id="20261123T090000Z-bbbbbb", begun_at=1.0)
    change = Change(percent=9.0, low_percent=2.0, high_percent=16.0, minutes_then=15, minutes_now=15)
    compared = Compared(run_id=run.run_id, begun_at=1.0, finding=Regression.WORSE, change=change)
    all_lines = replace(BREACH, observation=seen, before=Before(slo=LATENCY), compared=compared)
    labels = re.findall(r"^  (\w+(?: \w+)?)  ", explain(all_lines, replace(spec, compared=run)), re.M)
    assert "compared" in labels
    assert len(labels) >= 11
    for label in labels:
        assert f"| `{label}` | " in VERDICTS, f"docs/verdicts.md says nothing of the line {label!r}"


@pytest.mark.parametrize("where", [REAL, TOY])
def test_every_line_below_the_rows_is_explained(where: object) -> None:
    lines = closing_table(run_report(where=where, compared=Rejudged(run_id="20261123T090000Z-bbbbbb", begun_at=1.0)))
    known = ("where", "offered", "compared with", "not looked at")
    labels = [label for line in lines if (label := line.partition(": ")[0]) in known]
    assert {"where", "compared with", "not looked at"} <= {*labels}
    for label in labels:
        assert f"| `{label}` | " in VERDICTS


def test_the_limits_are_those_of_the_code() -> None:
    found = _LIMIT.findall(NUMBERS)
    assert len(found) >= 15
    for module, name, said, percent in found:
        constant = getattr(importlib.import_module(f"pytest_syncload.{module}"), name)
        number = float(said.replace(",", ""))
        assert number in (constant, round(100 * constant, 6) if percent else constant), f"{module}.{name} is {constant}"


def test_files_are_found_by_their_pattern() -> None:
    assert unexplained([Path("plan.json"), Path("smoke.result.json"), Path("verdicts/smoke--a.json")], "smoke") == []
    assert unexplained([Path("smoke.other.json")], "smoke") == ["<phase>.other.json"]


def unexplained(files: list[Path], phase: str) -> list[str]:
    """The files of a run folder, by pattern, of which docs/verdicts.md says nothing."""
    patterns = (re.sub(r"--[^.]+", "--<row>", str(file).replace(phase, "<phase>", 1)) for file in files)
    return sorted({pattern for pattern in patterns if f"`{pattern}`" not in VERDICTS})
