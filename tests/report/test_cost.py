"""The words and the table of a cost; what is not known stands in all of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal

from pytest_syncload.cost.month import cost_of
from pytest_syncload.facts.cost import Cost
from pytest_syncload.report.cost import cost_table, price_in_words, sentence
from pytest_syncload.report.github_summary import summary_of
from pytest_syncload.report.html.page import html_of
from pytest_syncload.report.summary import summary_text
from pytest_syncload.report.table import closing_table
from tests.cost.bills import MESSAGE, NODE, REQUEST, SHEET, VCPU, WRITE, price, used, window
from tests.report.reports import peak, run_report

CONSUMED = window(
    used(REQUEST, "606"),
    used(WRITE, "600", of="jobs"),
    used(MESSAGE, "180", "1800"),
    used(NODE, "0", always_per_h=Decimal(2)),
    left_out=("taxes",),
)
COST = cost_of(CONSUMED, SHEET, 6_000_000)
GAP = cost_of(
    replace(CONSUMED, gaps=("the queue is silent",)), replace(SHEET, prices=SHEET.prices[1:], note="denied"), None
)


def test_the_table() -> None:
    head, *rows = [re.split(r"  +", line.strip()) for line in cost_table(COST)[1:7]]
    assert head == ["item", "units a million jobs", "USD a unit", "USD a million jobs", "USD a month", "fixed"]
    assert rows == [
        ["REST API request", "1,010,000", "4.00/M in 2 tiers (live, 2026-01-01)", "2.35", "14.12", "–"],
        ["DynamoDB write unit", "1,000,000", "1.00/M (live, 2026-01-01)", "1.00", "6.00", "–"],
        ["SQS request", "300,000 to 3,000,000", "1.00/M (live, 2026-01-01)", "0.30 to 3.00", "1.80 to 18.00", "–"],
        ["ElastiCache node hour cache.r7g.large valkey", "0", "0.50 (live, 2026-01-01)", "0.00", "730.00", "730.00"],
        ["total", "3.65 to 6.35", "751.92 to 768.12", "730.00"],
    ]
    assert len({len(line) for line in cost_table(COST)[2:7]} | {len(cost_table(COST)[1])}) == 1
    assert cost_table(COST)[0] == (
        "peak: what a million jobs cost, and a month of 6,000,000 jobs, by 600 jobs of this phase"
    )
    assert cost_table(COST)[7:] == [
        "  not in it: taxes",
        "  instead: jobs writes: 146.00 USD a month provisioned for this phase's rate, 6.00 on demand; provisioned is "
        "cheaper from 27.8 % of use, and the scale uses 1.1 %",
    ]


def test_what_is_not_known_makes_every_sum_a_least() -> None:
    lines = cost_table(GAP)
    assert lines[0].endswith("what a million jobs cost, by 600 jobs of this phase")
    assert "USD a month" not in lines[1]
    assert lines[2].split()[:6] == ["REST", "API", "request", "1,010,000", "none", "–"]
    assert lines[6].split() == ["total", "at", "least", "1.30"]
    assert lines[7:] == [
        "  not known: the queue is silent",
        "  not known: REST API request is not priced: nobody asked for its price",
        "  not in it: taxes",
        "  prices: denied",
    ]
    assert sentence(GAP) == "a million jobs cost at least 1.30 USD"


def test_the_sentence() -> None:
    assert sentence(COST) == ("a million jobs cost 3.65 to 6.35 USD, a month of 6,000,000 jobs 751.92 to 768.12 USD")


def test_a_price_is_told_with_all_its_digits() -> None:
    assert price_in_words(price(VCPU, (None, "0.04048"))) == "0.04048 (live, 2026-01-01)"
    assert price_in_words(price(WRITE, (None, "0.000000625"))) == "0.625/M (live, 2026-01-01)"
    assert price_in_words(price(NODE, (None, "12"))) == "12.00 (live, 2026-01-01)"


def test_a_cheaper_way_is_called_so() -> None:
    busy = cost_of(CONSUMED, SHEET, 300_000_000)
    assert cost_table(busy)[-1].endswith("and the scale uses 57.1 %, so it is")


def surfaces(cost: Cost) -> dict[str, str]:
    report = run_report(peak(cost=cost))
    return {
        "table": "\n".join(closing_table(report)),
        "page": html_of(report),
        "step": summary_of(report),
        "json": summary_text(report),
    }


def test_every_surface_tells_it() -> None:
    told = surfaces(COST)
    assert "3.65 to 6.35" in told["table"]
    assert "<caption>What a million jobs cost" in told["page"]
    assert "3.65 to 6.35" in told["page"]
    assert "**Cost:** a million jobs cost 3.65 to 6.35 USD" in told["step"]
    data = json.loads(told["json"])["phases"][0]["cost"]
    assert data["usd_per_million_jobs"] == {"low": 3.653333333, "high": 6.353333333}
    assert data["usd_per_month"] == {"low": 751.92, "high": 768.12}
    assert (data["usd_per_month_fixed"], data["jobs"], data["jobs_per_month"]) == (730.0, 600, 6_000_000)
    assert data["lines"][0]["item"] == "REST API request"
    assert data["lines"][0]["price"]["tiers"] == [{"up_to": 1e6, "usd": 4e-06}, {"up_to": None, "usd": 2e-06}]
    assert [other["what"] for other in data["alternatives"]] == ["writes"]


def test_every_surface_tells_what_is_not_known() -> None:
    told = surfaces(GAP)
    for name in ("table", "page", "json"):
        assert "the queue is silent" in told[name]
    data = json.loads(told["json"])["phases"][0]["cost"]
    assert data["lines"][0]["price"] is data["lines"][0]["usd_per_million_jobs"] is data["usd_per_month"] is None
    assert "at least 1.30" in told["step"]
    assert "USD a month" not in told["page"]


def test_where_nobody_asked_there_is_nothing_of_it() -> None:
    report = run_report()
    assert "<h3>Cost" not in html_of(report)
    assert json.loads(summary_text(report))["phases"][0]["cost"] is None
