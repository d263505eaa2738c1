"""docs/verdicts.md explains every line that a verdict can have, and numbers.md has the limits that the code has."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_syncload.facts.climb import End
from pytest_syncload.facts.observation import Before, Series
from pytest_syncload.facts.plan import Spec
from pytest_syncload.facts.result import Outcome
from pytest_syncload.report.climb import climb_table
from pytest_syncload.report.table import closing_table
from pytest_syncload.report.text import explain
from pytest_syncload.spec import read
from pytest_syncload.spec.capacity_schema import CapacityModel
from pytest_syncload.spec.environment_schema import FaultsModel
from tests.docs.blocks import ROOT
from tests.report.reports import BREACH, REAL, TOY, observation, run_report, stress
from tests.report.test_comparison import COMPARED, RUN
from tests.report.test_parity import FOUND
from tests.report.test_place import AWAY
from tests.rows import LATENCY

VERDICTS = (ROOT / "docs" / "verdicts.md").read_text("utf-8")
NUMBERS = (ROOT / "docs" / "numbers.md").read_text("utf-8")
_BELOW = ("where", "offered", "compared with", "generator", "parity", "not looked at")
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
    all_lines = replace(BREACH, observation=seen, before=Before(slo=LATENCY), compared=COMPARED)
    labels = re.findall(r"^  (\w+(?: \w+)?)  ", explain(all_lines, replace(spec, compared=RUN)), re.M)
    assert len(labels) >= 12
    for label in labels:
        assert f"| `{label}` | " in VERDICTS, f"docs/verdicts.md says nothing of the line {label!r}"


@pytest.mark.parametrize("where", [REAL, TOY])
def test_every_line_below_the_rows_is_explained(where: object) -> None:
    lines = closing_table(run_report(where=where, compared=RUN, parity=FOUND, placed=AWAY))
    labels = [label for line in lines if (label := line.partition(": ")[0]) in _BELOW]
    assert {*_BELOW} - {"offered"} <= {*labels}
    for label in labels:
        assert f"| `{label}` | " in VERDICTS


def test_every_line_of_a_climb_is_explained() -> None:
    ranked = stress().climb
    assert ranked is not None
    labels = re.findall(r"^  (\w+)  ", "\n".join(climb_table(ranked)), re.M)
    assert {"first", "steps", "law"} <= {*labels}
    for label in (*labels, "left its normal range", "unknown"):
        assert f"| `{label}` | " in VERDICTS, f"docs/verdicts.md says nothing of the line {label!r}"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("numbers.md", [f"`{outcome}`" for outcome in Outcome]),
        ("breaking-point.md", list(End)),
        ("sandbox.md", [f"`{key}: " for key in (*FaultsModel.model_fields, *CapacityModel.model_fields)]),
    ],
)
def test_a_page_names_all_of_a_kind(page: str, words: Sequence[str]) -> None:
    """Outcomes, how a climb ends, and how the sandbox misbehaves."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    assert [word for word in words if word not in text] == []


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
