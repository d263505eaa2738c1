"""What a run's files must say before it is called proven: asked where the load ran, and again where the check stands.

A status of 0 is a word; these are the files behind it. Each guard is one way in which a gate far from its load turns
green by mistake: another environment, an earlier run's files, a phase that nobody ran. Needs nothing but Python 3.11.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: What is brought home, by name; the run folder is below `syncload/`.
SUMMARY, JUNIT, LOG, PAGE, RUNS = "summary.json", "junit.xml", "pytest.log", "summary.md", "syncload"
#: Of the archive with all of them, and of what says that it is whole, which is written last.
ARCHIVE, ENDED = "files.tar.gz", "ended.json"
#: A phase's name in slo.yaml. Names and no expression, so that each can be looked for in what was measured.
PHASE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
#: What pytest collects: an option in its place, such as --collect-only, is none, nor is the node id of one row.
PATH = re.compile(r"[\w./][\w./-]*", re.ASCII)


class NotProven(Exception):
    """Why the run is not green. The text is for the reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the run was to prove. With ``sandbox`` the embedded sandbox is enough, which proves the wiring only."""

    environment: str
    phases: tuple[str, ...]
    sandbox: bool


def phases_of(text: str) -> tuple[str, ...]:
    """The names in ``text``, apart by blanks. Raises ValueError where there is none, or one is no name."""
    names = tuple(dict.fromkeys(text.split()))
    wrong = [name for name in names if not PHASE.fullmatch(name) or name in ("and", "or", "not")]
    if not names or wrong:
        raise ValueError(f"phases are names of slo.yaml apart by blanks, not {' '.join(wrong) or 'nothing'!r}")
    return names


def require_proof(folder: Path, asked: Asked) -> dict[str, Any]:
    """`run` of the summary in ``folder``. Raises NotProven."""
    summary = require_summary(folder / SUMMARY)
    try:
        run, phases, rows = summary["run"], summary["phases"], summary["rows"]
        require_load(run)
        require_environment(run, asked)
        require_phases(phases, rows, asked)
        require_all_rows(phases)
        require_passed(run, rows)
        require_junit(folder / JUNIT, run, rows)
        require_run_folder(folder / RUNS, run)
    except (KeyError, TypeError, AttributeError) as error:
        raise NotProven(f"{SUMMARY} is not one of pytest-syncload: {type(error).__name__} {error}") from None
    found: dict[str, Any] = run
    return found


def require_summary(file: Path) -> Any:
    """pytest may end with 0 without any load: with no test of ours, or with another program in its place."""
    try:
        summary = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise NotProven(f"there is no {SUMMARY}: no phase was run") from None
    except (OSError, ValueError, RecursionError) as error:
        raise NotProven(f"{SUMMARY} cannot be read: {type(error).__name__}") from None
    if not isinstance(summary, dict) or summary.get("format") != 1:
        raise NotProven(f"{SUMMARY} has no format 1: it is of another program, or of a later pytest-syncload")
    return summary


def require_load(run: Any) -> None:
    """An earlier run that is judged again offers no load."""
    if run["rejudged"] is not None:
        raise NotProven("an earlier run was judged again, and no load was offered")


def require_environment(run: Any, asked: Asked) -> None:
    """A wrong name, or a variable that wins, measures another target, or the sandbox, which is green by nature."""
    if run["environment"] != asked.environment:
        raise NotProven(f"environment {run['environment']} was measured, and {asked.environment} was asked for")
    if run["sandbox"] is not False and not asked.sandbox:
        raise NotProven(f"{asked.environment} is the SANDBOX, which proves nothing about a real target")


def require_phases(phases: Any, rows: Any, asked: Asked) -> None:
    """`-m "baseline or peak"` is green with a baseline alone, where slo.yaml knows no peak."""
    measured = {phase["name"] for phase in phases if phase["measured"] is not None and not phase["invalid"]}
    judged = {row["phase"] for row in rows}
    missing = [name for name in asked.phases if name not in measured or name not in judged]
    if missing:
        raise NotProven(f"no row was judged of {', '.join(missing)}: is it a phase of slo.yaml?")


def require_all_rows(phases: Any) -> None:
    """`-k` in PYTEST_ADDOPTS or addopts takes a row out, and what is left is green."""
    for phase in phases:
        asked, there = phase["plan"]["rows_asked_for"], phase["plan"]["rows"]
        if asked != there:
            raise NotProven(f"{asked} of {there} rows of {phase['name']} were asked for: what leaves the others out?")


def require_passed(run: Any, rows: Any) -> None:
    """What pytest ended with is not what a row says, where something between them lost it."""
    if run["proven"] is not True:
        raise NotProven("the run does not say that it proved each row that was asked for")
    others = [row["id"] for row in rows if row["verdict"] != "pass"]
    if others:
        raise NotProven(f"not every row passed: {', '.join(others)}")


def require_junit(file: Path, run: Any, rows: Any) -> None:
    """A dashboard reads this file, so it must be of this run, and as green."""
    try:
        suites = list(ET.parse(file).getroot().iter("testsuite"))
        counts = {
            name: sum(int(suite.get(name, "0")) for suite in suites)
            for name in ("tests", "failures", "errors", "skipped")
        }
    except FileNotFoundError:
        raise NotProven(f"there is no {JUNIT}") from None
    except (OSError, ET.ParseError, ValueError) as error:
        raise NotProven(f"{JUNIT} cannot be read: {type(error).__name__}") from None
    said = {each.get("name"): each.get("value") for suite in suites for each in suite.iter("property")}
    if said.get("syncload run id") != run["id"]:
        raise NotProven(f"{JUNIT} is not of run {run['id']}, but of {said.get('syncload run id')}")
    if counts["failures"] or counts["errors"]:
        raise NotProven(f"{JUNIT} has {counts['failures']} failures and {counts['errors']} errors")
    if counts["tests"] - counts["skipped"] < len(rows):
        raise NotProven(f"{JUNIT} has fewer tests than the {len(rows)} rows that were judged")


def require_run_folder(folder: Path, run: Any) -> None:
    """A verdict that nobody can judge again, and no report to look at, is a claim."""
    for name in ("summary.json", "report.html"):
        if not (folder / run["id"] / name).is_file():
            raise NotProven(f"the folder of run {run['id']} has no {name}")
