"""The words for a judging again: which run is judged, and what it had ruled on a row itself. Decides nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from pytest_syncload.facts.observation import Verdict
from pytest_syncload.facts.plan import Rejudged, Slo
from pytest_syncload.facts.units import format_duration, format_quantity


def format_rejudged(rejudged: Rejudged) -> str:
    """``run 20261124T090000Z-1a2b3c of 2026-11-24 09:00 UTC is judged again``."""
    begun = datetime.fromtimestamp(rejudged.begun_at, UTC)
    return f"run {rejudged.run_id} of {begun:%Y-%m-%d %H:%M} UTC is judged again"


def was_before(verdict: Verdict) -> str | None:
    """``breach, 612 ms, target < 500 ms``: the ruling of the run itself, with all that an edit changed in the row.

    None where the verdict is no judging again.
    """
    before = verdict.before
    if before is None:
        return None
    if before.slo is None:
        return "no row of that name"
    row = before.slo
    said = ["not judged" if before.ruling is None else before.ruling.value]
    if before.value is not None:
        said.append(format_quantity(before.value, row.target.kind))
    said.append(f"target {row.target.text}")
    old, new = _settings(row), _settings(verdict.slo)
    said += [f"{name} {old[name]}" for name in old if old[name] != new[name]]
    return ", ".join(said)


def _settings(slo: Slo) -> dict[str, str]:
    """The keys of the row besides its target, by their names in slo.yaml and in its words."""

    def duration(seconds: float | None) -> str:
        return "none" if seconds is None else format_duration(seconds)

    query = slo.query
    return {
        "metric": slo.metric or (f"{query.namespace} {query.name}" if query is not None else ""),
        "statistic": slo.statistic or "by default",
        "min_samples": "by default" if slo.min_samples is None else str(slo.min_samples),
        "sustained": duration(slo.sustained_s),
        "growth": "not looked at" if slo.growth is None else slo.growth,
        "drains_within": duration(slo.drains_within_s),
        "regression": "not looked at" if slo.regression is None else slo.regression.text,
    }
