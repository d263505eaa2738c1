"""A climb's rates and times as they are really offered, and what its generators' sums come to."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from pytest_syncload.conductor.climbing import last_offered_s, late_turns, peak_of, seen_of, sum_up, way_of
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.facts.climb import ClimbFound, End, Finding
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.idempotency import KeyRule, RuleCount
from pytest_syncload.facts.plan import Climb, SandboxSettings
from pytest_syncload.facts.result import Outcome, PhaseResult, Side
from pytest_syncload.load.climber import Climber
from pytest_syncload.load.fleet import Fared
from pytest_syncload.load.found import found
from pytest_syncload.load.shard import ShardReport
from pytest_syncload.load.snapshot import Merged, Slice, Snapshot
from tests.conductor.plans import REAL, SANDBOX, phase, spec
from tests.load.test_climber import WAY, Ridden, capacity, ride
from tests.load.test_found import summed

CLIMB = Climb(
    from_per_s=300.0,
    step_percent=10.0,
    every_s=120.0,
    until="failed > 1 %",
    failed_percent=1.0,
    at_most_per_s=2000.0,
)
STRESS = phase("stress", climb=CLIMB)
PLAN = spec(phase("peak", rate_per_s=300.0), STRESS, environment=SANDBOX)


def ground(rate_scale: float = 1.0) -> Ground:
    sandbox = replace(SANDBOX, sandbox=SandboxSettings(rate_scale=rate_scale))
    return Ground(environment=sandbox, clock=ServiceClock.starting_now(speed=60))


def test_rates_are_scaled_and_times_are_wall_seconds() -> None:
    way = way_of(PLAN, STRESS, ground(0.5))
    assert (way.from_per_s, way.at_most_per_s) == (150.0, 1000.0)
    assert [way.every_s, way.minute_s] == pytest.approx([2.0, 1.0])
    assert (way.step_percent, way.failed_percent, way.timeout_s) == (10.0, 1.0, PLAN.load.timeout_s)


def test_a_real_environment_has_the_plans_own_rates_and_minutes() -> None:
    way = way_of(PLAN, STRESS, Ground(environment=REAL, clock=ServiceClock.starting_now()))
    assert (way.from_per_s, way.every_s, way.minute_s) == (300.0, 120.0, 60.0)


def test_headroom_is_over_the_highest_rate_that_another_phase_holds() -> None:
    plan = replace(PLAN, phases=(phase("baseline", rate_per_s=50.0), *PLAN.phases))
    assert peak_of(replace(plan, environment=ground(0.5).environment)) == 150.0
    assert peak_of(replace(plan, environment=REAL)) == 300.0
    assert peak_of(replace(PLAN, phases=(STRESS,))) is None


def report(index: int = 0, **changed: Any) -> ShardReport:
    plain: dict[str, Any] = {
        "index": index,
        "sent": 0,
        "interrupted": True,
        "cpu_percent": 99.0,
        "lag_p99_ms": 1.0,
        "peak_in_flight": 9,
    }
    return ShardReport(**plain | changed)


def test_a_turn_that_came_too_late_leaves_nothing_known() -> None:
    assert late_turns([report()]) == []
    (problem,) = late_turns([report(), report(1, late_turns=1), report(2, late_turns=2)])
    assert problem.side is Side.GENERATOR
    assert problem.what.startswith("generator 1, 2 heard too late that the climb had turned")


RIDDEN = ride(WAY, capacity(700.0))
WHAT = summed(RIDDEN)


def merged_of(ridden: Ridden, *, lag_ms: float = 1.0) -> Merged:
    """What the generators' snapshots of that climb add up to."""
    merged, snapshot = Merged(), Snapshot()
    for number, seen in ridden.seen.items():
        held = snapshot.window(number)
        held.part.outcomes.update(seen.tally.outcomes)
        held.lag.record(lag_ms)
        held.part.latency.record(20.0)
    merged.add(snapshot)
    return merged


def summed_up(what: ClimbFound = WHAT, *, lag_ms: float = 1.0, **of_report: Any) -> PhaseResult:
    merged = merged_of(RIDDEN, lag_ms=lag_ms)
    sent = merged.all_arrivals.arrivals
    return sum_up(
        PLAN,
        STRESS,
        RIDDEN.climber,
        what,
        merged,
        Fared(reports=({},), lost=(), stopped=None),
        [report(**{"sent": sent} | of_report)],
        0.0,
        1,
    )


def test_what_is_known_of_a_leg_is_its_windows() -> None:
    seen = seen_of(RIDDEN.climber, merged_of(RIDDEN))
    assert set(seen) == set(range(len(RIDDEN.climber.legs)))
    judged = seen[WHAT.judged]
    assert judged.tally == RIDDEN.seen[WHAT.judged].tally
    assert [judged.lag_p99_ms, judged.p95_ms, judged.mean_ms] == pytest.approx([1, 20, 20], rel=0.01)


def test_rows_look_at_the_last_step_that_held_and_at_nothing_else() -> None:
    result = summed_up()
    judged = next(step for step in WHAT.steps if step.number == WHAT.judged)
    assert result.invalid == ()
    assert (result.window.start, result.window.end) == (judged.starts_at, judged.ends_at)
    assert (result.rate_per_s, result.hold) == (WHAT.held_per_s, RIDDEN.seen[WHAT.judged].tally)
    assert result.hold.failed <= 0.01 * result.hold.arrivals
    everything = merged_of(RIDDEN).all_arrivals
    assert result.ramp.arrivals + result.hold.arrivals == everything.arrivals
    assert result.ramp.failed + result.hold.failed == everything.failed > 0


def test_a_generator_that_was_late_in_the_step_proves_nothing() -> None:
    (problem,) = summed_up(lag_ms=500.0).invalid
    assert problem.side is Side.GENERATOR


def test_where_nothing_held_the_generators_lag_is_no_reason() -> None:
    """The climb is over at its first step, and its own look at the generators has said what they could carry."""
    assert summed_up(replace(WHAT, held_per_s=None), lag_ms=500.0).invalid == ()


def summed_up_gone(climber: Climber, merged: Merged) -> PhaseResult:
    climber.stop(last_offered_s(merged))
    what = found(climber, seen_of(climber, merged), merged.tallies(), lambda wall: 6000 + 60 * wall, gone=True)
    fared = Fared(reports=({},), lost=(), stopped=None)
    sent = merged.all_arrivals.arrivals + 50
    return sum_up(PLAN, STRESS, climber, what, merged, fared, [report(sent=sent, gave_up=True)], 0.0, 1)


def offered(*legs: tuple[int, Outcome, int]) -> Merged:
    """By a leg's number: an outcome, and how often. In `WAY` a step's second is its number, less four of the ramp."""
    snapshot = Snapshot()
    for number, outcome, count in legs:
        snapshot.window(number).part.outcomes[outcome] += count
        snapshot.window(number).lag.record(1.0)
        snapshot.seconds.setdefault(max(0, number - 4), Slice()).outcomes[outcome] += count
    merged = Merged()
    merged.add(snapshot)
    return merged


OK, REFUSED = Outcome.OK, Outcome.CONNECT_ERROR


def test_a_target_that_closed_everything_broke_at_the_step_under_way() -> None:
    """Also where the load had stopped before anybody looked: 330/s held, and nobody came to a step after 363/s."""
    result = summed_up_gone(Climber(WAY), offered((5, OK, 300), (6, OK, 330), (7, OK, 60), (7, REFUSED, 90)))
    what = result.climb
    assert result.invalid == ()
    assert what is not None
    assert [step.finding for step in what.steps] == [Finding.HELD, Finding.HELD, Finding.BROKE]
    assert [what.held_per_s, what.broke_per_s] == pytest.approx([330.0, 363.0])
    assert what.end is End.NOT_RECOVERED


def test_a_step_with_arrivals_of_which_nobody_knows_held_for_nobody() -> None:
    result = summed_up_gone(Climber(WAY), offered((5, OK, 300), (6, OK, 328), (7, OK, 60), (7, REFUSED, 90)))
    (problem,) = result.invalid
    assert problem.what.startswith("2 of 330 arrivals of the last step that held had no outcome")


def test_a_target_that_was_never_there_is_no_limit_of_the_generators() -> None:
    result = summed_up_gone(Climber(WAY), offered((2, REFUSED, 80)))
    (problem,) = result.invalid
    assert problem.side is Side.TARGET
    assert problem.what.startswith("the target refused, closed or broke every connection")


@pytest.mark.parametrize("cut_s", [0.0001, 0.6, 1.4])
def test_a_first_step_that_was_cut_is_looked_at_in_whole_minutes(cut_s: float) -> None:
    first = WHAT.steps[0]
    cut = replace(first, finding=Finding.BROKE, ends_at=first.starts_at + 60 * cut_s)
    result = summed_up(replace(WHAT, held_per_s=None, steps=(cut, *WHAT.steps[1:]), judged=first.number))
    assert (result.window.start, result.window.seconds) == (first.starts_at, 60 * math.ceil(cut_s))


def test_where_the_first_step_was_too_much_the_advice_is_by_the_cpu_that_it_took() -> None:
    merged = merged_of(RIDDEN)
    busy = Snapshot(busy={1: 88.0})
    busy.window(WHAT.steps[0].number).part.outcomes[Outcome.DROPPED] += 30
    busy.window(WHAT.steps[0].number).part.dropped_late += 30
    merged.add(busy)
    what = replace(WHAT, held_per_s=None, broke_per_s=None, judged=WHAT.steps[0].number)
    fared = Fared(reports=({},), lost=(), stopped=None)
    result = sum_up(PLAN, STRESS, RIDDEN.climber, what, merged, fared, [report()], 0.0, 1)
    assert "this rate needs 2 generators here" in result.invalid[0].what


def test_a_climb_that_the_generators_ended_at_its_first_step_is_theirs() -> None:
    """Nothing at all is known of the target then, and its load item must not pass."""
    nothing = replace(WHAT, end=End.GENERATOR, why="at 300/s the generator's own lag was 250 ms", held_per_s=None)
    (problem,) = summed_up(replace(nothing, broke_per_s=None, judged=WHAT.steps[0].number)).invalid
    assert problem.side is Side.GENERATOR
    assert problem.what == "at 300/s the generator's own lag was 250 ms; that was the first step, so nothing is known"
    assert summed_up(replace(WHAT, end=End.GENERATOR)).invalid == ()


def test_checks_of_keys_are_those_of_the_whole_climb() -> None:
    counts = (RuleCount(rule=KeyRule.REPLAY, begun=9, finished=9, broken=1),)
    assert summed_up(idempotency=counts).idempotency == counts


def test_arrivals_that_were_sent_and_never_counted_make_it_invalid() -> None:
    sent = merged_of(RIDDEN).all_arrivals.arrivals
    assert summed_up(sent=sent + 1000).invalid
