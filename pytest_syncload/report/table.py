"""A run → the closing table: every row with value, target, headroom and verdict; then what nobody looked at."""

from __future__ import annotations

from collections.abc import Collection

from pytest_syncload.facts.observation import Ruling, Verdict
from pytest_syncload.facts.report import PhaseReport, RunReport
from pytest_syncload.facts.units import format_number
from pytest_syncload.report.before import format_rejudged, was_before
from pytest_syncload.report.climb import climb_sentence, climb_table
from pytest_syncload.report.comparison import compared_in_words, format_compared
from pytest_syncload.report.cost import cost_table
from pytest_syncload.report.parity import parity_lines
from pytest_syncload.report.place import placed_in_words
from pytest_syncload.report.run_price import price_of_the_run

_NOTHING = "–"


def closing_table(report: RunReport) -> list[str]:
    """The lines that end a session."""
    lines = _rows(report.verdicts, {why for phase in report.phases if (why := _never_compared(phase)) is not None})
    for phase in report.phases:
        lines += _of_phase(phase)
    lines.append(f"where: {where_in_words(report)}")
    if report.where.rate_scale != 1:
        lines.append(f"offered: rates × {format_number(report.where.rate_scale)}, not the rates of the plan")
    if (price := price_of_the_run(report)) is not None:
        lines.append(f"price of the run: {price}")
    if report.compared is not None:
        lines.append(f"compared with: {format_compared(report.compared)}")
    lines += [] if report.placed is None else [f"generator: {placed_in_words(report.placed)}"]
    lines += [] if report.parity is None else [f"parity: {line}" for line in parity_lines(report.parity)]
    lines.append("not looked at: " + " · ".join(report.not_looked_at))
    return lines


def headroom(verdict: Verdict) -> float | None:
    """How far the value may still move before the target breaks, in percent of the target; negative beyond it.

    None where nothing was observed, and where the target is a single number or zero, from which nothing can be far.
    """
    target, seen = verdict.slo.target, verdict.observation
    if seen is None or seen.value is None or not target.value or target.op == "==":
        return None
    room = target.value - seen.value if target.op in ("<", "<=") else seen.value - target.value
    return 100 * room / abs(target.value)


def headroom_in_words(verdict: Verdict) -> str:
    """``92 %``, or a dash."""
    room = headroom(verdict)
    return _NOTHING if room is None else f"{format_number(round(room, 1))} %"


def value_in_words(verdict: Verdict) -> str:
    """``612 ms``, or a dash."""
    seen = verdict.observation
    return _NOTHING if seen is None else seen.in_words or _NOTHING


def where_in_words(report: RunReport) -> str:
    """``load-testing, https://api.example, eu-central-1, account 123456789012``."""
    where = report.where
    again = "" if report.rejudged is None else f"; no load was offered: {format_rejudged(report.rejudged)}"
    if where.is_sandbox:
        return f"{where.environment} (SANDBOX: proves nothing about a real target){again}"
    account = [] if where.account is None else [f"account {where.account}"]
    name = f"{where.environment} (PRODUCTION)" if where.production else where.environment
    return ", ".join([name, where.target, where.region or "?", *account]) + again


def _rows(verdicts: tuple[Verdict, ...], said: Collection[str]) -> list[str]:
    if not verdicts:
        return []
    table = [("", "value", "", "headroom", "")]
    table += [
        (v.slo.id, value_in_words(v), f"target {v.slo.target.text}", headroom_in_words(v), str(v.ruling))
        for v in verdicts
    ]
    widths = [max(len(row[column]) for row in table) for column in range(5)]
    lines = [_line(table[0], widths)]
    told: set[str] = set()  # rows of one climb have the same notes, of one invalid phase the same reason: told once
    for verdict, row in zip(verdicts, table[1:], strict=True):
        lines.append(_line(row, widths))
        beside = [note for note in _beside(verdict, said) if note not in told]
        lines += [f"{'':<{widths[0]}}  {note}" for note in beside]
        told.update(_unproven(verdict))
        told.update(() if verdict.observation is None else verdict.observation.notes)
    return lines


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    name, value, target, room, ruling = row
    cells = (
        name.ljust(widths[0]), value.rjust(widths[1]), target.ljust(widths[2]), room.rjust(widths[3]), ruling
    )  # fmt: skip
    return "  ".join(cells).rstrip()


def _beside(verdict: Verdict, said: Collection[str]) -> list[str]:
    """What a row's line leaves out: why it is not proven, its ruling before, itself in another run, other rules, notes.

    ``said`` are reasons against a comparison that stand below the table.
    """
    was, seen, compared = was_before(verdict), verdict.observation, verdict.compared
    by_rule = verdict.slo.regression is not None and verdict.ruling is Ruling.PASS
    if compared is not None and (by_rule or compared.problem in said or seen is None or seen.value is None):
        compared = None  # the rule says it, or nothing can be said
    rules = verdict.reason.split("; ")[1:] if verdict.ruling is Ruling.PASS else []
    return [
        *_unproven(verdict),
        *([] if was is None else [f"was: {was}"]),
        *([] if compared is None else [f"compared: {compared_in_words(compared, verdict.slo.target.kind)}"]),
        *(["; ".join(rules)] if rules else []),
        *([] if seen is None else seen.notes),
    ]


def _unproven(verdict: Verdict) -> list[str]:
    """Why nothing was proven, the first line of it."""
    return verdict.reason.splitlines()[:1] if verdict.ruling is Ruling.INCONCLUSIVE else []


def _never_compared(phase: PhaseReport) -> str | None:
    """Why none of several rows was compared, None where there are several reasons, or none."""
    why = {verdict.compared.problem for verdict in phase.verdicts if verdict.compared is not None}
    return why.pop() if len(why) == 1 < len(phase.verdicts) else None


def _of_phase(phase: PhaseReport) -> list[str]:
    lines = []
    if (why := _never_compared(phase)) is not None:
        lines.append(f"{phase.name}: no row was compared: {why}")
    if not phase.verdicts:
        lines.append(f"{phase.name}: no row was judged, so nothing was proven")
    elif phase.left_out:
        lines.append(f"{phase.name}: {phase.left_out} of its rows were not asked for")
    if phase.climb is not None:
        lines += [f"{phase.name}: {climb_sentence(phase.climb)}", *climb_table(phase.climb)]
    if phase.cost is not None:
        lines += cost_table(phase.cost)
    return lines
