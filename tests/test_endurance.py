"""The endurance benchmark counts a run as green only where everything in it was proven."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest

from benchmarks.endurance import PLAN, ROWS, not_green
from pytest_syncload.facts.catalogue import preset_of
from pytest_syncload.spec import read


def junit(*names: str, **bad: str) -> str:
    """A JUnit file of these tests; ``bad`` is what an element of that name says of the last one."""
    inside = "".join(f"<{tag} message={quoteattr(says)}/>" for tag, says in bad.items())
    cases = "".join(f'<testcase name="{name}">{inside if name == names[-1] else ""}</testcase>' for name in names)
    return f"<testsuites><testsuite>{cases}</testsuite></testsuites>"


ALL = ("load", *ROWS)


def test_a_run_of_everything_that_passed_is_green() -> None:
    assert not_green(junit(*ALL), 0) == {}


@pytest.mark.parametrize("tag", ["failure", "error", "skipped"])
def test_what_did_not_pass_is_named_with_its_first_line(tag: str) -> None:
    assert not_green(junit(*ALL, **{tag: "it broke\nand more"}), 1) == {
        "pytest": "ended with 1",
        "idempotency": "it broke",
    }
    assert not_green(junit(*ALL, **{tag: "it broke"}), 0) == {"idempotency": "it broke"}


def test_a_row_that_is_missing_is_not_green() -> None:
    assert not_green(junit(*ALL[:-1]), 0) == {"idempotency": "was not run"}
    assert not_green("", 2).keys() == {"pytest", *ALL}
    assert not_green(junit(*ALL), -1) == {"pytest": "did not end within 300 s"}


def test_its_rows_are_those_of_this_repository(tmp_path: Path) -> None:
    """Without the one rule that a hold of three minutes cannot show."""
    rows = "\n".join(f"      {name}: {{{row}}}" for name, row in ROWS.items())
    (tmp_path / "slo.yaml").write_text(PLAN.format(rate="300/s", rows=rows), "utf-8")
    (ours,) = read(tmp_path / "slo.yaml", environment="sandbox", environ={}).phases
    theirs = read(Path(__file__).parents[1] / "slo.yaml", environment="sandbox", environ={}).phase("peak")
    assert {slo.name: (preset_of(slo).name, slo.target) for slo in ours.slos} == {
        slo.name: (preset_of(slo).name, slo.target) for slo in theirs.slos
    }
    assert ours.hold_s == 180
