"""Every report tells what was compared with what, and each difference that a run bears."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_syncload.facts.parity import Accepted, Difference, DocumentUsed, ParityFound
from pytest_syncload.report.github_summary import summary_of
from pytest_syncload.report.html.words import limits_of
from pytest_syncload.report.markdown import plain
from pytest_syncload.report.parity import accepted_in_words, parity_lines, unaccepted_in_words
from pytest_syncload.report.summary import summary_text
from pytest_syncload.report.table import closing_table
from tests.report.reports import run_report

ADDRESS = 'module.w["it\'s"].aws_ecs_service.worker'
ACCEPTED = Difference(
    address="aws_nat_gateway", attribute="count", here="1", reference="3", matters="ports", accepted="one zone only"
)
OPEN = Difference(address=ADDRESS, attribute="launch_type", here="EC2", reference="FARGATE", matters="they differ")
FOUND = ParityFound(
    terraform=DocumentUsed(name="lt.json", digest="a" * 64, kind="state"),
    reference=DocumentUsed(name="prod.json", digest="b" * 64, kind="plan"),
    compared=14,
    passed_over=30,
    differences=(ACCEPTED,),
    noted=(replace(OPEN, attribute="desired_count", here="9", reference="4"),),
    stale=(Accepted(address="a", attribute="b", why="w"),),
)
SENTENCE = (
    "14 resources compared, lt.json (state, sha256 aaaaaaaaaaaa) with prod.json (plan, sha256 bbbbbbbbbbbb); "
    "30 others have nothing that bears load"
)
LINES = [
    SENTENCE,
    "accepted: aws_nat_gateway count: 1 here, 3 there: one zone only",
    f"noted: {ADDRESS} desired_count: 9 here, 4 there: they differ",
    "stale: a b is accepted and no difference any more",
]


def test_all_that_was_found_is_lines() -> None:
    assert parity_lines(FOUND) == LINES
    refused = replace(FOUND, compared=1, passed_over=1, differences=(OPEN,), noted=(), stale=())
    assert parity_lines(refused)[0].startswith("1 resource compared")
    assert parity_lines(refused)[0].endswith("1 other has nothing that bears load")
    assert parity_lines(refused)[1] == f"not accepted: {ADDRESS} launch_type: EC2 here, FARGATE there"


def test_how_to_accept_is_yaml() -> None:
    yaml = pytest.importorskip("yaml")
    says = unaccepted_in_words(replace(FOUND, differences=(OPEN, replace(ACCEPTED, accepted=None))), "slo.yaml:3")
    assert says.startswith("2 differences from prod.json that nobody accepts")
    entries = yaml.safe_load("\n".join(line for line in says.splitlines() if line.startswith("  - {")))
    assert [(each["address"], each["attribute"]) for each in entries] == [
        (ADDRESS, "launch_type"),
        ("aws_nat_gateway", "count"),
    ]


def test_many_accepted_differences_are_cut_and_counted() -> None:
    many = tuple(replace(ACCEPTED, address=f"a.b{number}") for number in range(25))
    says = accepted_in_words(replace(FOUND, differences=many, noted=()), "slo.yaml").splitlines()
    assert says[0] == "14 resources are as in prod.json but for 25 differences that are accepted"
    assert says[-2:] == [
        "  and 5 more; the run folder's parity.json has them all",
        "a b is accepted (slo.yaml:0) and no difference any more; remove it",
    ]


def test_every_surface_has_them() -> None:
    report = run_report(parity=FOUND, not_looked_at=("cost",))
    table = closing_table(report)
    assert table[-5:] == [*(f"parity: {line}" for line in LINES), "not looked at: cost"]
    assert [line for line in limits_of(report) if line.startswith("Parity")] == [f"Parity: {line}." for line in LINES]
    summary = summary_of(report)
    assert "**Parity:** 14 resources compared" in summary
    assert f"- {plain(LINES[1])}" in summary
    data = json.loads(summary_text(report))["run"]["parity"]
    assert (data["compared"], data["passed_over"], data["reference"]["kind"]) == (14, 30, "plan")
    assert data["differences"] == [
        {"address": "aws_nat_gateway", "attribute": "count", "here": "1", "reference": "3", "accepted": "one zone only"}
    ]
    assert data["noted"][0]["attribute"] == "desired_count"


def test_a_summary_has_room_for_the_first_differences() -> None:
    many = replace(FOUND, differences=tuple(replace(ACCEPTED, address=f"a.b{number}") for number in range(40)))
    summary = summary_of(run_report(parity=many))
    assert "… and 30 more, in the run's folder" in summary


def test_without_a_comparison_nothing_is_said_of_it() -> None:
    assert not [line for line in closing_table(run_report()) if line.startswith("parity")]
    assert json.loads(summary_text(run_report()))["run"]["parity"] is None
