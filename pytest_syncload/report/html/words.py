"""The sentences of the page that no other report has."""

from __future__ import annotations

from datetime import UTC, datetime

from pytest_syncload.facts.observation import Ruling
from pytest_syncload.facts.plan import Phase
from pytest_syncload.facts.report import RunReport
from pytest_syncload.facts.units import format_duration, format_number
from pytest_syncload.report.parity import parity_lines
from pytest_syncload.report.place import placed_in_words

#: A sign beside the word, so that a verdict is not told by colour alone.
SIGN = {Ruling.PASS: "✓", Ruling.BREACH: "✗", Ruling.INCONCLUSIVE: "?"}


def headline(report: RunReport) -> str:
    """``Broken: 1 row broke its target, 2 rows could not be judged, 6 rows passed``. Never proven in a sandbox."""
    if not report.proven:
        return f"{'Broken' if report.counts[Ruling.BREACH] else 'Not proven'}: {counts(report)}"
    passed = "the row passed" if len(report.verdicts) == 1 else f"all {len(report.verdicts)} rows passed"
    if report.where.is_sandbox:
        return f"{passed[0].upper()}{passed[1:]} in the sandbox, which proves nothing about a real target"
    return f"Proven: {passed}"


def counts(report: RunReport) -> str:
    """How many rows were ruled what, worst first, and the phases without any."""
    by = report.counts
    said = [
        _many(by[Ruling.BREACH], "broke its target", "broke their targets"),
        _many(by[Ruling.INCONCLUSIVE], "could not be judged", "could not be judged"),
        _many(by[Ruling.PASS], "passed", "passed"),
        *(f"no row of {phase.name} was judged" for phase in report.phases if not phase.verdicts),
    ]
    return ", ".join(filter(None, said)) or "nothing was judged"


def title(report: RunReport) -> str:
    """What a browser's tab and a bookmark show."""
    where = "SANDBOX" if report.where.is_sandbox else report.where.environment
    if report.proven:
        word = "passed" if report.where.is_sandbox else "proven"
    else:
        word = "BROKEN" if report.counts[Ruling.BREACH] else "NOT PROVEN"
    return f"{word} · {report.service} · {where} · {report.run_id}"


def plan_words(phase: Phase) -> str:
    """``3000/s, ramp 5m, hold 15m``, as planned."""
    climb = phase.climb
    if climb is None:
        ramp = f", ramp {format_duration(phase.ramp_s)}" if phase.ramp_s else ""
        return f"{format_number(phase.rate_per_s)}/s{ramp}, hold {format_duration(phase.hold_s)}"
    return (
        f"a climb from {format_number(climb.from_per_s)}/s in steps of {format_number(climb.step_percent)} %, every "
        f"{format_duration(climb.every_s)}, until {climb.until}, at most {format_number(climb.at_most_per_s)}/s"
    )


def utc(epoch_s: float) -> str:
    """``2026-11-24 09:00 UTC`` of wall time, or that it is not known."""
    if not epoch_s:
        return "unknown"
    try:
        return f"{datetime.fromtimestamp(epoch_s, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return "unknown"  # a damaged file of the run folder


def limits_of(report: RunReport) -> list[str]:
    """What green would not mean here: sentences, the strongest first."""
    where = report.where
    said = []
    if where.is_sandbox:
        said.append("It was the embedded sandbox: this proves that the test works, and nothing about a real target.")
    if where.rate_scale != 1:
        said.append(f"Rates were offered × {format_number(where.rate_scale)}, not the rates of the plan.")
    if report.rejudged is not None:
        said.append("No load was offered: measurements of an earlier run were judged again.")
    for phase in report.phases:
        if not phase.verdicts:
            said.append(f"Of {phase.name} no row was judged, so nothing was proven of it.")
        elif phase.left_out:
            many = "1 row was" if phase.left_out == 1 else f"{phase.left_out} rows were"
            said.append(f"Of {phase.name} {many} not asked for.")
    if report.placed is not None and not report.placed.is_there:
        said.append(f"Load came from elsewhere: {placed_in_words(report.placed)}.")
    if report.parity is not None:
        said += [f"Parity: {line}." for line in parity_lines(report.parity)]
    said += [f"Not looked at: {what}." for what in report.not_looked_at]
    return said


def _many(count: int, one: str, more: str) -> str:
    if not count:
        return ""
    return f"1 row {one}" if count == 1 else f"{count} rows {more}"
