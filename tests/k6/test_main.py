"""The child that drives k6, as a process of its own and with a stand-in for k6: what it tells, and what nobody sees."""

from __future__ import annotations

import asyncio
import fcntl
import json
import math
import os
import queue
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.facts.climb import Leg
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.feeder import Feeder, Order
from pytest_syncload.facts.override import Override
from pytest_syncload.facts.plan import Environment, Faults, RequestTemplate, SandboxSettings, TokenFile
from pytest_syncload.facts.result import Outcome
from pytest_syncload.k6.__main__ import Around, refuse_another_count, work
from pytest_syncload.k6.binary import find_k6
from pytest_syncload.k6.points import Points
from pytest_syncload.k6.process import K6, Totals
from pytest_syncload.k6.script import Script
from pytest_syncload.load.course import Legs
from pytest_syncload.load.job import JOB, REPORT, Job
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import Shard, ShardReport
from pytest_syncload.load.snapshot import Merged, Snapshot
from pytest_syncload.sandbox.launch import launch
from tests.k6.javascript import without_node
from tests.k6.lines import DATA, START, drop, point, request
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
        timeout_s=10.0,  # and so many at once: no stall of this machine makes another outcome
        in_flight_cap=500,
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
    path = install(folder / "bin", **settings)
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
                process.stdin.close()
                process.wait(10)
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


class Here:
    """The same in this process: what it said, and its parent's lines."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.lines: queue.Queue[str] = queue.Queue()
        self.messages: list[dict[str, Any]] = []
        self.stop = asyncio.Event()
        self.environ = {"PATH": install(folder / "bin", **settings), "TMPDIR": str(folder)}
        self.log = folder / "peak.k6.log"
        self.on_ready: Callable[[], object] = lambda: self.lines.put(json.dumps({"start_at": time.monotonic() + 0.2}))

    def speak(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        if "ready" in message:
            self.on_ready()

    def work(self, job: Job) -> list[dict[str, Any]]:
        async def scenario() -> None:
            around = Around(speak=self.speak, stop=self.stop, environ=self.environ, log=self.log)
            await work(job, self.lines.get, around)

        try:
            asyncio.run(scenario())
        finally:
            self.lines.put("")
        return self.messages


BRIEF = {"pacer": Pacer(rate_per_s=40.0, ramp_s=0.0, hold_s=1.0), "hold_from_s": 0.0, "hold_to_s": 1.0}


def test_k6_that_does_not_end_is_stopped_and_an_error(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_syncload.k6.__main__._END_WITHIN_S", 0.5)
    here = Here(tmp_path, hangs=True)
    with pytest.raises(
        Refused, match=r"k6 had not ended .* after its last answer was due, and was stopped; its log is"
    ):
        here.work(job_of(environment, **BRIEF, timeout_s=0.5))


def test_a_whole_load_here(environment: Environment, tmp_path: Path) -> None:
    messages = Here(tmp_path).work(job_of(environment, **BRIEF))
    assert next(next(iter(each)) for each in messages if "warming" not in each) == "ready"
    report = REPORT.validate_python(messages[-1]["report"])
    assert report.sent == pytest.approx(40, abs=2)


@pytest.mark.skipif(without_node() is not None, reason=str(without_node()))
def test_a_load_whose_script_is_run_and_not_only_read(environment: Environment, tmp_path: Path) -> None:
    template = replace(
        REQUEST,
        path="/v1/sync-jobs?who={{who.id}}",
        json={"source": "{{who.id}}"},
        feeders=(Feeder(name="who", rows=tuple({"id": f"id-{number}"} for number in range(7)), order=Order.RANDOM),),
        expect_headers=(("Content-Type", "any"),),
    )
    brief = {**BRIEF, "pacer": Pacer(rate_per_s=40.0, ramp_s=1.0, hold_s=1.0), "hold_from_s": 1.0, "hold_to_s": 2.0}
    for expected, outcome in (
        (template, Outcome.OK),
        (replace(template, expect_json={"no": "any"}), Outcome.WRONG_BODY),
    ):
        here = Here(tmp_path / outcome.value, node=shutil.which("node"))
        messages = here.work(job_of(environment, **brief, request=expected))
        merged = Merged()
        for each in messages:
            if "snapshot" in each:
                merged.add(Snapshot.from_json(each["snapshot"]))
        assert merged.hold.arrivals == pytest.approx(40, abs=2)
        assert merged.ramp.arrivals == pytest.approx(20, abs=2)
        arrivals = merged.all_arrivals
        assert {each for each in Outcome if arrivals[each]} <= {outcome, Outcome.SERVER_ERROR}
        assert arrivals[outcome] > arrivals[Outcome.SERVER_ERROR]
        found = merged.sameness(("job_id",))
        assert (found.sampled > 0) == (outcome is Outcome.OK)
        assert found.repeated == 0
        REPORT.validate_python(messages[-1]["report"])


@pytest.mark.parametrize("when", ["before", "while it waits", "under load"])
def test_told_to_stop_here(environment: Environment, tmp_path: Path, when: str) -> None:
    here = Here(tmp_path)
    if when == "before":
        here.stop.set()
    elif when == "while it waits":
        here.on_ready = here.stop.set
    else:
        start = here.on_ready

        def begin() -> None:
            start()
            asyncio.get_running_loop().call_later(1.5, here.stop.set)

        here.on_ready = begin
    slow = {**BRIEF, "pacer": Pacer(rate_per_s=40.0, ramp_s=0.0, hold_s=30.0), "hold_to_s": 30.0}
    messages = here.work(job_of(environment, **slow))
    reported = [each["report"] for each in messages if "report" in each]
    assert len(reported) == (when == "under load")
    assert all(each["interrupted"] for each in reported)


def test_k6_that_ends_while_it_waits_is_an_error(environment: Environment, tmp_path: Path) -> None:
    here = Here(tmp_path, leaves_the_gate=True)
    here.on_ready = lambda: None
    with pytest.raises(Refused, match="k6 ended at once, without a request; nothing was sent"):
        here.work(job_of(environment, **BRIEF))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"raises": "ReferenceError: x", "code": 107},
            r"exit code 107: the script raised an exception .*ReferenceError",
        ),
        (
            {"raises": "bad option", "code": 104},
            r"exit code 104: it cannot start with .*it said: bad option; nothing was",
        ),
        ({"version": "k6 v0.54.0 (go1.23)"}, r"k6 v0\.54\.0, and 1\.0 is the least"),
        ({"version": "kangaroo six"}, "'kangaroo six', which is no version of k6"),
    ],
)
def test_k6_that_never_begins(environment: Environment, tmp_path: Path, settings: dict[str, Any], says: str) -> None:
    here = Here(tmp_path, **settings)
    with pytest.raises(Refused, match=says):
        here.work(job_of(environment, **BRIEF))
    assert here.log.exists() == ("raises" in settings)
    assert not list(tmp_path.glob("syncload-k6-*"))


def test_no_k6(environment: Environment, tmp_path: Path) -> None:
    here = Here(tmp_path)
    here.environ = {"PATH": str(tmp_path)}
    with pytest.raises(Refused, match="there is no k6 on PATH; install it"):
        here.work(job_of(environment))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"loses": [3, 4]},
            r"k6 counted \d+ requests, 0 dropped iterations .*, and of its stream \d+, 0 and 0 were read",
        ),
        ({"no_summary": True}, "wrote no summary, so nobody knows whether all that it printed was read"),
        ({"code": 99}, "exit code 99: thresholds were not met, and the script sets none"),
        ({"dies_after_s": 0.6}, "exit code 109: it panicked, which is a defect of k6"),
    ],
)
def test_a_load_that_is_not_whole_is_an_error(
    environment: Environment, tmp_path: Path, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(Refused, match=says):
        Here(tmp_path, **settings).work(job_of(environment, **BRIEF))


def test_a_target_that_is_gone_is_not_hammered(environment: Environment, tmp_path: Path) -> None:
    slow = {**BRIEF, "pacer": Pacer(rate_per_s=40.0, ramp_s=0.0, hold_s=60.0), "hold_to_s": 60.0}
    here = Here(tmp_path)
    messages = here.work(job_of(environment, base_url="http://127.0.0.1:1", **slow))
    report = REPORT.validate_python(messages[-1]["report"])
    assert (report.gave_up, report.interrupted) == (True, True)
    merged = Merged()
    for each in messages:
        if "snapshot" in each:
            merged.add(Snapshot.from_json(each["snapshot"]))
    assert set(merged.all_arrivals.outcomes) == {Outcome.CONNECT_ERROR}
    assert merged.examples[0] == "connect_error: the connection was refused (k6's error_code 1212)"


def test_a_climb_and_nobody_to_send_as_are_refused(environment: Environment, tmp_path: Path) -> None:
    job = job_of(environment)
    climbing = replace(job, shard=replace(job.shard, pacer=Legs(legs=(Leg(0.0, 1.0, 10.0),))))
    with pytest.raises(Refused, match="k6 cannot climb"):
        Here(tmp_path / "a").work(climbing)
    with pytest.raises(Refused, match="nobody says where; nothing was sent"):
        Here(tmp_path / "b").work(replace(job, identities=None))


def test_tokens_of_a_file_have_their_own_ends(environment: Environment, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.txt"
    tokens.write_text('{"token": "abc", "user": "ann"}\n')
    here = Here(tmp_path)
    here.on_ready = here.stop.set
    messages = here.work(replace(job_of(environment), identities=TokenFile(path=str(tokens))))
    (ready,) = (each["ready"] for each in messages if "ready" in each)
    assert (ready["identities"], ready["expires_at"]) == (1, math.inf)


def test_a_request_that_a_function_makes_must_come_out_the_same(environment: Environment, tmp_path: Path) -> None:
    job = replace(job_of(environment), request_from=Override(name="syncload_request", reference="toy:another"))
    (tmp_path / "toy.py").write_text(
        "from pytest_syncload.facts.plan import RequestTemplate\n\n\ndef another():\n    return RequestTemplate()\n"
    )
    with pytest.raises(Refused, match="makes another request in a generator than in pytest"):
        Here(tmp_path).work(replace(job, paths=(str(tmp_path),)))


def test_k6_that_cannot_be_started(environment: Environment, tmp_path: Path) -> None:
    here = Here(tmp_path)
    found = find_k6(here.environ)
    Path(found.path).unlink()

    async def scenario() -> None:
        script = Script(text="", values=(), columns=())
        await K6.begin(found.path, tmp_path, script, "{}", {}, here.environ)

    with pytest.raises(Refused, match="could not be started: No such file or directory; nothing was sent"):
        asyncio.run(scenario())


@pytest.fixture
def points() -> Points:
    reader = Points(start_at=START, hold_s=(0.0, 5.0), expected=(202,), timeout_s=1.0)
    for line in (request(1.0), request(2.0), point("checks", 2.0, 0, check="answer"), drop(3.0)):
        reader.take(line)
    return reader


OWN = Totals(requests=3, dropped=1, wrong=1)


@pytest.mark.parametrize("other", [{"requests": 4}, {"dropped": 0}, {"wrong": 2}])
def test_k6s_own_count_must_be_that_of_its_stream(points: Points, other: dict[str, int]) -> None:
    refuse_another_count(OWN, points, asked=1)
    with pytest.raises(Refused, match="some of it was lost; run the phase again"):
        refuse_another_count(replace(OWN, **other), points, asked=1)


def test_a_torn_line_is_a_loss(points: Points) -> None:
    points.take(request(1.0)[:-9])
    with pytest.raises(Refused, match="1 lines were torn"):
        refuse_another_count(OWN, points, asked=1)


def test_what_a_real_k6_summed_up_is_read(tmp_path: Path) -> None:
    k6 = K6(tmp_path, None)  # type: ignore[arg-type]  # of a process that has ended nothing more is asked
    assert k6.totals() is None
    shutil.copy(DATA / "recorded.summary.json", tmp_path / "summary.json")
    assert k6.totals() == Totals(requests=209, dropped=1, wrong=15)
    (tmp_path / "summary.json").write_text('{"metrics": {"http_reqs": {"count": 7}}}')
    assert k6.totals() == Totals(requests=7, dropped=0, wrong=0)
    (tmp_path / "summary.json").write_text('{"metrics": {}}')
    assert k6.totals() is None
