"""How much of this machine k6 used over the hold, where the system says that while a process runs."""

from __future__ import annotations

import math
import os
from pathlib import Path

_PROC = Path("/proc")


def cores() -> int:
    """How many cores this process and its children may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_seconds(pid: int) -> float:
    """What the process has used so far, all its threads, in seconds of one core; NaN where nobody says.

    From /proc (proc(5)): utime and stime, behind the name, which may hold spaces and brackets.
    """
    try:
        fields = (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return math.nan


class Usage:
    """Percent of one core over a stretch of time, from looks at what was used by then."""

    def __init__(self, from_s: float, to_s: float) -> None:
        self._from_s, self._to_s = from_s, to_s
        self._looks: list[tuple[float, float]] = []

    def look(self, at_s: float, used_s: float) -> None:
        """By ``at_s`` (seconds from the start) so much was used."""
        if self._from_s <= at_s <= self._to_s and not math.isnan(used_s):
            self._looks.append((at_s, used_s))

    @property
    def percent(self) -> float:
        """Of one core; NaN where there were not two looks."""
        if len(self._looks) < 2:
            return math.nan
        (first_s, before), (last_s, after) = self._looks[0], self._looks[-1]
        return 100 * (after - before) / (last_s - first_s)
