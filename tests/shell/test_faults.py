"""Every row has a fault that turns exactly it red, and one that makes it an error. Real load, real sockets."""

from __future__ import annotations

import sys

import pytest

from tests.shell.conftest import Project, outcomes

LOAD = "slo.yaml::peak::load"
LATENCY = "slo.yaml::peak::api-latency-p95"
ERRORS = "slo.yaml::peak::api-5xx-rate"
THROTTLES = "slo.yaml::peak::dynamodb-throttles"
ALL = {LOAD, LATENCY, ERRORS, THROTTLES}


def run(project: Project, faults: str) -> tuple[pytest.RunResult, dict[str, str]]:
    project.write(faults)
    result = project.run("-m", "peak", "-rA")
    return result, outcomes(result)


def test_without_a_fault_all_is_green(project: Project) -> None:
    result, words = run(project, "{}")
    assert words == dict.fromkeys(ALL, "PASSED")
    assert result.ret == pytest.ExitCode.OK
    assert project.sent()["peak"]["count"] == 600
    result.stdout.fnmatch_lines(["*SANDBOX (proves nothing about a real target)*", "*api-latency-p95*pass*"])


@pytest.mark.parametrize(
    ("faults", "red"),
    [
        ("{latency: 700 ms}", LATENCY),
        ("{errors: 0.5 %}", ERRORS),
        ("{table_capacity: 50/s}", THROTTLES),
        ("{refused_connections: 2 %}", ERRORS),
    ],
)
def test_a_fault_turns_exactly_its_row_red(project: Project, faults: str, red: str) -> None:
    result, words = run(project, faults)
    assert words == dict.fromkeys(ALL, "PASSED") | {red: "FAILED"}
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    ("faults", "unproven"),
    [
        ("{missing: [Latency]}", {LATENCY}),
        ("{missing: [ConsumedWriteCapacityUnits, ConsumedReadCapacityUnits]}", {THROTTLES}),
        # Without a request count nothing shows that CloudWatch saw this load, so no row is proven.
        ("{missing: [Count]}", {LATENCY, ERRORS, THROTTLES}),
    ],
)
def test_a_missing_metric_is_an_error(project: Project, faults: str, unproven: set[str]) -> None:
    result, words = run(project, faults)
    assert words == dict.fromkeys(ALL, "PASSED") | dict.fromkeys(unproven, "ERROR")
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("faults", ["{rejected_tokens: 5 %}", "{wrong_body: 1 %}"])
def test_a_load_that_did_not_do_the_job_is_never_green(project: Project, faults: str) -> None:
    result, words = run(project, faults)
    assert words == dict.fromkeys(ALL, "ERROR") | {LOAD: "FAILED"}
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_where_no_request_is_accepted_no_load_is_offered(project: Project) -> None:
    result, words = run(project, "{rejected_tokens: 100 %}")
    assert words == dict.fromkeys(ALL, "ERROR")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert project.sent().get("peak") is None


def test_verdicts_do_not_depend_on_assert(project: Project) -> None:
    project.write("{latency: 700 ms}")
    plain = outcomes(project.run("-m", "peak", "-rA"))
    result = project.pytester.run(
        sys.executable, "-O", "-m", "pytest", "-p", "no:cacheprovider", "-m", "peak", "-rA",
    )  # fmt: skip
    assert outcomes(result) == plain
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_what_a_library_prints_in_a_generator_tears_no_message(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.pytester.path / "sitecustomize.py").write_text(
        'import sys\nif "pytest_syncload.generator" in sys.orig_argv:\n    print("noise", end="")\n', "utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", str(project.pytester.path))
    project.run("-m", "baseline").assert_outcomes(passed=4, deselected=6)
