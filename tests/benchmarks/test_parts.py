"""The parts of the engine's benchmark that need no load: the request, the commands, the looks from outside."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.engine import measure
from benchmarks.engine.__main__ import main
from benchmarks.engine.clients import CLIENTS, OPEN, OURS, environment
from benchmarks.engine.measure import Failed, Run, core_seconds, cpu_seconds, run_client
from benchmarks.engine.nginx import requests_of
from benchmarks.engine.peers import Tools
from benchmarks.engine.request import BODY_TEXT, TOKEN, Job
from benchmarks.engine.rounds import available, is_held
from benchmarks.engine.table import Measured
from benchmarks.engine.told import Told, parse_line

#: Pinning and the kernel's accounts are Linux's; so is the benchmark.
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark needs Linux")

ALL = Tools(**dict.fromkeys(Tools.__dataclass_fields__, "/bin/tool"))
JOB = Job(url="http://127.0.0.1:1", seconds=1.8, rate_per_s=3000)


def test_the_request_is_as_large_as_the_plan_says() -> None:
    assert 150 <= len(BODY_TEXT) <= 186
    assert len(TOKEN) == 900


def test_a_job_travels_as_a_file(tmp_path: Path) -> None:
    assert Job.read(str(JOB.write(tmp_path))) == JOB


def test_only_clients_with_their_tools_run(tmp_path: Path) -> None:
    assert [client.name for client in available(CLIENTS, ALL, tmp_path)] == [client.name for client in CLIENTS]
    assert {client.name for client in available(CLIENTS, Tools(), tmp_path)} == {
        OURS,
        "pytest-syncload at httpx's door",
        "one blocking socket",
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hey", ["-q", "46.875", "-c", "64"]),
        ("h2load", ["--rps=50", "-c", "60", "-D", "2"]),
        ("wrk2", ["-R", "3000", "-c64", "-d2s"]),
    ],
)
def test_the_rate_of_the_open_loop_is_the_sum_over_the_connections(name: str, words: list[str], tmp_path: Path) -> None:
    (client,) = [client for client in CLIENTS if client.name == name]
    command = client.command(ALL, JOB, tmp_path / "job.json")
    assert command is not None
    assert set(words) <= set(command)
    assert OPEN in client.loops


def test_the_callers_environment_stays_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert "HTTP_PROXY" not in environment(ALL, tmp_path / "job.json", tmp_path / "cert.pem")


def test_nginx_says_how_many_requests_it_had() -> None:
    said = "Active connections: 2 \nserver accepts handled requests\n 11 12 1300 \nReading: 0 Writing: 1 Waiting: 1 \n"
    assert requests_of(said) == 1300
    with pytest.raises(ValueError, match="no stub_status"):
        requests_of("404")


HELD = Measured(
    part=OPEN,
    scheme="http",
    client=OURS,
    round=0,
    offered=1000,
    rate_per_s=995.0,
    told=Told(lag_p99_ms=2.0, p99_ms=3.0),
)


def test_a_rate_is_held_only_without_drops_and_in_time() -> None:
    assert is_held(HELD)
    assert is_held(replace(HELD, told=Told()))
    for worse in (Told(dropped=1), Told(failed=1), Told(lag_p99_ms=11.0), Told(p99_ms=51.0), None):
        assert not is_held(replace(HELD, told=worse))
    assert not is_held(replace(HELD, rate_per_s=980.0))


CHILD = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "sum(range(3_000_000)); print('done', flush=True); input()"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print("ready", flush=True)
sys.stdin.readline()
child.communicate(b"\\n")
"""


def test_cpu_counts_children() -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"ready\n"
        own = float(Path(f"/proc/{process.pid}/schedstat").read_text("ascii").split()[0]) / 1e9
        assert cpu_seconds(process.pid) > own + 0.01
        process.communicate(b"\n")
    assert cpu_seconds(process.pid) == 0.0


def test_a_core_has_been_busy() -> None:
    core = min(os.sched_getaffinity(0))
    before = core_seconds(core)
    assert 0 < before <= core_seconds(core)
    with pytest.raises(ValueError, match="no core 99999"):
        core_seconds(99999)


class Counter:
    """A server's count that rises with every look."""

    def __init__(self, step: int) -> None:
        self.count, self.step = 0, step

    def __call__(self) -> int:
        self.count += self.step
        return self.count


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "SETTLE_S", 0.02)


def ran(folder: Path, program: str, step: int = 10) -> Run:
    return run_client(
        [sys.executable, "-c", program],
        environ=os.environ,
        core=min(os.sched_getaffinity(0)),
        served=Counter(step),
        seconds=0.02,
        parse=parse_line,
        folder=folder,
    )


@pytest.mark.usefixtures("quick")
def test_a_client_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="ended with 3; it said it broke"):
        ran(tmp_path, "import sys, time; time.sleep(0.4); print('it broke', file=sys.stderr); sys.exit(3)")
    with pytest.raises(Failed, match="ended with 0 before its first request"):
        ran(tmp_path, "", step=0)
    with pytest.raises(Failed, match="its output is not as expected: no figures"):
        ran(tmp_path, "import time; time.sleep(0.4)")


@pytest.mark.usefixtures("quick")
def test_throughput_is_the_servers_count(tmp_path: Path) -> None:
    run = ran(tmp_path, f"import time; time.sleep(0.4); print('''{Told(requests=500).line()}''')")
    assert 0 < run.rate_per_s <= 10 / 0.02
    assert run.never_had == 500 - run.served


def test_an_unknown_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--tls", "maybe"])
    assert "--tls" in capsys.readouterr().err
