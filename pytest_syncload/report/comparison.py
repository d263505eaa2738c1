"""The words for a row beside an earlier run. Decides nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from pytest_syncload.facts.comparison import Compared, Regression
from pytest_syncload.facts.observation import Verdict
from pytest_syncload.facts.plan import Rejudged
from pytest_syncload.facts.units import Kind, format_quantity

_WORDS = {
    Regression.NO_WORSE: "no worse",
    Regression.WORSE: "worse",
    Regression.CANNOT_TELL: "no telling whether worse",
}


def format_compared(run: Rejudged) -> str:
    """``run 20261124T090000Z-1a2b3c of 2026-11-24 09:00 UTC``."""
    return f"run {run.run_id} of {datetime.fromtimestamp(run.begun_at, UTC):%Y-%m-%d %H:%M} UTC"


def beside_in_words(verdict: Verdict) -> str | None:
    """``run 20261124T090000Z-1a2b3c: 412 ms then; …``, for where no line below says which run; None without one."""
    compared = verdict.compared
    if compared is None:
        return None
    return f"run {compared.run_id}: {compared_in_words(compared, verdict.slo.target.kind)}"


def compared_in_words(compared: Compared, kind: Kind) -> str:
    """``412 ms then; its minutes +12.0 % (95 % from +8.1 % to +15.9 %): worse``, or why there is no telling."""
    then = "no value then" if compared.value is None else f"{format_quantity(compared.value, kind)} then"
    if compared.change is None:
        return f"{then}; not compared: {compared.problem}"
    return f"{then}; its minutes {compared.change}: {_WORDS[compared.finding]}"
