"""`--syncload-check`: all that a run needs is looked at, one line each, and nothing is offered."""

from __future__ import annotations

import pytest

from tests.shell.conftest import Project

TESTS = "import pathlib\n\ndef test_mine(slo): pathlib.Path('ran').touch()\n\nraise SystemError('imported')\n"


def change(project: Project, old: str, new: str) -> None:
    file = project.pytester.path / "slo.yaml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


@pytest.mark.parametrize("args", [(), ("-n", "1", "-m", "not slow")], ids=["plain", "xdist"])
def test_all_is_well_and_no_load_is_offered(project: Project, args: tuple[str, ...]) -> None:
    project.pytester.makepyfile(test_mine=TESTS)
    result = project.run("--syncload-check", *args)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "*syncload: check of baseline, peak, stress*",
            "ok *limits of baseline *",
            "ok *sign-in*",
            "syncload: * ok*no load was offered; a run may start",
        ]
    )
    assert "left out" not in result.stdout.str()
    assert sum(phase["count"] for phase in project.sent().values()) <= 1


@pytest.mark.usefixtures("unmeasured")
def test_only_the_selected_phase_is_looked_at_and_hidden_items_too(project: Project) -> None:
    change(project, "service: syncwell\n", "service: syncwell\nitems: false\n")
    result = project.run("--syncload-check", "-m", "baseline")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*syncload: check of baseline ===*"])
    by_id = project.run("--syncload-check", "slo.yaml::peak")
    by_id.stdout.fnmatch_lines(["*syncload: check of peak ===*"])


@pytest.mark.usefixtures("unmeasured")
def test_what_is_wrong_is_told_with_what_to_do_and_its_rows(project: Project) -> None:
    resources = "resources: {api: {rest: syncwell, stage: v1}, tables: {sync-jobs: []}}"
    change(project, "  sandbox:\n    sandbox:\n", f"  sandbox:\n    {resources}\n    sandbox:\n")
    result = project.run("--syncload-check", "-m", "baseline")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "FAILED *sync-jobs*by-user*",
            " *needed by baseline::dynamodb-throttles (slo.yaml:*",
            "syncload: * 1 FAILED; no load was offered; a run would be refused",
        ]
    )


@pytest.mark.usefixtures("unmeasured")
def test_a_foreign_account_is_one_message_before_anything_is_sent(project: Project) -> None:
    change(project, "  sandbox:\n    sandbox:\n", "  sandbox:\n    guard: {accounts: ['999988887777']}\n    sandbox:\n")
    result = project.run("-m", "baseline")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        [
            "*FAILED  account guard  the credentials are of account 111122223333, which is not listed under "
            "guard.accounts (slo.yaml:4): 999988887777; *"
        ]
    )
    assert project.sent() == {}


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_run_is_refused_by_the_same_check(project: Project, workers: tuple[str, ...]) -> None:
    resources = "resources: {api: {rest: syncwell, stage: v1}, tables: {sync-jobs: []}}"
    change(project, "  sandbox:\n    sandbox:\n", f"  sandbox:\n    {resources}\n    sandbox:\n")
    result = project.run("-m", "baseline", *workers)
    result.assert_outcomes(errors=4, deselected=0 if workers else 6)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*by-user*"])
    assert "baseline" not in project.sent()


def test_in_ci_the_environment_must_be_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = project.run("--syncload-check")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: syncload: CI is set and no environment is named*"])
    assert not project.started_load()


def test_an_environment_that_cannot_be_made_ready_is_a_failed_check(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = (
        "environments:\n  real:\n    base_url: https://api.example.com\n    region: us-east-1\n    max_rate: 9000/s\n"
        "    firebase: {api_key: key, project: p, service_account: sa.json}\n"
        "    resources: {api: {rest: syncwell, stage: v1}, tables: {sync-jobs: []}}\n"
    )
    change(project, "environments:\n", real)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    result = project.run("--syncload-check", "--syncload-env", "real")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED *http://127.0.0.1:9*", "syncload: *a run would be refused"])


def test_collect_only_starts_nothing(project: Project) -> None:
    result = project.run("--syncload-check", "--collect-only", "-q")
    assert "check of" not in result.stdout.str()
    assert not project.started_load()


def test_a_broken_file_is_told_as_for_a_run(project: Project) -> None:
    (project.pytester.path / "slo.yaml").write_text("servce: a\n", "utf-8")
    assert project.run("--syncload-check").ret == pytest.ExitCode.USAGE_ERROR


def test_without_a_file_there_is_nothing_to_check(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--syncload-check")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --syncload-check was given, but there is no slo.yaml in *"])


def test_a_phase_that_is_not_there_is_not_checked_as_all(project: Project) -> None:
    result = project.run("--syncload-check", "-m", "pek")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: syncload: -m 'pek' selects no phase, so nothing was checked"])


def test_a_folder_that_cannot_be_made_is_one_message(project: Project) -> None:
    (project.pytester.path / ".syncload").write_text("a file", "utf-8")
    for args in (("--syncload-check",), ("-m", "baseline")):
        result = project.run(*args)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["ERROR: syncload: the run folder * cannot be made: *"])
