"""GitHub Actions: annotations on standard output and a summary, of whatever became of a session.

A plugin of the controller, registered only where GITHUB_ACTIONS is "true". It tells when pytest has ended, after the
last line of every other plugin: then all is known, the exit status included, and nothing captures standard output.
Must not raise, and decides nothing: the status is pytest's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

import pytest

from pytest_syncload.facts.errors import SpecError
from pytest_syncload.report.github import (
    Annotation,
    annotation_of_refusal,
    annotations_of,
    annotations_of_problems,
    commands,
)
from pytest_syncload.report.github_summary import ROOM, refusal_summary, summary_of
from pytest_syncload.shell.ending import Ending

#: Bytes that GitHub takes of a step's summary; of what is more it shows nothing at all.
_STEP = 1024 * 1024


class OnGitHub:
    """The hook around all of pytest."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, object, object]:
        """Tell what became of it. A worker of pytest-xdist is told of by its controller."""
        if hasattr(config, "workerinput"):
            return (yield)
        try:
            status = yield
        except pytest.UsageError as error:
            self._refused(config, error)
            raise
        except Exception as error:
            # A defect, of a plugin or of ours. Its traceback is in the log; the page would say nothing.
            if isinstance(config.pluginmanager.get_plugin("syncload-ending"), Ending):
                self._refused(config, pytest.UsageError(f"pytest ended by {type(error).__name__}; its log says why"))
            raise
        ending = config.pluginmanager.get_plugin("syncload-ending")
        if isinstance(ending, Ending):
            self._ended(config, ending, status)
        return status

    def _refused(self, config: pytest.Config, error: pytest.UsageError) -> None:
        """Nothing was begun, or no more. Of a repository without a slo.yaml, only what this plugin itself refused."""
        message = "\n".join(map(str, error.args))
        if not (config.rootpath / "slo.yaml").is_file() and "syncload" not in message.lower():
            return
        cause = error.__cause__
        if isinstance(cause, SpecError):
            found = annotations_of_problems(cause.problems, in_repository(config.rootpath, os.environ))
        else:
            found = [annotation_of_refusal(message)]
        say(found)
        lines = message.splitlines()
        keep(lambda room: refusal_summary(lines, room=room), os.environ)

    def _ended(self, config: pytest.Config, ending: Ending, status: object) -> None:
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
