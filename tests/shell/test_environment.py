"""The refusals that come before any load."""

from __future__ import annotations

import sys

import pytest

from tests.shell.conftest import Project

REAL = """
  real:
    base_url: https://api.example.com
    region: us-east-1
    max_rate: 100/s
    firebase: {api_key: key, project: p, service_account: sa.json}
    resources: {api: {rest: syncwell, stage: v1}, tables: {sync-jobs: []}}
"""


def test_in_ci_the_environment_must_be_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = project.run("-m", "peak")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: syncload: CI is set and no environment is named*--syncload-env sandbox*"])
    assert "none of its rows was collected" not in result.stdout.str(), "advice that is beside the point"
    assert not project.started_load()
    # Nobody who only runs unit tests in CI is bothered.
    assert project.run().ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_in_ci_the_refusal_holds_with_xdist(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = project.run("-m", "peak", "-n", "1")
    assert result.ret != pytest.ExitCode.OK
    assert "CI is set and no environment is named" in result.stderr.str() + result.stdout.str()


def test_an_unknown_environment_is_told_with_the_known_ones(project: Project) -> None:
    result = project.run("-m", "peak", "--syncload-env", "sandbx")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "sandbox" in result.stderr.str()


def test_a_rate_beyond_max_rate_is_refused(project: Project) -> None:
    file = project.pytester.path / "slo.yaml"
    file.write_text(file.read_text("utf-8").replace("environments:\n", "environments:" + REAL), "utf-8")
    result = project.run("-m", "peak", "--syncload-env", "real")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*slo.yaml:*max_rate*"])


def test_an_emulator_never_judges_a_real_environment(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    file = project.pytester.path / "slo.yaml"
    real = REAL.replace("100/s", "9000/s")
    file.write_text(file.read_text("utf-8").replace("environments:\n", "environments:" + real), "utf-8")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    result = project.run("-m", "peak", "--syncload-env", "real")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*resolves to http://127.0.0.1:9, which is not AWS*"])


def test_an_empty_name_is_refused(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--syncload-run=")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --syncload-run is empty (an unset variable[?])*"])


def test_the_variable_without_a_file_bothers_only_who_selects_by_marks_or_has_one_above(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("SYNCLOAD_ENV", "sandbox")
    pytester.makepyfile("def test_mine(): pass")
    assert pytester.runpytest_inprocess().ret == pytest.ExitCode.OK
    marked = pytester.runpytest_inprocess("-m", "peak")
    assert marked.ret == pytest.ExitCode.USAGE_ERROR
    marked.stderr.fnmatch_lines(["ERROR: SYNCLOAD_ENV is set, but there is no slo.yaml in *; write one*"])
    (pytester.mkdir("svc") / "test_other.py").write_text("def test_other(): pass\n", "utf-8")
    (pytester.path / "slo.yaml").touch()
    monkeypatch.chdir(pytester.path / "svc")
    below = pytester.runpytest_inprocess()
    assert below.ret == pytest.ExitCode.USAGE_ERROR
    below.stderr.fnmatch_lines([f"ERROR: SYNCLOAD_ENV is set*there is one in {pytester.path}: run pytest there*"])


def test_an_option_without_a_file_is_refused(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--syncload-env", "sandbox")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --syncload-env was given, but there is no slo.yaml in *"])


@pytest.mark.parametrize(
    ("text", "says", "workers"),
    [
        ("", "slo.yaml:1:*", ()),
        ("{", "slo.yaml:*", ()),
        ("service: a\nservice: b\n", "slo.yaml:2:*service*", ()),
        ("servce: a\n", "slo.yaml:1:*servce*service*", ()),
        ("servce: a\n", "slo.yaml:1:*servce*service*", ("-n", "1")),
    ],
    ids=["empty", "torn", "a key twice", "an unknown key", "with xdist"],
)
def test_bad_input_is_one_message_and_no_traceback(
    project: Project, text: str, says: str, workers: tuple[str, ...]
) -> None:
    (project.pytester.path / "slo.yaml").write_text(text, "utf-8")
    result = project.run(*workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([says])
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


def test_where_there_is_no_file_nothing_is_loaded(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing_loaded():
            ours = {name for name in sys.modules if name.startswith("pytest_syncload")}
            assert ours == {"pytest_syncload", "pytest_syncload.plugin"}
            assert not {"boto3", "botocore", "httpx", "pydantic", "yaml"} & set(sys.modules)
        """
    )
    result = pytester.run(
        sys.executable, "-m", "pytest", "-p", "no:hypothesispytest", "-p", "no:anyio", "-p", "no:cacheprovider"
    )
    result.assert_outcomes(passed=1)


def test_unit_tests_beside_a_file_do_not_pay_for_the_load_path(project: Project) -> None:
    project.pytester.makepyfile(
        """
        import sys

        def test_nothing_loaded():
            assert not {"boto3", "botocore", "httpx", "uvicorn"} & set(sys.modules)
        """
    )
    project.run_apart("-p", "no:anyio").assert_outcomes(passed=1, deselected=10)


def test_production_is_gone_to_only_where_it_is_typed_for_the_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project.pytester.path / "slo.yaml"
    live = REAL.replace("  real:\n", "  live:\n    production: true\n").replace("100/s", "9000/s")
    file.write_text(file.read_text("utf-8").replace("environments:\n", "environments:" + live), "utf-8")
    monkeypatch.setenv("SYNCLOAD_ENV", "live")  # what an alias, or a CI file that was copied, would set
    for asked in (("-m", "peak"), ("--syncload-check",)):
        refused = project.run(*asked)
        assert refused.ret == pytest.ExitCode.USAGE_ERROR
        refused.stderr.fnmatch_lines(
            ["ERROR: syncload: 'live' is marked as production (slo.yaml:3)*add --syncload-production live"]
        )
    monkeypatch.setenv("PYTEST_ADDOPTS", "--syncload-production=live")
    always = project.run("-m", "peak")
    always.stderr.fnmatch_lines(["ERROR: syncload: --syncload-production is in addopts or PYTEST_ADDOPTS*"])
    monkeypatch.delenv("PYTEST_ADDOPTS")
    assert not project.started_load()
    # Typed, it is looked at like any other: the next thing in the way is an emulator's address.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    typed = project.run("-m", "peak", "--syncload-production", "live")
    typed.stderr.fnmatch_lines(["*resolves to http://127.0.0.1:9, which is not AWS*"])
    typed.stdout.fnmatch_lines(["syncload: PRODUCTION · live · https://api.example.com · *"])
    wrong = project.run("-m", "peak", "--syncload-env", "sandbox", "--syncload-production", "live")
    wrong.stderr.fnmatch_lines(["*names 'live', and the run goes to 'sandbox', which is not marked as production*"])
