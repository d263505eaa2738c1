"""The rows: the table that a reader decides by, and for each row what it was judged from."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_syncload.facts.observation import Ruling, Verdict
from pytest_syncload.facts.report import RunReport
from pytest_syncload.report.before import was_before
from pytest_syncload.report.comparison import beside_in_words
from pytest_syncload.report.html.chart import Chart, figure, wide
from pytest_syncload.report.html.markup import Html, join, lines, tag
from pytest_syncload.report.html.words import SIGN
from pytest_syncload.report.progress import format_window
from pytest_syncload.report.table import headroom_in_words, value_in_words
from pytest_syncload.report.text import part_in_words

_HEADS = ("Verdict", "Row", "Value", "Target", "Headroom", "Asked at")


def anchors(report: RunReport) -> Iterator[tuple[str, Verdict]]:
    """Every row with its id in the page. By number: a name may hold what an id must not."""
    for number, phase in enumerate(report.phases, 1):
        for row, verdict in enumerate(phase.verdicts, 1):
            yield row_anchor(number, row), verdict


def row_anchor(phase: int, row: int) -> str:
    """The id of a phase's row, both counted from 1."""
    return f"phase-{phase}-row-{row}"


def rows_table(report: RunReport) -> Html:
    """All rows of the run, in order of the file."""
    if not report.verdicts:
        return tag("p", "No row was judged.")
    body = lines(_line(report, anchor, verdict) for anchor, verdict in anchors(report))
    # The roles say again what the elements are: on a phone page.css makes a row a card, and `display` would undo them.
    table = tag(
        "table",
        tag("caption", "Every row that was asked for"),
        tag(
            "thead",
            tag("tr", *(tag("th", head, scope="col", role="columnheader") for head in _HEADS), role="row"),
            role="rowgroup",
        ),
        tag("tbody", body, role="rowgroup"),
        class_="rows",
        role="table",
    )
    return wide(table, "Table of rows")


def row_article(report: RunReport, verdict: Verdict, anchor: str, chart: Chart | None) -> Html:
    """One row: why it was ruled so, and where its value came from."""
    seen = verdict.observation
    was = was_before(verdict)
    shown = f"{value_in_words(verdict)} · target {verdict.slo.target.text} · headroom {headroom_in_words(verdict)}"
    facts: list[tuple[str, Html | str]] = [("value", shown)]
    if was is not None:
        facts.append(("was", was))
    if (compared := beside_in_words(verdict)) is not None:
        facts.append(("compared", compared))
    if seen is not None:
        if seen.samples is not None:
            facts.append(("samples", f"{seen.samples:,}"))
        facts.append(("judged window", format_window(seen.window)))
        facts.append(("judged from", _list(seen.sources) if seen.sources else "what the load itself recorded"))
        if seen.parts:
            parts = tuple(f"{name}: {part_in_words(name, value, seen)}" for name, value in seen.parts.items())
            facts.append(("of which", _list(parts)))
        if seen.notes:
            facts.append(("notes", _list(seen.notes)))
    facts.append(("asked at", f"{report.file}:{verdict.slo.line}"))
    return tag(
        "article",
        tag("h4", badge(verdict.ruling), " ", verdict.slo.name),
        tag("p", verdict.reason, class_="reason"),
        tag(
            "div",
            tag("dl", *(join([tag("dt", name), tag("dd", value)]) for name, value in facts), class_="facts"),
            None if chart is None else figure(chart, level=5),
            class_=None if chart is None else "beside-chart",
        ),
        id=anchor,
        class_=f"row {verdict.ruling.value}",
    )


def badge(ruling: Ruling) -> Html:
    """The verdict: a word, a sign and a colour."""
    return tag(
        "span", tag("span", SIGN[ruling], aria_hidden="true"), f" {ruling.value}", class_=f"badge {ruling.value}"
    )


def _line(report: RunReport, anchor: str, verdict: Verdict) -> Html:
    seen = verdict.observation
    notes = () if seen is None else seen.notes
    was = was_before(verdict)
    compared = beside_in_words(verdict)
    beside = [
        verdict.reason,
        *([] if was is None else [f"was: {was}"]),
        *([] if compared is None else [f"compared: {compared}"]),
        *notes,
    ]
    cells = (
        ("Value", value_in_words(verdict)),
        ("Target", verdict.slo.target.text),
        ("Headroom", headroom_in_words(verdict)),
        ("Asked at", f"{report.file}:{verdict.slo.line}"),
    )
    return tag(
        "tr",
        tag("td", badge(verdict.ruling), role="cell"),
        tag(
            "th",
            tag("a", verdict.slo.id, href=f"#{anchor}"),
            *(tag("div", each, class_="beside") for each in beside),
            scope="row",
            role="rowheader",
        ),
        *(tag("td", cell, role="cell", data_head=head) for head, cell in cells),
        role="row",
    )


def _list(items: tuple[str, ...]) -> Html:
    return tag("ul", *(tag("li", item) for item in items))
