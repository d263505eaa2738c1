"""What a run itself costs, in words."""

from __future__ import annotations

from pytest_syncload.facts.cost import Range, RunPrice
from pytest_syncload.facts.report import RunReport
from pytest_syncload.report.cost import known_usd, usd


def run_price_in_words(price: RunPrice) -> str:
    """``0.12 to 0.34 USD for 2,925,000 requests``, and what a request is taken to use."""
    return f"{known_usd(price.usd, price.gaps)} USD for {_count(price.requests)} requests ({price.basis})"


def _count(requests: Range) -> str:
    low, high = f"{requests.low:,.0f}", f"{requests.high:,.0f}"
    return low if low == high else f"{low} to {high}"


def price_of_the_run(report: RunReport) -> str | None:
    """What it cost, and beside it what it was thought to; None where nobody asked."""
    estimated, spent = report.estimated, report.spent
    if spent is not None:
        beside = "" if estimated is None else f"; estimated {usd(estimated.usd)}"
        return f"{run_price_in_words(spent)}{beside}"
    return None if estimated is None else f"nothing was sent; estimated {run_price_in_words(estimated)}"
