"""GitHub Actions: annotations on standard output and a summary, of whatever became of a session.

Called by `plugin` when pytest has ended, after the last line of every other plugin: then all is known, the exit status
included, and nothing captures standard output. Decides nothing: the status is pytest's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from pytest_syncload.facts.check import Check
from pytest_syncload.facts.errors import SpecError
from pytest_syncload.report.github import (
    Annotation,
    annotation_of_refusal,
    annotations_of,
    annotations_of_checks,
    annotations_of_problems,
    commands,
)
from pytest_syncload.report.github_summary import ROOM, check_summary, refusal_summary, summary_of
from pytest_syncload.shell.ending import Ending

#: Bytes that GitHub takes of a step's summary; of what is more it shows nothing at all.
_STEP = 1024 * 1024


def tell_refusal(config: pytest.Config, error: pytest.UsageError) -> None:
    """That nothing was begun, or no more, and why; of a slo.yaml that cannot be used, each problem at its line."""
    message = "\n".join(map(str, error.args))
    cause = error.__cause__
    if isinstance(cause, SpecError):
        say(annotations_of_problems(cause.problems, in_repository(config.rootpath, os.environ)))
    else:
        say([annotation_of_refusal(message)])
    keep(lambda room: refusal_summary(message.splitlines(), room=room), os.environ)


def tell_end(config: pytest.Config, ending: Ending, status: object) -> None:
    """What became of the run, where there was one; else why there was none, where one was asked for."""
    report, said = ending.told(status)
    refusals = [annotation_of_refusal(line) for line in said]
    if report is None:
        say(refusals)
        if said:
            keep(lambda room: refusal_summary(said, room=room), os.environ)
        return
    say([*annotations_of(report, in_repository(config.rootpath / report.file, os.environ)), *refusals])
    number = status if isinstance(status, int) else 1
    keep(lambda room: summary_of(report, said, status=number, room=room), os.environ)


def tell_checks(checks: Sequence[Check]) -> None:
    """What `--syncload-check` found, where it came to that."""
    if checks:
        say(annotations_of_checks(checks))
        keep(lambda room: check_summary(checks, room=room), os.environ)


def say(annotations: Sequence[Annotation]) -> None:
    """On standard output, where the runner looks for them: each begins its line."""
    lines = commands(annotations)
    if not lines:
        return
    try:
        sys.stdout.write("\n".join(["", *lines, ""]))
        sys.stdout.flush()
    except (OSError, UnicodeError):
        pass  # nobody reads; the status stands without it


def keep(text_of: Callable[[int], str], environ: Mapping[str, str]) -> None:
    """Append to the step's summary what ``text_of`` says in the bytes that are left there."""
    name = environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return
    try:
        with Path(name).open("ab") as file:
            file.write(text_of(min(ROOM, _STEP - file.tell())).encode())
    except OSError as error:
        sys.stderr.write(f"syncload: the summary {name} cannot be written: {error.strerror or error}\n")


def in_repository(path: Path, environ: Mapping[str, str]) -> str | None:
    """The path as GitHub knows it, from GITHUB_WORKSPACE; None where that is not set or the path is not below it."""
    workspace = environ.get("GITHUB_WORKSPACE")
    if not workspace:
        return None
    try:
        return path.resolve().relative_to(Path(workspace).resolve()).as_posix()
    except (OSError, ValueError):
        return None
