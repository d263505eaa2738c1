"""What the stand-in service's back end is doing now, as its own process told the doubles last. Counts, never a guess.

The supervisor carries one JSON line from there to here whenever it changed; times are service time, epoch seconds.
"""

from __future__ import annotations

import json
from typing import TypedDict


class QueueState(TypedDict):
    """Messages waiting, and messages that a worker has received and not yet deleted."""

    visible: int
    not_visible: int


class DeploymentState(TypedDict):
    """One deployment of the service; ``status`` is PRIMARY or ACTIVE."""

    id: str
    revision: int
    status: str
    desired: int
    running: int
    pending: int
    created: float


class ServiceState(TypedDict):
    """The ECS service."""

    desired: int
    running: int
    pending: int
    deployments: list[DeploymentState]


class ContainerState(TypedDict):
    """One container of a task."""

    name: str
    exit_code: int | None
    reason: str | None


class TaskState(TypedDict):
    """One task; ``status`` and ``stop_code`` are ECS's own words, None what has not come to pass."""

    id: str
    revision: int
    deployment: str
    status: str
    desired_status: str
    created: float
    started: float | None
    stopping: float | None
    execution_stopped: float | None
    stopped: float | None
    stop_code: str | None
    stopped_reason: str | None
    containers: list[ContainerState]


class _Line(TypedDict):
    queue: QueueState
    service: ServiceState
    tasks: list[TaskState]


class Live:
    """The last line heard; before the first there are no messages and no tasks."""

    def __init__(self) -> None:
        self.queue: QueueState = {"visible": 0, "not_visible": 0}
        self.service: ServiceState = {"desired": 0, "running": 0, "pending": 0, "deployments": []}
        self.tasks: list[TaskState] = []

    def hear(self, line: bytes) -> None:
        """Take one line over, whole or not at all. Raises ValueError or KeyError for what is no such line."""
        said: _Line = json.loads(line)
        # Read before anything is assigned: a request between two assignments sees one state, not half of each.
        queue, service, tasks = said["queue"], said["service"], said["tasks"]
        self.queue, self.service, self.tasks = queue, service, tasks
