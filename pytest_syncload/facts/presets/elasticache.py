"""ElastiCache: each node by itself, for Valkey and Redis OSS, or a serverless cache, which publishes no CPU.

"Metrics for Valkey and Redis OSS", "Host-level metrics", "Metrics and events for Valkey and Redis OSS serverless
caches". A node publishes every minute, zeros too: its silence proves nothing.
"""

from __future__ import annotations

from pytest_syncload.facts.metric import (
    SUSTAINED,
    UTILISATION,
    Absent,
    Each,
    Fold,
    Preset,
    Role,
    level,
    total,
)
from pytest_syncload.facts.units import Kind

_NAMESPACE = "AWS/ElastiCache"
_NODE = (("CacheClusterId", "{node}"),)
#: Lower-case, as ListMetrics shows it; the node's name for it finds nothing.
_SERVERLESS = (("clusterId", "{serverless_cache}"),)


def _worst_node(name: str, what: str, *metrics: str) -> Preset:
    return Preset(
        name=name,
        kind=Kind.SHARE,
        what=what,
        namespace=_NAMESPACE,
        templates=tuple(level(metric, Each.NODE, _NODE) for metric in metrics),
        statistics=UTILISATION,
        rules=SUSTAINED,
    )


PRESETS = (
    _worst_node(
        "elasticache.cpu",
        "CPU of the worst cache node: the engine's or the host's, whichever is more",
        # On a node with 2 vCPU an engine at its end shows as 50 % of the host, so both are asked.
        "EngineCPUUtilization",
        "CPUUtilization",
    ),
    _worst_node("elasticache.engine_cpu", "engine CPU of the worst cache node", "EngineCPUUtilization"),
    _worst_node("elasticache.host_cpu", "host CPU of the worst cache node", "CPUUtilization"),
    _worst_node(
        "elasticache.memory", "memory of the fullest cache node that data takes", "DatabaseMemoryUsagePercentage"
    ),
    Preset(
        name="elasticache.evictions",
        kind=Kind.COUNT,
        what="keys that the cache nodes evicted for want of memory",
        namespace=_NAMESPACE,
        fold=Fold.SUM,
        templates=(total(Role.VALUE, "Evictions", Each.NODE, _NODE),),
    ),
    Preset(
        name="elasticache.throttled",
        kind=Kind.COUNT,
        what="commands that the serverless caches throttled because load grew faster than they can scale",
        namespace=_NAMESPACE,
        fold=Fold.SUM,
        # [U] whether zeros are published; either way a minute without a point is zero only beside commands.
        absent=Absent.ZERO_WHILE_ALIVE,
        templates=(
            total(Role.VALUE, "ThrottledCmds", Each.SERVERLESS, _SERVERLESS),
            total(Role.ALIVE, "TotalCmdsCount", Each.SERVERLESS, _SERVERLESS),
        ),
    ),
)
