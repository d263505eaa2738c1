"""A climb's result and the series beside it → what broke first: evidence, and never more than there is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_syncload.conductor import ranking
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.ranking import ranked, read_series, rows_of, window_of
from pytest_syncload.facts.climb import ClimbFound, End, Finding, Part, Step
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.events import ClimbRanked
from pytest_syncload.facts.result import Window
from pytest_syncload.sources.cloudwatch import Answer
from pytest_syncload.sources.tracks import asks_for, looked_at
from tests.conductor.plans import REAL, SANDBOX, phase, spec
from tests.rows import ERRORS, LATENCY, RESOURCES, START, THROTTLES, result

RATES = tuple(300.0 + 30 * each for each in range(14))
#: The rate from which on the table throttles, and the one that did not hold.
THROTTLED, BROKE = 600.0, 690.0


def step(number: int, rate: float, finding: Finding, *, failed: int = 0, arrivals: int = 0) -> Step:
    begins = START + 60 * number
    return Step(
        number=number,
        part=Part.STEP,
        rate_per_s=rate,
        starts_at=begins,
        ends_at=begins + 60,
        finding=finding,
        arrivals=arrivals or round(rate),
        failed=failed,
        p95_ms=25.0,
        lag_p99_ms=1.0,
        mean_ms=20.0,
    )


STEPS = tuple(
    step(at, rate, Finding.BROKE if rate >= BROKE else Finding.HELD, failed=50 if rate >= BROKE else 0)
    for at, rate in enumerate(RATES)
)
FOUND = ClimbFound(
    end=End.FOUND,
    why="690/s did not hold",
    held_per_s=660.0,
    broke_per_s=BROKE,
    judged=12,
    steps=STEPS,
    begins_at=START,
)
PLAN = spec(phase("peak", LATENCY), phase("stress", ERRORS, THROTTLES), environment=SANDBOX)


def answered(what: ClimbFound, values: dict[str, list[float]]) -> tuple[Answer, ...]:
    """What CloudWatch says of all that is looked at: as given by the metric's name, or calm."""
    window = window_of(what)
    asks = asks_for(looked_at(rows_of(PLAN, "stress"), RESOURCES), window)
    return tuple(
        Answer(
            ask=ask,
            status="Complete",
            timestamps=window.minutes,
            values=tuple(values.get(ask.query.name, [5.0] * len(window.minutes))),
        )
        for ask in asks
    )


def of(what: ClimbFound, series: tuple[Answer, ...]) -> ClimbRanked:
    found = ranked(PLAN, result(climb=what), series, RESOURCES)
    assert found is not None
    return found


def test_the_table_that_throttled_before_anything_failed_is_named() -> None:
    throttles = [0.0 if rate < THROTTLED else 80.0 for rate in RATES]
    found = of(FOUND, answered(FOUND, {"WriteThrottleEvents": throttles}))
    assert found.ranking.first is not None
    assert found.ranking.first.track.name == "sync-jobs WriteThrottleEvents"
    assert (found.climbed.held_per_s, found.climbed.broke_per_s) == (660.0, BROKE)


def test_numbers_beyond_all_sense_lose_no_verdict() -> None:
    found = of(FOUND, answered(FOUND, {"EngineCPUUtilization": [1e300 * (at % 3) for at in range(len(RATES))]}))
    assert found.climbed.held_per_s == 660.0
    assert found.ranking.first is None or found.ranking.undetermined is None


def test_without_a_series_nothing_is_named() -> None:
    """And nothing is said of series that nobody has read, such as that they were as ever."""
    found = of(FOUND, ())
    assert found.ranking.first is None
    assert found.ranking.undetermined == "no series behind the client could be read"


def test_a_phase_that_did_not_climb_has_no_ranking() -> None:
    assert ranked(PLAN, result(), (), RESOURCES) is None


def test_where_the_generator_was_the_limit_nothing_is_named() -> None:
    steps = (*STEPS[:-2], replace(STEPS[-2], finding=Finding.LIMITED), replace(STEPS[-1], finding=Finding.CUT))
    limited = replace(FOUND, end=End.GENERATOR, why="at 660/s the generator was late", broke_per_s=None, steps=steps)
    throttles = [0.0 if rate < THROTTLED else 80.0 for rate in RATES]
    found = of(limited, answered(limited, {"WriteThrottleEvents": throttles}))
    assert found.ranking.first is None
    assert found.ranking.undetermined == "the generator was the limit: at 660/s the generator was late"
    # What no rate was really offered in says nothing.
    assert [seen.rate_per_s for seen in found.climbed.steps] == list(RATES[:-2])


def test_throughput_is_good_answers_a_wall_second() -> None:
    """At 60 service seconds a wall second a minute is a second; without a sandbox it is a minute."""
    assert of(FOUND, ()).climbed.steps[-1].throughput_per_s == pytest.approx(RATES[-1] - 50)
    real = replace(PLAN, environment=REAL)
    found = ranked(real, result(climb=FOUND), (), RESOURCES)
    assert found is not None
    assert found.speed == 1
    assert found.climbed.steps[-1].throughput_per_s == pytest.approx((RATES[-1] - 50) / 60)


def test_rows_of_every_phase_are_looked_at() -> None:
    assert rows_of(PLAN, "stress") == [LATENCY, ERRORS, THROTTLES]


def test_of_several_limits_on_a_series_the_climbs_own_counts() -> None:
    own = replace(LATENCY, phase="stress", target=replace(LATENCY.target, value=900.0))
    for phases in ((phase("stress", own), phase("peak", LATENCY)), (phase("peak", LATENCY), phase("stress", own))):
        (seen, *_) = looked_at(rows_of(replace(PLAN, phases=phases), "stress"), RESOURCES)
        assert seen.limit == 900.0


def test_the_whole_climb_is_looked_at_in_whole_minutes() -> None:
    cut = replace(STEPS[-1], ends_at=STEPS[-1].starts_at + 20, finding=Finding.CUT)
    assert window_of(replace(FOUND, steps=(*STEPS[:-1], cut))) == Window(start=START, end=START + 60 * len(STEPS))


CLIMBED = result(phase="stress", climb=FOUND)


def ground(*, at: float) -> Ground:
    """A real environment, at a moment of service time."""
    return Ground(environment=REAL, clock=replace(ServiceClock.starting_now(), origin=at))


def test_nobody_waits_for_series_once_the_run_is_stopped() -> None:
    assert read_series(PLAN, ground(at=START), CLIMBED, lambda: "stopped") == ()


def test_what_cannot_be_read_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise Inconclusive("CloudWatch says no")

    monkeypatch.setattr(ranking, "fetch", refused)
    assert read_series(PLAN, ground(at=START + 86_400), CLIMBED, lambda: None) == ()


def test_series_are_read_until_they_are_said_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is published late is zero until then, and what waits behind it would be named."""
    calm, late, more = (answered(FOUND, {"WriteThrottleEvents": [each] * len(RATES)}) for each in (0.0, 7.0, 9.0))
    said = [calm, late, late, more]
    monkeypatch.setattr(ranking, "fetch", lambda *_: {answer.ask: answer for answer in said.pop(0)})
    fast = replace(ground(at=START), clock=replace(ServiceClock.starting_now(speed=6000), origin=START))
    assert read_series(PLAN, fast, CLIMBED, lambda: None) == late
    assert said == [more]


def test_a_series_that_was_not_read_in_full_is_told_and_what_is_named_is_first_of_the_others() -> None:
    throttles = [0.0 if rate < THROTTLED else 80.0 for rate in RATES]
    waiting = [5.0] * 12 + [400.0, 900.0]
    series = answered(FOUND, {"WriteThrottleEvents": throttles, "ApproximateNumberOfMessagesVisible": waiting})
    partial = tuple(
        replace(each, status="PartialData") if each.ask.query.name == "WriteThrottleEvents" else each for each in series
    )
    found = of(FOUND, partial).ranking
    assert found.first is not None
    assert found.first.track.name == "hot-path ApproximateNumberOfMessagesVisible"
    assert found.because == "it left its normal range before all others that could be read"
    (unread,) = [one for one in found.findings if one.track.name == "sync-jobs WriteThrottleEvents"]
    assert unread.problem == "CloudWatch's answer is PartialData, not Complete"
