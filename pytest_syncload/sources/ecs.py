"""Watches a service's tasks: polls ECS while a phase runs and remembers what was said last of every task.

ECS forgets a stopped task after about an hour, so the tasks of a phase must be read while it runs. Never raises what
AWS answered: a poll that failed is counted, and whether too little was seen is decided in `tasks`.
Calls and limits: Amazon ECS API reference, ListTasks, DescribeTasks, DescribeTaskDefinition.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.tasks import Census, Container, Task
from pytest_syncload.sources.aws import call, pages
from pytest_syncload.sources.each_minute import EachMinute

#: Tasks a DescribeTasks call, by ECS's own limit.
TASKS_A_CALL = 100


class TaskPoll:
    """What a service's tasks did, one poll after another. For one thread at a time.

    ``client`` is a boto3 ECS client, ``now`` the service time (epoch seconds).
    """

    def __init__(self, client: Any, cluster: str, service: str, now: Callable[[], float]) -> None:
        self._client = client
        self._cluster = cluster
        self._service = service
        self._now = now
        self._tasks: dict[str, Task] = {}
        self._undescribed: set[str] = set()
        self._essential: dict[str, dict[str, bool]] = {}
        #: When a task was first seen among those that shall not run: deregistering it can take minutes after that.
        self._leaving: dict[str, float] = {}
        self._polls: list[float] = []
        self._problems: Counter[str] = Counter()

    def poll(self) -> None:
        """`read`, where what AWS refuses is counted as a problem of this poll."""
        try:
            self.read()
        except Inconclusive as error:
            self.failed(str(error))

    def read(self) -> None:
        """Read every task that ECS still shows. Raises `Inconclusive` where AWS refuses; then this was no poll."""
        began = self._now()
        # RUNNING first: a task that stops between the two lists is in both, the other way round in neither.
        running, leaving = self._listed("RUNNING"), self._listed("STOPPED")
        now = self._now()
        for arn in leaving:
            self._leaving.setdefault(arn, now)
        listed = [*running, *leaving]
        # A task is worth describing until it has been seen stopped: nothing about it changes after that.
        self._undescribed.update(arn for arn in listed if arn not in self._tasks)
        alive = {arn for arn, task in self._tasks.items() if task.status != "STOPPED"}
        self._describe(sorted(alive | self._undescribed))
        self._polls.append(began)

    def failed(self, what: str) -> None:
        """Count a poll that came to nothing, for the reason ``what``."""
        self._problems[what] += 1

    def census(self) -> Census:
        """All that was seen so far."""
        return Census(
            cluster=self._cluster,
            service=self._service,
            tasks=tuple(self._tasks[arn] for arn in sorted(self._tasks)),
            polls=tuple(self._polls),
            undescribed=tuple(sorted(self._undescribed)),
            problems=dict(self._problems),
        )

    def _listed(self, status: str) -> list[str]:
        return pages(
            self._client,
            "ListTasks",
            "taskArns",
            cluster=self._cluster,
            serviceName=self._service,
            desiredStatus=status,
        )

    def _describe(self, arns: list[str]) -> None:
        for batch in _batches(arns):
            answer = call(self._client, "DescribeTasks", cluster=self._cluster, tasks=batch)
            for told in answer.get("tasks", ()):
                containers = self._containers_of(told["taskDefinitionArn"])
                task = _task(told, containers, self._leaving.get(told["taskArn"]))
                self._tasks[task.arn] = task
                self._undescribed.discard(task.arn)
            # What was asked for and not told, be it among `failures` or not at all, has an end that nobody knows.
            self._undescribed.update(set(batch) - {told["taskArn"] for told in answer.get("tasks", ())})

    def _containers_of(self, definition: str) -> dict[str, bool]:
        """Whether each container of a task definition is essential; a definition never changes, so it is read once."""
        if definition not in self._essential:
            answer = call(self._client, "DescribeTaskDefinition", taskDefinition=definition)
            containers = answer["taskDefinition"].get("containerDefinitions", ())
            # ECS: "If this parameter is omitted, a container is assumed to be essential."
            self._essential[definition] = {one["name"]: bool(one.get("essential", True)) for one in containers}
        return self._essential[definition]


class Watch(EachMinute):
    """Polls while it is open."""

    def __init__(self, client: Any, cluster: str, service: str, clock: ServiceClock) -> None:
        super().__init__(self._once, clock, "syncload-ecs-watch")
        self._poll = TaskPoll(client, cluster, service, clock.now)
        self._lock = threading.Lock()

    def final(self) -> Census:
        """Poll once more, now and in the caller's thread, and tell all that was seen. May be called again."""
        self._once()
        return self.census()

    def census(self) -> Census:
        """All that was seen so far; waits for a poll under way."""
        with self._lock:
            return self._poll.census()

    def _once(self) -> None:
        with self._lock:
            try:
                self._poll.poll()
            except Exception as error:  # noqa: BLE001 - a thread's border: an answer of no known shape must not end the watch unseen
                self._poll.failed(f"{type(error).__name__}: {error}")


def _batches(arns: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(arns), TASKS_A_CALL):
        yield arns[first : first + TASKS_A_CALL]


def _task(told: dict[str, Any], essential: dict[str, bool], leaving_since: float | None) -> Task:
    return Task(
        arn=told["taskArn"],
        definition=told["taskDefinitionArn"],
        deployment=told.get("startedBy", ""),
        status=told.get("lastStatus", ""),
        created_at=_epoch(told.get("createdAt")),
        started_at=_epoch(told.get("startedAt")),
        ended_at=first_sign_of_the_end(told, leaving_since),
        stop_code=told.get("stopCode"),
        stopped_reason=told.get("stoppedReason"),
        containers=tuple(
            Container(
                name=one["name"],
                essential=essential.get(one["name"], False),
                defined=one["name"] in essential,
                exit_code=one.get("exitCode"),
                reason=one.get("reason"),
            )
            for one in told.get("containers", ())
        ),
    )


def first_sign_of_the_end(told: dict[str, Any], leaving_since: float | None) -> float | None:
    """When a task began to end: an error of the hold may drain for minutes, and must not fall behind the hold's end."""
    stamps = [_epoch(told.get(name)) for name in ("stoppingAt", "executionStoppedAt", "stoppedAt")]
    return min((stamp for stamp in (*stamps, leaving_since) if stamp is not None), default=None)


def _epoch(stamp: datetime | None) -> float | None:
    return None if stamp is None else stamp.timestamp()
