"""The page as a whole."""

from __future__ import annotations

import json
import shlex

from pytest_syncload.facts.report import RunReport
from pytest_syncload.facts.units import format_number
from pytest_syncload.report.before import format_rejudged
from pytest_syncload.report.html.assets import assets
from pytest_syncload.report.html.chart import Chart, to_json
from pytest_syncload.report.html.markup import Html, join, lines, tag
from pytest_syncload.report.html.phases import phase_anchor, phase_section
from pytest_syncload.report.html.rows import rows_table
from pytest_syncload.report.html.words import headline, limits_of, title, utc
from pytest_syncload.report.place import placed_in_words
from pytest_syncload.report.run_price import price_of_the_run


def html_of(report: RunReport) -> str:
    """``report.html``: the run on one page, verdicts first. The same report gives the same page."""
    own = assets()
    sections = [phase_section(report, number) for number in range(1, len(report.phases) + 1)]
    charts = [chart for section in sections for chart in section.charts]
    head = tag(
        "head",
        lines(
            [
                tag("meta", charset="utf-8"),
                own.policy,
                tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
                tag("meta", name="color-scheme", content="light dark"),
                tag("meta", name="referrer", content="no-referrer"),
                tag("meta", name="generator", content=f"pytest-syncload {report.version}"),
                tag("title", title(report)),
                own.styles,
            ]
        ),
    )
    body = tag(
        "body",
        lines(
            [
                tag("a", "To the verdicts", href="#verdicts", class_="skip"),
                _header(report),
                _contents(report),
                tag(
                    "main",
                    lines(
                        [
                            _verdicts(report),
                            *(section.markup for section in sections),
                            _again(report),
                        ]
                    ),
                ),
                tag("footer", tag("p", f"pytest-syncload {report.version} · charts by uPlot 1.6.32 (MIT)")),
                _data(charts),
                own.scripts,
            ]
        ),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _header(report: RunReport) -> Html:
    where = report.where
    loud = []
    if where.is_sandbox:
        loud.append(tag("p", tag("strong", "SANDBOX"), " It proves nothing about a real target."))
    if where.production:
        loud.append(tag("p", tag("strong", "PRODUCTION"), " Users depend on this environment."))
    if report.rejudged is not None:
        loud.append(tag("p", tag("strong", "REJUDGED"), f" No load was offered: {format_rejudged(report.rejudged)}."))
    facts = [
        ("environment", where.environment),
        ("target", where.target),
        ("region", where.region or "unknown"),
        ("account", where.account or "unknown"),
        *([] if report.placed is None else [("generator", placed_in_words(report.placed))]),
        ("begun", utc(report.begun_at)),
        ("run", report.run_id),
    ]
    if where.speed != 1:
        facts.append(("clock", f"service time runs × {format_number(where.speed)}"))
    return tag(
        "header",
        tag("p", f"{report.service} · pytest-syncload", class_="service"),
        tag("h1", headline(report), class_="proven" if report.proven and not where.is_sandbox else "unproven"),
        tag("div", *loud, class_="loud") if loud else None,
        tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts), class_="facts short"),
    )


def _contents(report: RunReport) -> Html:
    links = [("verdicts", "Verdicts")]
    links += [(phase_anchor(number), f"Phase {phase.name}") for number, phase in enumerate(report.phases, 1)]
    links.append(("again", "Run it again"))
    return tag(
        "nav",
        tag("ul", *(tag("li", tag("a", name, href=f"#{anchor}")) for anchor, name in links)),
        aria_label="Contents",
    )


def _verdicts(report: RunReport) -> Html:
    return tag(
        "section",
        lines(
            [
                tag("h2", "Verdicts", id="verdicts-name"),
                rows_table(report),
                tag("h3", "What this does not say"),
                tag("ul", *(tag("li", each) for each in limits_of(report)), class_="limits"),
                tag(
                    "p",
                    "Charts: drag along one to look closer, double-click to see all of it again; the arrow keys read "
                    "its numbers, and the names above it hide and show lines.",
                    class_="hint",
                    hidden=True,
                ),
                # Not `noscript`: where a server's own policy forbids scripts, a browser would not show that.
                tag(
                    "p",
                    "The charts need JavaScript. Their numbers are in the table below each of them.",
                    class_="unscripted",
                ),
            ]
        ),
        id="verdicts",
        aria_labelledby="verdicts-name",
    )


def _again(report: RunReport) -> Html:
    facts: list[tuple[str, Html | str]] = [("the same again", tag("code", report.command))]
    measured = [phase.name for phase in report.phases if phase.result is not None]
    if report.rejudged is None and measured:
        phases = " or ".join(measured)
        judge = shlex.join(["pytest", "-m", phases, "--syncload-run", report.run_id])
        facts.append(("judged again, without load", tag("code", judge)))
    if (price := price_of_the_run(report)) is not None:
        facts.append(("price of the run", price))
    facts += [
        ("run folder", tag("code", report.folder)),
        ("plan", tag("code", report.file)),
        ("version", f"pytest-syncload {report.version}"),
    ]
    return tag(
        "section",
        tag("h2", "Run it again", id="again-name"),
        tag("dl", *(join([tag("dt", name), tag("dd", value)]) for name, value in facts), class_="facts"),
        id="again",
        aria_labelledby="again-name",
    )


def _data(charts: list[Chart]) -> Html:
    """What the script draws. Inside a script element only ``<`` could end it, and is written as JSON lets it be."""
    data = json.dumps([to_json(chart) for chart in charts], ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return tag("script", Html(data.replace("<", "\\u003c")), type="application/json", id="chart-data")
