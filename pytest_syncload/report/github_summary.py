"""A run → the summary of a GitHub Actions job, in Markdown: the verdict first, then why, then all that it stands on.

GitHub drops a step's summary that is larger than 1 MiB, as a whole. So it is made of blocks, the most important first,
and what there is no room for is left out and said. No text of a run means anything to Markdown (see `markdown`).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.observation import Ruling, Verdict
from pytest_syncload.facts.plan import Phase
from pytest_syncload.facts.report import PhaseReport, RunReport
from pytest_syncload.facts.result import Figure, Outcome, PhaseResult
from pytest_syncload.facts.units import format_duration, format_number
from pytest_syncload.report.before import format_rejudged, was_before
from pytest_syncload.report.climb import climb_sentence, climb_table
from pytest_syncload.report.comparison import beside_in_words
from pytest_syncload.report.cost import sentence
from pytest_syncload.report.github import FEW, causes_of, unproven_rows
from pytest_syncload.report.markdown import code, fenced, plain
from pytest_syncload.report.mermaid import Picture, pictures_of_climb, pictures_of_seconds
from pytest_syncload.report.parity import parity_lines
from pytest_syncload.report.place import placed_in_words
from pytest_syncload.report.progress import format_window
from pytest_syncload.report.run_price import price_of_the_run
from pytest_syncload.report.table import headroom_in_words, value_in_words
from pytest_syncload.report.unmeasured import counts_from, latency_name, unmeasured_words

#: Bytes of one summary. GitHub takes 1 MiB a step, and others of the step write there too.
ROOM = 256 * 1024
#: Causes that are listed before the table, so that the first of them are on the first screen.
CAUSES = 12
#: Characters of a name or a query in a cell.
_NAME = 120
#: Lines of what one sentence stands on: the series of a climb, the causes of a phase.
_LINES = 200
_LEFT_OUT = "\n{} parts are left out, for which there is no room here; the run's folder has them."
_ROWS_LEFT_OUT = "\n{} rows are left out, for which there is no room here; the log and the run's folder have them."
_GRAVEST = (Finding.FAILED, Finding.NOTE, Finding.OK)
_WORDS = {Ruling.PASS: "✅ pass", Ruling.BREACH: "❌ breach", Ruling.INCONCLUSIVE: "⚠️ not proven"}


def summary_of(report: RunReport, said: Sequence[str] = (), *, status: int = 0, room: int = ROOM) -> str:
    """The summary, in at most ``room`` bytes. ``said`` is what the session said beside its rows, ``status`` its end."""
    blocks = [
        [f"## {_headline(report, said, status)}", ""],
        _loud(report),
        _causes(report, said),
        _fitted(_table(report), room // 2, _ROWS_LEFT_OUT),
        _left_out(report),
        _placed(report),
        _parity(report),
        _price(report),
        _not_looked_at(report),
        _reproduce(report),
        *(block for phase in report.phases for block in _of_phase(phase)),
        _footer(report),
    ]
    return _text(blocks, room)


def refusal_summary(problems: Sequence[str], *, room: int = ROOM) -> str:
    """Of a run that could not begin: what is wrong, each on a line."""
    blocks = [
        ["## ⚠️ nothing was proven: the run could not begin", ""],
        *([f"- {plain(problem)}"] for problem in problems),
    ]
    return _text(blocks, room)


def check_summary(checks: Sequence[Check], *, room: int = ROOM) -> str:
    """Of `--syncload-check`: what is not well first. It never says that anything is proven."""
    failed = sum(check.failed for check in checks)
    head = (
        f"⚠️ {failed} of {_many(len(checks), 'check')} failed: a run would be refused"
        if failed
        else (f"{_many(len(checks), 'check')}, none of which failed: a run may start")
    )
    ordered = sorted(checks, key=lambda check: _GRAVEST.index(check.finding))
    blocks = [
        [f"## {head}", "", "No load was offered, so nothing is proven.", ""],
        *([_checked(check)] for check in ordered),
    ]
    return _text(blocks, room)


def _checked(check: Check) -> str:
    rows = "" if check.finding is Finding.OK else "".join(f"; needed by {plain(row)}" for row in check.rows[:CAUSES])
    return f"- {check.finding}: {code(check.name, _NAME)}: {plain(check.says)}{rows}"


def _headline(report: RunReport, said: Sequence[str], status: int) -> str:
    counts, rows = report.counts, len(report.verdicts)
    service, where = plain(report.service, _NAME), plain(report.where.environment, _NAME)
    if counts[Ruling.BREACH]:
        unproven = counts[Ruling.INCONCLUSIVE]
        beside = f", {unproven} could not be measured" if unproven else ""
        return f"❌ {service}: {counts[Ruling.BREACH]} of {_many(rows, 'row')} broke the target{beside}"
    if not report.proven or said:
        unproven = counts[Ruling.INCONCLUSIVE]
        what = f"{unproven} of {_many(rows, 'row')} could not be measured" if unproven else "not all was judged"
        return f"⚠️ {service}: not proven: {what}"
    if status:
        return f"⚠️ {service}: all {_many(rows, 'row')} passed, but pytest ended with {status}: another test failed"
    proven = "passed in the SANDBOX" if report.where.is_sandbox else f"proven in {where}"
    return f"✅ {service}: {'its row' if rows == 1 else f'all {rows} rows'} {proven}"


def _loud(report: RunReport) -> list[str]:
    lines = []
    if report.where.is_sandbox:
        scale = report.where.rate_scale
        scaled = "" if scale == 1 else f" Rates × {format_number(scale)}, not the rates of the plan."
        lines.append(f"> **SANDBOX: this proves nothing about a real target.**{scaled}")
    if report.where.production:
        lines.append("> **PRODUCTION: users depend on this environment.**")
    if report.rejudged is not None:
        lines += [">"] * bool(lines)
        again = plain(format_rejudged(report.rejudged))
        lines.append(f"> **NO LOAD was offered: {again}.** It says nothing of the code as it is now.")
    return [*lines, ""] if lines else []


def _causes(report: RunReport, said: Sequence[str]) -> list[str]:
    """Why it is not green: breaches first, one line each, and a phase that proves nothing once for all its rows."""
    breaches, phases, rows = [], [], []
    for phase in report.phases:
        causes = causes_of(phase)
        if causes:
            text = "; ".join(plain(cause) for cause in causes[:CAUSES]).replace(":; ", ": ")
            phases.append(f"- ⚠️ {code(phase.name, _NAME)} proves nothing (line {phase.plan.line}): {text}")
        breaches += [_cause("❌", [each]) for each in phase.verdicts if each.ruling is Ruling.BREACH]
        if not causes:
            rows += [_cause("⚠️ not proven:", group) for group in unproven_rows(phase)]
    lines = [*breaches, *phases, *(f"- ⚠️ {plain(line)}" for line in said), *rows]
    more = [f"- … and {len(lines) - CAUSES} more, in the table and in the log"] if len(lines) > CAUSES else []
    return [*lines[:CAUSES], *more, ""] if lines else []


def _cause(sign: str, rows: Sequence[Verdict]) -> str:
    """One line of one reason. ``rows`` all have it."""
    first, *others = rows
    beside = f" and {len(others)} more" if others else ""
    notes = () if first.observation is None or others else first.observation.notes
    said = "".join(f"; {plain(note)}" for note in notes[:FEW])
    return f"- {sign} {code(first.slo.id, _NAME)}{beside} (line {first.slo.line}): {plain(first.reason)}{said}"


def _table(report: RunReport) -> Iterator[list[str]]:
    """A block a row, so that a table that is too long ends between two of them."""
    if not report.verdicts:
        return
    yield ["| row | value | target | headroom | verdict |", "|:--|--:|:--|--:|:--|"]
    for verdict in report.verdicts:
        was, compared = was_before(verdict), beside_in_words(verdict)
        cells = (
            code(verdict.slo.id, _NAME),
            plain(value_in_words(verdict)),
            plain(verdict.slo.target.text, _NAME),
            headroom_in_words(verdict),
            _WORDS[verdict.ruling]
            + ("" if was is None else f"<br>was: {plain(was)}")
            + ("" if compared is None else f"<br>compared: {plain(compared)}"),
        )
        yield [f"| {' | '.join(cells)} |"]


def _left_out(report: RunReport) -> list[str]:
    phases = [phase for phase in report.phases if phase.left_out]
    if not phases:
        return []
    counts = (f"{phase.left_out} of {len(phase.plan.slos)} of {code(phase.name, _NAME)}" for phase in phases)
    return ["", f"**Rows that were not asked for:** {', '.join(counts)}"]


def _placed(report: RunReport) -> list[str]:
    return [] if report.placed is None else ["", f"**Generator:** {plain(placed_in_words(report.placed))}", ""]


def _parity(report: RunReport) -> list[str]:
    """What was compared in one sentence, and every difference in a list of its own."""
    if report.parity is None:
        return []
    first, *differences = parity_lines(report.parity)
    lines = ["", f"**Parity:** {plain(first)}", "", *(f"- {plain(each)}" for each in differences[:CAUSES])]
    more = len(differences) - CAUSES
    return [*lines, *([f"- … and {more} more, in the run's folder"] if more > 0 else []), ""]


def _price(report: RunReport) -> list[str]:
    price = price_of_the_run(report)
    return [] if price is None else ["", f"**Price of the run:** {plain(price)}"]


def _not_looked_at(report: RunReport) -> list[str]:
    return ["", "**Not looked at:** " + " · ".join(plain(each) for each in report.not_looked_at), ""]


def _reproduce(report: RunReport) -> list[str]:
    phases = " or ".join(phase.name for phase in report.phases)
    again = shlex.join(["pytest", "-m", phases, "--syncload-run", report.run_id])
    lines = [report.command]
    if report.rejudged is None:
        lines.append(f"{again}  # judges this run again, without load, from its folder")
    return ["**The same again:**", "", *fenced(lines, "sh"), ""]


def _of_phase(phase: PhaseReport) -> Iterator[list[str]]:
    lines = [f"### {plain(phase.name, _NAME)}: {_planned(phase.plan)}", ""]
    causes = causes_of(phase)
    if causes:
        lines += [
            "**It proves nothing**, so none of its rows does:",
            "",
            *(f"- {plain(cause)}" for cause in causes[:_LINES]),
            "",
        ]
    if phase.result is not None:
        lines += [*(f"- {line}" for line in _measured(phase.result)), ""]
    if phase.climb is not None:
        lines += [f"**{plain(climb_sentence(phase.climb))}**", ""]
    if phase.cost is not None:
        lines += [f"**Cost:** {plain(sentence(phase.cost))}", ""]
    yield lines
    if phase.climb is not None:
        table = fenced(climb_table(phase.climb)[:_LINES], "text")
        yield ["<details><summary>What broke first, and what says so</summary>", "", *table, "", "</details>", ""]
    if phase.result is not None:
        pictures = _pictures(phase.result)
        for picture in pictures:
            yield [picture.caption, "", *fenced(picture.lines, "mermaid"), ""]


def _pictures(result: PhaseResult) -> list[Picture]:
    if result.climb is not None:
        return pictures_of_climb(result.climb)
    return pictures_of_seconds(result.timeline, result.not_measured)


def _planned(plan: Phase) -> str:
    if plan.climb is not None:
        climb = plan.climb
        start, most = format_number(climb.from_per_s), format_number(climb.at_most_per_s)
        step = f"by {format_number(climb.step_percent)} % every {format_duration(climb.every_s)}"
        return f"climbs from {start}/s {step} until {plain(climb.until, _NAME)}, at most {most}/s"
    ramp = f", ramp {format_duration(plan.ramp_s)}" if plan.ramp_s else ""
    return f"{format_number(plan.rate_per_s)}/s{ramp}, hold {format_duration(plan.hold_s)}"


def _measured(result: PhaseResult) -> Iterator[str]:
    yield f"window {format_window(result.window)}"
    counts = ", ".join(f"{result.hold[each]} {each.value}" for each in Outcome if result.hold[each]) or "none"
    yield f"{result.hold.arrivals} of {result.scheduled_in_hold} arrivals in the hold: {counts}"
    unsaid = result.not_measured
    times = result.service_time if Figure.LATENCY in unsaid else result.latency
    percentiles = [(p, times.percentile(p)) for p in (50, 95, 99)]
    shown = [f"p{p} {format_number(value)} ms" for p, value in percentiles if value is not None]
    if shown:
        yield f"{latency_name(unsaid)} from {counts_from(unsaid)}: {', '.join(shown)}"
    lag = result.lag.percentile(99)
    engines = ", ".join(each.engine for each in result.generators if each.engine)
    carried = engines or f"generators: {len(result.generators)}"
    yield carried + ("" if lag is None else f", lag p99 {format_number(lag)} ms")
    for name, why in unmeasured_words(result):
        yield f"{name}: {why}"
    for example in result.examples[:3]:
        yield f"an answer: {code(example)}"


def _footer(report: RunReport) -> list[str]:
    where = report.where
    known = [
        where.environment,
        where.target,
        where.region,
        None if where.account is None else f"account {where.account}",
    ]
    return [
        "<sub>"
        + " · ".join(plain(each, _NAME) for each in known if each is not None)
        + f" · run {plain(report.run_id)} in {code(report.folder)} · pytest-syncload {plain(report.version)}</sub>"
    ]


def _text(blocks: Iterable[Sequence[str]], room: int) -> str:
    """With an empty line before and after, because other steps write to the same page; nothing where nothing fits."""
    lines = _fitted(blocks, room - len("\n\n"))
    return "\n".join(["", *lines, "", ""]) if lines else ""


def _many(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _fitted(blocks: Iterable[Sequence[str]], room: int, left_out: str = _LEFT_OUT) -> list[str]:
    """The blocks that there is room for, each whole and in order; where some are left out, a line says how many."""
    all_blocks = [list(block) for block in blocks if block]
    sizes = [sum(len(line.encode()) + 1 for line in block) for block in all_blocks]
    if sum(sizes) <= room:
        return [line for block in all_blocks for line in block]
    spare = room - len(left_out.encode()) - len(str(len(sizes)))
    lines: list[str] = []
    left = 0
    for block, size in zip(all_blocks, sizes, strict=True):
        if size <= spare and not left:
            lines += block
            spare -= size
        else:
            left += 1
    return [*lines, left_out.format(left)] if spare >= 0 else []
