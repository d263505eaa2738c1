"""The rule `drains_within`: what piled up during the hold must be gone so long after it.

Must never take a minute that is not there for an empty one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pytest_syncload.facts.catalogue import preset_of
from pytest_syncload.facts.clock import MINUTE
from pytest_syncload.facts.observation import Observation, Ruling
from pytest_syncload.facts.units import format_duration, format_number, format_quantity
from pytest_syncload.verdict.part import Part

#: Up to this share of the target's limit a metric counts as drained. Not zero, because SQS's numbers are approximate
#: ("Available CloudWatch metrics for Amazon SQS") and a real queue keeps a trickle of its own; far enough below the
#: limit that nothing of the load's backlog is left.
DRAINED_SHARE = 0.01


def judge_drain(observation: Observation, within_s: float) -> Part:
    """Whether the metric was back near zero ``within_s`` service seconds after the hold, and stayed there.

    Only minutes that lie wholly before the deadline count, and at least one. Later minutes than the first drained one
    may be missing: what is waiting to be asked may stop there. If they are there and full again, it was not drained.
    """
    after = observation.after
    # Never less than the metric can tell: SQS gives an age in whole seconds.
    coarse = preset_of(observation.slo).factor
    limit = max(observation.slo.target.value * DRAINED_SHARE, coarse if coarse > 1 else 0.0)
    deadline, at_most = format_duration(within_s), format_quantity(limit, observation.kind)
    if after is None or after.period_s != MINUTE:
        return Part(
            ruling=Ruling.INCONCLUSIVE,
            says=f"nothing was read behind the hold, so whether it drained within {deadline} is not known",
        )
    known = {stamp: value for stamp, value in zip(after.timestamps, after.values, strict=True) if math.isfinite(value)}
    minutes = [observation.window.end + MINUTE * number for number in range(max(1, int(within_s // MINUTE)))]
    drained = drained_for_good(minutes, known, limit)
    needed = [stamp for stamp in minutes if stamp <= drained[0]] if drained else minutes
    missing = unknown_minutes(needed, known)
    if missing:
        return Part(
            ruling=Ruling.INCONCLUSIVE,
            says=f"{missing} of the {len(needed)} minutes behind the hold have no data point, so whether it "
            f"drained within {deadline} is not known",
        )
    if not drained:
        last = format_quantity(known[minutes[-1]], observation.kind)
        return Part(
            ruling=Ruling.BREACH,
            says=f"it did not drain within {deadline}: {last} in the last minute, and drained is at most {at_most}",
        )
    taken = len(needed)
    return Part(
        ruling=Ruling.PASS,
        says=f"drained within {format_number(taken)} {'minute' if taken == 1 else 'minutes'}",
    )


def drained_for_good(minutes: Sequence[float], known: Mapping[float, float], limit: float) -> list[float]:
    """The minutes behind the last full one: an empty minute before a full one is none that drained."""
    full = [stamp for stamp in minutes if stamp in known and known[stamp] > limit]
    return [stamp for stamp in minutes if stamp in known and stamp > max(full, default=-math.inf)]


def unknown_minutes(needed: Sequence[float], known: Mapping[float, float]) -> int:
    """How many of the minutes that the answer rests on have no data point."""
    return sum(stamp not in known for stamp in needed)
