"""Whether load must stop by a metric of the target, pure: a rule of the phase, and what CloudWatch says by now."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_syncload.facts.clock import MINUTE
from pytest_syncload.facts.plan import Alarm
from pytest_syncload.facts.units import format_quantity


def tripped(alarm: Alarm, series: Mapping[str, Mapping[float, float]], began_at: float) -> str | None:
    """Why load must stop, None while it may go on. ``series``, by name, have values by their minutes' service times.

    All minutes of a stretch must be known, and of one and the same series. ``began_at`` is the service time of the
    load's first minute.
    """
    target = alarm.row.target
    for name, minutes in series.items():
        broken = {at for at, value in minutes.items() if not target.met_by(value)}
        for first in sorted(broken):
            stretch = [first + MINUTE * number for number in range(alarm.minutes)]
            if not broken.issuperset(stretch):
                continue
            most = max(minutes[at] for at in stretch)
            number = round((first - began_at) / MINUTE) + 1
            when = f"minute {number}" if alarm.minutes == 1 else f"minutes {number} to {number + alarm.minutes - 1}"
            return (
                f"the abort rule {alarm.text!r} tripped in {when} of the load: up to "
                f"{format_quantity(most, target.kind)}, as CloudWatch says of {name}; the load was stopped"
            )
    return None
