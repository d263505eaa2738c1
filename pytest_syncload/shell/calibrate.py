"""`--syncload-calibrate`: what one generator carries here, measured in some ten seconds; no test is run."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from pytest_syncload.facts.errors import PhaseInvalid, Refused, SpecError
from pytest_syncload.facts.plan import Engine
from pytest_syncload.report.calibration import result_lines, step_line
from pytest_syncload.spec import read


def calibrate_and_say(config: pytest.Config, file: Path) -> int:
    """Print the steps and what they mean for slo.yaml's phases. Gives pytest's exit status."""
    # Only here: load and the conductor are no business of other sessions.
    from pytest_syncload.conductor.calibrate import calibrate  # noqa: PLC0415
    from pytest_syncload.conductor.run_folder import RunFolder  # noqa: PLC0415

    named = config.getoption("--syncload-env") or os.environ.get("SYNCLOAD_ENV") or None
    try:
        spec = read(file, environment=named, environ=os.environ)
    except SpecError as error:
        raise pytest.UsageError(str(error)) from None
    if spec.load.engine is not Engine.BUILT_IN:
        raise pytest.UsageError(
            f"--syncload-calibrate measures our own generators, and {file.name} has engine: {spec.load.engine.value}; "
            "of that one it says nothing"
        )
    say(f"syncload: {spec.request.method} of {file.name} at a rising rate, from one generator to a process beside it")
    with tempfile.TemporaryDirectory(prefix="syncload-") as place:
        folder = RunFolder.named_now(Path(place))
        try:
            folder.make()
            with folder.controller_lock():
                found = calibrate(spec, folder, lambda step: say(step_line(step)))
        except (PhaseInvalid, Refused) as error:
            say(f"syncload: nothing was measured: {error}")
            return int(pytest.ExitCode.INTERNAL_ERROR)
    for line in result_lines(found, spec.phases, os.cpu_count() or 1):
        say(line)
    return int(pytest.ExitCode.OK if found.carried_per_s is not None else pytest.ExitCode.TESTS_FAILED)


def say(line: str) -> None:
    """At once: the next line may take seconds."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
