"""Beside a new verdict stands what the run itself ruled, and all that an edit changed in the row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_syncload.facts.observation import Before, Ruling, Verdict
from pytest_syncload.facts.plan import (
    AwsAccess,
    Environment,
    LoadSettings,
    Phase,
    RawQuery,
    Rejudged,
    RequestTemplate,
    SandboxSettings,
    Slo,
    Spec,
)
from pytest_syncload.report.before import format_rejudged, was_before
from pytest_syncload.report.table import closing_table, where_in_words
from pytest_syncload.report.text import describe, explain
from tests.report.reports import peak, run_report
from tests.rows import DEPTH, LATENCY

REJUDGED = Rejudged(run_id="20261124T090000Z-aaaaaa", begun_at=1_795_510_800.0)
REAL = Environment(
    name="load-testing", line=2, base_url="https://api.toy.example", aws=AwsAccess(region="eu-central-1")
)
SAID = "run 20261124T090000Z-aaaaaa of 2026-11-24 09:00 UTC is judged again"


def verdict(slo: Slo, before: Before | None) -> Verdict:
    return Verdict(slo=slo, ruling=Ruling.PASS, reason="120 ms is < 500 ms", before=before)


def spec(environment: Environment) -> Spec:
    return Spec(
        file=Path("/somewhere/slo.yaml"),
        service="toy",
        environment=environment,
        load=LoadSettings(),
        request=RequestTemplate(),
        phases=(Phase(name="peak", slos=(LATENCY,), line=1),),
        rejudged=REJUDGED,
    )


RAW = Slo(
    name="raw",
    phase="peak",
    target=LATENCY.target,
    line=3,
    query=RawQuery(namespace="Mine", name="Depth", dimensions=()),
)


@pytest.mark.parametrize(
    ("slo", "before", "says"),
    [
        (LATENCY, None, None),
        (LATENCY, Before(), "no row of that name"),
        (LATENCY, Before(slo=LATENCY), "not judged, target < 500 ms"),
        (LATENCY, Before(slo=LATENCY, ruling=Ruling.BREACH, value=612.0), "breach, 612 ms, target < 500 ms"),
        (DEPTH, Before(slo=DEPTH, ruling=Ruling.INCONCLUSIVE), "inconclusive, target < 1000"),
        (
            replace(DEPTH, sustained_s=120.0, growth="none", drains_within_s=300.0, statistic="Maximum", min_samples=3),
            Before(slo=DEPTH, ruling=Ruling.PASS, value=3.0),
            "pass, 3, target < 1000, statistic by default, min_samples by default, sustained none, "
            "growth not looked at, drains_within none",
        ),
        (LATENCY, Before(slo=RAW), "not judged, target < 500 ms, metric Mine Depth, statistic by default"),
    ],
)
def test_the_old_verdict_is_said_with_all_that_changed(slo: Slo, before: Before | None, says: str | None) -> None:
    now = verdict(slo, before)
    assert was_before(now) == says
    plan = spec(REAL)
    assert (f"  was       {says}" in explain(now, plan).split("\n")) is (says is not None)
    lines = [line.strip() for line in closing_table(run_report(peak(now)))]
    assert (f"was: {says}" in lines) is (says is not None)


def test_no_report_hides_that_no_load_was_offered() -> None:
    assert format_rejudged(REJUDGED) == SAID
    sandbox = Environment(name="toy", line=2, sandbox=SandboxSettings())
    assert describe(spec(REAL)) == [
        f"syncload: NO LOAD: {SAID}, in load-testing",
        "syncload: load-testing · https://api.toy.example · eu-central-1 · slo.yaml",
    ]
    assert describe(spec(sandbox))[0] == f"syncload: NO LOAD: {SAID}, in toy"
    assert "SANDBOX" in describe(spec(sandbox))[1]
    for environment, where in (
        (REAL, "load-testing, https://api.toy.example, eu-central-1"),
        (sandbox, "toy (SANDBOX: proves nothing about a real target)"),
    ):
        line = f"  where     {where}; no load was offered: {SAID}"
        assert line in explain(verdict(LATENCY, Before()), spec(environment))
    assert where_in_words(run_report(rejudged=REJUDGED)).endswith(f"; no load was offered: {SAID}")
