"""False greens by tasks: crashes that nobody saw, or that were taken for something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pytest_syncload.sandbox.live import TaskState
from pytest_syncload.sources.tasks import Stop
from tests.false_greens.cloud import Cloud, seen
from tests.false_greens.entry import Entry, Seen, Through
from tests.false_greens.of_absence import nothing
from tests.sandbox.lines import DEPLOYMENT

TASKS = "pytest_syncload.sources.tasks"
#: Minutes of a three-minute hold at which ECS is read when all is well.
_POLLS = (-1, 0, 1, 2, 3, 4)
_SCALING = "Scaling activity initiated by (deployment ecs-svc/2)"
_UNHEALTHY = "(service worker) (port 8080) is unhealthy in target-group api due to (reason Health checks failed)"


def _worker(
    number: int,
    start: float,
    *,
    ended: float | None = None,
    created: float = -60.0,
    code: str = "EssentialContainerExited",
    reason: str | None = "Essential container in task exited",
    exit_code: int | None = 1,
    container_reason: str | None = None,
) -> Callable[[float], list[TaskState]]:
    """A task that came and ended at these minutes of the hold, as it is at a moment."""

    def at(now: float) -> list[TaskState]:
        if now < start + created * 60:
            return []
        gone = ended is not None and now >= start + ended * 60
        end = start + (ended or 0.0) * 60 if gone else None
        return [
            {
                "id": f"{number:032x}",
                "revision": 1,
                "deployment": DEPLOYMENT,
                "status": "STOPPED" if gone else "RUNNING",
                "desired_status": "STOPPED" if gone else "RUNNING",
                "created": start + created * 60,
                "started": start + created * 60 + 5,
                "stopping": end,
                "execution_stopped": end,
                "stopped": end,
                "stop_code": code if gone else None,
                "stopped_reason": reason if gone else None,
                "containers": [
                    {"name": "worker", "exit_code": exit_code if gone else None, "reason": container_reason},
                    {"name": "log-router", "exit_code": 0 if gone else None, "reason": None},
                ],
            }
        ]

    return at


def _together(*tasks: Callable[[float], list[TaskState]]) -> Callable[[float], list[TaskState]]:
    return lambda now: [state for task in tasks for state in task(now)]


def _scenario(says: str, polls: tuple[float, ...] = _POLLS, minutes: int = 3, **ending: Any) -> Callable[[Cloud], Seen]:
    """One task that lives and one that ends as told, read at these minutes."""

    def scenario(cloud: Cloud) -> Seen:
        cloud.fresh(minutes=minutes)
        start = cloud.window.start
        both = _together(_worker(1, start), _worker(2, start, **({"ended": 1.5} | ending)))
        return seen(cloud.verdict_on_tasks(cloud.census(polls, both)), says)

    return scenario


def _undescribed(cloud: Cloud) -> Seen:
    def withhold(operation: str, request: Any, answer: Any) -> None:
        if operation == "DescribeTasks":
            lost = [task for task in answer["tasks"] if task["lastStatus"] == "STOPPED"]
            answer["tasks"] = [task for task in answer["tasks"] if task not in lost]
            answer["failures"] = [{"arn": task["taskArn"], "reason": "MISSING"} for task in lost]

    cloud.rewrite = withhold
    start = cloud.window.start
    # It came and crashed between two polls, so it was never seen alive.
    both = _together(_worker(1, start), _worker(2, start, created=0.2, ended=0.7))
    return seen(cloud.verdict_on_tasks(cloud.census(_POLLS, both)), "lists but does not describe 1 task")


def _when(stamp: datetime | None) -> float | None:
    return None if stamp is None else stamp.timestamp()


def _no_tasks(cloud: Cloud) -> Seen:
    return seen(cloud.verdict_on_tasks(cloud.census(_POLLS, lambda now: [])), "no task of the service was alive")


def _earlier_tasks(cloud: Cloud) -> Seen:
    """One of two tasks crashed; three hundred that a deployment replaced before the hold would make it 0.3 %."""
    start = cloud.window.start
    before = [
        _worker(number, start, ended=-2.0, code="ServiceSchedulerInitiated", reason=_SCALING)
        for number in range(10, 310)
    ]
    all_of_them = _together(_worker(1, start), _worker(2, start, ended=1.5), *before)
    return seen(cloud.verdict_on_tasks(cloud.census(_POLLS, all_of_them)), "50 % is not < 0.5 %")


def _timeless(cloud: Cloud) -> Seen:
    """ECS says that a task stopped and not when; a deployment is not what it was."""

    def blur(operation: str, request: Any, answer: Any) -> None:
        for task in answer.get("tasks", ()):
            if task["lastStatus"] == "STOPPED":
                for when in ("createdAt", "stoppingAt", "stoppedAt", "executionStoppedAt"):
                    task.pop(when, None)
                task["stopCode"] = "UserInitiated"

    cloud.rewrite = blur
    start = cloud.window.start
    both = _together(_worker(1, start), _worker(2, start, ended=1.5))
    return seen(cloud.verdict_on_tasks(cloud.census(_POLLS, both)), "does not say when 1 task began or ended")


def _draining(cloud: Cloud) -> Seen:
    """A crash of the hold whose containers take until behind it to stop; only that it shall not run is said before."""

    def withhold(operation: str, request: Any, answer: Any) -> None:
        for task in answer.get("tasks", ()) if operation == "DescribeTasks" else ():
            if task["desiredStatus"] == "STOPPED":
                task.pop("stoppingAt", None)
                task.pop("executionStoppedAt", None)
                task["stoppedAt"] = cloud.window.end + 90

    cloud.rewrite = withhold
    start = cloud.window.start
    both = _together(_worker(1, start), _worker(2, start, ended=1.5))
    return seen(cloud.verdict_on_tasks(cloud.census(_POLLS, both)), _CRASHED)


def _entry(name: str, mistake: str, scenario: Any, guards: Mapping[str, Any], peers: str = "") -> Entry:
    guards = {guard if ":" in guard else f"{TASKS}:{guard}": stand_in for guard, stand_in in guards.items()}
    return Entry(name=name, mistake=mistake, guards=guards, through=Through.BOTO3, scenario=scenario, peers=peers)


_CRASHED = "50 % is not < 0.5 %"

ENTRIES = (
    _entry(
        "no look at the tasks after the hold",
        "A task crashes in the last minute, after the last look at it.",
        _scenario("not read completely a minute or more after the window's end", (-1, 0, 1, 2), ended=2.5),
        {"unread_behind_its_end": nothing},
    ),
    _entry(
        "no look at the tasks before the hold",
        "A task crashed early, and an hour later ECS has forgotten it.",
        _scenario(
            "not read completely when the window began",
            (75, 90, 100, 121),
            120,
            created=2.0,
            ended=10.0,
        ),
        {"unread_when_it_began": nothing},
    ),
    _entry(
        "a gap of more than half an hour",
        "A task came, crashed and was forgotten between two looks.",
        _scenario("nothing was read of ECS for", (0, 75, 100, 121), 120, created=2.0, ended=10.0),
        {"unwatched_for_long": nothing},
    ),
    _entry(
        "an undescribed task",
        "ECS lists the crashed task and no longer describes it.",
        _undescribed,
        {"undescribed": nothing},
    ),
    _entry(
        "a task without times",
        "A task stopped, and when is not said: it may not be this window's.",
        _timeless,
        {"without_times": nothing},
    ),
    _entry(
        "an unknown stop code",
        "A stop code that is new to this version is in no list of errors.",
        _scenario("with stop code SomethingNew", code="SomethingNew"),
        {"unclear": nothing},
    ),
    _entry(
        "a stop by the scheduler without a reason",
        "It may have been a deployment; it may have been a health check.",
        _scenario("cannot be told", code="ServiceSchedulerInitiated", reason=None),
        {"unclear": nothing},
    ),
    _entry(
        "zero tasks",
        "Of no tasks none failed.",
        _no_tasks,
        {"share_of": lambda counted, alive: 100 * counted / max(1, alive)},
        "Keptn: empty objectives score 100 (keptn#9198)",
    ),
    _entry(
        "a crash hidden by a deployment",
        "The scheduler stops what fails its health checks with the same stop code as what it replaces.",
        _scenario(_CRASHED, code="ServiceSchedulerInitiated", reason=_UNHEALTHY),
        {"unhealthy": lambda reason: False, "unclear": nothing},
    ),
    _entry(
        "tasks of an earlier deployment",
        "Tasks that were gone before the hold make the crashed one a small share.",
        _earlier_tasks,
        {"alive_in": lambda task, window: True},
    ),
    _entry(
        "a crash that drains past the hold",
        "The task's end counts from when its last container stopped, and that is behind the hold.",
        _draining,
        {"pytest_syncload.sources.ecs:first_sign_of_the_end": lambda told, since: _when(told.get("stoppedAt"))},
    ),
    _entry(
        "a non-essential container's exit taken for the task's",
        "The sidecar ended well; the essential container did not.",
        _scenario(_CRASHED),
        {"deciding": lambda task: [container for container in task.containers if not container.essential]},
    ),
    _entry(
        "out of memory",
        "A container that was killed has no exit code, so none that is not 0.",
        _scenario(_CRASHED, exit_code=None, container_reason="OutOfMemoryError: Container killed"),
        {"guilty": lambda container: container.exit_code not in (None, 0), "unclear": nothing},
    ),
    _entry(
        "tasks that never started",
        "What failed to start never ran, so it never crashed.",
        _scenario(_CRASHED, code="TaskFailedToStart", reason="CannotPullContainerError"),
        {"counts": lambda stop: stop is Stop.APPLICATION},
    ),
)
