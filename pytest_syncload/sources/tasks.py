"""Which stopped Fargate tasks are application errors, and what share of the tasks of a window they are. Pure.

CloudWatch has no metric for it, so this judges what ECS itself said of each task. Never takes for fine what it does not
know: a stop it cannot classify, a task it did not see to its end or a stretch that nobody watched is no measurement.
Stop codes: Amazon ECS API reference, Task (`stopCode`); reasons: "Stopped tasks error messages".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from pytest_syncload.facts.clock import MINUTE, minute_floor
from pytest_syncload.facts.observation import Series
from pytest_syncload.facts.result import Window
from pytest_syncload.facts.tasks import Census, Container, Task
from pytest_syncload.facts.units import format_duration, format_number

#: How far from the window's two ends the first and the last look at it may lie, service seconds: a poll's interval.
EDGE_S = MINUTE
#: ECS shows a stopped task for about an hour; twice as often, and none can come and go unseen.
LONGEST_GAP_S = 30 * MINUTE
#: Below it, one task is more than the plan's 0.5 %.
FEW_TASKS = 200
#: No picture: minutes of zero would look like a measurement.
_NOT_MEASURED = Series(timestamps=(), values=(), period_s=60)
#: How many different reasons are written out before the rest is counted.
_REASONS_SHOWN = 5


class Stop(StrEnum):
    """Why a task is no longer there. The values are for a person."""

    ALIVE = "alive"
    APPLICATION = "stopped by an application error"
    FAILED_TO_START = "failed to start"
    EXPECTED_EXIT = "ended by itself without an error"
    DEPLOYMENT_OR_SCALING = "stopped by a deployment or scaling"
    USER = "stopped by a user"
    SPOT_OR_INFRASTRUCTURE = "stopped by Spot or the infrastructure"
    UNKNOWN = "stopped in a way that cannot be classified"


#: What counts against the service.
COUNTED = frozenset({Stop.APPLICATION, Stop.FAILED_TO_START})

_BY_CODE = {
    "TaskFailedToStart": Stop.FAILED_TO_START,
    "UserInitiated": Stop.USER,
    "SpotInterruption": Stop.SPOT_OR_INFRASTRUCTURE,
    "TerminationNotice": Stop.SPOT_OR_INFRASTRUCTURE,
    "InfrastructureHealth": Stop.SPOT_OR_INFRASTRUCTURE,
}
#: What a task's status may be once it is on its way out; ECS developer guide, "Task lifecycle".
_ENDING = frozenset({"DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED", "DELETED"})
_UNHEALTHY = ("health check", "unhealthy")
#: A deployment's and scaling's own words ("Stopped tasks error messages").
_SCALING = "scaling activity initiated by"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskErrors:
    """The tasks of a window. ``value`` is the counted share in percent, None where ``problem`` says why there is none.

    ``n`` are the distinct tasks alive in the window, ``counts`` how they ended inside it, ``series`` the counted
    share by the minute in which they ended, which sums to the value; empty where there is none. ``notes`` are sentences
    that a reader of the value should know.
    """

    value: float | None
    n: int
    counts: Mapping[Stop, int] = field(default_factory=dict)
    series: Series
    notes: tuple[str, ...] = ()
    problem: str | None = None


def classify(task: Task) -> Stop:
    """Why a task stopped, from what ECS said of it last."""
    if not _stopped(task):
        return Stop.ALIVE
    match task.stop_code:
        case "EssentialContainerExited":
            return _by_exit_codes(task)
        case "ServiceSchedulerInitiated":
            if not task.stopped_reason:
                return Stop.UNKNOWN  # it may have been a health check
            if unhealthy(task.stopped_reason):
                return Stop.APPLICATION
            # Only the words that ECS is known to use; what it may say one day is not taken for harmless.
            return Stop.DEPLOYMENT_OR_SCALING if task.stopped_reason.lower().startswith(_SCALING) else Stop.UNKNOWN
        case code:
            return _BY_CODE.get(code or "", Stop.UNKNOWN)


def fold_tasks(census: Census | None, window: Window) -> TaskErrors:
    """The share of the tasks alive in ``window`` that an application error stopped inside it, in percent."""
    tasks = [] if census is None else [task for task in census.tasks if alive_in(task, window)]
    tasks.sort(key=lambda task: task.arn)
    ended = {task.arn: _end_in(task, window) for task in tasks}
    counted = [task for task in tasks if counts(ended[task.arn])]
    share = share_of(len(counted), len(tasks))
    problem = _unmeasured(census, window, tasks) or unclear([task for task in tasks if ended[task.arn] is Stop.UNKNOWN])
    if problem is None and share is None:
        problem = "no task of the service was alive in the window, so there was nothing to count"
    return TaskErrors(
        value=share if problem is None else None,
        n=len(tasks),
        counts=dict(Counter(ended.values())),
        series=_by_minute(counted, len(tasks), window) if problem is None else _NOT_MEASURED,
        notes=(*_notes(tasks, ended, counted), *_failed_polls(census)),
        problem=problem,
    )


def _stopped(task: Task) -> bool:
    return task.ended_at is not None or task.stop_code is not None or task.status in _ENDING


def unhealthy(reason: str) -> bool:
    """Whether the scheduler stopped a task because it did not answer its health checks."""
    return any(word in reason.lower() for word in _UNHEALTHY)


def counts(stop: Stop) -> bool:
    """Whether such a stop counts against the service."""
    return stop in COUNTED


def share_of(counted: int, alive: int) -> float | None:
    """In percent; a share of no tasks is none."""
    return 100 * counted / alive if alive else None


def deciding(task: Task) -> list[Container]:
    """The containers whose exit codes decide: the essential ones, not a sidecar that went down with them."""
    return [container for container in task.containers if container.essential]


def _by_exit_codes(task: Task) -> Stop:
    essential = deciding(task)
    if any(map(guilty, essential)):
        return Stop.APPLICATION
    # A proxy that AWS put in may have been the one that ended, and then the others end well because they are told to.
    foreign = any(guilty(container) for container in task.containers if not container.defined)
    if essential and all(container.exit_code == 0 for container in essential) and not foreign:
        return Stop.EXPECTED_EXIT
    return Stop.UNKNOWN


def guilty(container: Container) -> bool:
    """A container that ended with an error, or was killed before it could say how it ended (out of memory, say)."""
    return bool(container.reason) if container.exit_code is None else container.exit_code != 0


def alive_in(task: Task, window: Window) -> bool:
    """Whether the task was there at some moment of the window."""
    created = task.created_at is None or task.created_at < window.end
    return created and (task.ended_at is None or task.ended_at >= window.start)


def _end_in(task: Task, window: Window) -> Stop:
    """How the task ended inside the window: a later end is none yet."""
    return Stop.ALIVE if task.ended_at is not None and task.ended_at >= window.end else classify(task)


def _unmeasured(census: Census | None, window: Window, tasks: Iterable[Task]) -> str | None:
    """Why nobody can say what happened to the window's ``tasks``, None where the census covers it."""
    if census is None:
        return "the tasks were never asked for"
    why = "; " + "; ".join(census.problems) if census.problems else ""
    unwatched = (
        unread_when_it_began(census, window)
        or unread_behind_its_end(census, window)
        or unwatched_for_long(census, window)
    )
    return f"{unwatched}{why}" if unwatched else undescribed(census) or without_times(tasks)


def unread_when_it_began(census: Census, window: Window) -> str | None:
    """Whether nobody looked at the window's beginning."""
    read = any(poll <= window.start + EDGE_S for poll in census.polls)
    return None if read else "ECS was not read completely when the window began"


def unread_behind_its_end(census: Census, window: Window) -> str | None:
    """Whether nobody looked at what ended in the window's last minute."""
    read = any(poll >= window.end + EDGE_S for poll in census.polls)
    return None if read else "ECS was not read completely a minute or more after the window's end"


def unwatched_for_long(census: Census, window: Window) -> str | None:
    """Whether a task may have come and gone between two looks."""
    first = max((poll for poll in census.polls if poll <= window.start + EDGE_S), default=window.start)
    last = min((poll for poll in census.polls if poll >= window.end + EDGE_S), default=window.end)
    looks = sorted(poll for poll in census.polls if first <= poll <= last)
    longest = max((later - earlier for earlier, later in pairwise(looks)), default=0.0)
    if longest <= LONGEST_GAP_S:
        return None
    return f"nothing was read of ECS for {format_duration(longest)}, and it forgets a stopped task after an hour"


def undescribed(census: Census) -> str | None:
    """Whether there are tasks of which only the name is known."""
    found = f"ECS lists but does not describe {_tasks(len(census.undescribed))}: {_ids(census.undescribed)}"
    return found if census.undescribed else None


def without_times(tasks: Iterable[Task]) -> str | None:
    """Whether there are tasks of which nobody can say if they belong to the window."""
    nowhere = [task.arn for task in tasks if task.created_at is None or (_stopped(task) and task.ended_at is None)]
    return f"ECS does not say when {_tasks(len(nowhere))} began or ended: {_ids(nowhere)}" if nowhere else None


def unclear(tasks: Iterable[Task]) -> str | None:
    """Whether there are ends of which nobody can say if they were errors."""
    reasons = _grouped(tasks, lambda task: f"with stop code {task.stop_code} and reason {task.stopped_reason!r}")
    if not reasons:
        return None
    return f"whether it was an error cannot be told of {'; '.join(_written_out(reasons))}"


def _notes(tasks: list[Task], ended: Mapping[str, Stop], counted: list[Task]) -> Iterable[str]:
    if tasks and len(tasks) < FEW_TASKS:
        yield f"{len(counted)} of {_tasks(len(tasks))}; under {FEW_TASKS} tasks 0.5 % means none at all"
    elif tasks:
        yield f"{len(counted)} of {_tasks(len(tasks))}; one is {format_number(100 / len(tasks))} %"
    yield from _written_out(_grouped(counted, lambda task: f"{ended[task.arn]}: {_what_happened(task)}"))
    replaced = [task for task in tasks if ended[task.arn] is Stop.DEPLOYMENT_OR_SCALING]
    for deployment in sorted({task.deployment for task in replaced}):
        yield _replacement(deployment, [task for task in replaced if task.deployment == deployment], tasks)
    for stop in (Stop.EXPECTED_EXIT, Stop.USER, Stop.SPOT_OR_INFRASTRUCTURE):
        number = sum(how is stop for how in ended.values())
        if number:
            yield f"{_tasks(number)} {stop}: not an error"


def _what_happened(task: Task) -> str:
    failed = [container for container in deciding(task) if guilty(container)]
    if task.stop_code != "EssentialContainerExited" or not failed:
        return task.stopped_reason or "no reason given"
    return ", ".join(
        f"{container.name} exit {'unknown' if container.exit_code is None else container.exit_code}"
        + (f" ({container.reason})" if container.reason else "")
        for container in failed
    )


def _replacement(deployment: str, replaced: list[Task], tasks: list[Task]) -> str:
    """Scaling in leaves no younger deployment behind; a deployment does."""
    began = min(task.created_at or 0.0 for task in replaced)
    younger = {task.deployment for task in tasks if (task.created_at or 0.0) > began and task.deployment != deployment}
    deployment = deployment or "no deployment"
    if not younger:
        return f"scaling stopped {_tasks(len(replaced))} of {deployment}: not an error"
    return f"a deployment replaced {_tasks(len(replaced))} ({deployment} → {', '.join(sorted(younger))}): not an error"


def _failed_polls(census: Census | None) -> Iterable[str]:
    for what, times in sorted(({} if census is None else census.problems).items()):
        yield f"{times} {'poll' if times == 1 else 'polls'} of ECS failed: {what}"


def _by_minute(counted: list[Task], n: int, window: Window) -> Series:
    minutes = Counter(minute_floor(task.ended_at) for task in counted if task.ended_at is not None)
    return Series(
        timestamps=window.minutes,
        values=tuple(share_of(minutes[minute], n) or 0.0 for minute in window.minutes),
        period_s=60,
    )


def _grouped(tasks: Iterable[Task], why: Callable[[Task], str]) -> dict[str, list[str]]:
    """The tasks' ARNs by reason."""
    reasons: dict[str, list[str]] = {}
    for task in tasks:
        reasons.setdefault(why(task), []).append(task.arn)
    return reasons


def _written_out(reasons: Mapping[str, list[str]]) -> list[str]:
    """Most frequent first, and how many more there are."""
    most = sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))
    lines = [f"{_tasks(len(arns))} {why} ({_ids(arns)})" for why, arns in most[:_REASONS_SHOWN]]
    rest = sum(len(arns) for _, arns in most[_REASONS_SHOWN:])
    return [*lines, f"{_tasks(rest)} for other reasons"] if rest else lines


def _tasks(number: int) -> str:
    return "1 task" if number == 1 else f"{number} tasks"


def _ids(arns: Iterable[str]) -> str:
    """Task ids as short as people write them: the first eight digits of the last part of the ARN."""
    every = [arn.rsplit("/", 1)[-1][:8] for arn in arns]
    return ", ".join(every[:4]) + (" …" if len(every) > 4 else "")
