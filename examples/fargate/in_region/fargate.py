"""Runs a phase as a task on Fargate, waits for its end, and ends as pytest ended there: a step of the workflow.

    PLACE=… IMAGE=…@sha256:… ENVIRONMENT=load-testing PHASES=peak MINUTES=45 python in_region/fargate.py

Green needs all of it: the task that was started is the one that ended, of the image that was built for this commit, by
itself (`EssentialContainerExited`), with 0, and its files prove it. How ECS says so is read in its API reference
(RunTask, DescribeTasks) and its developer guide ("Stopped tasks error codes"). Never tried on AWS.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from home import AwsFailed, Order, aws, held_back, order_of, polled, quote, say, settle, stopped_by
from proof import NotProven

PLACE = ("region", "cluster", "task_definition", "subnets", "security_group", "public_ip", "bucket", "log_group")
CONTAINER = "generator"
#: Seconds between questions; ECS lets some tens a second of them through.
EVERY_S = 15.0
#: Seconds beyond the load's own bound for what the entry point does not time: pulling the image, stopping, uploading.
AROUND_S = 600.0
#: Seconds that a stopped task may take: `stopTimeout`, and some.
STOPPING_S = 180.0
_PINNED = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")
_REVISION = re.compile(r"arn:[\w-]+:ecs:[\w-]+:\d+:task-definition/[\w-]+:\d+")
#: What DescribeTaskDefinition says and RegisterTaskDefinition does not take.
_ITS_OWN = (
    *("taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities"),
    *("registeredAt", "registeredBy", "deregisteredAt", "deleteRequestedAt"),
)


def register(place: Mapping[str, Any], image: str) -> str:
    """The ARN of a revision that is Terraform's, with this image. A tag may have moved by the time it is pulled."""
    if not _PINNED.fullmatch(image):
        raise NotProven(f"IMAGE is {image or 'empty'}, which is no image by digest (…@sha256:…)")
    if not _REVISION.fullmatch(place["task_definition"]):
        # The newest revision of a family is the last run's, of whatever branch.
        raise NotProven(f"task_definition is {place['task_definition']}, which is no ARN with a revision")
    read = aws("ecs", "describe-task-definition", taskDefinition=place["task_definition"])["taskDefinition"]
    definition = {key: value for key, value in read.items() if key not in _ITS_OWN}
    mine = [each for each in definition["containerDefinitions"] if each["name"] == CONTAINER]
    if len(mine) != 1 or len(definition["containerDefinitions"]) != 1:
        raise NotProven(f"the task definition has other containers than one `{CONTAINER}`")
    mine[0]["image"] = image
    registered: str = aws("ecs", "register-task-definition", **definition)["taskDefinition"]["taskDefinitionArn"]
    return registered


def start(order: Order, place: Mapping[str, Any], revision: str) -> str:
    """The ARN of the one task. The token makes a repeated question start no second load."""
    answer = aws(
        "ecs",
        "run-task",
        cluster=place["cluster"],
        taskDefinition=revision,
        count=1,
        launchType="FARGATE",
        platformVersion="1.4.0",
        clientToken=order.nonce,
        startedBy=f"syncload-{order.nonce}",
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": place["subnets"],
                "securityGroups": [place["security_group"]],
                "assignPublicIp": place["public_ip"],
            }
        },
        overrides={"containerOverrides": [{"name": CONTAINER, "command": order.words(place)}]},
    )
    tasks, failures = answer.get("tasks", []), answer.get("failures", [])
    if len(tasks) != 1 or failures:
        # RunTask answers 200 with `failures` where there is no capacity.
        reasons = "; ".join(f"{each.get('reason')} {each.get('detail', '')}".strip() for each in failures)
        raise NotProven(f"no task was started: {reasons or 'ECS says nothing of why'}")
    arn: str = tasks[0]["taskArn"]
    return arn


def stop(place: Mapping[str, Any], task: str) -> None:
    """Best effort: the entry point has a bound of its own, so the load ends anyway."""
    try:
        aws("ecs", "stop-task", cluster=place["cluster"], task=task, reason="the workflow that started it is ending")
    except AwsFailed as error:
        say("warning", f"the task may still be running: {error}")


def ended(place: Mapping[str, Any], task: str) -> Any:
    """The task once it is STOPPED, and None before. Raises AwsFailed where ECS does not know it, yet or any more."""
    answer = aws("ecs", "describe-tasks", cluster=place["cluster"], tasks=[task])
    for each in answer.get("tasks", []):
        if each["taskArn"] == task:
            return each if each.get("lastStatus") == "STOPPED" else None
    raise AwsFailed(f"ECS does not know the task: {answer.get('failures')}")


def status_of(task: Mapping[str, Any], image: str) -> int:
    """What the generator ended with. Raises NotProven where that says nothing of the load."""
    where = f"{task.get('stopCode')}: {task.get('stoppedReason')}"
    mine = [each for each in task.get("containers", []) if each.get("name") == CONTAINER]
    if len(mine) != 1:
        raise NotProven(f"the task has no container `{CONTAINER}` ({where})")
    require_image(mine[0], image)
    status = require_status(mine[0], where)
    require_own_end(task, status, where)
    return status


def require_image(container: Mapping[str, Any], image: str) -> None:
    """Another image has another commit's slo.yaml."""
    if container.get("image") != image:
        raise NotProven(f"the task ran {container.get('image')}, and not {image}")


def require_status(container: Mapping[str, Any], where: str) -> int:
    """What never started, or was killed with its host, has no code (DescribeTasks), and none is not 0."""
    status = container.get("exitCode")
    if type(status) is not int:
        raise NotProven(f"the task has no exit status ({where}; {container.get('reason', 'no reason')})")
    return status


def require_own_end(task: Mapping[str, Any], status: int, where: str) -> None:
    """A container that is told to stop may end with 0."""
    if status == 0 and task.get("stopCode") != "EssentialContainerExited":
        raise NotProven(f"the task did not end by itself ({where})")


def tail(place: Mapping[str, Any], task: str) -> None:
    """The last lines of a task that is not green, where somebody may read them. No guard: only for the reader."""
    stream = f"{CONTAINER}/{CONTAINER}/{task.rpartition('/')[2]}"
    try:
        told = aws("logs", "get-log-events", logGroupName=place["log_group"], logStreamName=stream, limit=100)
        lines = [str(event.get("message", "")) for event in told.get("events", [])]
    except AwsFailed as error:
        lines = [f"no log: {error}"]
    quote("the end of the task's log", "\n".join(lines))


def run(environ: Mapping[str, str]) -> int:
    """The step's exit status."""
    tasks: list[str] = []
    said, why = None, None
    try:
        order, place = order_of(environ, PLACE)
        image = environ.get("IMAGE", "")
        revision = register(place, image)
    except (NotProven, AwsFailed) as error:
        say("error", f"no load was offered: {error}")
        return 1
    with stopped_by(lambda: [stop(place, task) for task in tasks]):
        try:
            with held_back():
                tasks.append(start(order, place, revision))
        except (NotProven, AwsFailed) as error:
            say("error", f"no load was offered: {error}")
            return 1
        (task,) = tasks
        print(f"task {task}, files below s3://{place['bucket']}/runs/{order.nonce}/", flush=True)
        try:
            seen = polled(lambda: ended(place, task), seconds=order.minutes * 60 + AROUND_S, every_s=EVERY_S)
            said = status_of(seen, image)
        except NotProven as error:
            why = str(error)
            stop(place, task)
            with suppress(NotProven):  # what it has measured is worth its two minutes
                polled(lambda: ended(place, task), seconds=STOPPING_S, every_s=EVERY_S)
    status = settle(order, place, said, why, environ)
    if status != 0:
        tail(place, task)
    return status


if __name__ == "__main__":
    sys.exit(run(os.environ))
