"""A generator process is handed secrets and gets tokens: nothing that it says, and nothing that `ps` shows, has one."""

from __future__ import annotations

import fcntl
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.plan import Environment, Faults, Firebase, RequestTemplate, SandboxSettings, SignInBy
from pytest_syncload.load.job import JOB, Job
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import Shard
from pytest_syncload.sandbox.launch import launch
from tests.plainly import PLAINLY

#: An ID or custom token, and a refresh token.
TOKEN = re.compile(r"eyJ[\w-]{20,}|AMf-[\w-]{20,}")
PASSWORD = "hunter2-hunter2"
EMAIL = "load-{i}@toy.example"
HOLD_S = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that a generator let be seen: its messages, its stderr, its command line."""

    messages: list[dict[str, Any]]
    text: str

    def of(self, kind: str) -> Any:
        """The last message of that kind."""
        return [message[kind] for message in self.messages if kind in message][-1]


@pytest.fixture(scope="module")
def environment() -> Iterator[Environment]:
    """Tokens that end within the load, and refreshes of which some fail; two users by password exist."""
    faults = Faults(token_life_s=3, failed_refreshes_share=20)
    running = launch(SandboxSettings(faults=faults), ServiceClock.starting_now(speed=60), None)
    try:
        filled = running.fill(Environment(name="sandbox", line=1))
        assert filled.firebase is not None
        for user in range(2):
            url = f"http://{filled.firebase.emulator_host}/identitytoolkit.googleapis.com/v1/accounts:signUp"
            who = {"email": EMAIL.replace("{i}", str(user)), "password": PASSWORD, "returnSecureToken": True}
            key = {"key": filled.firebase.api_key}
            httpx.post(url, params=key, json=who, **PLAINLY).raise_for_status()
        yield filled
    finally:
        running.close()


def generate(environment: Environment, firebase: Firebase, folder: Path) -> Told:
    pacer = Pacer(rate_per_s=20.0, ramp_s=0.0, hold_s=HOLD_S)
    shard = Shard(
        base_url=environment.base_url or "",
        request=RequestTemplate(path="/v1/sync-jobs", json={}, expect_status=202),
        pacer=pacer,
        shard=0,
        shards=1,
        hold_from_s=0.0,
        hold_to_s=HOLD_S,
        timeout_s=5.0,
        in_flight_cap=100,
        key_prefix=f"test-{time.monotonic_ns():x}",
    )
    job = JOB.dump_json(Job(shard=shard, identities=replace(firebase, users=2))).decode()
    lock = folder / "controller.lock"
    with lock.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        command = [sys.executable, "-X", "dev", "-m", "pytest_syncload.generator", str(lock)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdin.write(job + "\n")
            process.stdin.flush()
            shown = Path(f"/proc/{process.pid}/cmdline").read_text() if sys.platform == "linux" else " ".join(command)
            lines = []
            for line in process.stdout:
                lines.append(line)
                if '"ready"' in line:
                    process.stdin.write(json.dumps({"start_at": time.monotonic() + 0.1}) + "\n")
                    process.stdin.flush()
            said = process.stderr.read()
    messages = [json.loads(line) for line in lines if line.strip()]
    return Told(messages=messages, text="\n".join([*lines, said, shown]))


def by_password(environment: Environment, password: str = PASSWORD) -> Firebase:
    assert environment.firebase is not None
    return replace(
        environment.firebase, sign_in=SignInBy.PASSWORD, service_account=None, email=EMAIL, password=password
    )


def assert_without_secrets(told: Told, firebase: Firebase, *more: str) -> None:
    assert not TOKEN.search(told.text)
    for secret in (firebase.api_key, PASSWORD, "PRIVATE KEY", *more):
        assert secret not in told.text


@pytest.mark.parametrize("how", ["custom token", "password", "account as text"])
def test_what_signs_in_and_is_refreshed_is_not_seen(environment: Environment, how: str, tmp_path: Path) -> None:
    firebase = environment.firebase
    assert firebase is not None
    if how == "password":
        firebase = by_password(environment)
    if how == "account as text":
        firebase = replace(firebase, service_account=Path(firebase.service_account or "").read_text("utf-8"))
    told = generate(environment, firebase, tmp_path)
    assert told.of("report")["refreshes"] >= 2
    assert_without_secrets(told, firebase)


def test_a_refused_sign_in_says_why_and_no_secret(environment: Environment, tmp_path: Path) -> None:
    wrong = "another-" + PASSWORD[::-1]
    firebase = by_password(environment, wrong)
    told = generate(environment, firebase, tmp_path)
    assert "INVALID_LOGIN_CREDENTIALS" in told.of("error")
    assert_without_secrets(told, firebase, wrong)
    firebase = replace(by_password(environment), api_key="AIzaSy-of-another-project")
    told = generate(environment, firebase, tmp_path)
    assert "API key not valid" in told.of("error")
    assert_without_secrets(told, firebase)


def test_an_issuer_that_is_not_there_is_named_without_a_secret(environment: Environment, tmp_path: Path) -> None:
    firebase = replace(by_password(environment), emulator_host="127.0.0.1:1")
    told = generate(environment, firebase, tmp_path)
    assert "127.0.0.1:1" in told.of("error")
    assert_without_secrets(told, firebase)
