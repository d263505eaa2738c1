"""Climbs against targets of every kind, in no time: what was seen decides, and the clock is a number."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.climb import End, Finding, Part
from pytest_syncload.facts.plan import Arrivals
from pytest_syncload.facts.result import Outcome, Tally
from pytest_syncload.load.climber import LEAD_S, Climber, LegSeen, Way
from pytest_syncload.load.course import Course, scheduled

#: The share that fails at a moment under a rate.
Fails = Callable[[float, float], float]

RESTING = Part.RECOVERY
WAY = Way(
    from_per_s=300.0,
    step_percent=10.0,
    every_s=1.0,
    failed_percent=1.0,
    at_most_per_s=2000.0,
    timeout_s=1.0,
    minute_s=1.0,
)


def capacity(per_s: float) -> Fails:
    return lambda _, rate: max(0.0, 1 - per_s / rate)


@dataclass
class Collapsing:
    """Beyond its capacity it fails altogether, until it had ``rest_s`` in a row of at most ``rest_per_s``."""

    per_s: float
    rest_per_s: float
    rest_s: float
    down: bool = False
    rested_since: float | None = None

    def __call__(self, at_s: float, rate: float) -> float:
        if not self.down:
            self.down = rate > self.per_s
            return 0.5 if self.down else 0.0
        if rate > self.rest_per_s:
            self.rested_since = None
        elif self.rested_since is None:
            self.rested_since = at_s
        elif at_s - self.rested_since >= self.rest_s:
            self.down = False
            return 0.0
        return 1.0


@dataclass
class Ridden:
    """A climb as it went: every leg that was offered, and when it ended."""

    climber: Climber
    offered: list[tuple[float, float]] = field(default_factory=list)
    ended_s: float = 0.0
    seen: dict[int, LegSeen] = field(default_factory=dict)
    seconds: dict[int, Tally] = field(default_factory=dict)

    def findings(self, part: Part) -> list[Finding]:
        climber = self.climber
        numbers = [number for number, each in enumerate(climber.parts) if each is part]
        return [climber.finding(number, self.seen, self.seconds) for number in numbers]

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """The highest rate that held below the lowest that broke, and that one."""
        climber = self.climber
        judged = {
            leg.rate_per_s: climber.finding(number, self.seen, self.seconds)
            for number, (leg, part) in enumerate(zip(climber.legs, climber.parts, strict=True))
            if part in (Part.STEP, Part.FINE)
        }
        broke = min((rate for rate, finding in judged.items() if finding is Finding.BROKE), default=None)
        below = [rate for rate, finding in judged.items() if finding is Finding.HELD and rate < (broke or math.inf)]
        return max(below, default=None), broke


def ride(
    way: Way, fails: Fails, *, known_after_s: float = 1.2, lag_ms: Callable[[float], float] = lambda _: 1.0
) -> Ridden:
    """Offer the climb to a target in slices of a tenth of a second; what was due is known a little later."""
    climber = Climber(way)
    ridden = Ridden(climber)
    course = Course(climber.legs)
    happened: list[tuple[float, int, float, float, float]] = []
    now, tick = 0.0, 0.1
    while now < course.ends_s:
        number = next(at for at, (start, end) in enumerate(course.windows) if start <= now + 1e-9 < end)
        rate = climber.legs[number].rate_per_s
        if rate:
            ridden.offered.append((now, rate))
            happened.append((now, number, rate * tick, rate * tick * fails(now, rate), rate))
        now = round(now + tick, 6)
        if round(now * 10) % 5 == 0:
            ridden.seen, ridden.seconds = seen_of([each for each in happened if each[0] + known_after_s <= now], lag_ms)
            turn = climber.look(now, ridden.seen, ridden.seconds)
            if turn is not None:
                assert turn.at_s >= now + LEAD_S - 1e-9, "nobody is told too late"
                course.turn(turn.at_s, turn.legs)
                assert course.windows == [(leg.from_s, leg.to_s) for leg in climber.legs]
    ridden.ended_s = now
    ridden.seen, ridden.seconds = seen_of(happened, lag_ms)
    return ridden


def seen_of(
    happened: list[tuple[float, int, float, float, float]], lag_ms: Callable[[float], float]
) -> tuple[dict[int, LegSeen], dict[int, Tally]]:
    legs: dict[int, list[float]] = {}
    seconds: dict[int, list[float]] = {}
    rates: dict[int, float] = {}
    for at_s, number, arrivals, failed, rate in happened:
        rates[number] = rate
        for sums in (legs.setdefault(number, [0, 0]), seconds.setdefault(math.floor(at_s + 1e-9), [0, 0])):
            sums[0] += arrivals
            sums[1] += failed
    return (
        {number: LegSeen(tally=tally(*sums), lag_p99_ms=lag_ms(rates[number])) for number, sums in legs.items()},
        {at: tally(*sums) for at, sums in seconds.items()},
    )


def tally(arrivals: float, failed: float) -> Tally:
    bad = round(failed)
    return Tally(outcomes={Outcome.OK: round(arrivals) - bad, Outcome.SERVER_ERROR: bad})


@pytest.mark.parametrize("per_s", [333.0, 400.0, 777.0, 1234.0, 1900.0])
def test_the_breaking_point_lies_in_the_interval_which_is_a_quarter_of_a_step(per_s: float) -> None:
    ridden = ride(WAY, capacity(per_s))
    held, broke = ridden.interval
    assert ridden.climber.end is End.FOUND
    assert held is not None
    assert broke is not None
    # What broke is one per cent of failures beyond the capacity.
    assert held <= per_s / 0.99 < broke + 1
    assert broke / held - 1 <= 0.1 / 4 + 0.001
    assert abs(held / per_s - 1) < 0.05


def test_one_that_never_breaks_is_told_so_at_the_last_rate() -> None:
    ridden = ride(WAY, capacity(math.inf))
    assert ridden.climber.end is End.NEVER_BROKE
    assert ridden.interval == (WAY.at_most_per_s, None)
    assert ridden.findings(Part.STEP) == [Finding.HELD] * len(WAY.rates)


def test_one_that_fails_at_the_first_step_is_not_climbed_further() -> None:
    ridden = ride(WAY, capacity(100.0))
    assert ridden.climber.end is End.NOTHING_HELD
    assert ridden.interval == (None, 300.0)
    assert max(rate for _, rate in ridden.offered) <= WAY.rates[3]
    assert ridden.ended_s < 10


def test_one_that_collapses_and_recovers_is_approached_again_once_it_has() -> None:
    ridden = ride(WAY, Collapsing(per_s=700.0, rest_per_s=420.0, rest_s=4.0))
    assert ridden.climber.end is End.FOUND
    assert 4 <= (ridden.climber.recovered_after_s or 0) <= 7
    held, broke = ridden.interval
    assert (held or 0) <= 700 < (broke or 0)


def test_one_that_stays_down_is_given_up_in_time() -> None:
    ridden = ride(WAY, Collapsing(per_s=700.0, rest_per_s=0.0, rest_s=1e9))
    assert ridden.climber.end is End.NOT_RECOVERED
    assert "within 10 s" in ridden.climber.why
    assert ridden.ended_s <= WAY.longest_s


@dataclass
class Slow:
    """Beyond its capacity it falls to a tenth, and comes back by so much a second while load is below 60 % of it."""

    per_s: float
    back_per_s: float
    now_per_s: float = 0.0
    asked_at: float = 0.0

    def __call__(self, at_s: float, rate: float) -> float:
        self.now_per_s = self.now_per_s or self.per_s
        if rate > self.now_per_s:
            failed = 1 - self.now_per_s / rate
            self.now_per_s = min(self.now_per_s, 0.1 * self.per_s) if rate > self.per_s else self.now_per_s
        else:
            failed = 0.0
        if rate < 0.6 * self.per_s:
            self.now_per_s = min(self.per_s, self.now_per_s + self.back_per_s * (at_s - self.asked_at))
        self.asked_at = at_s
        return failed


def test_one_that_comes_back_slowly_is_asked_again_less_and_less_often() -> None:
    way = replace(WAY, recovers_within_s=60.0)
    ridden = ride(way, Slow(per_s=700.0, back_per_s=0.9 * 700 / 30))
    assert ridden.climber.end is End.FOUND
    held, broke = ridden.interval
    assert (held or 0) <= 700 / 0.99 < (broke or 0) + 1
    assert 25 < (ridden.climber.recovered_after_s or 0) < 50
    rests = [
        leg.seconds for leg, part in zip(ridden.climber.legs, ridden.climber.parts, strict=True) if part is RESTING
    ]
    assert len(rests) > 2
    assert ridden.ended_s <= way.longest_s


def test_one_that_does_not_come_back_in_time_is_told_by_what_it_did_not_hold() -> None:
    way = replace(WAY, recovers_within_s=18.0)
    ridden = ride(way, Slow(per_s=700.0, back_per_s=0.9 * 700 / 30))
    assert ridden.climber.end is End.NOT_CONFIRMED
    assert ridden.ended_s <= way.longest_s


@dataclass
class Worn:
    """It holds 900/s until that was too much once, and from then on 500/s."""

    per_s: float = 900.0

    def __call__(self, _: float, rate: float) -> float:
        if rate > self.per_s:
            self.per_s = 500.0
        return max(0.0, 1 - self.per_s / rate)


def test_what_held_once_and_not_again_is_not_confirmed() -> None:
    ridden = ride(WAY, Worn())
    assert ridden.climber.end is End.NOT_CONFIRMED
    held, broke = ridden.interval
    assert (held or 0) < (broke or 0) < 900


def test_a_generator_at_its_limit_is_no_breaking_point() -> None:
    ridden = ride(WAY, capacity(1500.0), lag_ms=lambda rate: 1.0 if rate < 1000 else 250.0)
    assert ridden.climber.end is End.GENERATOR
    assert "the generator's own lag was 250 ms" in ridden.climber.why
    held, broke = ridden.interval
    assert broke is None
    assert held is not None


def test_a_step_that_ended_for_the_generators_is_theirs_whatever_failed_in_it() -> None:
    """Nobody reads answers in time there: they fail, and the step is cut."""
    climber = Climber(replace(WAY, every_s=60.0, minute_s=60.0))
    first, second = (number for number, part in enumerate(climber.parts[:7]) if part is Part.STEP)
    seen = {first: LegSeen(tally=tally(18_000, 0), lag_p99_ms=1.0)}
    seen[second] = LegSeen(tally=tally(6_000, 900), lag_p99_ms=400.0)
    climber.look(climber.legs[second].from_s + 20, seen, {})
    assert climber.end is End.GENERATOR
    assert [climber.finding(number, seen, {}) for number in (first, second)] == [Finding.HELD, Finding.LIMITED]


def test_what_failed_in_the_step_before_the_generators_limit_is_theirs_too() -> None:
    """Its last answers came while nobody read them, and became timeouts after the climb had ended."""
    climber = Climber(replace(WAY, every_s=60.0, minute_s=60.0))
    first, second, third = [number for number, part in enumerate(climber.parts) if part is Part.STEP][:3]
    seen = {first: LegSeen(tally=tally(18_000, 0)), second: LegSeen(tally=tally(19_700, 0))}
    seen[third] = LegSeen(tally=tally(2_000, 0), busy=(99.0, 99.0))
    climber.look(climber.legs[third].from_s + 3, seen, {})
    assert climber.end is End.GENERATOR
    seen[second] = LegSeen(tally=tally(19_800, 500))
    findings = [climber.finding(number, seen, {}) for number in (first, second, third)]
    assert findings == [Finding.HELD, Finding.LIMITED, Finding.LIMITED]


@pytest.mark.parametrize("seed", range(12))
def test_arrivals_at_random_that_are_fewer_than_the_rate_says_are_not_the_generators_limit(seed: int) -> None:
    way = replace(WAY, arrivals=Arrivals.POISSON, seed=seed)
    climber = Climber(way)
    steps = [number for number, part in enumerate(climber.parts) if part is Part.STEP]
    drawn = {number: scheduled(climber.legs[number], number, Arrivals.POISSON, seed) for number in steps}
    seen = {number: LegSeen(tally=tally(arrivals, 0), lag_p99_ms=1.0) for number, arrivals in drawn.items()}
    assert any(drawn[number] < 0.99 * climber.legs[number].rate_per_s for number in steps)
    assert {climber.finding(number, seen, {}) for number in steps} == {Finding.HELD}
    fewer = {number: LegSeen(tally=tally(0.98 * arrivals, 0), lag_p99_ms=1.0) for number, arrivals in drawn.items()}
    assert {climber.finding(number, fewer, {}) for number in steps} == {Finding.LIMITED}


def test_of_very_many_arrivals_at_random_chance_makes_no_hundredth() -> None:
    way = replace(WAY, from_per_s=20_000.0, at_most_per_s=20_000.0, every_s=60.0, arrivals=Arrivals.POISSON)
    climber = Climber(way)
    step = climber.parts.index(Part.STEP)
    found = {count: LegSeen(tally=tally(count, 0), lag_p99_ms=1.0) for count in (1_187_000, 1_190_000)}
    assert [climber.finding(step, {step: seen}, {}) for seen in found.values()] == [Finding.LIMITED, Finding.HELD]


def test_arrivals_at_random_have_all_ended_only_when_time_says_so() -> None:
    """More than the rate says may have been drawn, and the last of them hang."""
    climber = Climber(replace(WAY, arrivals=Arrivals.POISSON, at_most_per_s=300.0))
    step = climber.parts.index(Part.STEP)
    seen = {step: LegSeen(tally=tally(330, 0), lag_p99_ms=1.0)}
    assert climber.look(2.2, seen, {}) is None
    assert climber.look(2 + WAY.listening_s, seen, {}) is not None


@pytest.mark.parametrize("within_s", [1.6, 2.0, 2.7])
def test_a_target_with_little_time_to_recover_has_done_so_in_the_whole_seconds_there_are(within_s: float) -> None:
    ridden = ride(replace(WAY, recovers_within_s=within_s), capacity(700.0), known_after_s=0.4)
    assert ridden.climber.end is End.FOUND
    assert ridden.ended_s <= ridden.climber.parts.count(Part.STEP) + 30


def test_load_that_ended_by_itself_leaves_no_step_that_nobody_came_to() -> None:
    climber = Climber(WAY)
    climber.stop(2.4)
    assert [part for part in climber.parts if part is Part.STEP] == [Part.STEP] * 2
    assert climber.legs[-1].to_s == 2.4
    none = Climber(WAY)
    none.stop(0.3)
    assert none.parts[-1] is Part.STEP
    assert none.finding(len(none.parts) - 1, {}, {}) is Finding.CUT


WAYS = st.builds(
    lambda start, step, every, limit, more, timeout, recovery: Way(
        from_per_s=start, step_percent=step, every_s=float(every), failed_percent=limit,
        at_most_per_s=start * more, timeout_s=timeout, minute_s=1.0,
        recovers_within_s=recovery,
    ),
    st.floats(50, 500), st.floats(5, 60), st.integers(1, 3), st.floats(0.5, 20), st.floats(1, 5), st.floats(0.1, 3),
    st.none() | st.floats(0.5, 40),
)  # fmt: skip


@given(
    way=WAYS,
    share=st.floats(0.1, 8),
    hysteresis=st.floats(0, 1.2),
    rest_s=st.floats(0, 20),
    known_after_s=st.floats(0.1, 4),
    lag_at=st.floats(0.5, 9),
)
def test_no_climb_goes_above_its_limit_or_beyond_its_time(
    way: Way, share: float, hysteresis: float, rest_s: float, known_after_s: float, lag_at: float
) -> None:
    per_s = way.from_per_s * share
    target = Collapsing(per_s=per_s, rest_per_s=per_s * hysteresis, rest_s=rest_s)
    ridden = ride(
        way, target, known_after_s=known_after_s, lag_ms=lambda rate: 1.0 if rate < way.from_per_s * lag_at else 200.0
    )
    assert ridden.ended_s <= way.longest_s + 1e-6
    assert max(leg.rate_per_s for leg in ridden.climber.legs) <= way.at_most_per_s + 1e-9
    assert max(rate for _, rate in ridden.offered) <= way.at_most_per_s + 1e-9
    assert ridden.climber.over
    assert ridden.climber.end is not None
    for number, (leg, part) in enumerate(zip(ridden.climber.legs, ridden.climber.parts, strict=True)):
        if part in (Part.STEP, Part.FINE):
            assert leg.from_s == pytest.approx(round(leg.from_s / way.minute_s) * way.minute_s), number
