"""What ECS said of a service's tasks while a phase ran. Facts only; which stop is an error is decided in `sources/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of a task. ``essential`` comes from the task definition; ``exit_code`` is None while it runs, or
    where it was killed before it could give one; ``reason`` is ECS's own text (out of memory, say). One that is not
    ``defined`` there was put in by AWS: a proxy, an agent."""

    name: str
    essential: bool
    defined: bool = True
    exit_code: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task as ECS described it last. Times are service time, epoch seconds, None where it did not come to that.

    ``deployment`` is what started it (``startedBy``); ``ended_at`` is the earliest moment at which it is known to be on
    its way out: told to stop, containers ended, stopped, or seen among those that shall not run.
    ``stop_code`` is one of ECS's TaskStopCode values.
    """

    arn: str
    definition: str
    deployment: str
    status: str
    created_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    containers: tuple[Container, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """All tasks of a service that were seen, one entry an ARN, and when a poll was complete (service time).

    ``problems`` are polls that failed, in words, by how often; a census without a complete poll after the hold proves
    nothing. ``undescribed`` are ARNs that were listed but never described.
    """

    cluster: str
    service: str
    tasks: tuple[Task, ...] = ()
    polls: tuple[float, ...] = ()
    undescribed: tuple[str, ...] = ()
    problems: Mapping[str, int] = field(default_factory=dict)
