"""The shell steps of the gate, run here as GitHub's runner would: the same bash, an environment, files for output.

What stays untried is all that only GitHub does: expressions, `uses:`, permissions, environments, concurrency.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.busy import calm_environment

ROOT = Path(__file__).parents[2]
GATE = ROOT / ".github" / "workflows" / "gate.yml"
EXAMPLE = ROOT / "examples" / "required-check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a step ended, what it printed, and what it wrote to GitHub's files."""

    status: int
    said: str
    output: str
    summary: str

    def commands(self, level: str) -> list[str]:
        """The workflow commands of that level."""
        return [line for line in self.said.splitlines() if line.startswith(f"::{level}")]


def jobs(file: Path = GATE) -> dict[str, Any]:
    """The jobs of a workflow by name."""
    read = yaml.safe_load(file.read_text("utf-8"))
    found: dict[str, Any] = read["jobs"]
    return found


def step_of(job: str, name: str) -> Any:
    """The step of the gate that has this name."""
    (found,) = [step for step in jobs()[job]["steps"] if step.get("name") == name]
    return found


def run_step(
    job: str,
    name: str,
    values: Mapping[str, str],
    folder: Path,
    files: Path,
    meanwhile: Callable[[subprocess.Popen[str]], None] = lambda process: None,
) -> Done:
    """Run the step in ``folder``. ``values`` stand in place of the expressions of its `env`, all of them.

    ``meanwhile`` is called once it runs.
    """
    step = step_of(job, name)
    assert set(step.get("env", {})) == set(values)
    assert step["shell"] == "bash"
    files.mkdir(exist_ok=True)
    script = files / "step.sh"
    script.write_text(step["run"], "utf-8")
    environ = {
        **{key: value for key, value in os.environ.items() if key not in ("SYNCLOAD_ENV", "PYTEST_ADDOPTS")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(folder),
        "RUNNER_TEMP": str(files),
        "GITHUB_OUTPUT": str(files / "output"),
        "GITHUB_STEP_SUMMARY": str(files / "summary"),
        **calm_environment(files),
        **values,
    }
    # As the runner does for `shell: bash`.
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
    process = subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        meanwhile(process)
        said, _ = process.communicate(timeout=300)
    finally:
        process.kill()

    def written(file: str) -> str:
        path = files / file
        return path.read_text("utf-8") if path.exists() else ""

    return Done(status=process.returncode, said=said, output=written("output"), summary=written("summary"))
