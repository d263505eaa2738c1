"""A generator signs its users in, says how far it is, and ends where its parent goes meanwhile."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.plan import Firebase, RequestTemplate, TokenFile
from pytest_syncload.load.job import JOB, Job
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import Shard
from tests.auth.scripted import SIGNED_IN, project, refusal, scripted

#: Far less than what the sign-in of all users would take, and more than a busy machine needs to end a process.
SOON_S = 20.0


def job(identities: Firebase | TokenFile, **changes: Any) -> Job:
    pacer = Pacer(rate_per_s=50.0, ramp_s=0.0, hold_s=0.2)
    shard = Shard(
        base_url="http://127.0.0.1:1",
        request=RequestTemplate(),
        pacer=pacer,
        shard=0,
        shards=1,
        hold_from_s=0.0,
        hold_to_s=pacer.hold_s,
        timeout_s=2.0,
        in_flight_cap=10,
        key_prefix="run-peak",
    )
    return Job(shard=shard, identities=identities, **changes)


class Generator:
    """A generator's process and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def hears(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def says(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.strip():
                told: dict[str, Any] = json.loads(line)
                return told
        return {}

    def warmed(self) -> list[tuple[int, int]]:
        """How far it says it is, at first and at last: how many are between depends on the machine."""
        said = [self.says()["warming"]]
        while said[-1]["done"] < said[-1]["of"]:
            said.append(self.says()["warming"])
        return [(each["done"], each["of"]) for each in (said[0], said[-1])]

    def hang_up(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()


@contextmanager
def generating(folder: Path, work: Job) -> Iterator[tuple[Generator, RunFolder]]:
    """A generator with this job. The controller's lock is held as long as its folder says so."""
    run = RunFolder.named_now(folder)
    run.make()
    command = [sys.executable, "-m", "pytest_syncload.generator", str(run.controller_lock_path)]
    with (
        run.controller_lock(),
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
    ):
        generator = Generator(process)
        generator.hears(JOB.dump_json(work).decode())
        try:
            yield generator, run
        finally:
            process.kill()


@pytest.fixture
def silent() -> Iterator[str]:
    """A sign-in that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_a_parent_that_goes_while_users_sign_in_takes_the_generator_with_it(tmp_path: Path, silent: str) -> None:
    with generating(tmp_path, job(project(tmp_path, silent, users=10_000))) as (generator, _):
        assert generator.says() == {"warming": {"done": 0, "of": 10_000}}
        began = time.monotonic()
        generator.hang_up()
        assert generator.process.wait(SOON_S) == 0
        assert time.monotonic() - began < SOON_S
        assert "ready" not in json.dumps(generator.says())


def test_it_warms_up_says_so_and_reports_its_refreshes(tmp_path: Path) -> None:
    short = (200, {**SIGNED_IN[1], "expiresIn": "3"})
    with (
        scripted(short) as issuer,
        generating(tmp_path, job(project(tmp_path, issuer.host, users=4))) as (generator, _),
    ):
        assert generator.warmed() == [(0, 4), (4, 4)]
        ready = generator.says()["ready"]
        assert ready["identities"] == 4
        generator.hears(json.dumps({"start_at": time.monotonic() + 1.5}))
        while "report" not in (told := generator.says()):
            assert "snapshot" in told
        report = told["report"]
        assert report["failed_refreshes"] == 0
        assert report["refresh_problem"] is None
        # Those before the load began are none of its report's.
        assert 0 < len(issuer.bodies) - 4 >= report["refreshes"]


def test_a_user_who_cannot_sign_in_is_told_with_the_reason(tmp_path: Path) -> None:
    with (
        scripted((400, refusal("USER_DISABLED"))) as issuer,
        generating(tmp_path, job(project(tmp_path, issuer.host))) as (generator, _),
    ):
        assert generator.says() == {"warming": {"done": 0, "of": 3}}
        assert "USER_DISABLED" in generator.says()["error"]
        assert generator.process.wait(SOON_S) == 0


def test_only_one_signs_in_for_a_check_and_its_token_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "tokens.txt"
    file.write_text("one\ntwo\n", "utf-8")
    with generating(tmp_path, job(TokenFile(path=str(file)), only_one=True)) as (generator, _):
        assert generator.warmed() == [(0, 1), (1, 1)]
        ready = generator.says()["ready"]
        assert ready["identities"] == 1
        assert "of another issuer" in ready["token"]
    with (
        scripted(SIGNED_IN) as issuer,
        generating(tmp_path, job(project(tmp_path, issuer.host), only_one=True)) as (generator, _),
    ):
        assert generator.warmed() == [(0, 1), (1, 1)]
        assert generator.says() == {"error": "the ID token is no JWT"}
