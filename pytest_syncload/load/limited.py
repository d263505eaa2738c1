"""Whether the generators, and not the target, could not carry a leg of a climb, pure. Each function says why, or None.

A leg of which one of these speaks has neither held nor broken: what it showed is a limit of this machine.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_syncload.facts.units import format_number
from pytest_syncload.load.validity import ACHIEVED, CPU_PERCENT, LAG_P99_MS

#: A generator is near the end of its core when it was for so many seconds, or a leg where that is shorter.
_BUSY_S = 2


def dropped(late: int) -> str | None:
    """``late`` arrivals were dropped while the loop was behind."""
    return f"{late} arrivals were dropped while the generator itself was late" if late else None


def lagged(p99_ms: float | None) -> str | None:
    """Arrivals were handed over too late; None where nothing was."""
    if p99_ms is None or p99_ms <= LAG_P99_MS:
        return None
    return f"the generator's own lag was {format_number(p99_ms)} ms at p99 (limit {format_number(LAG_P99_MS)} ms)"


def busy(percents: Sequence[float], leg_s: float) -> str | None:
    """The busiest generator's share of a core in each second: before lag shows it, answers that nobody reads in time
    become timeouts."""
    if len(percents) < min(_BUSY_S, max(1, int(leg_s))):
        return None
    used = sum(percents) / len(percents)
    if used <= CPU_PERCENT:
        return None
    return f"a generator used {format_number(round(used))} % of a core (limit {format_number(CPU_PERCENT)} %)"


def fewer(arrivals: int, due: int) -> str | None:
    """Once all must have ended: fewer arrivals were offered than were due."""
    return f"{arrivals} arrivals were offered, of {due}" if arrivals < ACHIEVED * due else None
