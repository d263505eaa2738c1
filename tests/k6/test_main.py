"""The child that drives k6, as a process of its own and with a stand-in for k6: what it tells, and what nobody sees."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import Environment, Faults, RequestTemplate, SandboxSettings, TokenFile
from pytest_syncload.facts.result import Outcome
from pytest_syncload.k6.__main__ import refuse_another_count
from pytest_syncload.k6.points import Points
from pytest_syncload.load.course import Legs
from pytest_syncload.load.job import JOB, REPORT, Job
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import Shard, ShardReport
from pytest_syncload.load.snapshot import Merged, Snapshot
from pytest_syncload.sandbox.launch import launch
from tests.k6.lines import START, drop, request
from tests.k6.standin import install

TOKEN = re.compile(r"eyJ[\w-]{20,}")
REQUEST = RequestTemplate(path="/v1/sync-jobs", json={"a": "b"}, expect_status=202, expect_json={"job_id": "unique"})


@pytest.fixture(scope="module")
def environment() -> Iterator[Environment]:
    running = launch(SandboxSettings(faults=Faults(error_share=10.0)), ServiceClock.starting_now(speed=60), None)
    try:
        yield running.fill(Environment(name="sandbox", line=1))
    finally:
        running.close()


def job_of(environment: Environment, **changes: Any) -> Job:
    pacer = Pacer(rate_per_s=40.0, ramp_s=1.0, hold_s=2.0)
    shard = Shard(
        base_url=environment.base_url or "",
        request=REQUEST,
        pacer=pacer,
        shard=0,
        shards=1,
        hold_from_s=1.0,
        hold_to_s=3.0,
        timeout_s=2.0,
        in_flight_cap=60,
        key_prefix=f"run-{time.monotonic_ns():x}-peak",
    )
    firebase = environment.firebase
    assert firebase is not None
    return Job(shard=replace(shard, **changes), identities=replace(firebase, users=2), users=2)


@dataclass(slots=True)
class Child:
    """The child, and all that it let be seen."""

    process: subprocess.Popen[str]
    folder: Path
    lock: Any
    messages: list[dict[str, Any]]
    merged: Merged

    def say(self, **message: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def until(self, kind: str) -> Any:
        """What it says of that kind; all before it is kept. None where it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if not line.strip():
                continue
            message = json.loads(line)
            self.messages.append(message)
            if "snapshot" in message:
                self.merged.add(Snapshot.from_json(message["snapshot"]))
            if kind in message:
                return message[kind]
            if "error" in message:
                return None
        return None

    @property
    def error(self) -> str:
        self.until("nothing")
        return str(self.messages[-1].get("error", ""))

    def report(self) -> ShardReport:
        self.say(start_at=time.monotonic() + 0.3)
        said = self.until("report")
        assert said is not None, self.messages[-1]
        return REPORT.validate_python(said)

    @property
    def log(self) -> str:
        file = self.folder / "peak.k6.log"
        return file.read_text("utf-8") if file.exists() else ""


@contextmanager
def child(job: Job, folder: Path, **settings: Any) -> Iterator[Child]:
    """The child with its job told, and a stand-in that misbehaves as asked."""
    path = install(folder / "bin", **settings) if "path" not in settings else settings["path"]
    lock = folder / "controller.lock"
    secrets = {"K6_VUS": "1", "FIREBASE_API_KEY": "s3cret-of-the-shell", "HTTP_PROXY": "http://127.0.0.1:1"}
    with lock.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with subprocess.Popen(
            [sys.executable, "-m", "pytest_syncload.k6", str(lock), str(folder / "peak.k6.log")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **secrets, "PATH": path, "TMPDIR": str(folder)},
        ) as process:
            assert process.stdin is not None
            made = Child(process=process, folder=folder, lock=held, messages=[], merged=Merged())
            process.stdin.write(JOB.dump_json(job).decode() + "\n")
            process.stdin.flush()
            try:
                yield made
            finally:
                process.kill()


def test_a_load_from_its_sign_in_to_its_report(environment: Environment, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    job = job_of(environment)
    with child(job, tmp_path, tells=str(told), says="level=warning msg=hello Bearer {token} {token}") as it:
        ready = it.until("ready")
        assert ready["engine"] == "k6 v2.2.0"
        assert ready["identities"] == 2
        assert 0 < ready["expires_at"] - time.monotonic() <= 3600, "k6 has it for so long, as nobody renews it"
        (private,) = tmp_path.glob("syncload-k6-*")
        assert private.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in private.iterdir()} == {0o600}
        assert not (private / "private.json").exists(), "gone before the first arrival"
        report = it.report()
        it.process.wait(10)
        assert not list(tmp_path.glob("syncload-k6-*"))
        assert it.process.stderr is not None
        seen = it.process.stderr.read() + json.dumps(it.messages) + it.log + told.read_text()
    assert (report.engine, report.interrupted, report.gave_up) == ("k6 v2.2.0", False, False)
    arrivals = it.merged.all_arrivals
    assert report.sent == arrivals.arrivals == pytest.approx(100, abs=3)
    assert it.merged.hold.arrivals == pytest.approx(80, abs=3)
    assert set(arrivals.outcomes) <= {Outcome.OK, Outcome.SERVER_ERROR}
    assert arrivals[Outcome.OK] > 50
    assert it.merged.wire_requests == pytest.approx(80, abs=4)
    assert it.merged.service_time.count == it.merged.hold.arrivals
    assert it.merged.sameness(("job_id",)).repeated == 0
    assert it.merged.sameness(("job_id",)).sampled > 5
    assert not TOKEN.search(seen)
    assert "msg=hello Bearer <hidden> <hidden>" in it.log
    assert "as a person reads it" in it.log, "k6's own summary"
    given = json.loads(told.read_text())["environ"]
    assert "K6_VUS" not in given
    assert "HTTP_PROXY" not in given
    assert "s3cret-of-the-shell" not in told.read_text()
    if sys.platform == "linux":
        assert 0 < report.cpu_percent < 400


def test_told_to_stop_load_ends_within_a_second_and_what_was_measured_is_told(
    environment: Environment, tmp_path: Path
) -> None:
    slow = job_of(environment, pacer=Pacer(rate_per_s=40.0, ramp_s=1.0, hold_s=60.0), hold_to_s=61.0)
    with child(slow, tmp_path) as it:
        it.until("ready")
        it.say(start_at=time.monotonic() + 0.1)
        it.until("snapshot")
        it.until("snapshot")
        assert it.process.stdin is not None
        it.process.stdin.close()
        report = REPORT.validate_python(it.until("report"))
        assert report.interrupted
        assert report.sent == it.merged.all_arrivals.arrivals > 10
        assert it.process.wait(10) == 0


def test_k6_that_does_not_heed_is_killed(environment: Environment, tmp_path: Path) -> None:
    slow = job_of(environment, pacer=Pacer(rate_per_s=40.0, ramp_s=1.0, hold_s=60.0), hold_to_s=61.0)
    with child(slow, tmp_path, deaf=True) as it:
        it.until("ready")
        it.say(start_at=time.monotonic() + 0.1)
        it.until("snapshot")
        fcntl.flock(it.lock, fcntl.LOCK_UN)  # the controller is gone
        assert REPORT.validate_python(it.until("report")).interrupted


def test_where_the_child_is_killed_k6_ends_too(environment: Environment, tmp_path: Path) -> None:
    told = tmp_path / "pid.json"
    slow = job_of(environment, pacer=Pacer(rate_per_s=40.0, ramp_s=0.0, hold_s=60.0), hold_from_s=0.0, hold_to_s=60.0)
    with child(slow, tmp_path, tells=str(told)) as it:
        it.until("ready")
        it.say(start_at=time.monotonic() + 0.1)
        it.until("snapshot")
        pid = json.loads(told.read_text())["pid"]
        it.process.kill()
        it.process.wait()
        for _ in range(100):
            if not _runs(pid):
                break
            time.sleep(0.1)
        assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")  # nobody may have buried it yet
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"raises": "ReferenceError: x", "code": 107},
            r"exit code 107: the script raised an exception .*ReferenceError",
        ),
        ({"raises": "unknown flag", "code": 104}, r"exit code 104: it cannot start with the script's options"),
        ({"version": "k6 v0.54.0 (go1.23)"}, r"k6 v0\.54\.0, and 1\.0 is the least"),
        ({"version": "kangaroo six"}, "'kangaroo six', which is no version of k6"),
    ],
)
def test_k6_that_never_begins(environment: Environment, tmp_path: Path, settings: dict[str, Any], says: str) -> None:
    with child(job_of(environment), tmp_path, **settings) as it:
        assert re.search(says, it.error)
        if "raises" in settings:
            assert "nothing was sent; its log is peak.k6.log in the run's folder" in it.messages[-1]["error"]
            assert settings["raises"] in it.log


def test_no_k6(environment: Environment, tmp_path: Path) -> None:
    with child(job_of(environment), tmp_path, path=str(tmp_path)) as it:
        assert "there is no k6 on PATH; install it" in it.error


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"loses": [3, 4]},
            r"k6 counted (\d+) requests and 0 dropped iterations, and of its stream \d+ and 0 were read",
        ),
        ({"no_summary": True}, "wrote no summary, so nobody knows whether all that it printed was read"),
        ({"code": 99}, "exit code 99: thresholds were not met, and the script sets none"),
        ({"dies_after_s": 0.6}, "exit code 109: it panicked, which is a defect of k6"),
    ],
)
def test_a_load_that_is_not_whole_is_an_error(
    environment: Environment, tmp_path: Path, settings: dict[str, Any], says: str
) -> None:
    brief = job_of(environment, pacer=Pacer(rate_per_s=40.0, ramp_s=0.0, hold_s=1.0), hold_from_s=0.0, hold_to_s=1.0)
    with child(brief, tmp_path, **settings) as it:
        it.until("ready")
        it.say(start_at=time.monotonic() + 0.3)
        assert re.search(says, it.error)


def test_a_target_that_is_gone_is_not_hammered(environment: Environment, tmp_path: Path) -> None:
    closed = job_of(environment, base_url="http://127.0.0.1:1", pacer=Pacer(rate_per_s=40.0, ramp_s=0.0, hold_s=60.0))
    with child(closed, tmp_path) as it:
        it.until("ready")
        report = it.report()
    assert (report.gave_up, report.interrupted) == (True, True)
    assert set(it.merged.all_arrivals.outcomes) == {Outcome.CONNECT_ERROR}
    assert it.merged.examples[0] == "connect_error: the connection was refused (k6's error_code 1212)"


def test_a_climb_and_nobody_to_send_as_are_refused(environment: Environment, tmp_path: Path) -> None:
    from pytest_syncload.facts.climb import Leg  # noqa: PLC0415

    job = job_of(environment)
    climbing = replace(job, shard=replace(job.shard, pacer=Legs(legs=(Leg(0.0, 1.0, 10.0),))))
    (tmp_path / "a").mkdir()
    with child(climbing, tmp_path / "a") as it:
        assert "k6 cannot climb" in it.error
    with child(replace(job, identities=None), tmp_path) as it:
        assert "nobody says where; nothing was sent" in it.error


def test_tokens_of_a_file_have_their_own_ends(environment: Environment, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.txt"
    tokens.write_text('{"token": "abc", "user": "ann"}\n')
    with child(replace(job_of(environment), identities=TokenFile(path=str(tokens))), tmp_path) as it:
        ready = it.until("ready")
        assert (ready["identities"], ready["expires_at"]) == (1, float("inf"))


@pytest.fixture
def points() -> Points:
    reader = Points(start_at=START, hold_s=(0.0, 5.0), expected=(202,), timeout_s=1.0)
    for line in (request(1.0), request(2.0), drop(3.0)):
        reader.take(line)
    return reader


@pytest.mark.parametrize(
    "change",
    [
        lambda totals: totals.update(http_reqs=4),
        lambda totals: totals.update(dropped_iterations=0),
    ],
)
def test_k6s_own_count_must_be_that_of_its_stream(points: Points, change: Callable[[dict[str, int]], None]) -> None:
    totals = {"http_reqs": 3, "dropped_iterations": 1}
    refuse_another_count(totals, points, asked=1)
    change(totals)
    with pytest.raises(Refused, match="some of it was lost; run the phase again"):
        refuse_another_count(totals, points, asked=1)


def test_a_torn_line_is_a_loss(points: Points) -> None:
    points.take(request(1.0)[:-9])
    with pytest.raises(Refused, match="1 lines were torn"):
        refuse_another_count({"http_reqs": 3, "dropped_iterations": 1}, points, asked=1)
