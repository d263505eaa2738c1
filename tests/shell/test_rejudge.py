"""`--syncload-run` and `--lf`: an edited slo.yaml judged from a run folder, and never load, AWS or a sandbox again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.spec import read
from tests.conductor.plans import keep_run
from tests.shell.conftest import Project, outcomes
from tests.shell.test_junit import properties, valid

RUN = "20261124T090000Z-aaaaaa"
REAL = """
  load-testing:
    base_url: https://api.example.com
    region: eu-central-1
    max_rate: "${MAX_RATE}"
    firebase: {api_key: "${FIREBASE_API_KEY}", project: p, service_account: sa.json}
    resources: {api: {rest: syncwell, stage: v1}, tables: {sync-jobs: []}, queue: hot-path}
"""
#: Whatever would reach out of the process is an error: judging again needs none of it.
ALONE = """
import socket, subprocess

def refuse(*args, **kwargs):
    raise RuntimeError("judging again reached out")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = subprocess.Popen.__init__ = refuse
"""
#: pytest-rerunfailures talks to its workers over a socket, and xdist starts them.
WORKERS = ("-n", "1", "-p", "no:rerunfailures")
WITH_XDIST = "import socket\nsocket.socket.connect = socket.getaddrinfo = lambda *args: 1 / 0\n"


def rewrite(project: Project, old: str, new: str) -> None:
    file = project.pytester.path / "slo.yaml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def measured(project: Project, environment: str = "sandbox", run_id: str = RUN) -> RunFolder:
    """A run of phase peak as slo.yaml has it, in which latency is 120 ms and nothing failed."""
    environ = {"MAX_RATE": "9000/s", "FIREBASE_API_KEY": "s3cret"}
    plan = read(project.pytester.path / "slo.yaml", environment=environment, environ=environ)
    folder = RunFolder(project.pytester.path / ".syncload" / run_id)
    keep_run(folder, plan, *plan.phase("peak").slos)
    folder.keep_account("111122223333")
    return folder


def rejudged(project: Project) -> list[Path]:
    """The folders of judging again."""
    return sorted(path.parent for path in project.pytester.path.glob(".syncload/*/rejudged_from.json"))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.usefixtures("unmeasured")
def test_a_real_run_is_judged_again_by_an_edited_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it, from the load to the second verdict, by name and by `--lf`, alone and with workers."""
    project.write("{latency: 700 ms}")
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    run = ("-p", "no:hypothesispytest", "-rA", "-m", "baseline")
    first = project.pytester.runpytest_subprocess(*run, *project.plugins)
    assert outcomes(first)["slo.yaml::baseline::api-latency-p95"] == "FAILED"
    old = project.run_folder
    before = everything(old)
    project.pytester.makeconftest(ALONE)
    project.apart = True
    rewrite(project, '"< 500 ms", min_samples: 20', '"< 2 s", sustained: 1m, min_samples: 20')
    rewrite(project, "dynamodb.throttles, target", "sqs.visible, target")
    expected = {
        "slo.yaml::baseline::load": "PASSED",
        "slo.yaml::baseline::api-latency-p95": "PASSED",
        "slo.yaml::baseline::api-5xx-rate": "PASSED",
        "slo.yaml::baseline::dynamodb-throttles": "ERROR",
    }
    again = project.pytester.runpytest_subprocess(*run, "--syncload-run", "last", "-p", "no:cacheprovider")
    assert outcomes(again) == expected
    again.stdout.fnmatch_lines(
        [
            f"syncload: NO LOAD: run {old.name} of 20*UTC is judged again, in sandbox",
            "syncload: SANDBOX (proves nothing about a real target)*",
            "baseline::dynamodb-throttles: not proven: AWS/SQS * was never fetched in run *; only a new run can tell*",
            "  was       pass, 0, target == 0, metric dynamodb.throttles",
            "  where     sandbox (SANDBOX: *); no load was offered: run * is judged again",
            "baseline::api-latency-p95 * target < 2 s * pass",
            " * was: breach, 7?? ms, target < 500 ms, sustained none",
            "where: sandbox (SANDBOX: proves nothing about a real target); no load was offered: run * is judged again",
        ]
    )
    project.pytester.makeconftest(WITH_XDIST)
    failed = project.pytester.runpytest_subprocess(*run, "--lf", *WORKERS)
    assert outcomes(failed) == {"slo.yaml::baseline::api-latency-p95": "PASSED"}
    assert failed.ret == pytest.ExitCode.OK
    assert everything(old) == before
    assert len(rejudged(project)) == 2
    assert json.loads((rejudged(project)[0] / "rejudged_from.json").read_text("utf-8"))["run_id"] == old.name


@pytest.mark.parametrize("workers", [(), WORKERS], ids=["alone", "xdist"])
def test_own_tests_and_the_phases_fixture_are_judged_too(project: Project, workers: tuple[str, ...]) -> None:
    old = measured(project)
    project.pytester.makeconftest(WITH_XDIST if workers else ALONE)
    project.apart = True
    project.pytester.makepyfile(
        test_mine="def test_slo(slo): pass\n\ndef test_load(peak): assert peak.hold.arrivals == 1800\n"
    )
    rewrite(project, '"< 500 ms"', '"< 100 ms"')
    result = project.run("-m", "peak", "--syncload-run", RUN, "-rA", "--junitxml", "out.xml", *workers, "test_mine.py")
    rows = {f"test_mine.py::test_slo[peak::{row}]": "PASSED" for row in ("api-5xx-rate", "dynamodb-throttles")}
    assert outcomes(result) == {
        "test_mine.py::test_slo[peak::api-latency-p95]": "FAILED",
        "test_mine.py::test_load": "PASSED",
        **rows,
    }
    result.stdout.fnmatch_lines(["  was       pass, 120 ms, target < 500 ms"])
    root = ElementTree.parse(project.pytester.path / "out.xml").getroot()
    said = properties(root[0])
    assert said["syncload REJUDGED"].startswith(f"run {RUN} of 20")
    assert said["syncload REJUDGED"].endswith("Z, judged again; no load was offered")
    assert said["syncload SANDBOX"] == "proves nothing about a real target"
    assert said["syncload account"] == "111122223333"
    (again,) = rejudged(project)
    case = next(case for case in root.iter("testcase") if case.attrib["name"] == "test_slo[peak::api-latency-p95]")
    of_row = properties(case)
    assert of_row["rejudged_from"].startswith(f"{RUN} of 20")
    assert (of_row["run_id"], of_row["value"]) == (again.name, "120.0")
    assert valid(root)
    assert old.path.name != again.name


def refused(project: Project, *args: str) -> str:
    result = project.run("-m", "peak", *args)
    text = result.stderr.str() + result.stdout.str()
    assert result.ret == pytest.ExitCode.USAGE_ERROR, text
    assert "Traceback" not in text
    assert not rejudged(project)
    return result.stderr.str()


def test_what_cannot_be_judged_again_is_one_message(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "there is no earlier run: none in" in refused(project, "--syncload-run", "last")
    assert "--lf judges the last run again and offers no load: there is no earlier run" in refused(
        project, "--lf", "-p", "cacheprovider"
    )
    folder = measured(project)
    assert "there is no run 'lst'" in refused(project, "--syncload-run", "lst")
    assert "--syncload-check looks at" in refused(project, "--syncload-run", "last", "--syncload-check")
    rewrite(project, "environments:\n", "environments:" + REAL)
    other = refused(project, "--syncload-run", "last", "--syncload-env", "load-testing")
    assert f"run {RUN} went to 'sandbox', and 'load-testing' is asked for" in other
    monkeypatch.setenv("FIREBASE_API_KEY", "s3cret")
    monkeypatch.setenv("MAX_RATE", "9000/s")
    assert "--ff judges the last run" in refused(
        project, "--ff", "-p", "cacheprovider", "--syncload-env", "load-testing"
    )
    (folder.path / "plan.json").write_text("{", "utf-8")
    assert "plan.json cannot be read" in refused(project, "--syncload-run", str(folder.path.relative_to(Path.cwd())))
    # Who only repeats unit tests is not bothered by any of it.
    project.pytester.makepyfile("def test_mine(): pass")
    assert project.run("--lf", "-p", "cacheprovider").ret == pytest.ExitCode.OK


def test_a_phase_that_was_changed_is_an_error_of_its_items(project: Project) -> None:
    measured(project)
    rewrite(project, "rate: 200/s", "rate: 300/s")
    project.pytester.makepyfile(test_mine="def test_load(peak): pass\n")
    result = project.run("-m", "peak", "--syncload-run", "last", "-rA")
    assert set(outcomes(result).values()) == {"ERROR"}
    assert len(outcomes(result)) == 5
    assert not re.search(r"\.py:\d", result.stdout.str()), "a traceback of ours"
    result.stdout.fnmatch_lines(
        [f"phase 'peak' in slo.yaml is no longer what run {RUN} offered: it had rate 200/s, now*"]
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(("file", "damage"), [("peak.result.json", '{"result": {}}'), ("peak.answers.json", "\x00")])
def test_a_damaged_phase_is_an_error_without_a_traceback(project: Project, file: str, damage: str) -> None:
    (measured(project).path / file).write_text(damage, "utf-8")
    result = project.run("-m", "peak", "--syncload-run", "last", "-rA")
    assert set(outcomes(result).values()) == {"ERROR"}
    text = result.stdout.str() + result.stderr.str()
    assert "the recorded result cannot be read" in text
    assert "Traceback" not in text
    assert not re.search(r"\.py:\d", text), "a traceback of ours"


def test_a_real_environment_needs_neither_its_name_nor_its_secrets(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite(project, "environments:\n", "environments:" + REAL)
    measured(project, "load-testing")
    project.pytester.makeconftest(ALONE)
    project.apart = True
    for name in ("FIREBASE_API_KEY", "MAX_RATE"):
        monkeypatch.delenv(name, raising=False)
    result = project.run("-m", "peak", "--lf", "-p", "cacheprovider", "-rA", "--junitxml", "out.xml")
    assert set(outcomes(result).values()) == {"PASSED"}
    result.stdout.fnmatch_lines(
        [
            f"syncload: NO LOAD: run {RUN} of 20*UTC is judged again, in load-testing",
            "syncload: load-testing · https://api.example.com · eu-central-1 · slo.yaml",
            "where: load-testing, https://api.example.com, eu-central-1, account 111122223333; no load was offered: "
            f"run {RUN} of*",
        ]
    )
    said: dict[str, Any] = properties(ElementTree.parse(project.pytester.path / "out.xml").getroot()[0])
    assert (said["syncload target"], said["syncload region"]) == ("https://api.example.com", "eu-central-1")
    assert "syncload SANDBOX" not in said
    assert "s3cret" not in "".join(file.read_text("utf-8") for file in Path(".syncload").rglob("*.json"))
    # In CI it is asked for by name, so that no required check stays green on what was measured once.
    monkeypatch.setenv("CI", "true")
    refusal = project.run("-m", "peak", "--lf", "-p", "cacheprovider")
    assert refusal.ret == pytest.ExitCode.USAGE_ERROR
    refusal.stderr.fnmatch_lines([f"*CI is set, and run {RUN} would be judged again*--syncload-run last*"])
    assert project.run("-m", "peak", "--syncload-run", "last").ret == pytest.ExitCode.OK
