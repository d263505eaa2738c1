"""The reusable workflow: it always reports a status, is green only where it may be, and hands no input to a shell.

Its shell steps are run; what only GitHub does is not (see `steps`).
"""

from __future__ import annotations

import re
import subprocess
from itertools import product
from pathlib import Path

import pytest
import yaml

from tests.workflows.steps import EXAMPLE, GATE, jobs, run_step, step_of

RESULTS = ("success", "failure", "cancelled", "skipped")


@pytest.mark.parametrize(("touched", "needed", "load"), list(product(RESULTS, ("true", "false", ""), RESULTS)))
def test_it_is_green_only_after_a_proof_or_where_nothing_changed(
    tmp_path: Path, touched: str, needed: str, load: str
) -> None:
    green = (touched, needed, load) in {("success", "true", "success"), ("success", "false", "skipped")}
    values = {"TOUCHED": touched, "LOAD_NEEDED": needed, "LOAD": load, "ENVIRONMENT": "toy", "SANDBOX": ", a SANDBOX"}
    done = run_step("gate", "Status", values, tmp_path, tmp_path / "files")
    assert (done.status == 0) is green
    assert bool(done.commands("error")) is not green
    if load == "success" and green:
        assert done.commands("notice")[0].endswith("passed in environment toy, a SANDBOX")
    elif not green:
        assert f"the job load ended as {load} (what changed: {touched}); its annotations" in done.said


def test_the_gate_reports_whatever_happened_to_the_others() -> None:
    gate = jobs()["gate"]
    assert gate["if"] == "always()"
    assert set(gate["needs"]) == set(jobs()) - {"gate"}
    assert not [step for step in gate["steps"] if "if" in step or "uses" in step]


class Repository:
    """A repository with two commits; the second one changes what the test says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "-q", "-b", "main")
        (folder / "src").mkdir()
        self.base = self.commit("src/app.py", "one")

    def git(self, *words: str) -> str:
        """What git says."""
        named = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *named, *words], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, file: str, text: str) -> str:
        """Its commit."""
        (self.folder / file).write_text(text, "utf-8")
        self.git("add", "-A")
        self.git("commit", "-qm", text)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


@pytest.mark.parametrize(
    ("changed", "paths", "load"),
    [
        ("src/app.py", ":(glob)src/**\nslo.yaml\n", "true"),
        ("README.md", ":(glob)src/**\n\nslo.yaml\n", "false"),
        ("README.md", "", "true"),
        ("README.md", "  \n", "true"),
        ("README.md", "$(touch src/injected)\n; touch src/injected", "false"),
        ("README.md", ":(nonsense)src", "true"),
    ],
    ids=["touched", "not touched", "no filter", "blank filter", "no shell", "no pathspec"],
)
def test_load_is_left_out_only_where_git_says_that_nothing_changed(
    repository: Repository, tmp_path: Path, changed: str, paths: str, load: str
) -> None:
    repository.commit(changed, "two")
    done = run_step("touched", "Touched", {"BASE": repository.base, "PATHS": paths}, repository.folder, tmp_path / "f")
    assert done.status == 0
    assert done.output == f"load={load}\n"
    assert bool(done.commands("notice")) is (load == "false")
    assert not (repository.folder / "src" / "injected").exists()


@pytest.mark.parametrize("base", ["", "0" * 40, "main", "--output=src/injected"])
def test_in_doubt_load_is_offered(repository: Repository, tmp_path: Path, base: str) -> None:
    repository.commit("README.md", "two")
    done = run_step("touched", "Touched", {"BASE": base, "PATHS": "src"}, repository.folder, tmp_path / "f")
    assert (done.status, done.output) == (0, "load=true\n")
    assert not (repository.folder / "src" / "injected").exists()


def test_a_branch_that_is_behind_is_asked_for_its_own_changes(repository: Repository, tmp_path: Path) -> None:
    repository.git("checkout", "-qb", "mine")
    repository.commit("README.md", "mine")
    repository.git("checkout", "-q", "main")
    base = repository.commit("src/app.py", "theirs")
    repository.git("checkout", "-q", "mine")
    done = run_step("touched", "Touched", {"BASE": base, "PATHS": "src"}, repository.folder, tmp_path / "f")
    assert done.output == "load=false\n"


def test_no_expression_is_part_of_a_script() -> None:
    for job in jobs().values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("file", sorted(GATE.parent.glob("*.yml")), ids=lambda file: file.name)
def test_every_action_is_one_commit_and_says_its_version(file: Path) -> None:
    for line in re.findall(r"uses: (.*)", file.read_text("utf-8")):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)


def test_only_the_load_may_have_a_token_and_two_loads_never_share_a_target() -> None:
    read = yaml.safe_load(GATE.read_text("utf-8"))
    assert read["permissions"] == {}
    assert {name: job["permissions"] for name, job in read["jobs"].items()} == {
        "touched": {"contents": "read"},
        "load": {"contents": "read", "id-token": "write"},
        "gate": {},
    }
    assert all("timeout-minutes" in job for job in read["jobs"].values())
    concurrency = read["jobs"]["load"]["concurrency"]
    assert concurrency["cancel-in-progress"] is False
    assert "inputs.environment" in concurrency["group"]


def test_the_environment_of_slo_yaml_has_no_default() -> None:
    inputs = yaml.safe_load(GATE.read_text("utf-8"))[True]["workflow_call"]["inputs"]
    assert [name for name, each in inputs.items() if each.get("required")] == ["environment", "phases"]
    assert all("default" in each or each.get("required") for each in inputs.values())
    assert "--syncload-env=" in step_of("load", "Measure and judge")["run"]


def test_the_example_gives_what_the_gate_takes() -> None:
    (job,) = jobs(EXAMPLE / ".github" / "workflows" / "slo.yml").values()
    inputs = yaml.safe_load(GATE.read_text("utf-8"))[True]["workflow_call"]["inputs"]
    assert set(job["with"]) <= set(inputs)
    assert {name for name, each in inputs.items() if each.get("required")} <= set(job["with"])
    assert job["permissions"] == jobs()["load"]["permissions"]
    assert "if" not in job
    assert "needs" not in job
    (commit,) = set(re.findall(r"@([0-9a-f]{40})", job["uses"] + (EXAMPLE / "requirements.txt").read_text("utf-8")))
    assert commit == "0" * 40
