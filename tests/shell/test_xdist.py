"""With any number of workers each phase runs once, in order, never beside another; and everything ends with pytest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.busy import calm_plugin
from tests.shell.conftest import Project, outcomes

#: Far beyond what ending takes; only a hang gets there.
PATIENCE_SECONDS = 60.0
#: Load stops within a second; the rest is a busy machine's. An eighth of the hold that it would last.
STOPS_WITHIN_S = 15.0


@pytest.mark.usefixtures("unmeasured")
def test_two_phases_run_once_each_and_apart(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in CI, where a variable names the environment."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("SYNCLOAD_ENV", "sandbox")
    result = project.run("-m", "baseline or peak", "-n", "2", "-rA")
    assert set(outcomes(result).values()) == {"PASSED"}
    assert len(outcomes(result)) == 8
    sent = project.sent()
    # Before each phase one request shows that requests are accepted.
    assert {name: phase["count"] for name, phase in sent.items()} == {"check": 2, "baseline": 50, "peak": 600}
    assert sent["baseline"]["last"] < sent["peak"]["first"]
    assert result.ret == pytest.ExitCode.OK


#: pytest as from a terminal: where these tests run in the background of a shell, they inherit that SIGINT is ignored.
PYTEST = """\
import signal, sys, pytest
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(pytest.main())
"""


class Running:
    """pytest in the background, and the processes of its run."""

    def __init__(self, project: Project, *args: str) -> None:
        self.project = project
        self.log = project.pytester.path / "out.txt"
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                PYTEST,
                "-p",
                "no:cacheprovider",
                "-p",
                "no:anyio",
                *calm_plugin(project.pytester.path),
                "-rA",
                *args,
            ],
            cwd=project.pytester.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        # Written by us: pytest itself may be one that can write no file.
        self._logging = threading.Thread(target=self._log, daemon=True)
        self._logging.start()
        until(lambda: project.started_load() and (project.run_folder / "peak.started").exists())
        self.sandbox: list[int] = json.loads((project.run_folder / "environment.json").read_text())["sandbox"]["pids"]
        until(lambda: bool(self.generators()))
        self.seen = self.generators()

    def generators(self) -> list[int]:
        """The generators of this run, by their argument."""
        lock = str(self.project.run_folder / "controller.lock")
        return [pid for pid in pids() if lock in command(pid)]

    def load_worker(self) -> int:
        """The process that runs the phase."""
        return int(json.loads((self.project.run_folder / "peak.started").read_text())["pid"])

    def output(self) -> str:
        """What it has said; all of it, once every process of the run has ended."""
        self._logging.join(PATIENCE_SECONDS)
        return self.log.read_text("utf-8")

    def _log(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as said, self.log.open("wb") as log:
            for line in said:
                log.write(line)


def pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def command(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_text("utf-8").replace("\0", " ")
    except OSError:
        return ""


def alive(pid: int) -> bool:
    """Whether it runs; a zombie that nobody has waited for does not."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "this did not come true in time"
        time.sleep(0.02)


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")


@pytest.mark.usefixtures("unmeasured")
@needs_proc
def test_a_worker_that_dies_with_its_phase_never_gives_green(project: Project) -> None:
    running = Running(project, "-m", "peak", "-n", "2")
    os.kill(running.load_worker(), signal.SIGKILL)
    until(lambda: not any(map(alive, running.seen)))
    running.process.wait(PATIENCE_SECONDS)
    text = running.output()
    assert running.process.returncode not in (0, None)
    assert "PASSED slo.yaml::peak" not in text
    assert "a load that was broken off proves nothing" in text.replace("\n", " ")
    until(lambda: not any(map(alive, running.sandbox)))


@pytest.mark.usefixtures("unmeasured")
@needs_proc
@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_when_the_controller_dies_so_do_load_and_sandbox(project: Project, workers: tuple[str, ...]) -> None:
    running = Running(project, "-m", "peak", *workers)
    running.process.kill()
    running.process.wait()
    until(lambda: not any(map(alive, [*running.seen, *running.sandbox])))
    # A worker that outlives its controller for a moment may still record rows, but never as proven.
    verdicts = [json.loads(file.read_text("utf-8")) for file in (project.run_folder / "verdicts").glob("*.json")]
    assert {verdict["ruling"] for verdict in verdicts} <= {"inconclusive"}


@needs_proc
@pytest.mark.parametrize(
    ("how", "workers"),
    [(signal.SIGINT, ()), (signal.SIGTERM, ()), (signal.SIGTERM, ("-n", "1"))],
    ids=["SIGINT-alone", "SIGTERM-alone", "SIGTERM-xdist"],
)
def test_an_interrupt_keeps_what_was_measured(
    project: Project, how: signal.Signals, workers: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    if workers:
        request.getfixturevalue("unmeasured")
    plan = project.pytester.path / "slo.yaml"
    plan.write_text(plan.read_text("utf-8").replace("hold: 3m", "hold: 120m"), "utf-8")
    running = Running(project, "-m", "peak", *workers)
    until(lambda: "peak" in project.sent())
    at = time.time()
    running.process.send_signal(how)
    running.process.wait(PATIENCE_SECONDS)
    assert project.sent()["peak"]["last"] - at < STOPS_WITHIN_S
    assert running.process.returncode == pytest.ExitCode.INTERRUPTED, running.output()
    until(lambda: not any(map(alive, [*running.seen, *running.sandbox])))
    rulings = {row: project.verdict(row) for row in ("api-latency-p95", "api-5xx-rate", "dynamodb-throttles")}
    assert set(rulings.values()) == {"inconclusive"}
    kept = json.loads((project.run_folder / "peak.result.json").read_text("utf-8"))
    assert kept["result"]["hold"]["outcomes"]["ok"] > 0
