"""`pytest` alone never generates load; what was asked for is what runs."""

from __future__ import annotations

import pytest

from tests.shell.conftest import Project, outcomes
from tests.shell.test_rejudge import RUN, measured

USER_TESTS = """
import pytest

def test_plain(): pass

@pytest.mark.peak
def test_merely_marked(): pass

def test_needs_load(peak): assert peak.hold.arrivals
"""


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("-m", "not slow"),
        ("--collect-only",),
        ("--collect-only", "-m", "peak"),
        ("-k", "peak"),
        ("-m", "not baseline"),
        ("-m", "peak or not peak"),
        ("slo.yaml",),
    ],
)
def test_starts_no_load(project: Project, args: tuple[str, ...]) -> None:
    project.pytester.makepyfile(USER_TESTS)
    project.run(*args)
    assert not project.started_load()


def test_a_users_own_tests_run_as_ever(project: Project) -> None:
    project.pytester.makepyfile(USER_TESTS)
    result = project.run("-rA")
    # baseline and peak have four items each and stress has two; the eleventh is the test that needs load.
    result.assert_outcomes(passed=2, deselected=11)
    result.stdout.fnmatch_lines(["syncload: 11 items that need load were left out*"])


def test_collect_only_shows_the_selected_items(project: Project) -> None:
    result = project.run("--collect-only", "-q", "-m", "peak")
    result.stdout.fnmatch_lines(
        [
            "slo.yaml::peak::load",
            "slo.yaml::peak::api-latency-p95",
            "slo.yaml::peak::api-5xx-rate",
            "slo.yaml::peak::dynamodb-throttles",
            "*4/10 tests collected (6 deselected)*",
        ]
    )


def test_is_collected_where_testpaths_leaves_it_out(project: Project) -> None:
    project.pytester.makeini("[pytest]\ntestpaths = unit\n")
    (project.pytester.path / "unit").mkdir()
    (project.pytester.path / "unit" / "test_it.py").write_text("def test_it(): pass\n", "utf-8")
    result = project.run("--collect-only", "-q", "-m", "peak")
    result.stdout.fnmatch_lines(["slo.yaml::peak::load"])


def test_a_node_id_selects_and_a_phase_without_a_judged_row_is_not_green(project: Project) -> None:
    measured(project)
    result = project.run("slo.yaml::peak::load", "-rA", "--syncload-run", RUN)
    assert outcomes(result) == {"slo.yaml::peak::load": "PASSED"}
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*peak: no row was judged, so nothing was proven*"])


@pytest.mark.usefixtures("unmeasured")
def test_a_users_test_takes_the_phase_and_cannot_replace_it(project: Project) -> None:
    project.pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="session")
        def peak(): return "mine"

        def test_mine(peak): assert peak == "mine"
        def test_result(baseline): assert baseline.hold["ok"] == 50
        def test_dynamic(request): request.getfixturevalue("stress")
        """
    )
    result = project.run("-m", "baseline or peak", "-rA", "test_a_users_test_takes_the_phase_and_cannot_replace_it.py")
    words = {node.rpartition("::")[2]: word for node, word in outcomes(result).items()}
    assert words == {"test_mine": "PASSED", "test_result": "PASSED"}
    result = project.run("-rA", "-k", "dynamic")
    words = {node.rpartition("::")[2]: word for node, word in outcomes(result).items()}
    assert words == {"test_dynamic": "FAILED"}
    result.stdout.fnmatch_lines(["*phase 'stress' was not selected*"])


@pytest.mark.usefixtures("unmeasured")
def test_a_rerun_judges_the_same_measurement_again(project: Project) -> None:
    pytest.importorskip("pytest_rerunfailures")
    project.write("{latency: 700 ms}")
    result = project.run("-m", "baseline", "--reruns", "2", "-rA")
    assert outcomes(result)["slo.yaml::baseline::api-latency-p95"] == "FAILED"
    assert project.sent()["baseline"]["count"] == 50
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_phase_that_only_a_users_mark_answers_to_is_not_green(project: Project) -> None:
    """`-m peak` selects the phase, but neither slo.yaml nor a test that takes `slo` is among what is collected."""
    project.pytester.makepyfile(test_mine="import pytest\n\n@pytest.mark.peak\ndef test_mine(): pass\n")
    result = project.run("test_mine.py", "-m", "peak")
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["syncload: -m selects phase peak, but none of its rows was collected*add slo.yaml*"])
    assert not project.started_load()
    # What `-m` selects without the marks of a phase, and what -k takes back, is asked of nobody.
    for args in (("-m", "not slow"), ("-m", "peak", "-k", "mine"), ("-k", "mine")):
        assert project.run("test_mine.py", *args).ret == pytest.ExitCode.OK


def test_a_plan_of_the_set_up_offers_no_load(project: Project) -> None:
    result = project.run("-m", "peak", "--setup-plan")
    assert not project.started_load()
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
