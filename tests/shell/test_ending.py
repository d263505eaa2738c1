"""How a session ends: what was asked for and not proven is never green, whatever others make of it, and says why."""

from __future__ import annotations

import re

import pytest

from pytest_syncload.shell.ending import last_word
from tests.shell.conftest import Project, outcomes
from tests.shell.test_rejudge import RUN, measured

AGAIN = ("-m", "peak", "--syncload-run", RUN)
UNIT = "def test_mine(): pass\n"
DROPS = """
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if item.name != {!r}]
"""
EXITS = """
import pytest

def pytest_session{}(session):
    pytest.exit("no target today", returncode=0)
"""
NO_ROOM = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    for folder in session.path.glob(".syncload/*/verdicts"):
        if not any(folder.iterdir()):
            folder.rmdir()
            folder.touch()
"""


@pytest.mark.parametrize(
    ("status", "least", "ends"),
    [
        (0, pytest.ExitCode.OK, 0),
        (5, pytest.ExitCode.OK, 5),
        (0, pytest.ExitCode.TESTS_FAILED, 1),
        (5, pytest.ExitCode.TESTS_FAILED, 1),
        (None, pytest.ExitCode.TESTS_FAILED, 1),
        (256, pytest.ExitCode.TESTS_FAILED, 1),
        (2, pytest.ExitCode.TESTS_FAILED, 2),
        (99, pytest.ExitCode.TESTS_FAILED, 99),
        (0, pytest.ExitCode.INTERRUPTED, 2),
        (1, pytest.ExitCode.INTERRUPTED, 2),
        (3, pytest.ExitCode.INTERRUPTED, 3),
    ],
)
def test_a_status_is_only_ever_made_worse(status: object, least: pytest.ExitCode, ends: int) -> None:
    assert last_word(status, least) == ends


def test_a_row_that_a_hook_took_out_is_told(project: Project) -> None:
    measured(project)
    project.pytester.makeconftest(DROPS.format("api-5xx-rate"))
    for workers in ((), ("-n", "1")):
        result = project.run(*AGAIN, *workers, "-rA")
        assert set(outcomes(result).values()) == {"PASSED"}
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.stdout.fnmatch_lines(
            [
                "syncload: peak::api-5xx-rate is not proven: a plugin or a conftest.py took this row out of the run*",
                "peak::api-5xx-rate * inconclusive",
            ]
        )
        assert "not asked for" not in result.stdout.str()
    # What the user left out is left out.
    for args in (("-k", "not 5xx"), ("--deselect", "slo.yaml::peak::api-5xx-rate")):
        result = project.run(*AGAIN, *args)
        assert result.ret == pytest.ExitCode.OK
        result.stdout.fnmatch_lines(["peak: 1 of its rows were not asked for"])


def test_what_repeated_tests_leave_out_was_proven_by_the_same_load(project: Project) -> None:
    measured(project)
    args = ("-m", "peak", "-p", "cacheprovider", "-p", "stepwise", "--stepwise")
    file = project.pytester.path / "slo.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace('apigateway.5xx, target: "< 0.1 %"', 'apigateway.5xx, target: "< 0 %"'), "utf-8")
    assert project.run(*args).ret == pytest.ExitCode.INTERRUPTED
    file.write_text(text, "utf-8")
    result = project.run(*args)
    result.assert_outcomes(passed=2, deselected=8)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines([f"syncload: NO LOAD: run {RUN} of * is judged again*"])


@pytest.mark.parametrize("hook", ["start", "finish"])
def test_an_exit_by_a_hook_is_not_green(project: Project, hook: str) -> None:
    project.pytester.makeconftest(EXITS.format(hook))
    project.pytester.makepyfile(UNIT)
    result = project.run("-m", "peak", "test_an_exit_by_a_hook_is_not_green.py")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "Traceback" not in result.stderr.str()
    assert project.run("test_an_exit_by_a_hook_is_not_green.py").ret == pytest.ExitCode.OK


def test_a_phase_that_was_named_and_has_no_row_is_told_why(project: Project) -> None:
    project.pytester.makepyfile(test_mine=UNIT)
    for args, why in [
        (("-m", "peak or not slow"), "syncload: -m 'peak or not slow' names phase peak, but is true without its mark*"),
        (
            ("slo.yaml::peak", "test_mine.py", "-k", "mine"),
            "syncload: a node id selects phase peak, but none of its *-k*",
        ),
    ]:
        result = project.run(*args)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.stdout.fnmatch_lines([why])
    for args in (("-m", "not slow or not peak"), ("-m", "not (peak and slow)")):
        assert project.run("test_mine.py", *args).ret == pytest.ExitCode.OK
    assert not project.started_load()


def test_an_environment_is_named_for_something(project: Project) -> None:
    project.pytester.makeconftest("def pytest_sessionfinish(session): session.exitstatus = 0\n")
    nothing = project.run("--syncload-env", "sandbox")
    assert nothing.ret == pytest.ExitCode.TESTS_FAILED
    nothing.stdout.fnmatch_lines(["syncload: --syncload-env was given, and nothing was run: select a phase by -m*"])
    project.pytester.makepyfile(UNIT)
    assert project.run("--syncload-env", "sandbox").ret == pytest.ExitCode.OK


def test_where_nothing_can_be_kept_the_table_is_printed_all_the_same(project: Project) -> None:
    measured(project)
    project.pytester.makeconftest(NO_ROOM)
    project.pytester.makepyfile(test_mine="def test_slo(slo): pass\n")
    result = project.run(*AGAIN, "-rA")
    rows = {node: word for node, word in outcomes(result).items() if not node.endswith("load")}
    assert set(rows.values()) == {"ERROR"}
    assert len(rows) == 6
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*/verdicts/peak--* cannot be written: Not a directory; what is measured must be kept*",
            "syncload: */verdicts/peak--* cannot be written: Not a directory*",
            "peak: no row was judged, so nothing was proven",
            "run folder: .syncload/*",
        ]
    )
    text = result.stdout.str() + result.stderr.str()
    assert not re.search(r"Traceback|[.]py:\d", text), "a traceback of ours"


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_run_folder_that_cannot_be_made_is_one_message(project: Project, workers: tuple[str, ...]) -> None:
    old = measured(project)
    old.path.parent.rename(project.pytester.path / "kept")
    (project.pytester.path / ".syncload").touch()
    result = project.run("-m", "peak", "--syncload-run", f"kept/{RUN}", *workers)
    text = result.stdout.str() + result.stderr.str()
    assert result.ret == pytest.ExitCode.USAGE_ERROR, text
    result.stderr.fnmatch_lines(["ERROR: syncload: the run folder * cannot be made: *so make its place writable"])
    assert "INTERNALERROR" not in text
    assert "none of its rows was collected" not in text
