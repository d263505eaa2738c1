"""A run → annotations of GitHub Actions: the cause of a red check, at its line of slo.yaml.

An annotation is a workflow command, a line of standard output (``::error file=…,line=…,title=…::message``); how its
parts are escaped is what GitHub's own toolkit does (actions/toolkit, packages/core/src/command.ts). GitHub shows the
first ten of each level of a step and drops the others without a word, so what is more is said in the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.errors import Problem
from pytest_syncload.facts.observation import Ruling, Verdict
from pytest_syncload.facts.report import PhaseReport, RunReport
from pytest_syncload.facts.units import format_number
from pytest_syncload.report.before import format_rejudged, was_before
from pytest_syncload.report.comparison import beside_in_words
from pytest_syncload.report.markdown import clipped
from pytest_syncload.report.progress import format_window
from pytest_syncload.report.table import value_in_words, where_in_words

#: Annotations of each level that GitHub shows of a step.
MOST_OF_A_LEVEL = 10
#: Characters of a title and of each line of a message: what a person reads beside a line of code.
_TITLE = 200
_LINE = 1000
#: Lines of a message; where more are needed, the log has them.
_LINES = 20
#: Queries of a row that are listed, and notes on its value.
FEW = 3
#: Names that the last annotation lists.
_NAMES = 30


class Level(StrEnum):
    """GitHub's words for how grave it is."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """``about`` names it where there is no room for more. ``file`` is a path from the repository's root, None where the
    file is outside of it; ``line`` counts from 1."""

    level: Level
    about: str
    title: str
    message: tuple[str, ...]
    file: str | None = None
    line: int | None = None


def annotations_of(report: RunReport, file: str | None) -> list[Annotation]:
    """All that a reader of the check should know, breaches first. ``file`` is slo.yaml's path in the repository."""
    breaches, invalid, unproven, warnings = [], [], [], []
    for phase in report.phases:
        causes = causes_of(phase)
        if causes:
            invalid.append(_of_phase(phase, causes, file))
        if phase.left_out:
            warnings.append(_left_out(phase, file))
        breaches += [_of_breach(each, report, file) for each in phase.verdicts if each.ruling is Ruling.BREACH]
        if not causes:
            unproven += [_of_unproven(rows, report, file) for rows in unproven_rows(phase)]
    return [*breaches, *invalid, *unproven, *_of_run(report), *warnings]


def causes_of(phase: PhaseReport) -> list[str]:
    """Why the whole phase proves nothing, empty where it may: one cause for all its rows is told once."""
    invalid = () if phase.result is None else phase.result.invalid
    causes = [f"{reason.what} (the {reason.side}'s doing)" for reason in invalid]
    if phase.problem is not None:
        causes += phase.problem.splitlines()
    return causes or ([] if phase.verdicts else ["no row was judged, so nothing was proven"])


def unproven_rows(phase: PhaseReport) -> list[tuple[Verdict, ...]]:
    """Its inconclusive rows, those that are so for one reason together, in order of the file."""
    found: dict[str, list[Verdict]] = {}
    for verdict in phase.verdicts:
        if verdict.ruling is Ruling.INCONCLUSIVE:
            found.setdefault(verdict.reason, []).append(verdict)
    return [tuple(rows) for rows in found.values()]


def names_of(rows: Sequence[Verdict]) -> str:
    """The ids of the rows; of many, the first."""
    return ", ".join(row.slo.id for row in rows[:_NAMES]) + (" …" if len(rows) > _NAMES else "")


def annotations_of_problems(problems: Iterable[Problem], folder: str | None) -> list[Annotation]:
    """Of a slo.yaml that cannot be used, each problem at its line. ``folder`` is that of the file in the repository."""
    found = []
    for problem in problems:
        where = f"{problem.file}:{problem.line}"
        found.append(
            Annotation(
                level=Level.ERROR,
                about=where,
                title=f"{where}: nothing was run",
                message=(problem.what,),
                file=None if folder is None else f"{folder}/{problem.file}".removeprefix("./").removeprefix("/"),
                line=problem.line,
            )
        )
    return found


def annotations_of_checks(checks: Iterable[Check]) -> list[Annotation]:
    """Of checks without load: an error for each that would let no load begin, a warning for what is worth reading."""
    levels = {Finding.FAILED: Level.ERROR, Finding.NOTE: Level.WARNING}
    return [
        Annotation(
            level=levels[check.finding],
            about=check.name,
            title=f"syncload: {check.name}" + (": a run would be refused" if check.failed else ""),
            message=(*check.says.splitlines(), *(f"needed by {row}" for row in check.rows)),
        )
        for check in checks
        if check.finding in levels
    ]


def annotation_of_refusal(message: str) -> Annotation:
    """Of a run that could not begin, or of which nothing was heard, whatever the reason."""
    return Annotation(
        level=Level.ERROR,
        about="the run",
        title="syncload: nothing was proven",
        message=tuple(message.splitlines()),
    )


def commands(annotations: Sequence[Annotation]) -> list[str]:
    """The lines of standard output. Of a level, GitHub's ten, the last of which names all that are left."""
    lines = []
    for level in Level:
        of_level = [each for each in annotations if each.level is level]
        if len(of_level) > MOST_OF_A_LEVEL:
            shown = MOST_OF_A_LEVEL - 1
            of_level = [*of_level[:shown], _the_rest(level, of_level[shown:])]
        lines += [command(each) for each in of_level]
    return lines


def command(annotation: Annotation) -> str:
    """One workflow command, on one line."""
    properties = {
        "file": annotation.file,
        "line": None if annotation.file is None or annotation.line is None else str(annotation.line),
        "title": clipped(annotation.title, _TITLE),
    }
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value is not None)
    lines = [clipped(line, _LINE) for line in annotation.message[:_LINES]]
    if len(annotation.message) > _LINES:
        lines.append(f"… and {len(annotation.message) - _LINES} lines more, in the log")
    message = "\n".join(lines)
    return f"::{annotation.level} {given}::{_data(message)}"


def _of_breach(verdict: Verdict, report: RunReport, file: str | None) -> Annotation:
    slo = verdict.slo
    title = f"{slo.id} broke its target: {value_in_words(verdict)}, target {slo.target.text}"
    return _of_row(verdict, title, [], report, file)


def _of_unproven(rows: Sequence[Verdict], report: RunReport, file: str | None) -> Annotation:
    """At the line of the first."""
    first, *others = rows
    if not others:
        title = f"{first.slo.id} is not proven: it could not be measured, target {first.slo.target.text}"
        return _of_row(first, title, [], report, file)
    more = "1 more row are" if len(others) == 1 else f"{len(others)} more rows are"
    title = f"{first.slo.id} and {more} not proven, for one reason"
    return _of_row(first, title, [f"rows: {names_of(rows)}"], report, file)


def _of_row(verdict: Verdict, title: str, beside: list[str], report: RunReport, file: str | None) -> Annotation:
    slo, seen = verdict.slo, verdict.observation
    message = [f"{slo.id}: {verdict.reason}", *beside]  # the log shows no title
    if (was := was_before(verdict)) is not None:
        message.append(f"was: {was}")
    if (compared := beside_in_words(verdict)) is not None:
        message.append(f"compared: {compared}")
    if seen is not None:
        message.append(f"window: {format_window(seen.window)}")
        message += [f"source: {source}" for source in seen.sources[:FEW]]
        message += seen.notes[:FEW]
    message.append(f"where: {where_in_words(report)}")
    return Annotation(level=Level.ERROR, about=slo.id, title=title, message=tuple(message), file=file, line=slo.line)


def _of_phase(phase: PhaseReport, causes: Sequence[str], file: str | None) -> Annotation:
    rows = len(phase.verdicts)
    judged = "its row is not judged" if rows == 1 else f"none of its {rows} rows is judged"
    return Annotation(
        level=Level.ERROR,
        about=phase.name,
        title=f"{phase.name} proves nothing" + (f", so {judged}" if rows else ""),
        message=(f"{phase.name}: {causes[0]}", *causes[1:]),
        file=file,
        line=phase.plan.line,
    )


def _left_out(phase: PhaseReport, file: str | None) -> Annotation:
    return Annotation(
        level=Level.WARNING,
        about=phase.name,
        title=f"{phase.name}: {phase.left_out} of its {len(phase.plan.slos)} rows were not asked for",
        message=("by -k, --deselect or a node id; this check says nothing of them",),
        file=file,
        line=phase.plan.line,
    )


def _of_run(report: RunReport) -> list[Annotation]:
    found = []
    if report.rejudged is not None:
        again = format_rejudged(report.rejudged)
        found.append(
            Annotation(
                level=Level.WARNING,
                about="judged again",
                title="syncload: no load was offered",
                message=(f"{again}: this check says nothing of the code as it is now",),
            )
        )
    if report.where.is_sandbox:
        scale = report.where.rate_scale
        scaled = [] if scale == 1 else [f"rates × {format_number(scale)}, not the rates of the plan"]
        found.append(
            Annotation(
                level=Level.NOTICE,
                about="sandbox",
                title="syncload: SANDBOX: proves nothing about a real target",
                message=(f"environment {report.where.environment} is the embedded sandbox", *scaled),
            )
        )
    return found


def _the_rest(level: Level, rest: Sequence[Annotation]) -> Annotation:
    names = ", ".join(each.about for each in rest[:_NAMES]) + (" …" if len(rest) > _NAMES else "")
    return Annotation(
        level=level,
        about="the rest",
        title=f"syncload: {len(rest)} more, which GitHub does not show here",
        message=(names, "the job's summary and its log have all of them"),
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
