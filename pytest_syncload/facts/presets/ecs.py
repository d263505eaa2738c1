"""ECS: what a Fargate service uses, by its own metrics or by Container Insights, and what ECS says of its tasks.

"Amazon ECS CloudWatch metrics", "Amazon ECS Container Insights metrics".
"""

from __future__ import annotations

from pytest_syncload.facts.metric import LEVEL, UTILISATION, Each, Fold, Preset, Role, Template, level
from pytest_syncload.facts.units import Kind

_SERVICE = (("ClusterName", "{cluster}"), ("ServiceName", "{service}"))


def _used(name: str, what: str, used: str, reserved: str) -> Preset:
    """Container Insights gives units or MB and no share. Both sides have a sample a task; their averages, and not their
    sums, are divided, so that a sample that one side lacks makes nothing look idle."""
    sides = ((Role.NUMERATOR, used), (Role.DENOMINATOR, reserved))
    return Preset(
        name=name,
        kind=Kind.SHARE,
        what=what,
        namespace="ECS/ContainerInsights",
        fold=Fold.USED,
        templates=tuple(
            Template(role=role, name=metric, statistic="Average", dimensions=_SERVICE, each=Each.SERVICE)
            for role, metric in sides
        ),
        rules=LEVEL,
    )


PRESETS = (
    Preset(
        name="ecs.cpu",
        kind=Kind.SHARE,
        what="CPU in use by the Fargate service: the mean of its tasks, or the hottest one (Maximum)",
        namespace="AWS/ECS",
        templates=(level("CPUUtilization", Each.SERVICE, _SERVICE),),
        statistics=UTILISATION,
        rules=LEVEL,
    ),
    Preset(
        name="ecs.memory",
        kind=Kind.SHARE,
        what="memory in use by the Fargate service: the mean of its tasks, or the fullest one (Maximum)",
        namespace="AWS/ECS",
        templates=(level("MemoryUtilization", Each.SERVICE, _SERVICE),),
        statistics=UTILISATION,
        rules=LEVEL,
    ),
    Preset(
        name="ecs.task_errors",
        kind=Kind.SHARE,
        what="share of the Fargate tasks alive in the window that an application error stopped, as ECS tells it",
        fold=Fold.TASKS,
    ),
    _used(
        "containerinsights.cpu",
        "CPU in use by the service's tasks, of what they reserve, by Container Insights",
        "CpuUtilized",
        "CpuReserved",
    ),
    _used(
        "containerinsights.memory",
        "memory in use by the service's tasks, of what they reserve, by Container Insights",
        "MemoryUtilized",
        "MemoryReserved",
    ),
)
