"""Every report tells from where the load came, and that it went to production where it did."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_syncload.facts.place import Place, Placed
from pytest_syncload.report.github_summary import summary_of
from pytest_syncload.report.html.page import html_of
from pytest_syncload.report.html.words import limits_of
from pytest_syncload.report.place import placed_in_words
from pytest_syncload.report.summary import summary_text
from pytest_syncload.report.table import closing_table
from tests.report.reports import REAL, run_report

THERE = Placed(place=Place(region="us-east-1", known_by="EC2 instance metadata"), target="us-east-1")
AWAY = replace(THERE, target="eu-central-1", accepted="CloudWatch judges")
NOWHERE = Placed(place=Place(region=None, known_by="nobody says"), target="us-east-1", accepted="a laptop")


@pytest.mark.parametrize(
    ("placed", "says"),
    [
        (THERE, "us-east-1, the target's (EC2 instance metadata)"),
        (
            AWAY,
            "us-east-1 (EC2 instance metadata), and the target is in eu-central-1; accepted: CloudWatch judges",
        ),
        (NOWHERE, "unknown, and the target is in us-east-1; accepted: a laptop"),
        (replace(NOWHERE, accepted=None), "unknown, and the target is in us-east-1"),
    ],
)
def test_where_it_was_is_a_sentence(placed: Placed, says: str) -> None:
    assert placed_in_words(placed) == says


def test_what_is_unknown_is_not_there() -> None:
    assert THERE.is_there
    assert not AWAY.is_there
    assert not NOWHERE.is_there


def test_every_surface_has_it() -> None:
    report = run_report(placed=AWAY)
    assert f"generator: {placed_in_words(AWAY)}" in closing_table(report)
    assert f"Load came from elsewhere: {placed_in_words(AWAY)}." in limits_of(report)
    assert placed_in_words(AWAY) in html_of(report)
    assert "**Generator:** us" in summary_of(report)
    assert json.loads(summary_text(report))["run"]["generator"] == {
        "region": "us-east-1",
        "known_by": "EC2 instance metadata",
        "accepted": "CloudWatch judges",
    }
    near = run_report(placed=THERE)
    assert not [line for line in limits_of(near) if line.startswith("Load came")]


def test_production_is_told_loudly_everywhere() -> None:
    report = run_report(where=replace(REAL, production=True))
    assert any(line.startswith("where: load-testing (PRODUCTION), https://") for line in closing_table(report))
    assert "Users depend on this environment." in html_of(report)
    assert "> **PRODUCTION: users depend on this environment.**" in summary_of(report)
    assert json.loads(summary_text(report))["run"]["production"] is True
    for told in (html_of(run_report()), summary_of(run_report()), "\n".join(closing_table(run_report()))):
        assert "PRODUCTION" not in told


def test_where_nobody_looked_nothing_is_said() -> None:
    assert not [line for line in closing_table(run_report()) if line.startswith("generator")]
    assert json.loads(summary_text(run_report()))["run"]["generator"] is None
