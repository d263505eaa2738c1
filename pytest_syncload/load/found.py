"""What a climb found, pure: once every answer is in, the breaking point as an interval, and why no more is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from pytest_syncload.facts.climb import ClimbFound, End, Finding, Part, Step
from pytest_syncload.facts.result import Tally
from pytest_syncload.load.climber import Climber, LegSeen

_JUDGED = (Part.STEP, Part.FINE)


def found(
    climber: Climber,
    seen: Mapping[int, LegSeen],
    seconds: Mapping[int, Tally],
    service_time_of: Callable[[float], float],
    *,
    gone: bool = False,
) -> ClimbFound:
    """The climb's result. ``service_time_of`` turns wall seconds from the start into service time, epoch seconds.

    ``gone`` says that the target closed everything, which stopped the load wherever it was.
    """
    steps = tuple(_steps(climber, seen, seconds, service_time_of))
    broke = min((step.rate_per_s for step in steps if step.finding is Finding.BROKE), default=None)
    last_held = max(held_below(steps, broke), key=lambda step: (step.rate_per_s, step.number), default=None)
    end, why = climber.end, climber.why
    if gone:
        end, why = End.NOT_RECOVERED, "it refused, closed or broke every connection, so the load was stopped"
    elif end is None:
        end, why = End.STOPPED, "the load was stopped before the climb was over"
    return ClimbFound(
        end=end,
        why=why,
        held_per_s=None if last_held is None else last_held.rate_per_s,
        broke_per_s=broke,
        judged=steps[0].number if last_held is None else last_held.number,
        steps=steps,
        recovered_after_s=climber.recovered_after_s,
        begins_at=service_time_of(0.0),
        broke_again=climber.tries,
        repeated_per_s=climber.repeated_per_s,
    )


def held_below(steps: Sequence[Step], broke_per_s: float | None) -> list[Step]:
    """The steps that held, below the lowest rate that broke: what held once above it did not hold."""
    below = math.inf if broke_per_s is None else broke_per_s
    return [step for step in steps if step.finding is Finding.HELD and step.rate_per_s < below]


def _steps(
    climber: Climber,
    seen: Mapping[int, LegSeen],
    seconds: Mapping[int, Tally],
    service_time_of: Callable[[float], float],
) -> Iterator[Step]:
    for number, (leg, part) in enumerate(zip(climber.legs, climber.parts, strict=True)):
        if part not in _JUDGED:
            continue
        known = seen.get(number) or LegSeen(tally=Tally())
        yield Step(
            number=number,
            part=part,
            rate_per_s=leg.rate_per_s,
            starts_at=service_time_of(leg.from_s),
            ends_at=service_time_of(leg.to_s),
            finding=climber.finding(number, seen, seconds),
            arrivals=known.tally.arrivals,
            failed=known.tally.failed,
            p95_ms=known.p95_ms,
            lag_p99_ms=known.lag_p99_ms,
            mean_ms=known.mean_ms,
        )
