"""The example repository, cloned, and the steps of the gate run in it against the sandbox: what GitHub would show."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import tests.in_region  # noqa: F401 - it says where `proof` is
from tests.workflows.steps import EXAMPLE, Done, jobs, run_step

import proof  # isort: skip

TOLD = {
    "PHASES": "smoke",
    "ENVIRONMENT": "sandbox",
    "TESTS": "slo.yaml\n",
    "VARIABLES": "",
    "CREDENTIALS_SECONDS": "",
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of a repository that has the example and nothing else."""
    origin = tmp_path / "origin"
    shutil.copytree(EXAMPLE, origin)
    named = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "the example"]):
        subprocess.run(["git", *named, *words], cwd=origin, check=True)
    subprocess.run(["git", "clone", "-q", str(origin), str(tmp_path / "clone")], check=True)
    return tmp_path / "clone"


def measured(clone: Path, **changed: str) -> Done:
    """The step that offers load, and where it ends well the one that asks for the proof, as the gate runs them."""
    done = run_step("load", "Measure and judge", TOLD | changed, clone, clone.parent / "files")
    if done.status == 0:
        environment = (TOLD | changed)["ENVIRONMENT"]
        asked = run_step("load", "Proven", {"ENVIRONMENT": environment}, clone, clone.parent / "files")
        done = replace(done, status=asked.status, said=done.said + asked.said)
    return done


@pytest.mark.usefixtures("unmeasured")
def test_the_example_is_green_in_the_sandbox_and_says_that_this_proves_nothing(clone: Path) -> None:
    (given,) = (job["with"] for job in jobs(EXAMPLE / ".github" / "workflows" / "slo.yml").values())
    done = measured(
        clone, PHASES=given["phases"], ENVIRONMENT=given["environment"], VARIABLES="\n# none\nUNUSED=50%\r\n"
    )
    assert done.status == 0, done.said
    assert done.commands("error") == []
    (notice,) = done.commands("notice")
    assert "SANDBOX" in notice
    assert done.commands("add-mask") == ["::add-mask::50%25"]
    head = done.summary.strip().splitlines()
    assert head[0] == "## ✅ orders: all 3 rows passed in the SANDBOX"
    assert done.summary.count("```mermaid") == 2
    assert (clone / "syncload-junit.xml").is_file()
    run = max(path for path in (clone / ".syncload").iterdir() if path.is_dir())
    assert f"--syncload-run {run.name}" in done.summary
    # The scripts of the examples that measure elsewhere are told the same by the files of such a run.
    files = clone.parent / "brought"
    shutil.copytree(clone / ".syncload", files / proof.RUNS)
    shutil.copy(clone / "syncload-junit.xml", files / proof.JUNIT)
    shutil.copy(clone.parent / "files" / "syncload.json", files / proof.SUMMARY)
    asked = proof.Asked(environment="sandbox", phases=("smoke",), sandbox=True)
    assert proof.require_proof(files, asked)["id"] == run.name
    with pytest.raises(proof.NotProven, match="sandbox is the SANDBOX"):
        proof.require_proof(files, replace(asked, sandbox=False))


@pytest.mark.usefixtures("unmeasured")
def test_a_breach_is_red_at_its_line(clone: Path) -> None:
    file = clone / "slo.yaml"
    file.write_text(file.read_text("utf-8").replace('"< 500 ms"', '"< 1 ms"'), "utf-8")
    line = next(number for number, text in enumerate(file.read_text("utf-8").splitlines(), 1) if "< 1 ms" in text)
    done = measured(clone)
    assert done.status == 1
    (error,) = done.commands("error")
    assert error.startswith(f"::error file=slo.yaml,line={line},title=smoke%3A%3Aapi-latency-p95 broke its target")
    assert "1 of 3 rows broke the target" in done.summary.strip().splitlines()[0]


@pytest.mark.usefixtures("unmeasured")
def test_a_cancelled_job_stops_the_load_and_tells_what_was_measured(clone: Path) -> None:
    file = clone / "slo.yaml"
    file.write_text(file.read_text("utf-8").replace("hold: 3m", "hold: 60m"), "utf-8")

    def cancel(process: subprocess.Popen[str]) -> None:
        """As the runner does: it signals the process that it started, and nobody else."""
        while not list(clone.glob(".syncload/*/smoke.timeline.jsonl")):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)

    done = run_step("load", "Measure and judge", TOLD, clone, clone.parent / "files", cancel)
    assert done.status == 2, done.said
    (error,) = done.commands("error")
    assert "title=smoke proves nothing%2C so none of its 3 rows is judged" in error
    assert "3 of 3 rows could not be measured" in done.summary.strip().splitlines()[0]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"ENVIRONMENT": ""}, "--syncload-env is empty"),
        ({"ENVIRONMENT": "production"}, "production"),
        ({"PHASES": ""}, "--syncload-env was given, and nothing was run"),
        ({"PHASES": "smok"}, "--syncload-env was given, and nothing was run"),
        ({"PHASES": "smoke; touch injected"}, ""),
        ({"PHASES": "$(touch injected)"}, ""),
        ({"PHASES": "not slow", "TESTS": "test_mine.py"}, "proved no row in this environment"),
        ({"PHASES": "not slow", "TESTS": "test_mine.py\nslo.yaml"}, "proved no row in this environment"),
        ({"VARIABLES": "not a variable of s3cret"}, "is not NAME=value"),
    ],
)
def test_what_proves_nothing_is_red_and_annotated(clone: Path, changed: dict[str, str], says: str) -> None:
    (clone / "test_mine.py").write_text("def test_mine(): pass\n", "utf-8")
    done = measured(clone, **changed)
    assert done.status != 0
    assert not (clone / "injected").exists()
    assert "s3cret" not in done.said
    if says:
        assert any(says in line for line in done.commands("error")), done.said


def test_pytest_knows_when_the_credentials_end_and_what_the_secret_says(clone: Path) -> None:
    names = ("AWS_CREDENTIAL_EXPIRATION", "API_KEY", "EMPTY", "VARIABLES")
    writes = (
        f"import json, os, pathlib\npathlib.Path('seen').write_text(json.dumps([os.environ.get(n) for n in {names}]))\n"
    )
    (clone / "conftest.py").write_text(writes, "utf-8")
    before = datetime.now(UTC).replace(microsecond=0)
    # No environment: pytest ends at once.
    measured(clone, ENVIRONMENT="", CREDENTIALS_SECONDS="3600", VARIABLES="API_KEY=a b=c'$(x)\nEMPTY=\n")
    end, key, empty, variables = json.loads((clone / "seen").read_text("utf-8"))
    assert timedelta(0) <= datetime.fromisoformat(end) - before - timedelta(seconds=3540) <= timedelta(hours=1)
    assert (key, empty, variables) == ("a b=c'$(x)", "", None)
    measured(clone, ENVIRONMENT="")
    assert json.loads((clone / "seen").read_text("utf-8")) == [None] * 4


@pytest.mark.parametrize(
    "told",
    [
        None,
        {"proven": False, "rejudged": None, "environment": "sandbox"},
        {"proven": True, "rejudged": {"run_id": "x"}, "environment": "sandbox"},
        {"proven": True, "rejudged": None, "environment": "another"},
    ],
)
def test_only_a_proof_by_load_in_this_environment_is_one(clone: Path, told: dict[str, object] | None) -> None:
    files = clone.parent / "files"
    files.mkdir()
    if told is not None:
        (files / "syncload.json").write_text(json.dumps({"run": told}), "utf-8")
    done = run_step("load", "Proven", {"ENVIRONMENT": "sandbox"}, clone, files)
    assert done.status == 1
    assert len(done.commands("error")) == 1


def test_requirements_are_installed_from_the_file_that_was_named(clone: Path) -> None:
    (clone / "mine.txt").write_text("pytest\n", "utf-8")
    done = run_step("load", "Install", {"REQUIREMENTS": "mine.txt"}, clone, clone.parent / "files")
    assert done.status == 0, done.said
    done = run_step("load", "Install", {"REQUIREMENTS": "nothing.txt"}, clone, clone.parent / "files")
    assert done.status != 0
