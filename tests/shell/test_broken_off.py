"""Load that is broken off, in real processes: it stops at once, what was measured stays, no row is green.

That load stopped at once is shown by the target's own times and the phase's, whose hold would have lasted far longer.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import time
from typing import Any

import pytest

from tests.shell.conftest import Project
from tests.shell.test_xdist import PATIENCE_SECONDS, STOPS_WITHIN_S, Running, alive, needs_proc, until

pytestmark = [pytest.mark.usefixtures("unmeasured"), needs_proc]

#: Wall seconds of the hold, were nobody to break it off.
HOLD_S = 120
ROWS = ("api-latency-p95", "api-5xx-rate", "dynamodb-throttles")


class BrokenOff(Running):
    """`pytest -m peak` with two generators, followed until a whole second of its load is in the run folder."""

    def __init__(self, project: Project) -> None:
        plan = project.pytester.path / "slo.yaml"
        text = plan.read_text("utf-8").replace("load: {", "load: {generators: 2, ")
        plan.write_text(text.replace("rate: 200/s\n    hold: 3m", f"rate: 80/s\n    hold: {HOLD_S}m"), "utf-8")
        super().__init__(project, "-m", "peak")
        until(lambda: len(self.seconds()) > 0)
        self.seen = self.generators()
        assert len(self.seen) == 2

    def seconds(self) -> list[dict[str, Any]]:
        """The phase's seconds in the run folder, while it runs and after it."""
        file = self.project.run_folder / "peak.timeline.jsonl"
        lines = file.read_text("utf-8").split("\n")[:-1] if file.exists() else []
        return [json.loads(line) for line in lines]

    def ended(self) -> str:
        """What pytest said, once it has ended with every row an error and nothing left behind."""
        self.process.wait(PATIENCE_SECONDS)
        text = self.output()
        assert self.process.returncode == pytest.ExitCode.TESTS_FAILED, text
        assert not re.search(r"Traceback|[.]py:\d", text), text
        until(lambda: not any(map(alive, [*self.seen, *self.sandbox])))
        for row in ROWS:
            assert f"ERROR slo.yaml::peak::{row}" in text
        assert "PASSED" not in text
        return text

    def result(self) -> Any:
        """What was measured until then, as kept."""
        return json.loads((self.project.run_folder / "peak.result.json").read_text("utf-8"))["result"]

    def reasons(self) -> set[str]:
        """What the kept verdicts say, all of them inconclusive."""
        files = [self.project.run_folder / "verdicts" / f"peak--{row}.json" for row in ROWS]
        verdicts = [json.loads(file.read_text("utf-8")) for file in files]
        assert {verdict["ruling"] for verdict in verdicts} == {"inconclusive"}
        return {verdict["reason"] for verdict in verdicts}


def test_one_of_two_generators_is_killed(project: Project) -> None:
    running = BrokenOff(project)
    at = time.time()
    os.kill(running.seen[1], signal.SIGKILL)
    text = running.ended()
    assert project.sent()["peak"]["last"] - at < STOPS_WITHIN_S
    assert "ERROR slo.yaml::peak::load" in text
    kept = running.result()
    assert 0 < kept["hold"]["outcomes"]["ok"] < 80 * HOLD_S / 2
    assert len(kept["generators"]) == 1
    (reason,) = running.reasons()
    assert re.search(r"generator \d was lost: exit code -9, it said nothing", reason)


def test_a_run_folder_that_cannot_grow(project: Project) -> None:
    running = BrokenOff(project)
    file = project.run_folder / "peak.timeline.jsonl"
    at = time.time()
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (file.stat().st_size, resource.RLIM_INFINITY))
    text = running.ended()
    assert project.sent()["peak"]["last"] - at < STOPS_WITHIN_S
    assert text.count("peak.result.json cannot be written: File too large") == 4, "load and each row say why"
    assert [second["at_s"] for second in running.seconds()] == list(range(len(running.seconds())))
    assert running.seconds()[0]["tally"]["outcomes"]["ok"] > 0


def test_a_target_that_closes_everything(project: Project) -> None:
    """Its process is killed, so the system closes its connections and its port."""
    running = BrokenOff(project)
    at = time.monotonic()
    os.kill(running.sandbox[2], signal.SIGKILL)
    text = running.ended()
    assert time.monotonic() - at < HOLD_S / 2
    assert "FAILED slo.yaml::peak::load" in text
    kept = running.result()
    failed = [second["at_s"] for second in kept["timeline"] if not second["tally"]["outcomes"].get("ok")]
    assert len(failed) <= STOPS_WITHIN_S
    assert kept["hold"]["outcomes"]["ok"] > 0
    (reason,) = running.reasons()
    assert "the target refused, closed or broke every connection for 0.8 s, so the load was stopped" in reason
