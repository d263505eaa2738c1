"""After a climb: the series that may say what broke first, and what they come to.

Evidence beside the verdicts, never one of them: where nothing can be read, the ranking says that nothing is determined.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from pytest_syncload.conductor.ground import Ground
from pytest_syncload.facts.bottleneck import Climbed, NoFit, Ranking, StepSeen, Usl
from pytest_syncload.facts.climb import ClimbFound, End, Finding, Step
from pytest_syncload.facts.clock import MINUTE, minute_ceil, minute_floor
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.events import ClimbRanked
from pytest_syncload.facts.plan import Resources, Slo, Spec
from pytest_syncload.facts.result import PhaseResult, Window
from pytest_syncload.sources.aws import client
from pytest_syncload.sources.cloudwatch import Answer, fetch
from pytest_syncload.sources.settle import DEADLINE_MINUTES, EARLIEST_MINUTES
from pytest_syncload.sources.tracks import asks_for, client_tracks, looked_at, tracks

_STEP_S = 0.2


def rows_of(spec: Spec, climbing: str) -> list[Slo]:
    """What any phase's rows ask is looked at in a climb. Its own rows come last: of several limits theirs counts."""
    phases = sorted(spec.phases, key=lambda phase: phase.name == climbing)
    return [slo for phase in phases for slo in phase.slos]


def read_series(
    spec: Spec, ground: Ground, result: PhaseResult, keep_going: Callable[[], str | None]
) -> tuple[Answer, ...]:
    """What CloudWatch says of every minute of the climb, once it says it twice; empty where it says nothing.

    What is published late would look calm, and what waits behind it would be named.
    """
    if result.climb is None:
        return ()
    window = window_of(result.climb)
    asks = asks_for(looked_at(rows_of(spec, result.phase), ground.resources), window)
    due = window.end + EARLIEST_MINUTES * MINUTE
    series: tuple[Answer, ...] | None = None
    for _ in range(DEADLINE_MINUTES - EARLIEST_MINUTES):
        while ground.clock.now() < due:
            if keep_going() is not None:
                return ()
            time.sleep(_STEP_S)
        try:
            before, series = series, tuple(fetch(client("cloudwatch", ground.aws), asks).values())
        except Inconclusive:
            return ()
        if series == before:
            break
        due = ground.clock.now() + MINUTE
    return series or ()


def ranked(spec: Spec, result: PhaseResult, series: tuple[Answer, ...], resources: Resources) -> ClimbRanked | None:
    """What broke first, None where the phase did not climb."""
    what = result.climb
    if what is None:
        return None
    speed = 1.0 if spec.environment.sandbox is None else spec.environment.sandbox.speed
    window = window_of(what)
    climbed = Climbed(
        steps=tuple(_seen(step, speed) for step in what.steps if step.finding in (Finding.HELD, Finding.BROKE)),
        generator_fault=what.why if what.end is End.GENERATOR else None,
    )
    answers = {answer.ask: answer for answer in series}
    seen = (
        *tracks(looked_at(rows_of(spec, result.phase), resources), answers, window),
        *client_tracks(result, what.begins_at, speed),
    )
    from pytest_syncload.bottleneck import fit_usl, rank  # noqa: PLC0415  # numpy, and only a climb needs it

    try:
        ranking = rank(climbed, seen)
        law: Usl | NoFit = fit_usl(climbed)
    except (ArithmeticError, ValueError) as error:  # odd numbers are no reason to lose the verdicts
        ranking = Ranking(findings=(), undetermined=f"the series cannot be worked out: {error}")
        law = NoFit(why=str(error))
    return ClimbRanked(phase=result.phase, climbed=climbed, ranking=ranking, law=law, speed=speed)


def window_of(what: ClimbFound) -> Window:
    """All of the climb's steps, in whole minutes."""
    return Window(start=what.steps[0].starts_at, end=minute_ceil(max(step.ends_at for step in what.steps)))


def _seen(step: Step, speed: float) -> StepSeen:
    wall_s = (step.ends_at - step.starts_at) / speed
    # The minute in which the load turned away has a part of the step's rate only: it is no evidence beside whole ones.
    whole = max(minute_floor(step.ends_at), step.starts_at + MINUTE)
    return StepSeen(
        rate_per_s=step.rate_per_s,
        throughput_per_s=(step.arrivals - step.failed) / wall_s,
        failed_percent=step.failed_percent or 0.0,
        window=Window(start=step.starts_at, end=whole),
        held=step.finding is Finding.HELD,
        latency_mean_ms=step.mean_ms,
    )
