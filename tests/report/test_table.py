"""The closing table: every row, how far it is from its target, and what nobody looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.observation import Before, Ruling, Verdict
from pytest_syncload.facts.plan import Rejudged, Target
from pytest_syncload.facts.report import PhaseReport
from pytest_syncload.report.table import closing_table, headroom, where_in_words
from tests.report.reports import (
    BREACH,
    PASS,
    TOY,
    UNREAD,
    invalid,
    observation,
    peak,
    refused,
    run_report,
    stress,
)
from tests.rows import ERRORS, LATENCY


def test_it_has_every_row_and_what_was_not_looked_at() -> None:
    assert closing_table(run_report()) == [
        "                           value                   headroom",
        "peak::api-latency-p95     612 ms  target < 500 ms   -22.4 %  breach",
        "peak::api-5xx-rate        0.02 %  target < 0.1 %       80 %  pass",
        "peak::dynamodb-throttles       –  target == 0             –  inconclusive",
        "                          no data point for AWS/DynamoDB WriteThrottleEvents",
        "where: load-testing, https://api.toy.example, eu-central-1, account 123456789012",
        "not looked at: parity · cost · generator's region",
    ]


def test_a_phase_without_a_verdict_and_rows_that_nobody_asked_for_are_said() -> None:
    lines = closing_table(run_report(peak(PASS), replace(stress(), verdicts=())))
    assert "peak: 2 of its rows were not asked for" in lines
    assert "stress: no row was judged, so nothing was proven" in lines
    nothing = replace(stress(), verdicts=(), climb=None)
    assert closing_table(run_report(nothing))[0] == "stress: no row was judged, so nothing was proven"


def test_it_says_where_rates_were_below_the_plan() -> None:
    lines = closing_table(run_report(where=TOY))
    assert "where: toy (SANDBOX: proves nothing about a real target)" in lines
    assert "offered: rates × 0.4, not the rates of the plan" in lines
    assert not [line for line in closing_table(run_report()) if line.startswith("offered")]


def test_it_has_what_a_climb_found() -> None:
    lines = closing_table(run_report(stress()))
    at = lines.index("stress: held 1,150/s, broke at 1,200/s; first: sync-jobs WriteThrottleEvents")
    assert lines[at + 1].startswith("  left its normal range")
    assert any(line.startswith("  law ") for line in lines[at:])


def test_notes_and_rules_stand_below_their_row() -> None:
    noted = replace(PASS, reason="0.02 % is < 0.1 %; it did not grow", observation=observation(notes=("but once",)))
    was = replace(noted, before=Before(slo=LATENCY, ruling=Ruling.BREACH, value=612.0))
    lines = [line.strip() for line in closing_table(run_report(peak(was)))]
    at = next(number for number, line in enumerate(lines) if line.startswith("peak::"))
    assert lines[at + 1].startswith("was: breach, 612 ms")
    assert lines[at + 2 : at + 4] == ["it did not grow", "but once"]


@pytest.mark.parametrize("phase", [refused(), invalid()], ids=["refused", "invalid"])
def test_one_reason_for_all_rows_is_told_once(phase: PhaseReport) -> None:
    lines = [line.strip() for line in closing_table(run_report(phase))]
    assert lines.count(phase.verdicts[0].reason) == 1


def test_what_several_rows_note_is_told_once() -> None:
    notes = ("held 4,200/s, broke at 4,410/s", "first: sync-jobs WriteThrottleEvents")
    rows = [replace(PASS, slo=slo, observation=observation(slo, notes=notes)) for slo in (LATENCY, ERRORS)]
    lines = [line.strip() for line in closing_table(run_report(peak(*rows)))]
    assert [lines.count(note) for note in notes] == [1, 1]


def test_no_load_is_said() -> None:
    again = run_report(rejudged=Rejudged(run_id="20261124T080000Z-bbbbbb", begun_at=1_796_000_000.0))
    assert "; no load was offered: " in where_in_words(again)


def ruled(op: str, target: float, value: float | None) -> Verdict:
    slo = replace(LATENCY, target=Target(op=op, value=target, kind=LATENCY.target.kind, text=f"{op} {target}"))
    return Verdict(slo=slo, ruling=Ruling.PASS, reason="", observation=observation(slo, value))


@pytest.mark.parametrize(
    ("op", "target", "value", "room"),
    [
        ("<", 500.0, 50.0, 90.0),
        ("<=", 500.0, 500.0, 0.0),
        (">", 3000.0, 4500.0, 50.0),
        (">=", 3000.0, 1500.0, -50.0),
        ("==", 5.0, 5.0, None),
        ("<", 0.0, 0.0, None),
        ("<", 500.0, None, None),
    ],
)
def test_headroom_is_what_is_left_of_the_target(
    op: str, target: float, value: float | None, room: float | None
) -> None:
    assert headroom(ruled(op, target, value)) == room


def test_nothing_observed_has_no_headroom() -> None:
    assert headroom(UNREAD) is None
    assert headroom(BREACH) == pytest.approx(-22.4)


@given(
    op=st.sampled_from(["<", "<=", ">", ">="]),
    target=st.floats(0.001, 1e9),
    value=st.floats(0, 1e9),
)
def test_there_is_room_where_the_target_is_met_and_nowhere_else(op: str, target: float, value: float) -> None:
    verdict = ruled(op, target, value)
    room = headroom(verdict)
    assert room is not None
    assert (room >= 0) is verdict.slo.target.met_by(value) or value == target
