"""The doubles' own process: spoken to as the supervisor and boto3 speak to it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import botocore.exceptions
import httpx
import pytest

from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.plan import Faults
from pytest_syncload.sandbox.doubles import once_a_minute
from pytest_syncload.sandbox.processes import start
from pytest_syncload.sandbox.signing import CERTIFICATES
from tests.plainly import PLAINLY
from tests.sandbox.awsclients import KEY, client
from tests.sandbox.lines import line, task


@contextmanager
def doubles(clock: ServiceClock, **more: Any) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes], dict[str, Any]]]:
    """The process, its stdin, and what it announced."""
    process = start("pytest_syncload.sandbox.doubles")
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        config = {
            "clock": dataclasses.asdict(clock),
            "access_key_id": KEY,
            "api_key": "k",
            "project": "toy",
            "faults": {},
            "capacities": {},
        } | more
        process.stdin.write(json.dumps(config).encode() + b"\n")
        process.stdin.flush()
        yield process, process.stdin, json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        try:
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def test_lines_on_stdin_are_what_boto3_is_told_and_the_queue_is_woken_once() -> None:
    # At this speed the whole test is far from a service minute, so one question is one wake-up.
    with doubles(ServiceClock.starting_now(speed=0.001)) as (process, stdin, announced):
        url = f"http://127.0.0.1:{announced['port']}"
        sqs, ecs = client("sqs", url), client("ecs", url)
        stdin.write(line(visible=5, tasks=[task(1)]) + b"\n")
        stdin.flush()
        queue = sqs.get_queue_url(QueueName="hot-path")["QueueUrl"]

        def depth() -> str:
            asked = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
            return str(asked["Attributes"]["ApproximateNumberOfMessages"])

        # The thread that reads stdin may come after the first calls.
        assert "5" in (depth() for _ in range(10_000))
        assert len(ecs.list_tasks(cluster="syncwell")["taskArns"]) == 1
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"touched": "hot-path"}
        stdin.close()
        assert process.stdout.read() == b""


def test_signs_in_on_the_same_port_and_knows_its_faults() -> None:
    faults = dataclasses.asdict(Faults(expired_credentials=True, partial_data=("Latency",), token_life_s=7))
    with doubles(ServiceClock.starting_now(speed=60), faults=faults) as (_, _, announced):
        url = f"http://127.0.0.1:{announced['port']}"
        path = "/identitytoolkit.googleapis.com/v1/accounts:signUp?key=k"
        answer = httpx.post(url + path, json={"returnSecureToken": True}, **PLAINLY)
        assert answer.status_code == 200
        assert answer.json()["idToken"].count(".") == 2
        assert answer.json()["expiresIn"] == "7"
        with pytest.raises(botocore.exceptions.ClientError, match="ExpiredToken"):
            client("sts", url).get_caller_identity()
        assert httpx.get(f"{url}/other", **PLAINLY).status_code == 403


def test_revocations_are_told_to_the_service_and_certificates_to_everybody() -> None:
    with doubles(ServiceClock.starting_now(speed=60)) as (process, _, announced):
        url = f"http://127.0.0.1:{announced['port']}"
        owner = {"authorization": "Bearer owner"}
        account = {"localId": "ann"}

        def ask(operation: str, **more: Any) -> None:
            path = f"/identitytoolkit.googleapis.com/v1/projects/toy/accounts{operation}"
            httpx.post(url + path, json=account | more, headers=owner, **PLAINLY).raise_for_status()

        ask("")
        ask(":update", validSince=1_800_000_000)
        ask(":update", disableUser=True)
        assert process.stdout is not None
        assert [json.loads(process.stdout.readline()) for _ in range(2)] == [
            {"revoked": "ann", "before": 1_800_000_000.0},
            {"revoked": "ann", "before": None},
        ]
        assert httpx.get(url + CERTIFICATES, **PLAINLY).json().keys() == announced["keys"].keys()


def test_told_once_a_minute_for_each_name() -> None:
    told: list[str] = []
    # A clock that stands still, five seconds into a minute.
    hear = once_a_minute(ServiceClock(origin=605.0, monotonic_origin=0.0, speed=0.0), told.append)
    for name in ("a", "a", "b", "a"):
        hear(name)
    assert told == ["a", "b"]


def test_told_again_in_another_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    hear = once_a_minute(ServiceClock(origin=0.0, monotonic_origin=0.0, speed=1.0), told.append)
    for now in (60.0, 119.9, 120.0):
        monkeypatch.setattr("pytest_syncload.facts.clock.time.monotonic", lambda now=now: now)
        hear("a")
    assert told == ["a", "a"]
