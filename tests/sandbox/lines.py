"""Lines as the supervisor carries them to the doubles: what stands behind the service, as JSON."""

from __future__ import annotations

import json
from typing import Any

from pytest_syncload.sandbox.live import TaskState

DEPLOYMENT = "ecs-svc/0000000000000000001"


def task(
    number: int,
    *,
    status: str = "RUNNING",
    desired_status: str = "RUNNING",
    stopped: float | None = None,
    exit_code: int | None = None,
    revision: int = 1,
    reason: str | None = None,
) -> TaskState:
    """A task; one that stopped did so because its essential container ended with ``exit_code``."""
    return {
        "id": f"{number:032x}",
        "revision": revision,
        "deployment": DEPLOYMENT,
        "status": status,
        "desired_status": desired_status,
        "created": 1_800_000_000.0,
        "started": None if status == "PENDING" else 1_800_000_030.5,
        "stopping": stopped,
        "execution_stopped": stopped,
        "stopped": stopped,
        "stop_code": None if stopped is None else "EssentialContainerExited",
        "stopped_reason": None if stopped is None else "Essential container in task exited",
        "containers": [
            {"name": "worker", "exit_code": exit_code, "reason": reason},
            {"name": "log-router", "exit_code": None, "reason": None},
        ],
    }


def line(
    *,
    tasks: list[TaskState] | None = None,
    visible: int = 0,
    not_visible: int = 0,
    deployments: list[dict[str, Any]] | None = None,
) -> bytes:
    """One line, without its end."""
    first = {
        "id": DEPLOYMENT,
        "revision": 1,
        "status": "PRIMARY",
        "desired": 4,
        "running": 4,
        "pending": 0,
        "created": 1_800_000_000.0,
    }
    service = {"desired": 4, "running": 4, "pending": 0, "deployments": deployments or [first]}
    queue = {"visible": visible, "not_visible": not_visible}
    return json.dumps({"queue": queue, "service": service, "tasks": tasks or []}).encode()
