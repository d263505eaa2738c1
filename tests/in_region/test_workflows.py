"""The examples' workflows: the gate's own steps where they are the same, and no way around the scripts' status."""

from __future__ import annotations

import re
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_syncload.spec import read
from tests.in_region.places import EXAMPLES
from tests.workflows.steps import jobs as jobs_of
from tests.workflows.steps import step_of

ALL = [pytest.param(example, id=example.name) for example in EXAMPLES]


def workflow(example: Path) -> Any:
    """As GitHub reads it."""
    return yaml.safe_load((example / ".github" / "workflows" / "slo.yml").read_text("utf-8"))


def step(example: Path, job: str, name: str) -> Any:
    """The step of that name."""
    (found,) = [each for each in workflow(example)["jobs"][job]["steps"] if each.get("name") == name]
    return found


@pytest.mark.parametrize("example", ALL)
def test_what_the_gate_has_is_the_same_here(example: Path) -> None:
    assert step(example, "touched", "Touched")["run"] == step_of("touched", "Touched")["run"]
    assert step(example, "load", "Fork")["run"] == step_of("load", "Fork")["run"]
    own, gates = (each["jobs"]["gate"] for each in (workflow(example), {"jobs": jobs_of()}))
    assert own["steps"][0]["run"] == gates["steps"][0]["run"]
    assert (own["needs"], own["if"], own["permissions"]) == (gates["needs"], "always()", {})


@pytest.mark.parametrize("example", ALL)
def test_the_last_job_is_given_what_became_of_the_others(example: Path) -> None:
    (status,) = workflow(example)["jobs"]["gate"]["steps"]
    assert status["env"] == {
        "TOUCHED": "${{ needs.touched.result }}",
        "LOAD_NEEDED": "${{ needs.touched.outputs.load }}",
        "LOAD": "${{ needs.load.result }}",
        "ENVIRONMENT": "${{ env.ENVIRONMENT }}",
        "SANDBOX": "${{ needs.load.outputs.sandbox }}",
    }


@pytest.mark.parametrize("example", ALL)
def test_nothing_turns_a_red_step_green(example: Path) -> None:
    text = (example / ".github" / "workflows" / "slo.yml").read_text("utf-8")
    assert "continue-on-error" not in text
    for job in workflow(example)["jobs"].values():
        assert job.get("timeout-minutes")
        for each in job["steps"]:
            assert each.get("if") in (None, "always()") or each["name"] == "Fork"
            run = each.get("run", "")
            assert "|| true" not in run.replace('<<<"$PATHS" || true)', "")
            assert "${{" not in run
            assert each.get("shell") in (None, "bash")
    measure = step(example, "load", "Measure and judge")["run"]
    assert re.fullmatch(r"exec python3 in_region/\w+\.py", measure.strip())
    assert (example / measure.split()[-1]).is_file()


@pytest.mark.parametrize("example", ALL)
def test_it_may_little_and_never_two_at_once(example: Path) -> None:
    read = workflow(example)
    assert read["permissions"] == {}
    assert {name: job["permissions"] for name, job in read["jobs"].items()} == {
        "touched": {"contents": "read"},
        "load": {"contents": "read", "id-token": "write"},
        "gate": {},
    }
    load = read["jobs"]["load"]
    assert load["concurrency"] == {"group": "syncload-in-region", "cancel-in-progress": False, "queue": "max"}
    assert load["environment"] == "load-testing"  # what Terraform's trust has by default
    assert load["timeout-minutes"] > int(read["env"]["MINUTES"]) + 15
    credentials = step(example, "load", "Credentials")["with"]
    assert credentials["role-duration-seconds"] > load["timeout-minutes"] * 60
    assert "pull_request_target" not in str(read)


@pytest.mark.parametrize("example", ALL)
def test_every_action_is_the_gates_commit(example: Path) -> None:
    known = {each["uses"] for job in jobs_of().values() for each in job["steps"] if "uses" in each}
    own = {each["uses"] for job in workflow(example)["jobs"].values() for each in job["steps"] if "uses" in each}
    assert own <= known


@pytest.mark.parametrize("example", ALL)
def test_the_script_gets_the_environment_that_it_asks_for(example: Path) -> None:
    read = workflow(example)
    given = {*read["env"], *step(example, "load", "Measure and judge")["env"]}
    text = "".join((example / "in_region" / name).read_text("utf-8") for name in ("home.py", f"{example.name}.py"))
    asked = {*re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', text)}
    assert given <= asked
    assert asked - given == {"TESTS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"}


@pytest.mark.parametrize("example", ALL)
def test_a_shell_reads_the_steps_as_they_are_meant(example: Path, tmp_path: Path) -> None:
    for name, job in workflow(example)["jobs"].items():
        for number, each in enumerate(job["steps"]):
            if "run" in each:
                (tmp_path / f"{name}-{number}.sh").write_text(each["run"], "utf-8")
    files = sorted(map(str, tmp_path.glob("*.sh")))
    assert len(files) >= 4 - (example.name == "ec2")
    # SC2153: what the step's `env` gives looks like a misspelt name of the script's own.
    command = ["shellcheck", "--shell=bash", "--norc", "--exclude=SC2153", *files]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("example", ALL)
def test_its_plan_can_be_used_in_both_environments(example: Path) -> None:
    given = dict.fromkeys(("FIREBASE_API_KEY", "FIREBASE_SERVICE_ACCOUNT"), "made-up")
    env = workflow(example)["env"]
    for environment in (env["ENVIRONMENT"], "load-testing"):
        plan = read(example / "slo.yaml", environment=environment, environ=given)
        assert {phase.name for phase in plan.phases} == {env["PHASES"], "peak"}
    assert plan.environment.aws is not None  # of the last one, which is a real target


def test_what_examples_share_is_the_same_file() -> None:
    for one, other in product(EXAMPLES, EXAMPLES):
        for name in ("in_region/entry.py", "in_region/proof.py", "in_region/home.py", "requirements.txt", "slo.yaml"):
            assert (one / name).read_bytes() == (other / name).read_bytes()
        for name in ("look.tf", "results.tf", "github.tf"):
            assert (one / "terraform" / name).read_bytes() == (other / "terraform" / name).read_bytes()
