"""The tasks of the ECS service behind the stand-in: how they start, stop, crash and are replaced, in service time.

Told the time in epoch seconds; every change is stamped with the moment it was due, however late it is looked at. It
must never have a task that did not start, nor count one as running before or after it ran.
States and their order: "Amazon ECS task lifecycle"; stop codes and reasons: "Stopped tasks error codes".
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pytest_syncload.facts.plan import Faults

DESIRED = 4
#: Containers of the task definition; only the first is essential.
CONTAINERS = ("worker", "log-router")
#: How long a stopped task is shown, as long as ECS shows it.
SHOWN_S = 3_600.0

_PROVISIONING_S = 6.0
_PENDING_S = 14.0
_DEACTIVATING_S = 2.0
_STOPPING_S = 3.0
_DEPROVISIONING_S = 3.0
#: The service is older than the sandbox: its first tasks have run for ten minutes when it begins.
_BEFORE_S = 600.0

_DEFAULT_MEMORY = 35.0
#: Percent by which the tasks differ from each other, by their place.
_SPREAD = (-1.5, -0.5, 0.5, 1.5)
_OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"


class Build(Enum):
    """What a task of a place does: a replacement in that place does the same."""

    SOUND = "runs"
    CRASHES = "exits with 1"
    LEAKS = "is killed out of memory"


#: Service seconds until a bad build ends, and how much later for each next place: they do not all end at once.
_LIFE = {Build.CRASHES: (50.0, 5.0), Build.LEAKS: (100.0, 6.0)}


@dataclass(slots=True, kw_only=True, eq=False)
class Deployment:
    """One revision of the task definition being the service's."""

    revision: int
    created: float
    id: str = field(default_factory=lambda: f"ecs-svc/{10**18 + secrets.randbelow(9 * 10**18)}")


@dataclass(slots=True, kw_only=True, eq=False)
class Task:
    """One task. ``place`` is 0 to `DESIRED` - 1; ``due`` is when its state changes next; ``bad_since`` is when its
    build's fault began to work. Times are service time, epoch seconds."""

    place: int
    deployment: Deployment
    created: float
    due: float
    status: str = "PROVISIONING"
    started: float | None = None
    bad_since: float | None = None
    stopping: float | None = None
    execution_stopped: float | None = None
    stopped: float | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    exit_code: int | None = None
    reason: str | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def wanted(self) -> bool:
        """Whether it was not told to stop, nor stopped by itself."""
        return self.stopping is None

    @property
    def running(self) -> bool:
        """Whether it does its work."""
        return self.status == "RUNNING"

    @property
    def starting(self) -> bool:
        """Whether it is on its way to run."""
        return self.wanted and not self.running

    def described(self) -> dict[str, Any]:
        """What the doubles need to describe it, as JSON."""
        exit_code = None if self.exit_code is None else 0
        sidecars = [{"name": name, "exit_code": exit_code, "reason": None} for name in CONTAINERS[1:]]
        return {
            "id": self.id,
            "revision": self.deployment.revision,
            "deployment": self.deployment.id,
            "status": self.status,
            "desired_status": "RUNNING" if self.wanted else "STOPPED",
            "created": self.created,
            "started": self.started,
            "stopping": self.stopping,
            "execution_stopped": self.execution_stopped,
            "stopped": self.stopped,
            "stop_code": self.stop_code,
            "stopped_reason": self.stopped_reason,
            "containers": [{"name": CONTAINERS[0], "exit_code": self.exit_code, "reason": self.reason}, *sidecars],
        }


class Fleet:
    """All tasks of the service, those that stopped within the last hour included. ``changes`` counts changes."""

    def __init__(self, faults: Faults, now: float) -> None:
        crashing = min(faults.crashing_tasks, DESIRED)
        leaking = min(faults.out_of_memory_tasks, DESIRED - crashing)
        sound = DESIRED - crashing - leaking
        self._builds = [Build.CRASHES] * crashing + [Build.LEAKS] * leaking + [Build.SOUND] * sound
        self._memory = _DEFAULT_MEMORY if faults.task_memory_share is None else faults.task_memory_share
        self._working = False
        self._at = now
        self._task_seconds = 0.0
        self.changes = 0
        long_ago = now - _BEFORE_S
        self._deployments = [Deployment(revision=1, created=long_ago)]
        self._tasks: list[Task] = []
        for place in range(DESIRED):
            task = self._launch(place, long_ago)
            task.status, task.due = "RUNNING", math.inf
            task.started = long_ago + _PROVISIONING_S + _PENDING_S

    @property
    def running(self) -> int:
        """Tasks that run."""
        return sum(task.running for task in self._tasks)

    def begin(self, now: float) -> None:
        """Work has come: from now on bad builds end."""
        self.advance(now)
        self._working = True
        for task in self._tasks:
            self._set_fuse(task, now)

    def deploy(self, now: float) -> None:
        """A new deployment begins."""
        self.advance(now)
        revision = self._deployments[-1].revision + 1
        self._deployments.append(Deployment(revision=revision, created=now))
        self._settle(now)

    def advance(self, now: float) -> None:
        """Let everything happen that is due up to ``now``."""
        while (task := min(self._tasks, key=lambda task: task.due)).due <= now:
            at = task.due
            self._pass(at)
            self._step(task, at)
            self._settle(at)
        self._pass(now)
        self._tasks = [task for task in self._tasks if task.stopped is None or task.stopped > now - SHOWN_S]

    def minute(self, now: float) -> tuple[float, list[float]]:
        """The service seconds that tasks ran since the last call, and the memory in use of each that runs, percent."""
        self.advance(now)
        seconds, self._task_seconds = self._task_seconds, 0.0
        return seconds, [self._memory_of(task, now) for task in self._tasks if task.running]

    def described(self) -> dict[str, Any]:
        """The service and its tasks, as JSON for the doubles."""
        deployments = []
        for deployment in reversed(self._deployments):  # the newest is the primary one and stands first
            primary = deployment is self._deployments[-1]
            mine = [task for task in self._tasks if task.deployment is deployment]
            deployments.append(
                {
                    "id": deployment.id,
                    "revision": deployment.revision,
                    "status": "PRIMARY" if primary else "ACTIVE",
                    "desired": DESIRED if primary else 0,
                    "running": sum(task.running for task in mine),
                    "pending": sum(task.starting for task in mine),
                    "created": deployment.created,
                }
            )
        pending = sum(task.starting for task in self._tasks)
        service = {"desired": DESIRED, "running": self.running, "pending": pending, "deployments": deployments}
        return {"service": service, "tasks": [task.described() for task in self._tasks]}

    def _pass(self, at: float) -> None:
        self._task_seconds += self.running * (at - self._at)
        self._at = at

    def _launch(self, place: int, at: float) -> Task:
        task = Task(place=place, deployment=self._deployments[-1], created=at, due=at + _PROVISIONING_S)
        self._tasks.append(task)
        self.changes += 1
        return task

    def _step(self, task: Task, at: float) -> None:
        self.changes += 1
        match task.status:
            case "PROVISIONING":
                task.status, task.due = "PENDING", at + _PENDING_S
            case "PENDING":
                self._run(task, at)
            case "RUNNING":
                self._break(task, at)
            case "DEACTIVATING":
                task.status, task.due = "STOPPING", at + _STOPPING_S
            case "STOPPING":
                task.status, task.due = "DEPROVISIONING", at + _DEPROVISIONING_S
                task.execution_stopped, task.exit_code = at, 0
            case _:
                task.status, task.due, task.stopped = "STOPPED", math.inf, at

    def _run(self, task: Task, at: float) -> None:
        task.status, task.due, task.started = "RUNNING", math.inf, at
        self._set_fuse(task, at)
        for other in self._tasks:
            if other.place == task.place and other is not task and other.running:
                other.status, other.due, other.stopping = "DEACTIVATING", at + _DEACTIVATING_S, at
                other.stop_code = "ServiceSchedulerInitiated"
                other.stopped_reason = f"Scaling activity initiated by (deployment {task.deployment.id})"

    def _break(self, task: Task, at: float) -> None:
        """A bad build's essential container ends, and the task with it."""
        task.status, task.due = "DEPROVISIONING", at + _DEPROVISIONING_S
        task.stopping = task.execution_stopped = at
        task.stop_code, task.stopped_reason = "EssentialContainerExited", "Essential container in task exited"
        if self._builds[task.place] is Build.LEAKS:
            task.exit_code, task.reason = 137, _OUT_OF_MEMORY  # 128 + SIGKILL
        else:
            task.exit_code = 1

    def _settle(self, at: float) -> None:
        """What the service's scheduler does: fill empty places, and roll a deployment on, one place after the other."""
        wanted = [task for task in self._tasks if task.wanted]
        for place in range(DESIRED):
            if not any(task.place == place for task in wanted):
                wanted.append(self._launch(place, at))
        primary = self._deployments[-1]
        old = [task for task in wanted if task.deployment is not primary]
        if not old:
            self._deployments = [primary]
        elif not any(task.starting for task in wanted):
            self._launch(old[0].place, at)

    def _set_fuse(self, task: Task, at: float) -> None:
        build = self._builds[task.place]
        if self._working and task.running and build is not Build.SOUND:
            task.bad_since, task.due = at, at + _life(build, task.place)

    def _memory_of(self, task: Task, now: float) -> float:
        base = min(max(self._memory + _SPREAD[task.place], 0.0), 100.0)
        build = self._builds[task.place]
        if build is not Build.LEAKS or task.bad_since is None:
            return base
        return base + (100.0 - base) * (now - task.bad_since) / _life(build, task.place)


def _life(build: Build, place: int) -> float:
    first, next_place = _LIFE[build]
    return first + next_place * place
