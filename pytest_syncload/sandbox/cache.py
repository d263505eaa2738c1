"""The cache of two nodes: what a minute's commands cost each node's engine and host. Counted, never made up."""

from __future__ import annotations

from dataclasses import dataclass

#: Engine time of one command, on the one core that the engine uses. Of a GET or SET of a small value.
COMMAND_S = 20e-6
_HOST_CORES = 2
#: The operating system and the engine's other threads, percent of the host.
_BACKGROUND = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCpu:
    """Percent in use: ``engine`` of its one core, ``host`` of all cores."""

    engine: float
    host: float


def node_cpu(
    commands: int, wall_s: float, hot_share: float = 0.0, command_s: float = COMMAND_S
) -> tuple[NodeCpu, NodeCpu]:
    """The primary, which got so many SETs, and the replica, which got as many GETs, over ``wall_s`` seconds.

    ``hot_share`` percent of the primary's engine is busy with somebody else's commands.
    """
    own = 100 * commands * command_s / wall_s
    return _node(own + hot_share), _node(own)


def _node(busy: float) -> NodeCpu:
    engine = min(busy, 100.0)
    return NodeCpu(engine=engine, host=engine / _HOST_CORES + _BACKGROUND)
