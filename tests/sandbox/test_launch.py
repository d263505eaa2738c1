"""The whole sandbox as real processes: it comes up, it answers, and it is gone when its parent is."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import pytest

from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import Environment, Faults, Firebase, SandboxSettings
from pytest_syncload.sandbox import launch as launching
from pytest_syncload.sandbox.launch import Sandbox, fill_from, launch
from pytest_syncload.sandbox.publisher import client

EMPTY = Environment(name="sandbox", line=1, sandbox=SandboxSettings())
#: A program that starts a sandbox, says its announcement, and waits to be killed.
PARENT = """
import json, sys, time
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.plan import SandboxSettings
from pytest_syncload.sandbox.launch import launch
sandbox = launch(SandboxSettings(), ServiceClock.starting_now(speed=60), None)
print(json.dumps(sandbox.announcement), flush=True)
time.sleep(60)
"""


def until(what: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.02)
    return what()


def gone(pid: int) -> bool:
    """Ended; a zombie that a container's first process does not collect has ended too."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True


def listens(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as sock:
        return sock.connect_ex((parts.hostname or "", parts.port or 0)) == 0


def all_gone(announcement: dict[str, Any]) -> bool:
    return (
        all(map(gone, announcement["pids"]))
        and not listens(announcement["base_url"])
        and not listens(announcement["aws"]["endpoint_url"])
        and not Path(announcement["firebase"]["service_account"]).parent.exists()
    )


def id_token(firebase: Firebase, uid: str) -> str:
    account = json.loads(Path(firebase.service_account or "").read_text())
    now = int(time.time())
    email = account["client_email"]
    claims = {
        "iss": email,
        "sub": email,
        "aud": "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit",
        "iat": now,
        "exp": now + 3600,
        "uid": uid,
    }
    url = f"http://{firebase.emulator_host}/identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken"
    body = {"token": jwt.encode(claims, account["private_key"], algorithm="RS256"), "returnSecureToken": True}
    answer = httpx.post(url, params={"key": firebase.api_key}, json=body, trust_env=False)
    return str(answer.raise_for_status().json()["idToken"])


@pytest.fixture
def clock() -> ServiceClock:
    return ServiceClock.starting_now(speed=60)


@pytest.fixture
def sandbox(clock: ServiceClock, tmp_path: Path) -> Iterator[Sandbox]:
    faults = Faults(missing_metrics=("4XXError",))
    running = launch(SandboxSettings(faults=faults), clock, tmp_path / "log")
    yield running
    running.close()


def test_requests_reach_cloudwatch_and_the_log(sandbox: Sandbox, clock: ServiceClock, tmp_path: Path) -> None:
    environment = sandbox.fill(EMPTY)
    assert environment.firebase is not None
    assert environment.aws is not None
    account = Path(environment.firebase.service_account or "")
    assert stat.S_IMODE(account.stat().st_mode) == 0o600
    assert stat.S_IMODE(account.parent.stat().st_mode) == 0o700
    headers = {"authorization": f"Bearer {id_token(environment.firebase, 'ann')}"}
    with httpx.Client(base_url=environment.base_url or "", headers=headers, trust_env=False) as http:
        for n in range(20):
            assert http.post("/v1/sync-jobs", json={}, headers={"idempotency-key": f"r-{n}"}).status_code == 202
    cloudwatch = client(
        endpoint_url=environment.aws.endpoint_url or "",
        access_key_id=environment.aws.access_key_id or "",
        secret_access_key=environment.aws.secret_access_key or "",
        region=environment.aws.region,
    )

    def total(name: str, stat_: str = "Sum") -> float:
        dimensions = [{"Name": "Stage", "Value": "v1"}, {"Name": "ApiName", "Value": "syncwell"}]
        metric = {"Namespace": "AWS/ApiGateway", "MetricName": name, "Dimensions": dimensions}
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[{"Id": "q", "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat_}}],
            StartTime=datetime.fromtimestamp(clock.origin, UTC),
            EndTime=datetime.fromtimestamp(clock.now() + 60, UTC),
        )
        return float(sum(answer["MetricDataResults"][0]["Values"]))

    assert until(lambda: total("Count") == 20)
    assert until(lambda: total("5XXError", "SampleCount") == 20)
    assert total("Latency", "SampleCount") == 20
    assert total("4XXError", "SampleCount") == 0
    sandbox.close()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["event"] for line in lines if "event" in line] == ["start", "stop"]
    assert sum(line["keys"]["r"]["count"] for line in lines if "keys" in line) == 20


def test_close_leaves_nothing_and_can_be_repeated(sandbox: Sandbox) -> None:
    assert fill_from(EMPTY, json.loads(json.dumps(sandbox.announcement))) == sandbox.fill(EMPTY)
    assert sandbox.pid == sandbox.announcement["pids"][0]
    assert "running" in repr(sandbox)
    sandbox.close()
    sandbox.close()
    assert "ended" in repr(sandbox)
    assert until(lambda: all_gone(sandbox.announcement))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_sandbox_goes_when_its_parent_is_killed(how: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        announcement = json.loads(parent.stdout.readline())
        assert listens(announcement["base_url"])
        parent.send_signal(how)
    assert until(lambda: all_gone(announcement))


def test_children_go_when_the_supervisor_is_killed(sandbox: Sandbox) -> None:
    os.kill(sandbox.pid, signal.SIGKILL)
    assert until(lambda: all(map(gone, sandbox.announcement["pids"][1:])))


@pytest.mark.parametrize("child", [1, 2])
def test_loss_of_a_part_ends_the_sandbox(sandbox: Sandbox, child: int) -> None:
    os.kill(sandbox.announcement["pids"][child], signal.SIGKILL)
    assert until(lambda: all(map(gone, sandbox.announcement["pids"][1:])))
    assert until(lambda: "ended" in repr(sandbox))


def test_sigterm_ends_it_and_ctrl_c_does_not(sandbox: Sandbox) -> None:
    pids = sandbox.announcement["pids"]
    assert all(os.getsid(pid) != os.getsid(0) for pid in pids)
    for pid in pids:
        os.kill(pid, signal.SIGINT)
    assert httpx.get(sandbox.announcement["base_url"], trust_env=False).status_code == 404
    assert not any(map(gone, pids))
    os.kill(sandbox.pid, signal.SIGTERM)
    assert until(lambda: "ended" in repr(sandbox))
    assert until(lambda: all_gone(sandbox.announcement))


def test_start_failure_says_what_the_sandbox_said(clock: ServiceClock, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        launch(SandboxSettings(), clock, tmp_path / "no such directory" / "log")
    assert "did not start" in str(refused.value)
    assert "FileNotFoundError" in str(refused.value)


def test_sandbox_that_never_gets_ready_is_given_up(clock: ServiceClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "_READY_WITHIN_S", 0.0)
    with pytest.raises(Refused, match="not ready within"):
        launch(SandboxSettings(), clock, None)
