"""A check is one line; what is not well says which rows it concerns."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.report.check import check_lines, closing_line, progress_lines

WELL = Check(name="region", finding=Finding.OK, says="us-east-1", rows=("peak::a (slo.yaml:3)",))
NOTED = Check(name="queue", finding=Finding.NOTE, says="was idle", rows=("peak::b (slo.yaml:4)",))
WRONG = Check(
    name="table sync-jobs",
    finding=Finding.FAILED,
    says="has an index that is not listed: by-user\nadd it to resources.tables (slo.yaml:9)",
    rows=("peak::c (slo.yaml:5)", "soak::c (slo.yaml:5)"),
)


def test_a_check_is_a_line_and_what_is_not_well_names_its_rows() -> None:
    assert check_lines([WELL, NOTED, WRONG]) == [
        "ok      region           us-east-1",
        "note    queue            was idle",
        "                         needed by peak::b (slo.yaml:4)",
        "FAILED  table sync-jobs  has an index that is not listed: by-user",
        "                         add it to resources.tables (slo.yaml:9)",
        "                         needed by peak::c (slo.yaml:5)",
        "                         needed by soak::c (slo.yaml:5)",
    ]


def test_a_check_that_says_nothing_still_has_its_line() -> None:
    assert check_lines([Check(name="limits", finding=Finding.OK, says="")]) == ["ok      limits"]
    assert check_lines([]) == []


def test_the_end_says_whether_a_run_may_start() -> None:
    assert closing_line([WELL, WELL, NOTED]) == "syncload: 2 ok, 1 note; no load was offered; a run may start"
    assert closing_line([WELL, WRONG]) == "syncload: 1 ok, 1 FAILED; no load was offered; a run would be refused"
    assert closing_line([]) == "syncload: nothing was checked"


def test_before_a_phase_only_what_is_not_well_is_told() -> None:
    assert progress_lines("peak", [WELL] * 14) == ["peak: 14 checks ok"]
    assert progress_lines("peak", [WELL, NOTED]) == [
        "peak: 1 check ok",
        "  note    queue  was idle",
        "                 needed by peak::b (slo.yaml:4)",
    ]


def test_where_we_are_is_told_before_a_phase_where_it_is_the_right_place() -> None:
    here = Check(name="generator's region", finding=Finding.OK, says="us-east-1, the target's (EC2 instance metadata)")
    assert progress_lines("peak", [WELL, here]) == [
        "peak: 2 checks ok · generator in us-east-1, the target's (EC2 instance metadata)"
    ]
    noted = replace(here, finding=Finding.NOTE)
    assert "generator in" not in progress_lines("peak", [WELL, noted])[0]


checks = st.builds(
    Check,
    name=st.text("ab", max_size=5),
    finding=st.sampled_from(Finding),
    says=st.text("xy\n", max_size=20),
    rows=st.lists(st.just("peak::a"), max_size=3).map(tuple),
)


@given(st.lists(checks, max_size=10))
def test_every_check_has_its_word_and_a_failed_one_is_never_lost(found: list[Check]) -> None:
    lines = check_lines(found)
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == [
        "FAILED" if check.failed else check.finding.value for check in found
    ]
    failed = any(check.failed for check in found)
    assert ("refused" in closing_line(found)) is failed
    assert any(line.startswith("  FAILED") for line in progress_lines("peak", found)) is failed
