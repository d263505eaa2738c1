"""A phase that climbs: its generators are told their course as it turns, and what it found is summed up.

Every decision is `load.climber`'s; here it is given what was seen, and what it says is told.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_syncload.conductor.carrying import Assignment, Beginning, carry
from pytest_syncload.conductor.following import Following
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.phase import broken_off, clock_jumped, lost_generators
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.climb import ClimbFound, End, Leg
from pytest_syncload.facts.clock import MINUTE, minute_ceil
from pytest_syncload.facts.events import Listener, PhaseMeasured
from pytest_syncload.facts.idempotency import added_up
from pytest_syncload.facts.plan import Phase, Spec
from pytest_syncload.facts.result import Invalidity, PhaseResult, Side, Tally, Window
from pytest_syncload.load.climber import Climber, LegSeen, Way
from pytest_syncload.load.course import Legs, scheduled
from pytest_syncload.load.fleet import Fared
from pytest_syncload.load.found import found
from pytest_syncload.load.job import TURN
from pytest_syncload.load.sameness import distinct_members
from pytest_syncload.load.shard import ShardReport
from pytest_syncload.load.snapshot import Merged
from pytest_syncload.load.validity import CPU_PERCENT, invalidities, sent_but_not_counted

#: How often it is looked at what has been seen: snapshots come once a second.
_LOOK_SECONDS = 0.25
#: Load that ended by itself ended at least so long before the second was over.
_SHORT_OF_S = 0.001


def offer_climb(
    spec: Spec,
    phase: Phase,
    ground: Ground,
    folder: RunFolder,
    lock: int,
    listen: Listener,
    keep_going: Callable[[], str | None],
) -> PhaseResult:
    """Climb until something breaks. Raises `PhaseInvalid` where the load never began."""
    clock = ground.clock
    way = way_of(spec, phase, ground)
    climber = Climber(way)
    legs = Legs(legs=tuple(climber.legs), arrivals=spec.load.arrivals, seed=spec.load.seed)
    looked_s = -math.inf

    def begin(ready_at: float) -> Beginning:
        # The ramp lasts a step, and steps are whole minutes, so all of them begin on one.
        begins = minute_ceil(clock.at(ready_at))
        most = begins + minute_ceil(way.longest_s / way.minute_s * MINUTE)
        window = Window(start=begins, end=most)
        return Beginning(start_at=clock.monotonic_at(begins), window=window, wall_s=way.longest_s)

    def steer(following: Following) -> dict[str, Any] | None:
        nonlocal looked_s
        now_s = following.elapsed_s
        if now_s - looked_s < _LOOK_SECONDS:
            return None
        looked_s = now_s
        turn = climber.look(now_s, seen_of(climber, following.merged), following.merged.tallies())
        return None if turn is None else {"turn": TURN.dump_python(turn, mode="json")}

    carried = carry(
        Assignment(spec=spec, phase=phase, ground=ground, folder=folder, lock=lock),
        legs,
        begin,
        listen,
        keep_going,
        intended=lambda at: due_in(climber.legs, at),
        steer=steer,
    )
    reports, merged = carried.reports, carried.merged
    gone = any(report.gave_up for report in reports)
    if gone and not climber.over:
        climber.stop(last_offered_s(merged))
    what = replace(
        found(
            climber,
            seen_of(climber, merged),
            merged.tallies(),
            lambda wall_s: round(clock.at(carried.began.start_at + wall_s), 3),
            gone=gone,
        ),
        peak_per_s=peak_of(spec),
    )
    result = sum_up(
        spec,
        phase,
        climber,
        what,
        merged,
        carried.fared,
        reports,
        carried.jump_s,
        carried.shards,
        aborted=carried.aborted,
    )
    listen(PhaseMeasured(phase=phase.name, result=result))
    return result


def way_of(spec: Spec, phase: Phase, ground: Ground) -> Way:
    """What slo.yaml says of the climb, in wall seconds and with the rates that are really offered."""
    climb = phase.climb
    assert climb is not None
    return Way(
        from_per_s=climb.from_per_s * ground.rate_scale,
        step_percent=climb.step_percent,
        every_s=ground.clock.wall_seconds(climb.every_s),
        failed_percent=climb.failed_percent,
        at_most_per_s=climb.at_most_per_s * ground.rate_scale,
        timeout_s=spec.load.timeout_s,
        minute_s=ground.clock.wall_seconds(MINUTE),
        recovers_within_s=(
            None if climb.recovers_within_s is None else ground.clock.wall_seconds(climb.recovers_within_s)
        ),
        arrivals=spec.load.arrivals,
        seed=spec.load.seed,
    )


def longest_s(spec: Spec, phase: Phase, ground: Ground) -> float:
    """How long the phase's load may last, wall seconds."""
    if phase.climb is not None:
        return way_of(spec, phase, ground).longest_s
    return ground.clock.wall_seconds(phase.ramp_s + phase.hold_s)


def due_in(legs: Sequence[Leg], second: int) -> float:
    """How many arrivals are due in a second from the start."""
    overlaps = ((min(leg.to_s, second + 1) - max(leg.from_s, second), leg.rate_per_s) for leg in legs)
    return sum(max(0.0, lasts_s) * rate for lasts_s, rate in overlaps)


def peak_of(spec: Spec) -> float | None:
    """The highest rate that another phase holds, as it is really offered; None where none holds one."""
    rates = [phase.rate_per_s for phase in spec.phases if phase.climb is None]
    sandbox = spec.environment.sandbox
    return max(rates) * (1.0 if sandbox is None else sandbox.rate_scale) if rates else None


def seen_of(climber: Climber, merged: Merged) -> Mapping[int, LegSeen]:
    """What is known of each leg, by its number, which is its window's in the recording."""
    seen = {}
    for number, leg in enumerate(climber.legs):
        held = merged.window(number)
        seen[number] = LegSeen(
            tally=held.part.tally(),
            lag_p99_ms=held.lag.percentile(99),
            p95_ms=held.part.latency.percentile(95),
            mean_ms=held.part.latency.mean(),
            busy=busy_in(leg, merged),
        )
    return seen


def busy_in(leg: Leg, merged: Merged) -> tuple[float, ...]:
    """How many percent of a core the busiest generator used in each whole second of the leg that is known."""
    whole = range(math.ceil(leg.from_s), math.floor(leg.to_s))
    return tuple(merged.busy[at] for at in whole if at in merged.busy)


def last_offered_s(merged: Merged) -> float:
    """Wall seconds from the start, up to the second, at which load ended that was stopped because the target was gone.

    Within that second: a step that it ends with may have been cut.
    """
    last = merged.last_second_before(sys.maxsize)
    return 0.0 if last is None else last + 1 - _SHORT_OF_S


def sum_up(
    spec: Spec,
    phase: Phase,
    climber: Climber,
    what: ClimbFound,
    merged: Merged,
    fared: Fared,
    reports: Sequence[ShardReport],
    jump_s: float,
    shards: int,
    *,
    aborted: str | None = None,
) -> PhaseResult:
    """The climb's result: the step that rows look at is its window, and why it may prove nothing."""
    judged = next(step for step in what.steps if step.number == what.judged)
    held = merged.window(judged.number)
    leg = climber.legs[judged.number]
    tally, used = held.part.tally(), busy_in(leg, merged)
    due = scheduled(leg, judged.number, spec.load.arrivals, spec.load.seed)
    stopped = broken_off(fared, aborted)
    invalid = [*stopped, *lost_generators(fared), *late_turns(reports)]
    gone = any(report.gave_up for report in reports)
    is_known = what.held_per_s is not None or what.broke_per_s is not None
    if not stopped:
        invalid += invalidities(
            scheduled_in_hold=due,
            hold=tally,
            # The load ends where the climb does; that it is not the schedule's end is no cut. Each step has its own
            # look at the generators, and one that could carry no more is a finding: CPU is for the advice alone.
            reports=[
                replace(
                    report,
                    interrupted=False,
                    gave_up=report.gave_up and not is_known,
                    # Of all steps: how late it was in the one that is judged is asked of that step.
                    lag_p99_ms=0.0,
                    cpu_percent=min(CPU_PERCENT, sum(used) / len(used) if used else report.cpu_percent),
                )
                for report in reports
            ],
            shards=shards,
            lag_p99_ms=None if what.held_per_s is None else held.lag.percentile(99),
            statuses=held.statuses,
            examples=merged.examples,
            sameness=merged.sameness(distinct_members(spec.request)),
        )
    if not invalid and not is_known and what.end is End.GENERATOR:
        says = f"{what.why}; that was the first step, so nothing is known"
        invalid.append(Invalidity(side=Side.GENERATOR, what=says))
    if gone and not invalid:
        invalid += unanswered(due, tally, what)
    if not invalid and not gone and (unaccounted := sent_but_not_counted(reports, merged.all_arrivals)) is not None:
        invalid.append(unaccounted)
    invalid += clock_jumped(jump_s)
    return PhaseResult(
        phase=phase.name,
        # Whole minutes, also of a first step that was cut: nothing was offered in the rest of its last one.
        window=Window(start=judged.starts_at, end=max(minute_ceil(judged.ends_at), judged.starts_at + MINUTE)),
        rate_per_s=judged.rate_per_s,
        scheduled_in_hold=due,
        wall_seconds=climber.legs[-1].to_s,
        ramp=_all_but(judged.number, len(climber.legs), merged),
        hold=tally,
        latency=held.part.latency,
        service_time=held.service_time,
        lag=held.lag,
        wire_requests=held.wire_requests,
        in_flight_edges=held.in_flight_edges,
        statuses=dict(held.statuses),
        generators=tuple(report.to_generator_report() for report in reports),
        timeline=merged.timeline(),
        examples=tuple(merged.examples),
        # Of the whole climb: a key that is not kept to under too much load is not kept to.
        idempotency=added_up(count for report in reports for count in report.idempotency),
        invalid=tuple(invalid),
        aborted=aborted if stopped else None,
        climb=what,
    )


def unanswered(due: int, tally: Tally, what: ClimbFound) -> list[Invalidity]:
    """Whether arrivals of the step that rows look at had no outcome when the target was gone: they may have failed."""
    missing = due - tally.arrivals
    if what.held_per_s is None or missing <= 0:
        return []
    says = (
        f"{missing} of {due} arrivals of the last step that held had no outcome when the target was gone, so nobody "
        "knows whether it held; look why it went away and run the phase again"
    )
    return [Invalidity(side=Side.TARGET, what=says)]


def late_turns(reports: Sequence[ShardReport]) -> list[Invalidity]:
    """Whether a generator heard of a turn after it applied: then nobody knows what was offered."""
    late = [report.index for report in reports if report.late_turns]
    if not late:
        return []
    which = ", ".join(map(str, late))
    what = f"generator {which} heard too late that the climb had turned; give it a less busy machine and run it again"
    return [Invalidity(side=Side.GENERATOR, what=what)]


def _all_but(number: int, legs: int, merged: Merged) -> Tally:
    return sum((merged.window(each).part.tally() for each in range(legs) if each != number), merged.ramp)
