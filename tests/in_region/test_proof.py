"""What a run's files must say: each way in which they prove nothing has its guard, and is green without it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import proof
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.in_region.made import ASKED, RUN, files, junit


def test_a_run_with_all_its_files_is_proven(tmp_path: Path) -> None:
    assert proof.require_proof(files(tmp_path), ASKED)["id"] == RUN


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A change of the files that ``guard`` alone refuses, with ``says``."""

    guard: str
    says: str
    summary: Callable[[Any], None] = lambda said: None
    files: Callable[[Path], object] = lambda folder: None


def _set(*path: str | int, value: object) -> Callable[[Any], None]:
    def change(said: Any) -> None:
        for each in path[:-1]:
            said = said[each]
        said[path[-1]] = value

    return change


def _junit(**changes: object) -> Callable[[Path], object]:
    return lambda folder: (folder / proof.JUNIT).write_text(junit(**changes), "utf-8")


MISTAKES = {
    "judged again": Mistake(
        guard="require_load",
        says="judged again",
        summary=_set("run", "rejudged", value={"run_id": "x", "begun_at": None}),
    ),
    "another environment": Mistake(
        guard="require_environment",
        says="environment staging was measured, and load-testing was asked for",
        summary=_set("run", "environment", value="staging"),
    ),
    "the sandbox": Mistake(guard="require_environment", says="SANDBOX", summary=_set("run", "sandbox", value=True)),
    "a phase that nobody ran": Mistake(
        guard="require_phases", says="no row was judged of peak", summary=_set("phases", value=[])
    ),
    "a phase without a row": Mistake(guard="require_phases", says="of peak", summary=_set("rows", value=[])),
    "a phase that was refused": Mistake(
        guard="require_phases", says="of peak", summary=_set("phases", 0, "measured", value=None)
    ),
    "an invalid phase": Mistake(
        guard="require_phases", says="of peak", summary=_set("phases", 0, "invalid", value=[{"side": "generator"}])
    ),
    "a row left out": Mistake(
        guard="require_all_rows",
        says="1 of 3 rows of peak were asked for",
        summary=_set("phases", 0, "plan", "rows", value=3),
    ),
    "not proven": Mistake(
        guard="require_passed", says="does not say that it proved", summary=_set("run", "proven", value=False)
    ),
    "a row that broke": Mistake(
        guard="require_passed",
        says="not every row passed: peak::api-5xx-rate",
        summary=_set("rows", 0, "verdict", value="breach"),
    ),
    "no JUnit": Mistake(
        guard="require_junit", says="there is no junit.xml", files=lambda folder: (folder / proof.JUNIT).unlink()
    ),
    "half a JUnit": Mistake(
        guard="require_junit",
        says="junit.xml cannot be read: ParseError",
        files=lambda folder: (folder / proof.JUNIT).write_text(junit()[:-20], "utf-8"),
    ),
    "the last run's JUnit": Mistake(
        guard="require_junit", says="but of 20260101T000000Z-bbbbbb", files=_junit(run="20260101T000000Z-bbbbbb")
    ),
    "a JUnit with a failure": Mistake(guard="require_junit", says="1 failures", files=_junit(failures=1)),
    "a JUnit with an error": Mistake(guard="require_junit", says="1 errors", files=_junit(errors=1)),
    "no test": Mistake(guard="require_junit", says="fewer tests than the 1 rows", files=_junit(tests=0)),
    "all skipped": Mistake(guard="require_junit", says="fewer tests", files=_junit(skipped=2)),
    "a number that is none": Mistake(guard="require_junit", says="ValueError", files=_junit(tests="x")),
    "no run folder": Mistake(
        guard="require_run_folder",
        says=f"the folder of run {RUN} has no summary.json",
        files=lambda folder: shutil.rmtree(folder / proof.RUNS),
    ),
    "no report": Mistake(
        guard="require_run_folder",
        says="has no report.html",
        files=lambda folder: (folder / proof.RUNS / RUN / "report.html").unlink(),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_refused_by_its_guard_and_green_without_it(
    mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistake.files(files(tmp_path, mistake.summary))
    with pytest.raises(proof.NotProven, match=mistake.says):
        proof.require_proof(tmp_path, ASKED)
    monkeypatch.setattr(proof, mistake.guard, lambda *_: None)
    assert proof.require_proof(tmp_path, ASKED)["id"] == RUN


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "no phase was run"),
        ("", "cannot be read: JSONDecodeError"),
        ("[" * 100_000, "cannot be read: RecursionError"),
        ("[]", "has no format 1"),
        ('{"format": 2}', "has no format 1"),
        ('{"format": 1}', "not one of pytest-syncload: KeyError 'run'"),
        ('{"format": 1, "run": 1, "phases": 2, "rows": 3}', "not one of pytest-syncload: TypeError"),
        ('{"format": 1, "run": {"rejudged": null}, "phases": [], "rows": []}', "KeyError 'environment'"),
    ],
)
def test_what_is_no_summary_proves_nothing(text: str | None, says: str, tmp_path: Path) -> None:
    files(tmp_path)
    (tmp_path / proof.SUMMARY).unlink()
    if text is not None:
        (tmp_path / proof.SUMMARY).write_text(text, "utf-8")
    with pytest.raises(proof.NotProven, match=says):
        proof.require_proof(tmp_path, ASKED)


def test_the_sandbox_is_enough_where_that_is_said(tmp_path: Path) -> None:
    files(tmp_path, _set("run", "sandbox", value=True))
    assert proof.require_proof(tmp_path, replace(ASKED, sandbox=True))["sandbox"] is True


def test_each_phase_that_was_asked_for_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(proof.NotProven, match=r"of baseline, soak: is it"):
        proof.require_proof(files(tmp_path), replace(ASKED, phases=("baseline", "peak", "soak")))


def test_phases_are_names_apart_by_blanks_each_once() -> None:
    assert proof.phases_of(" baseline  peak\nbaseline ") == ("baseline", "peak")


@pytest.mark.parametrize("text", ["", " ", "baseline or peak", "not slow", "peak;id", "$(id)", "-k", "1st", "größe"])
def test_an_expression_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match="apart by blanks"):
        proof.phases_of(text)


@given(st.text(max_size=20))
def test_what_is_taken_for_phases_is_safe_in_any_shell(text: str) -> None:
    try:
        names = proof.phases_of(text)
    except ValueError:
        return
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") for name in names)
