"""What a client should have reported: the arithmetic of a schedule, or what the slow server itself measured. Pure."""

from __future__ import annotations

from benchmarks.engine.told import Told, of_samples


def of_stall(*, rate_per_s: int, seconds: float, stall_from_s: float, stall_s: float, base_ms: float = 0.0) -> Told:
    """What arrivals at a constant rate see of a server that stands still in ``[stall_from_s, +stall_s)``.

    Arrival i is due at i / rate; due inside the stall, it is answered at the stall's end; else, and after that,
    ``base_ms`` later.
    """
    ends = stall_from_s + stall_s
    dues = [index / rate_per_s for index in range(round(rate_per_s * seconds))]
    waits = [(ends - due if stall_from_s <= due < ends else 0.0) * 1000 + base_ms for due in dues]
    return of_samples(waits, [], dropped=0, failed=0)


def off_percent(reported: float | None, truth: float | None) -> float | None:
    """How far a figure is from the truth, in percent of it; None where either is unknown or the truth is 0."""
    if reported is None or not truth:
        return None
    return 100 * (reported - truth) / truth
