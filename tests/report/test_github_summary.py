"""The summary: verdict and cause on its first screen, every row in a table, and never more than there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.observation import Before, Ruling, Verdict
from pytest_syncload.facts.plan import Rejudged
from pytest_syncload.facts.report import PhaseReport, RunReport
from pytest_syncload.report.github_summary import ROOM, check_summary, refusal_summary, summary_of
from tests.report.reports import BREACH, PASS, TOY, UNREAD, observation, peak, refused, run_report, stress
from tests.report.test_markdown import HOSTILE
from tests.rows import LATENCY, result

READER = MarkdownIt("commonmark").enable("table")


def cells(summary: str) -> list[list[str]]:
    """The rows of its table, as a reader of Markdown sees them."""
    rows: list[list[str]] = []
    tokens = READER.parse(summary)
    for at, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("td_open", "th_open"):
            rows[-1].append(
                "".join(each.content for each in tokens[at + 1].children or () if each.type != "html_inline")
            )
    return rows


def first_line(summary: str) -> str:
    """Its headline."""
    return next(line for line in summary.splitlines() if line)


@pytest.mark.parametrize(
    ("phases", "said", "status", "head"),
    [
        ([peak()], [], 1, "## ❌ syncwell: 1 of 3 rows broke the target, 1 could not be measured"),
        ([peak(BREACH, PASS, PASS)], [], 1, "## ❌ syncwell: 1 of 3 rows broke the target"),
        ([peak(UNREAD)], [], 1, "## ⚠️ syncwell: not proven: 1 of 1 row could not be measured"),
        ([refused()], [], 2, "## ⚠️ syncwell: not proven: 3 of 3 rows could not be measured"),
        ([replace(peak(), verdicts=())], [], 1, "## ⚠️ syncwell: not proven: not all was judged"),
        ([peak(PASS)], ["a hook took a row out"], 1, "## ⚠️ syncwell: not proven: not all was judged"),
        ([peak(PASS)], [], 1, "## ⚠️ syncwell: all 1 row passed, but pytest ended with 1: another test failed"),
        ([peak(PASS)], [], 0, "## ✅ syncwell: its row proven in load-testing"),
        ([peak(PASS, PASS)], [], 0, "## ✅ syncwell: all 2 rows proven in load-testing"),
    ],
)
def test_the_verdict_comes_first(phases: Sequence[PhaseReport], said: Sequence[str], status: int, head: str) -> None:
    assert first_line(summary_of(run_report(*phases), said, status=status)) == head


def test_the_sandbox_and_a_judging_again_are_loud_and_never_called_proven() -> None:
    again = Rejudged(run_id="20261124T090000Z-1a2b3c", begun_at=1_764_000_000.0)
    summary = summary_of(run_report(peak(PASS, PASS), where=TOY, rejudged=again))
    assert first_line(summary) == "## ✅ syncwell: all 2 rows passed in the SANDBOX"
    screen = "\n".join(summary.splitlines()[:8])
    assert "SANDBOX: this proves nothing about a real target" in screen
    assert "Rates × 0.4, not the rates of the plan" in screen
    assert "NO LOAD was offered: run 20261124T090000Z-1a2b3c of 2025-11-24" in screen
    assert "--syncload-run 20261124T090000Z-aaaaaa" not in summary


def test_causes_stand_before_the_table_breaches_first() -> None:
    noted = replace(BREACH, observation=observation(notes=("worker CPUUtilization moved too",)))
    summary = summary_of(run_report(refused(), peak(UNREAD, noted)), ["a hook took a row out"], status=1)
    above = summary.partition("| row |")[0].splitlines()
    causes = [line for line in above if line.startswith("- ")]
    assert causes == [
        "- ❌ <code>peak::api-latency-p95</code> (line 30): 612 ms is not &#60; 500 ms; "
        "worker CPUUtilization moved too",
        "- ⚠️ <code>peak</code> proves nothing (line 20): "
        "the target refused the request: 403 Forbidden; nothing was sent",
        "- ⚠️ a hook took a row out",
        "- ⚠️ not proven: <code>peak::dynamodb-throttles</code> (line 32): "
        "no data point for AWS/DynamoDB WriteThrottleEvents",
    ]


def test_the_table_has_every_row() -> None:
    before = Before(slo=LATENCY, ruling=Ruling.PASS, value=400.0)
    assert cells(summary_of(run_report(peak(replace(BREACH, before=before), PASS, UNREAD)))) == [
        ["row", "value", "target", "headroom", "verdict"],
        ["peak::api-latency-p95", "612 ms", "< 500 ms", "-22.4 %", "❌ breachwas: pass, 400 ms, target < 500 ms"],
        ["peak::api-5xx-rate", "0.02 %", "< 0.1 %", "80 %", "✅ pass"],
        ["peak::dynamodb-throttles", "–", "== 0", "–", "⚠️ not proven"],
    ]


def test_what_was_left_out_and_not_looked_at_is_said() -> None:
    summary = summary_of(run_report(peak(PASS)))
    assert "**Rows that were not asked for:** 2 of 3 of <code>peak</code>" in summary
    assert "**Not looked at:** parity · cost · generator's region" in summary
    assert "not asked for" not in summary_of(run_report(peak()))


def test_a_phase_is_drawn_and_a_climb_says_what_broke_first() -> None:
    summary = summary_of(run_report(peak(), stress()))
    assert summary.count("```mermaid\n") == 3
    assert "**held 1,150/s, broke at 1,200/s; first: sync-jobs WriteThrottleEvents**" in summary
    assert "peak: 3000/s, ramp 3m, hold 3m" in summary
    assert "1800 of 1800 arrivals in the hold: 1800 ok" in summary


def test_it_says_how_to_run_the_same_again() -> None:
    summary = summary_of(run_report(peak(), stress()))
    assert "\npytest -m peak --syncload-env load-testing\n" in summary
    assert "\npytest -m 'peak or stress' --syncload-run 20261124T090000Z-aaaaaa " in summary


@pytest.mark.parametrize("text", [*HOSTILE, "x" * 100_000, "<" * 100_000])
def test_a_hostile_run_breaks_neither_table_nor_room(text: str) -> None:
    slo = replace(LATENCY, name=text, target=replace(LATENCY.target, text=text))
    row = Verdict(
        slo=slo, ruling=Ruling.BREACH, reason=text, observation=observation(slo, sources=(text,), notes=(text,))
    )
    phase = replace(peak(row, PASS), problem=text, result=result(examples=(text, text)))
    report = run_report(phase, service=text, command=text, folder=text, run_id=text, where=replace(TOY, target=text))
    summary = summary_of(replace(report, not_looked_at=(text,)), [text])
    assert len(summary.encode()) <= ROOM
    table = cells(summary)
    assert [len(row) for row in table] == [5, 5, 5]
    assert "<script>" not in "".join(token.content for token in READER.parse(summary) if token.type == "html_block")
    assert {token.tag for token in READER.parse(summary) if token.type == "heading_open"} == {"h2", "h3"}


@given(st.integers(0, 3000), st.integers(1, 40))
def test_there_is_never_more_than_there_is_room_for(room: int, rows: int) -> None:
    report = run_report(peak(*[BREACH] * rows), stress(), refused())
    summary = summary_of(report, room=room)
    assert len(summary.encode()) <= room
    if room > 400:
        assert first_line(summary).startswith("## ❌ syncwell: ")
        assert "left out, for which there is no room here" in summary


def test_a_long_table_leaves_room_for_what_follows() -> None:
    names = [replace(BREACH, slo=replace(LATENCY, name=f"row-{number}-{'<' * 100}")) for number in range(3000)]
    summary = summary_of(run_report(peak(*names)))
    assert len(summary.encode()) <= ROOM
    assert "rows are left out, for which there is no room here" in summary
    assert "--syncload-env load-testing" in summary
    assert "```mermaid" in summary
    assert "… and 2988 more" in summary


def test_a_refusal_says_each_problem() -> None:
    summary = refusal_summary(["2 errors in slo.yaml, nothing was run:", "slo.yaml:7: <b>unknown</b>"])
    assert first_line(summary) == "## ⚠️ nothing was proven: the run could not begin"
    assert "- slo.yaml:7: &#60;b&#62;unknown" in summary
    assert len(refusal_summary(["x" * 500] * 10_000, room=4000).encode()) <= 4000


def test_checks_are_listed_the_gravest_first_and_prove_nothing() -> None:
    well = Check(name="sign-in", finding=Finding.OK, says="50 users", rows=("peak::x (slo.yaml:9)",))
    note = Check(name="clock", finding=Finding.NOTE, says="2 s ahead")
    failed = Check(name="tables", finding=Finding.FAILED, says="<by-user> is missing", rows=("peak::x (slo.yaml:9)",))
    assert check_summary([well, note, failed]).strip().splitlines() == [
        "## ⚠️ 1 of 3 checks failed: a run would be refused",
        "",
        "No load was offered, so nothing is proven.",
        "",
        "- failed: <code>tables</code>: &#60;by-user&#62; is missing; needed by peak::x (slo.yaml:9)",
        "- note: <code>clock</code>: 2 s ahead",
        "- ok: <code>sign-in</code>: 50 users",
    ]
    assert first_line(check_summary([well, note])) == "## 2 checks, none of which failed: a run may start"


def test_every_report_ends_with_where_it_went() -> None:
    report: RunReport = run_report()
    assert "account 123456789012" in summary_of(report).splitlines()[-2]
