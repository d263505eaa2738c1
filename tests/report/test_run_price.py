"""What a run itself cost, in every surface."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.cost import Range, RunPrice
from pytest_syncload.report.check import progress_lines
from pytest_syncload.report.github_summary import summary_of
from pytest_syncload.report.html.page import html_of
from pytest_syncload.report.run_price import price_of_the_run
from pytest_syncload.report.summary import summary_text
from pytest_syncload.report.table import closing_table
from tests.report.reports import run_report

ESTIMATED = RunPrice(
    requests=Range(low=Decimal(60_000), high=Decimal(63_000)),
    items={"REST API request": Range(low=Decimal("0.2"), high=Decimal("0.3"))},
    basis="assumed",
)
SPENT = replace(ESTIMATED, requests=Range.of(Decimal(61_234)), basis="as this run measured it")


def test_every_surface_tells_it() -> None:
    report = run_report(estimated=ESTIMATED, spent=SPENT)
    says = "0.20 to 0.30 USD for 61,234 requests (as this run measured it); estimated 0.20 to 0.30"
    assert price_of_the_run(report) == says
    assert f"price of the run: {says}" in closing_table(report)
    assert says in html_of(report)
    assert "**Price of the run:** " in summary_of(report)
    run = json.loads(summary_text(report))["run"]
    assert run["spent"]["usd"] == {"low": 0.2, "high": 0.3}
    assert run["spent"]["items"] == {"REST API request": {"low": 0.2, "high": 0.3}}
    assert run["estimated"]["requests"] == {"low": 60_000.0, "high": 63_000.0}


def test_a_run_that_was_refused_has_an_estimate_only() -> None:
    says = price_of_the_run(run_report(estimated=replace(ESTIMATED, gaps=("x",))))
    assert says == "nothing was sent; estimated at least 0.20 USD for 60,000 to 63,000 requests (assumed)"
    assert price_of_the_run(run_report(spent=SPENT)) == "0.20 to 0.30 USD for 61,234 requests (as this run measured it)"


def test_where_nobody_asked_nothing_is_said() -> None:
    report = run_report()
    assert price_of_the_run(report) is None
    run = json.loads(summary_text(report))["run"]
    assert (run["estimated"], run["spent"]) == (None, None)
    assert not any("price" in line for line in closing_table(report))


def test_it_is_told_before_load_in_the_line_of_the_checks() -> None:
    check = Check(name="price of the run", finding=Finding.OK, says="about 0.20 to 0.30 USD; what stands is not in it")
    assert progress_lines("peak", [check]) == ["peak: 1 check ok · about 0.20 to 0.30 USD"]
