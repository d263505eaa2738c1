"""The user's own `slo` tests: every row, its marks, and its verdict whatever the body does."""

from __future__ import annotations

import sys

import pytest

from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.spec import read
from tests.conductor.plans import keep_run
from tests.shell.conftest import Project, outcomes

ROWS = ("api-latency-p95", "api-5xx-rate", "dynamodb-throttles")

#: With these a latency breaks its target, an error rate holds it, and nothing is known of throttles.
FAULTS = "{latency: 700 ms, missing: [ConsumedWriteCapacityUnits, ConsumedReadCapacityUnits]}"

BODIES = """
import pytest, unittest

def test_empty(slo): pass
def test_asserts(slo): assert slo.met and slo.verdict.ruling == "pass"
def test_skips(slo): pytest.skip("not today")
def test_skips_as_unittest(slo): raise unittest.SkipTest("not today")
def test_xfails(slo): pytest.xfail("known")

@pytest.mark.xfail(reason="known")
def test_marked(slo): pass

@pytest.mark.xfail(run=False, reason="known")
def test_marked_not_to_run(slo): pass

def test_always_fails(slo): raise RuntimeError("mine")

def test_is_given_what_was_measured(slo):
    assert slo.id == slo.phase + "::" + slo.name
    assert slo.result.phase == "baseline" and slo.result.hold.arrivals == 50
    assert (slo.observed, slo.target, slo.unit) == {
        "api-latency-p95": (slo.verdict.observation.value, 500.0, "ms"),
        "api-5xx-rate": (0.0, 0.1, "%"),
    }[slo.name]
"""

WORDS = ("PASSED", "FAILED", "ERROR", "SKIPPED", "XFAIL", "XPASS")


def by_test(result: pytest.RunResult) -> dict[str, dict[str, str]]:
    """Test → row → word, from the `-v` lines of the run."""
    found: dict[str, dict[str, str]] = {}
    for line in result.outlines:
        word = next((part for part in line.split() if part in WORDS), None)
        name, bracket, row = line.partition("test_rows_mine.py::")[2].split(" ")[0].partition("[")
        if word and bracket:
            found.setdefault(name, {})[row.rstrip("]").rpartition("::")[2]] = word
    return found


def hide_items(project: Project) -> None:
    file = project.pytester.path / "slo.yaml"
    file.write_text("items: false\n" + file.read_text("utf-8"), "utf-8")


def write_tests(project: Project, text: str) -> None:
    project.pytester.makepyfile(test_rows_mine=text)


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_no_body_and_no_mark_changes_a_verdict(project: Project, workers: tuple[str, ...]) -> None:
    project.write(FAULTS)
    hide_items(project)
    write_tests(project, BODIES)
    result = project.run("-m", "baseline", "-v", *workers)
    breach, well, unknown = ROWS
    skipped = {breach: "FAILED", well: "SKIPPED", unknown: "ERROR"}
    plain = {breach: "FAILED", well: "PASSED", unknown: "ERROR"}
    assert by_test(result) == {
        "test_empty": plain,
        "test_asserts": plain,
        "test_skips": skipped,
        "test_skips_as_unittest": skipped,
        "test_xfails": {breach: "FAILED", well: "XFAIL", unknown: "ERROR"},
        "test_marked": {breach: "FAILED", well: "XPASS", unknown: "ERROR"},
        "test_marked_not_to_run": dict.fromkeys(ROWS, "ERROR"),
        "test_always_fails": {breach: "FAILED", well: "FAILED", unknown: "ERROR"},
        "test_is_given_what_was_measured": plain,
    }
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    # The same text for an empty body and for one that fails by itself, which keeps its own as well.
    text = result.stdout.str()
    assert text.count("  target    < 500 ms") == 8
    assert "RuntimeError: mine" in text
    assert text.count("not proven: ") >= 8
    assert project.sent()["baseline"]["count"] == 50


@pytest.mark.usefixtures("unmeasured")
def test_a_stripped_assert_changes_no_verdict(project: Project) -> None:
    """Neither the user's, in a test of theirs, nor any of ours, behind the items of slo.yaml."""
    project.write("{latency: 700 ms}")
    write_tests(project, "def test_slo(slo):\n    assert slo.observed < slo.target or slo.target == 0\n")
    result = project.pytester.run(
        *(sys.executable, "-O", "-m", "pytest", *project.plugins, "-p", "no:cacheprovider"),
        *("--assert=plain", "-m", "baseline", "-rA"),
    )
    words = {row: "FAILED" if row == ROWS[0] else "PASSED" for row in ROWS}
    assert outcomes(result) == {
        "slo.yaml::baseline::load": "PASSED",
        **{f"slo.yaml::baseline::{row}": word for row, word in words.items()},
        **{f"test_rows_mine.py::test_slo[baseline::{row}]": word for row, word in words.items()},
    }
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.usefixtures("unmeasured")
def test_a_row_that_was_asked_for_and_never_judged_is_not_green(project: Project) -> None:
    hide_items(project)
    plan = read(project.pytester.path / "slo.yaml", environment="sandbox", environ={})
    keep_run(RunFolder(project.pytester.path / ".syncload" / "earlier"), plan, *plan.phase("peak").slos)
    again = ("-m", "peak", "--syncload-run", ".syncload/earlier")
    project.pytester.makepyfile(
        test_rows_mine="""
        import pytest

        @pytest.mark.skip
        def test_slo(slo): pass

        def test_load(peak): pass
        """,
        test_rows_replaced="""
        import pytest

        @pytest.fixture
        def syncload_row(): return 1

        def test_slo(slo): pass
        """,
    )
    skipped = project.run(*again, "-n", "1", "-p", "no:rerunfailures", "test_rows_mine.py")
    skipped.assert_outcomes(passed=1, skipped=3)
    assert skipped.ret == pytest.ExitCode.TESTS_FAILED
    replaced = project.run(*again, "test_rows_replaced.py")
    replaced.assert_outcomes(failed=3, deselected=4)
    replaced.stdout.fnmatch_lines(["peak::api-latency-p95 was not judged, so nothing was proven"])


@pytest.mark.parametrize("shown", [True, False], ids=["beside the items", "instead of them"])
def test_is_one_test_a_row_with_the_marks_of_its_phase(project: Project, shown: bool) -> None:
    if not shown:
        hide_items(project)
    write_tests(project, "def test_slo(slo): pass\n\ndef test_plain(): pass\n")
    of_file = ["slo.yaml::peak::load", *(f"slo.yaml::peak::{row}" for row in ROWS)] if shown else []
    mine = [f"test_rows_mine.py::test_slo[peak::{row}]" for row in ROWS]
    by_mark = project.run("--collect-only", "-q", "-m", "peak and slo")
    assert sorted(line for line in by_mark.outlines if "::" in line) == sorted([*of_file, *mine])
    by_id = project.run("--collect-only", "-q", mine[1])
    assert [line for line in by_id.outlines if "::" in line] == [mine[1]]
    by_name = project.run("--collect-only", "-q", "test_rows_mine.py::test_slo")
    assert len([line for line in by_name.outlines if "::" in line]) == 7
    project.run("-k", "test_rows_mine").assert_outcomes(passed=1, deselected=17 if shown else 7)
    assert not project.started_load()


def test_no_limit_of_a_unit_test_ends_a_phase(project: Project) -> None:
    (project.pytester.path / "timeout.py").write_text('"""In the place of pytest-timeout."""\n', "utf-8")
    write_tests(
        project,
        "import pytest\n\npytestmark = pytest.mark.timeout(5)\n\n@pytest.mark.timeout(3)\ndef test_slo(slo): pass\n\n"
        "def test_load(peak): pass\n\ndef test_plain(): pass\n",
    )
    project.pytester.makeconftest(
        """
        def pytest_collection_finish(session):
            for item in session.items:
                print("limit", item.name, item.get_closest_marker("timeout").args)
        """
    )
    result = project.run_apart("-p", "timeout", "--collect-only", "-s", "-m", "peak or not peak", "test_rows_mine.py")
    assert [line for line in result.outlines if line.startswith("limit")] == ["limit test_plain (5,)"]
    result = project.run_apart("-p", "timeout", "--collect-only", "-s", "-m", "peak")
    limits = [line for line in result.outlines if line.startswith("limit")]
    assert len(limits) == 8
    assert all(line.endswith(" (0,)") for line in limits)


def test_a_fixture_of_ones_own_named_slo_stays(project: Project) -> None:
    write_tests(
        project, "import pytest\n\n@pytest.fixture\ndef slo(): return 1\n\ndef test_mine(slo): assert slo == 1\n"
    )
    project.run().assert_outcomes(passed=1, deselected=10)
    assert not project.started_load()


def test_where_a_test_cannot_be_repeated_it_says_so(project: Project) -> None:
    write_tests(
        project,
        "import unittest, pytest\n\nclass TestMine(unittest.TestCase):\n    @pytest.mark.usefixtures('slo')\n"
        "    def test_it(self): pass\n\ndef test_dynamic(request): request.getfixturevalue('slo')\n",
    )
    result = project.run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.stdout.str().count("the fixture slo gives one test a row, and this test cannot be repeated") >= 2
    assert not project.started_load()


def test_without_a_file_the_error_says_what_to_write(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_slo(slo): pass")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["the fixture slo gives the rows of slo.yaml, and there is none in *; write one*"])
    assert "available fixtures" not in result.stdout.str()


def test_without_a_file_a_fixture_of_ones_own_stays(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import pytest\n\n@pytest.fixture\ndef slo(): return 1\n")
    pytester.makepyfile("def test_slo(slo): assert slo == 1")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
