"""One phase: what is wrong with it, its rows, its load, and what a climb found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pytest_syncload.facts.climb import ClimbFound
from pytest_syncload.facts.events import ClimbRanked
from pytest_syncload.facts.histogram import Histogram
from pytest_syncload.facts.report import PhaseReport, RunReport
from pytest_syncload.facts.result import Figure, GeneratorReport, PhaseResult
from pytest_syncload.facts.units import Kind, format_duration, format_number, format_quantity
from pytest_syncload.report.climb import (
    DEPARTURE_HEADS,
    climb_sentence,
    departure_rows,
    law_words,
    stayed_words,
    unknown_words,
)
from pytest_syncload.report.html.chart import Chart, figure, moment
from pytest_syncload.report.html.climb_charts import evidence_charts, law_chart
from pytest_syncload.report.html.costs import cost_part
from pytest_syncload.report.html.load_charts import begins_at, load_charts, outcome_rows
from pytest_syncload.report.html.markup import Html, join, lines, tag
from pytest_syncload.report.html.row_charts import row_chart
from pytest_syncload.report.html.rows import row_anchor, row_article
from pytest_syncload.report.html.tables import table
from pytest_syncload.report.html.words import plan_words, utc
from pytest_syncload.report.progress import format_window
from pytest_syncload.report.unmeasured import NOT_MEASURED, unmeasured_words

_PERCENTILES = (50, 90, 95, 99, 99.9, 100)


class Section(NamedTuple):
    """A part of the page and the charts that are drawn in it."""

    markup: Html
    charts: list[Chart]


def phase_section(report: RunReport, number: int) -> Section:
    """The phase's section; ``number`` counts from 1."""
    phase = report.phases[number - 1]
    anchor = phase_anchor(number)
    charts: list[Chart] = []
    parts: list[Html | None] = [
        tag("h2", f"Phase {phase.name}", id=f"{anchor}-name"),
        tag("p", f"Planned: {plan_words(phase.plan)} ({report.file}:{phase.plan.line}).", class_="plan"),
        problems(phase),
    ]
    if phase.verdicts:
        parts.append(tag("h3", "Rows"))
        for row, verdict in enumerate(phase.verdicts, 1):
            at = row_anchor(number, row)
            chart = row_chart(verdict, at, anchor)
            charts += [] if chart is None else [chart]
            parts.append(row_article(report, verdict, at, chart))
    if phase.result is not None:
        if phase.result.climb is not None or phase.climb is not None:
            found = _climb(phase, anchor)
            charts += found.charts
            parts.append(found.markup)
        drawn = list(load_charts(phase, report.where, anchor))
        charts += drawn
        parts.append(_load(phase, phase.result, report, drawn))
    if phase.cost is not None:
        parts.append(cost_part(phase.cost))
    markup = tag("section", lines(parts), id=anchor, class_="phase", aria_labelledby=f"{anchor}-name")
    return Section(markup, charts)


def phase_anchor(number: int) -> str:
    """The id of a phase, counted from 1."""
    return f"phase-{number}"


def problems(phase: PhaseReport) -> Html | None:
    """Why nothing was measured, or why what was measured proves nothing; None where all is well."""
    result = phase.result
    said: list[Html | None] = []
    if phase.problem is not None and not (result is not None and result.invalid):  # whose reasons say it better
        head = "Nothing was measured." if result is None else "What was measured proves nothing."
        said.append(_said(head, [phase.problem]))
    elif result is None:
        said.append(_said("Nothing was measured.", []))
    if result is not None and result.invalid:
        said.append(
            _said("The phase is invalid, so none of its rows is judged.", [each.what for each in result.invalid])
        )
    if result is not None and result.aborted is not None:
        said.append(_said("Its own rule stopped the load.", [result.aborted]))
    if not phase.verdicts:
        said.append(_said("No row was judged, so nothing was proven.", []))
    if not said:
        return None
    return tag("div", *said, class_="problem")


def _said(head: str, reasons: Sequence[str]) -> Html:
    listed = tag("ul", *(tag("li", reason) for reason in reasons)) if reasons else None
    return join([tag("p", tag("strong", head)), listed])


def _load(phase: PhaseReport, result: PhaseResult, report: RunReport, charts: list[Chart]) -> Html:
    where = report.where
    clock = "service time runs as wall time does" if where.speed == 1 else (
        f"service time runs × {format_number(where.speed)}: a second of load is drawn as "
        f"{format_duration(where.speed)} of service time"
    )  # fmt: skip
    window = "judged step" if result.climb is not None else "hold"
    facts = [
        (window, format_window(result.window)),
        ("load from", f"{moment(begins_at(phase, result))} UTC, {clock}"),
        *([] if phase.load_began_at is None else [("begun, wall time", utc(phase.load_began_at))]),
        ("rate to be offered", f"{format_number(result.rate_per_s)}/s"),
        ("arrivals", f"{result.hold.arrivals:,} of {result.scheduled_in_hold:,} that were scheduled in the {window}"),
        ("requests on the wire", f"{result.wire_requests:,}, {result.in_flight_edges:,} of them open at its edges"),
    ]
    facts += [(f"generator {each.index}", _fared(each)) for each in result.generators]
    facts += unmeasured_words(result)
    return join(
        [
            tag("h3", "Load"),
            tag("dl", *(join([tag("dt", name), tag("dd", value)]) for name, value in facts), class_="facts"),
            tag(
                "div", _outcomes(result, window), _statuses(result, window), _latencies(result, window), class_="tables"
            ),
            _key_checks(result),
            _examples(result),
            tag("div", *(figure(chart) for chart in charts), class_="charts"),
        ],
        "\n",
    )


def _fared(each: GeneratorReport) -> str:
    cpu = NOT_MEASURED if each.cpu_percent is None else f"{format_number(each.cpu_percent)} % of a core"
    lag = NOT_MEASURED if each.lag_p99_ms is None else f"p99 {format_number(each.lag_p99_ms)} ms"
    most = "" if each.peak_in_flight is None else f", at most {each.peak_in_flight:,} in flight"
    engine = f"{each.engine}: " if each.engine else ""
    return f"{engine}{cpu if each.cpu_percent is not None else f'CPU {cpu}'}, lag {lag}{most}"


def _outcomes(result: PhaseResult, window: str) -> Html:
    arrivals = result.hold.arrivals

    def share(count: int) -> str:
        return f"{100 * count / arrivals:.3f} %" if arrivals else "–"

    elsewhere = "ramp" if window == "hold" else "elsewhere"
    return table(
        "Outcomes",
        ("outcome", window, "share", elsewhere),
        [(name, f"{held:,}", share(held), f"{other:,}") for name, held, other in outcome_rows(result)],
    )


def _statuses(result: PhaseResult, window: str) -> Html | None:
    if not result.statuses:
        return None
    rows = [(str(status), f"{count:,}") for status, count in sorted(result.statuses.items())]
    return table("By status", ("status", window), rows)


def _latencies(result: PhaseResult, window: str) -> Html:
    def shown(of: Histogram, found: float | None) -> str:
        if found is not None:
            return format_quantity(found, Kind.TIME)
        return NOT_MEASURED if id(of) in unsaid else "–"

    unsaid = {
        id(of)
        for figure, of in ((Figure.LATENCY, result.latency), (Figure.LAG, result.lag))
        if figure in result.not_measured
    }
    columns = (result.latency, result.service_time, result.lag)
    rows = [
        (
            "max" if percent == 100 else f"p{format_number(percent)}",
            *(shown(of, of.percentile(percent)) for of in columns),
        )
        for percent in _PERCENTILES
    ]
    rows.append(("mean", *(shown(of, of.mean()) for of in columns)))
    return table(f"Over the {window}", ("", "latency", "service time", "generator's lag"), rows)


def _key_checks(result: PhaseResult) -> Html | None:
    """What the checks of Idempotency-Keys found, by rule; a key to look for where one was broken."""
    if not result.idempotency:
        return None
    heads = ("rule", "checks", "came to an end", "broken", "a broken one's key", "was answered", "why some did not end")
    rows = [
        (
            each.rule.value,
            f"{each.begun:,}",
            f"{each.finished:,}",
            f"{each.broken:,}",
            each.key or "–",
            each.says or "–",
            each.unfinished_because or "–",
        )
        for each in result.idempotency
    ]
    return table("Checks of Idempotency-Keys", heads, rows)


def _examples(result: PhaseResult) -> Html | None:
    if not result.examples:
        return None
    return tag(
        "div",
        tag("p", "Answers that were not as expected, for example:"),
        tag("ul", *(tag("li", tag("code", example)) for example in result.examples)),
        class_="examples",
    )


def _climb(phase: PhaseReport, anchor: str) -> Section:
    parts: list[Html | None] = [tag("h3", "Climb")]
    charts: list[Chart] = []
    ranked, found = phase.climb, None if phase.result is None else phase.result.climb
    if ranked is not None:
        parts.append(tag("p", climb_sentence(ranked), class_="sentence"))
    if found is not None:
        parts += [tag("p", f"It ended because {found.end.value}: {found.why}."), _recovered(found), _steps(found)]
    if ranked is not None:
        evidence = list(evidence_charts(ranked, anchor))
        law = law_chart(ranked, anchor)
        charts = [*evidence, *([] if law is None else [law])]
        parts += [_what_broke(ranked), tag("div", *(figure(chart, level=5) for chart in evidence), class_="charts")]
        parts.append(tag("h4", "How it scales"))
        parts.append(tag("p", f"{law_words(ranked.law)}.") if law is None else figure(law, level=5))
    return Section(lines(parts), charts)


def _recovered(found: ClimbFound) -> Html | None:
    if found.recovered_after_s is None:
        return None
    return tag(
        "p", f"Once the load had fallen, the target held again after {format_number(found.recovered_after_s)} s."
    )


def _steps(found: ClimbFound) -> Html:
    def share(value: float | None) -> str:
        return "–" if value is None else f"{format_number(value)} %"

    def time(value: float | None) -> str:
        return "–" if value is None else format_quantity(value, Kind.TIME)

    rows = [
        (
            f"{step.rate_per_s:,.0f}/s",
            step.part.value,
            moment(step.starts_at),
            step.finding.value,
            share(step.failed_percent),
            time(step.p95_ms),
            time(step.lag_p99_ms),
            "judged" if step.number == found.judged else "",
        )
        for step in found.steps
    ]
    return table("Steps", ("rate", "part", "from, UTC", "finding", "failed", "p95", "lag p99", "rows"), rows)


def _what_broke(ranked: ClimbRanked) -> Html:
    ranking = ranked.ranking
    if ranking.first is not None and ranking.because is not None:
        first = f"{ranking.first.track.name}: {ranking.because}"
    elif ranked.climbed.broke_per_s is None and ranked.climbed.generator_fault is None:
        first = "nothing broke"
    else:
        first = f"not determined: {ranking.undetermined}"
    rows = departure_rows(ranked)
    facts: list[tuple[str, Html | str]] = [("first", first)]
    for name, said in (("unknown", unknown_words(ranking)), ("in its normal range", stayed_words(ranked))):
        if said:
            facts.append((name, tag("ul", *(tag("li", line) for line in said))))
    return join(
        [
            tag("h4", "What broke first"),
            tag("dl", *(join([tag("dt", name), tag("dd", value)]) for name, value in facts), class_="facts"),
            table("In order of time", DEPARTURE_HEADS, rows) if rows else None,
        ],
        "\n",
    )
