"""The step that runs a phase as a task: where `aws` answers as ECS does, each end without a proof is red."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fargate
import proof
import pytest

from tests.in_region.places import FARGATE
from tests.in_region.stand_in import StandIn
from tests.in_region.test_home import ORDER, uploaded

IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/syncload-generator@sha256:" + "ab" * 32
ECS = "arn:aws:ecs:us-east-1:111122223333"
BASE, REVISION = f"{ECS}:task-definition/syncload-generator:3", f"{ECS}:task-definition/syncload-generator:4"
TASK = f"{ECS}:task/syncload-generator/0123456789abcdef"
PLACE = {
    "region": "us-east-1",
    "cluster": f"{ECS}:cluster/syncload-generator",
    "task_definition": BASE,
    "subnets": ["subnet-1", "subnet-2"],
    "security_group": "sg-1",
    "public_ip": "ENABLED",
    "bucket": "runs-of-mine",
    "log_group": "/syncload/generator",
}
STEP = {
    "PLACE": json.dumps(PLACE),
    "IMAGE": IMAGE,
    "ENVIRONMENT": "load-testing",
    "PHASES": "peak",
    "MINUTES": "45",
    "SANDBOX": "refuse",
}
DEFINITION = {
    "taskDefinitionArn": BASE,
    "revision": 3,
    "status": "ACTIVE",
    "family": "syncload-generator",
    "cpu": "2048",
    "memory": "4096",
    "taskRoleArn": "arn:aws:iam::111122223333:role/task",
    "containerDefinitions": [{"name": "generator", "image": "of-terraform:none", "stopTimeout": 120}],
    "compatibilities": ["EC2", "FARGATE"],
    "registeredBy": "arn:aws:iam::111122223333:user/somebody",
}


def task(status: str = "STOPPED", code: int | None = 0, **changes: Any) -> dict[str, Any]:
    """As DescribeTasks has it; what is None is not there, as in its answers."""
    container = {"name": "generator", "image": IMAGE, "exitCode": code, "lastStatus": status}
    said = {
        "taskArn": TASK,
        "lastStatus": status,
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [{key: value for key, value in container.items() if value is not None}],
    }
    return {key: value for key, value in (said | changes).items() if value is not None}


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """An account in which everything goes well, and the run is proven."""
    made = StandIn(tmp_path / "cloud", monkeypatch).within()
    monkeypatch.setattr(fargate, "EVERY_S", 0.0)
    monkeypatch.setattr("home.secrets.token_hex", lambda size: ORDER.nonce)
    made.says("ecs", "describe-task-definition", {"taskDefinition": DEFINITION})
    made.says("ecs", "register-task-definition", {"taskDefinition": {"taskDefinitionArn": REVISION}})
    made.says("ecs", "run-task", {"tasks": [task("PROVISIONING", None)], "failures": []})
    made.says("ecs", "describe-tasks", {"tasks": [task("RUNNING", None)]}, {"tasks": [task()]})
    made.says("ecs", "stop-task", {"task": task("DEPROVISIONING", None)})
    made.says("logs", "get-log-events", {"events": [{"message": "::error::a line of the log"}]})
    uploaded(made, tmp_path)
    return made


def run(folder: Path, **changes: str) -> int:
    """The step's exit status."""
    return fargate.run(STEP | {"FILES": str(folder / "files")} | changes)


def test_a_phase_that_is_proven_is_green(cloud: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == 0
    assert cloud.names() == [
        *("describe-task-definition", "register-task-definition", "run-task", "describe-tasks", "describe-tasks"),
        *("get-object", "get-object"),
    ]
    asked = {operation: given for _, operation, given in cloud.asked()}
    assert asked["register-task-definition"] == {
        "family": "syncload-generator",
        "cpu": "2048",
        "memory": "4096",
        "taskRoleArn": "arn:aws:iam::111122223333:role/task",
        "containerDefinitions": [{"name": "generator", "image": IMAGE, "stopTimeout": 120}],
    }
    started = asked["run-task"]
    assert (started["taskDefinition"], started["count"], started["launchType"]) == (REVISION, 1, "FARGATE")
    assert started["clientToken"] == ORDER.nonce
    assert started["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": ["subnet-1", "subnet-2"],
        "securityGroups": ["sg-1"],
        "assignPublicIp": "ENABLED",
    }
    (override,) = started["overrides"]["containerOverrides"]
    assert override == {"name": "generator", "command": ORDER.words(PLACE)}
    assert f"task {TASK}" in capsys.readouterr().out


ENDS: dict[str, tuple[dict[str, Any], str]] = {
    "never started": (
        task(code=None, stopCode="TaskFailedToStart", stoppedReason="CannotPullContainerError: no such image"),
        "the task has no exit status (TaskFailedToStart: CannotPullContainerError: no such image; no reason)",
    ),
    "stopped by somebody": (task(stopCode="UserInitiated"), "the task did not end by itself (UserInitiated"),
    "out of memory": (
        task(containers=[{"name": "generator", "image": IMAGE, "reason": "OutOfMemoryError"}]),
        "the task has no exit status (EssentialContainerExited: Essential container in task exited; OutOfMemoryError)",
    ),
    "another container's zero": (
        task(containers=[{"name": "sidecar", "exitCode": 0}]),
        "the task has no container `generator`",
    ),
    "another image": (
        task(containers=[{"name": "generator", "image": "of-terraform:none", "exitCode": 0}]),
        "the task ran of-terraform:none, and not 1111",
    ),
    "no container": (task(containers=None), "the task has no container `generator`"),
    "no stop code": (task(stopCode=None), "the task did not end by itself (None"),
}


@pytest.mark.parametrize(("last", "says"), ENDS.values(), ids=ENDS)
def test_an_end_that_is_none_of_pytest_is_red(
    last: dict[str, Any], says: str, cloud: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.says("ecs", "describe-tasks", {"tasks": [last]})
    assert run(tmp_path) == 1
    said = capsys.readouterr().out
    assert f"::error title=SLO gate::{says}" in said
    # Its files were brought home and proved it; it is red all the same.
    assert (tmp_path / "files" / proof.JUNIT).is_file()
    assert "::stop-commands::" in said[: said.index("::error::a line of the log")]


@pytest.mark.parametrize("code", [1, 2, 137])
def test_it_ends_as_the_task_ended(cloud: StandIn, tmp_path: Path, code: int) -> None:
    cloud.says("ecs", "describe-tasks", {"tasks": [task(code=code)]})
    (tmp_path / "made").rename(tmp_path / "first")
    uploaded(cloud, tmp_path, status=code)
    assert run(tmp_path) == code


@pytest.mark.parametrize("code", [64, 137])
def test_a_task_that_brought_nothing_home_is_red_and_its_log_is_shown(
    cloud: StandIn, tmp_path: Path, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.says("ecs", "describe-tasks", {"tasks": [task(code=code)]})
    (cloud.folder / f"s3api.get-object.{proof.ENDED}").unlink()
    assert run(tmp_path) == code
    said = capsys.readouterr().out
    assert "the run brought no files home" in said
    assert "a line of the log" in said
    assert cloud.asked()[-1] == (
        "logs",
        "get-log-events",
        {
            "logGroupName": "/syncload/generator",
            "logStreamName": "generator/generator/0123456789abcdef",
            "limit": 100,
        },
    )


def test_a_zero_of_a_wrong_command_is_red(cloud: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The container ran `true`: it ended by itself, with 0, and nothing is in the bucket."""
    (cloud.folder / f"s3api.get-object.{proof.ENDED}").unlink()
    (cloud.folder / "logs.get-log-events").unlink()
    assert run(tmp_path) == 1
    said = capsys.readouterr().out
    assert "the run brought no files home" in said
    assert "no log: aws logs get-log-events" in said


def test_a_zero_that_its_files_do_not_say_is_red(
    cloud: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "made").rename(tmp_path / "first")
    uploaded(cloud, tmp_path, status=1)
    assert run(tmp_path) == 1
    assert "it ended with 0, and its files say 1" in capsys.readouterr().out


def test_a_task_that_does_not_end_is_stopped_and_red(
    cloud: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fargate, "AROUND_S", -45 * 60.0)
    monkeypatch.setattr(fargate, "STOPPING_S", 0.0)
    cloud.says("ecs", "describe-tasks", {"tasks": [task("RUNNING", None)]})
    assert run(tmp_path) == 1
    assert "nothing ended within 0 s" in capsys.readouterr().out
    assert "stop-task" in cloud.names()


def test_a_task_that_ecs_does_not_know_is_red(
    cloud: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fargate, "AROUND_S", -45 * 60.0)
    monkeypatch.setattr(fargate, "STOPPING_S", 0.0)
    cloud.says("ecs", "describe-tasks", {"tasks": [], "failures": [{"arn": TASK, "reason": "MISSING"}]})
    cloud.fails("ecs", "stop-task", "An error occurred (ExpiredToken)")
    assert run(tmp_path) == 1
    said = capsys.readouterr().out
    assert "ECS does not know the task: [{'arn'" in said
    assert "::warning title=SLO gate::the task may still be running: aws ecs stop-task" in said


def test_a_question_that_fails_once_is_asked_again(cloud: StandIn, tmp_path: Path) -> None:
    cloud.fails("ecs", "describe-tasks", "An error occurred (ThrottlingException)", then=[{"tasks": [task()]}])
    assert run(tmp_path) == 0


BEFORE: dict[str, tuple[Callable[[StandIn], object], dict[str, str], str]] = {
    "no capacity": (
        lambda cloud: cloud.says(
            "ecs", "run-task", {"tasks": [], "failures": [{"reason": "Capacity is unavailable", "detail": "now"}]}
        ),
        {},
        "no task was started: Capacity is unavailable now",
    ),
    "no task and no reason": (
        lambda cloud: cloud.says("ecs", "run-task", {}),
        {},
        "no task was started: ECS says nothing of why",
    ),
    "two tasks": (
        lambda cloud: cloud.says("ecs", "run-task", {"tasks": [task(), task()]}),
        {},
        "no task was started",
    ),
    "not allowed": (
        lambda cloud: cloud.fails("ecs", "run-task", "An error occurred (AccessDeniedException)"),
        {},
        "aws ecs run-task ended with 1: An error occurred (AccessDeniedException)",
    ),
    "an image by tag": (lambda cloud: None, {"IMAGE": "repository:latest"}, "no image by digest"),
    "no image": (lambda cloud: None, {"IMAGE": ""}, "IMAGE is empty"),
    "no revision": (
        lambda cloud: None,
        {"PLACE": json.dumps(PLACE | {"task_definition": BASE.rpartition(":")[0]})},
        "no ARN with a revision",
    ),
    "a second container": (
        lambda cloud: cloud.says(
            "ecs",
            "describe-task-definition",
            {"taskDefinition": DEFINITION | {"containerDefinitions": [{"name": "generator"}, {"name": "sidecar"}]}},
        ),
        {},
        "other containers than one `generator`",
    ),
    "no environment": (lambda cloud: None, {"ENVIRONMENT": ""}, "ENVIRONMENT is empty"),
}


@pytest.mark.parametrize(("change", "step", "says"), BEFORE.values(), ids=BEFORE)
def test_what_was_not_started_is_red(
    change: Callable[[StandIn], object],
    step: dict[str, str],
    says: str,
    cloud: StandIn,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    change(cloud)
    assert run(tmp_path, **step) == 1
    said = capsys.readouterr().out
    assert said.startswith("::error title=SLO gate::no load was offered: ")
    assert says in said
    assert "get-object" not in cloud.names()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("slow", ["run-task", "describe-tasks"])
def test_a_cancelled_job_stops_the_task(cloud: StandIn, tmp_path: Path, number: int, slow: str) -> None:
    answer = {"tasks": [task("RUNNING", None)]}
    cloud.says("ecs", "describe-tasks", answer)
    cloud.waits("ecs", slow, 0.5, answer)
    process = subprocess.Popen(
        [sys.executable, str(FARGATE / "in_region" / "fargate.py")],
        env=os.environ | STEP | {"FILES": str(tmp_path / "files")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while slow not in cloud.names():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + number, said
    assert "cancelled: the load is being stopped" in said
    assert "Traceback" not in said
    ((_, _, stopped),) = [each for each in cloud.asked() if each[1] == "stop-task"]
    assert stopped["task"] == TASK
