"""The whole sandbox as real processes: it comes up, it answers, and it is gone when its parent is."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
import jwt
import pytest
from botocore.config import Config

from pytest_syncload.auth.pool import WarmPool, source_of
from pytest_syncload.facts.capacity import Capacities
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import Environment, Faults, Firebase, RequestTemplate, Resources, SandboxSettings
from pytest_syncload.facts.result import Tally
from pytest_syncload.load.engine import run
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import Shard
from pytest_syncload.load.snapshot import Merged
from pytest_syncload.sandbox import launch as launching
from pytest_syncload.sandbox.launch import Sandbox, fill_from, launch
from pytest_syncload.sandbox.names import CLUSTER, NODES, QUEUE, SERVICE
from tests.plainly import PLAINLY

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


def until(what: Callable[[], bool]) -> bool:
    """Wait until it is so: for as long as only a hang takes, as a busy machine's processes come late."""
    deadline = time.monotonic() + 60
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
    answer = httpx.post(url, params={"key": firebase.api_key}, json=body, **PLAINLY)
    return str(answer.raise_for_status().json()["idToken"])


@pytest.fixture
def clock() -> ServiceClock:
    return ServiceClock.starting_now(speed=60)


@pytest.fixture
def sandbox(clock: ServiceClock, tmp_path: Path) -> Iterator[Sandbox]:
    faults = Faults(missing_metrics=("4XXError",), crashing_tasks=1)
    running = launch(SandboxSettings(faults=faults), clock, tmp_path / "log")
    yield running
    running.close()


@pytest.fixture(scope="module")
def standing() -> Iterator[Sandbox]:
    """One for all tests that leave it as it was."""
    running = launch(SandboxSettings(), ServiceClock.starting_now(speed=60), None)
    yield running
    running.close()


def aws(sandbox: Sandbox, service: str) -> Any:
    """A client as the user's side makes one of what was announced."""
    access = sandbox.fill(EMPTY).aws
    assert access is not None
    return boto3.session.Session(
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret_access_key,
        region_name=access.region,
    ).client(service, endpoint_url=access.endpoint_url, config=Config(proxies={}))


class Metrics:
    """What the sandbox's CloudWatch has, over all its time."""

    def __init__(self, sandbox: Sandbox, clock: ServiceClock) -> None:
        self._cloudwatch = aws(sandbox, "cloudwatch")
        self._clock = clock

    def __call__(self, namespace: str, name: str, statistic: str = "Sum", **dimensions: str) -> list[float]:
        """The metric's values, by the minute."""
        where = [{"Name": dimension, "Value": value} for dimension, value in dimensions.items()]
        full = namespace if "/" in namespace else f"AWS/{namespace}"
        metric = {"Namespace": full, "MetricName": name, "Dimensions": where}
        answer = self._cloudwatch.get_metric_data(
            MetricDataQueries=[{"Id": "q", "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}}],
            StartTime=datetime.fromtimestamp(self._clock.origin, UTC),
            EndTime=datetime.fromtimestamp(self._clock.now() + 60, UTC),
            ScanBy="TimestampAscending",
        )
        return list(answer["MetricDataResults"][0]["Values"])


def post_jobs(sandbox: Sandbox, count: int) -> None:
    environment = sandbox.fill(EMPTY)
    assert environment.firebase is not None
    headers = {"authorization": f"Bearer {id_token(environment.firebase, 'ann')}"}
    with httpx.Client(base_url=environment.base_url or "", headers=headers, **PLAINLY) as http:
        for n in range(count):
            assert http.post("/v1/sync-jobs", json={}, headers={"idempotency-key": f"r-{n}"}).status_code == 202


async def offered(environment: Environment, per_s: float, seconds: float) -> tuple[Tally, Mapping[int, int]]:
    """What became of a load as a phase offers it, with the statuses of its answers."""
    assert environment.base_url is not None
    assert environment.firebase is not None
    merged = Merged()
    shard = Shard(
        base_url=environment.base_url,
        request=RequestTemplate(path="/v1/sync-jobs", json={}, expect_status=202),
        pacer=Pacer(rate_per_s=per_s, ramp_s=0.0, hold_s=seconds),
        shard=0,
        shards=1,
        hold_from_s=0.0,
        hold_to_s=seconds,
        timeout_s=10.0,
        in_flight_cap=1000,
        key_prefix="run",
    )
    async with WarmPool(source_of(environment.firebase), shard=0, shards=1) as users:
        await run(shard, users, start_at=time.monotonic(), stop=asyncio.Event(), emit=merged.add)
    return merged.hold, merged.statuses


def test_load_beyond_a_capacity_fails_and_cloudwatch_says_where(clock: ServiceClock) -> None:
    """More than a machine's noise beyond it: the exact shares are held in `test_capacity`, without a machine."""
    settings = SandboxSettings(capacities=Capacities(third_party_per_s=60))
    sandbox = launch(settings, clock, None)
    try:
        within, _ = asyncio.run(offered(sandbox.fill(EMPTY), 30, 1))
        metrics = Metrics(sandbox, clock)
        third = ("SyncWell/ThirdParty", "Latency")
        assert until(lambda: sum(metrics(*third, "SampleCount", Provider="drive")) == 30)
        assert max(metrics(*third, "Average", Provider="drive")) < 30
        beyond, statuses = asyncio.run(offered(sandbox.fill(EMPTY), 400, 2))
        assert (within.failed, beyond.failed) == (0, statuses[502])
        assert beyond.failed > 0.2 * beyond.arrivals
        api = {"ApiName": "syncwell", "Stage": "v1"}
        assert until(lambda: sum(metrics("ApiGateway", "Count", **api)) == 830)
        assert until(lambda: sum(metrics("ApiGateway", "5XXError", **api)) == beyond.failed)
        assert until(lambda: sum(metrics("SyncWell/ThirdParty", "Errors", Provider="drive")) == beyond.failed)
        assert until(lambda: max(metrics(*third, "Maximum", Provider="drive")) > 100)
        assert metrics("DynamoDB", "WriteThrottleEvents", TableName="sync-jobs") == []
    finally:
        sandbox.close()


def test_service_account_is_nobody_elses_to_read(standing: Sandbox) -> None:
    account = Path(standing.announcement["firebase"]["service_account"])
    assert stat.S_IMODE(account.stat().st_mode) == 0o600
    assert stat.S_IMODE(account.parent.stat().st_mode) == 0o700


def test_requests_reach_cloudwatch_and_the_log(sandbox: Sandbox, clock: ServiceClock, tmp_path: Path) -> None:
    post_jobs(sandbox, 20)
    metrics = Metrics(sandbox, clock)
    api = {"ApiName": "syncwell", "Stage": "v1"}
    index = {"TableName": "sync-jobs", "GlobalSecondaryIndexName": "by-user"}
    assert until(lambda: sum(metrics("ApiGateway", "Count", **api)) == 20)
    assert until(lambda: sum(metrics("ApiGateway", "5XXError", "SampleCount", **api)) == 20)
    assert until(lambda: sum(metrics("ApiGateway", "Latency", "SampleCount", **api)) == 20)
    assert metrics("ApiGateway", "4XXError", "SampleCount", **api) == []
    assert until(lambda: sum(metrics("DynamoDB", "ConsumedWriteCapacityUnits", **index)) == 20)
    sandbox.close()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["event"] for line in lines if "event" in line] == ["start", "stop"]
    assert sum(line["keys"]["r"]["count"] for line in lines if "keys" in line) == 20


def test_what_stands_behind_is_published_each_minute_without_a_request(sandbox: Sandbox, clock: ServiceClock) -> None:
    metrics = Metrics(sandbox, clock)
    service = {"ClusterName": CLUSTER, "ServiceName": SERVICE}
    assert until(lambda: len(metrics("ECS", "CPUUtilization", "SampleCount", **service)) >= 4)
    assert set(metrics("ECS", "MemoryUtilization", "SampleCount", **service)) == {4}
    assert set(metrics("ECS", "MemoryUtilization", "Average", **service)) == {35}
    # They come after.
    assert until(
        lambda: all(len(metrics("ElastiCache", "EngineCPUUtilization", CacheClusterId=node)) > 2 for node in NODES)
    )
    assert metrics("SQS", "ApproximateNumberOfMessagesVisible", QueueName=QUEUE) == []


def test_disabled_user_is_refused_until_enabled_again(standing: Sandbox) -> None:
    environment = standing.fill(EMPTY)
    firebase = environment.firebase
    assert firebase is not None
    tokens = {uid: id_token(firebase, uid) for uid in ("ann", "bob")}
    update = f"http://{firebase.emulator_host}/identitytoolkit.googleapis.com/v1/projects/{firebase.project}"

    def disable(disabled: bool) -> None:
        asked = {"localId": "ann", "disableUser": disabled}
        owner = {"authorization": "Bearer owner"}
        httpx.post(f"{update}/accounts:update", json=asked, headers=owner, **PLAINLY).raise_for_status()

    def status(uid: str) -> int:
        headers = {"authorization": f"Bearer {tokens[uid]}", "idempotency-key": f"{uid}-{time.monotonic()}"}
        url = f"{environment.base_url}/v1/sync-jobs"
        return httpx.post(url, json={}, headers=headers, **PLAINLY).status_code

    assert [status("ann"), status("bob")] == [202, 202]
    disable(True)
    assert until(lambda: status("ann") == 401), "a token that was remembered is refused too"
    assert status("bob") == 202
    disable(False)
    assert until(lambda: status("ann") == 202)


def test_question_about_the_queue_wakes_it(sandbox: Sandbox, clock: ServiceClock) -> None:
    metrics, sqs = Metrics(sandbox, clock), aws(sandbox, "sqs")
    asked = clock.now()
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "0"
    assert until(lambda: metrics("SQS", "ApproximateNumberOfMessagesVisible", QueueName=QUEUE) != [])
    assert clock.now() >= asked + 120
    assert set(metrics("SQS", "NumberOfMessagesSent", QueueName=QUEUE)) == {0}


def test_tasks_are_known_from_the_start_and_their_end_is_told(sandbox: Sandbox) -> None:
    ecs = aws(sandbox, "ecs")
    where = {"cluster": CLUSTER, "serviceName": SERVICE}
    assert until(lambda: len(ecs.list_tasks(**where, desiredStatus="RUNNING")["taskArns"]) == 4)
    post_jobs(sandbox, 1)
    assert until(lambda: ecs.list_tasks(**where, desiredStatus="STOPPED")["taskArns"] != [])
    arns = ecs.list_tasks(**where, desiredStatus="STOPPED")["taskArns"]
    (task, *_) = ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"]
    assert task["stopCode"] == "EssentialContainerExited"
    assert {container["name"]: container["exitCode"] for container in task["containers"]}["worker"] == 1


def test_refused_connections_fault_closes_the_port(clock: ServiceClock) -> None:
    sandbox = launch(SandboxSettings(faults=Faults(refused_connections_share=100)), clock, None)
    try:
        assert until(lambda: not listens(sandbox.announcement["base_url"]))
    finally:
        sandbox.close()


def test_environment_keeps_the_resources_and_the_region_that_slo_yaml_gives(standing: Sandbox) -> None:
    filled = standing.fill(EMPTY)
    assert filled.aws is not None
    assert filled.aws.region == "us-east-1"
    assert filled.resources == Resources(
        rest_api="syncwell",
        stage="v1",
        tables={"sync-jobs": ("by-user",)},
        queue="hot-path",
        ecs_cluster="syncwell",
        ecs_service="worker",
        cache=("syncwell-001", "syncwell-002"),
    )
    wrong = Resources(queue="hot-pth")
    elsewhere = Environment(name="sandbox", line=1, resources=wrong, sandbox=SandboxSettings(region="eu-west-1"))
    filled = standing.fill(elsewhere)
    assert filled.resources is wrong
    assert filled.aws is not None
    assert filled.aws.region == "eu-west-1"
    bare = standing.fill(Environment(name="sandbox", line=1))
    assert bare.aws is not None
    assert bare.aws.region == standing.announcement["aws"]["region"]


def test_as_many_users_share_the_load_as_slo_yaml_says(standing: Sandbox) -> None:
    for environment, users in (
        (EMPTY, 50),
        (Environment(name="sandbox", line=1), 50),
        (Environment(name="sandbox", line=1, sandbox=SandboxSettings(users=10_000)), 10_000),
    ):
        firebase = standing.fill(environment).firebase
        assert firebase is not None
        assert firebase.users == users


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
    assert httpx.get(sandbox.announcement["base_url"], **PLAINLY).status_code == 404
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
