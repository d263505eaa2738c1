"""False greens of a climb: a limit of the generators, a step that was no whole one, a rate that held only once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pytest_syncload.facts.climb import ClimbFound, Part
from pytest_syncload.facts.plan import Slo, Target
from pytest_syncload.facts.result import Outcome, PhaseResult, Tally
from pytest_syncload.facts.units import Kind
from pytest_syncload.load.climber import Climber, LegSeen
from pytest_syncload.load.found import found
from pytest_syncload.load.snapshot import Merged
from pytest_syncload.sources.observe import observe
from pytest_syncload.verdict import judge
from tests.conductor.test_climbing import offered as in_legs
from tests.conductor.test_climbing import summed_up, summed_up_gone
from tests.false_greens.entry import Entry, Seen, Through
from tests.false_greens.of_the_load import nothing
from tests.false_greens.offering import SEEN
from tests.load.test_climber import WAY, Worn, capacity, ride
from tests.rows import LATENCY, RESOURCES, WINDOW, answers, reading, result

_CLIMBER = "pytest_syncload.load.climber"


def point(op: str, per_s: float) -> Slo:
    target = Target(op=op, value=per_s, kind=Kind.RATE, text=f"{op} {per_s:g}/s")
    return Slo(name="breaking-point", phase="stress", target=target, line=1, metric="load.breaking_point")


def ruled(what: ClimbFound | PhaseResult, slo: Slo) -> Seen:
    """The row's verdict on a climb."""
    climbed = what if isinstance(what, PhaseResult) else replace(result(phase="stress"), climb=what)
    beside = replace(climbed, window=WINDOW, wire_requests=1800, in_flight_edges=2)
    return SEEN[judge(observe(slo, reading(answers(LATENCY)), RESOURCES, beside), beside, None).ruling]


def summed(climber: Climber, seen: Mapping[int, LegSeen]) -> ClimbFound:
    return found(climber, seen, {}, lambda wall: 6000 + 60 * wall)


def carried(leg_seen: Callable[[float], LegSeen]) -> Seen:
    """All that was answered was well; beyond 1,000/s the generators were as given. A row needs more than that."""
    climber = Climber(WAY)
    steps = [number for number, part in enumerate(climber.parts) if part is Part.STEP]
    seen = {number: leg_seen(climber.legs[number].rate_per_s) for number in steps}
    climber.look(1e6, seen, {})
    return ruled(summed(climber, seen), point(">", 1_500))


def all_well(rate: float, **changes: object) -> LegSeen:
    plain = LegSeen(tally=Tally(outcomes={Outcome.OK: math.ceil(rate)}), lag_p99_ms=1.0, busy=(40.0,))
    return replace(plain, **changes) if rate > 1_000 else plain  # type: ignore[arg-type]


def late() -> Seen:
    return carried(lambda rate: all_well(rate, lag_p99_ms=400.0))


def out_of_cpu() -> Seen:
    return carried(lambda rate: all_well(rate, busy=(99.0,)))


def dropping() -> Seen:
    def few(rate: float) -> Tally:
        return Tally(outcomes={Outcome.OK: math.ceil(rate) - 5, Outcome.DROPPED: 5}, dropped_late=5)

    return carried(lambda rate: all_well(rate, tally=few(rate)))


def half_offered() -> Seen:
    return carried(lambda rate: all_well(rate, tally=Tally(outcomes={Outcome.OK: math.ceil(rate / 2)})))


def at_least() -> Seen:
    """Nothing broke up to 2,000/s, and the row wants to know that it breaks below 5,000/s."""
    ridden = ride(WAY, capacity(math.inf))
    return ruled(found(ridden.climber, ridden.seen, ridden.seconds, lambda wall: 60 * wall), point("<", 5_000))


def cut() -> Seen:
    """The load was stopped in the first seconds of the step of 363/s, in which nothing had failed yet."""
    climber = Climber(replace(WAY, every_s=60.0, minute_s=60.0))
    steps = [number for number, part in enumerate(climber.parts) if part is Part.STEP]
    climber.stop(climber.legs[steps[2]].from_s + 3)
    counts = (300 * 60, 330 * 60, 363 * 3)
    seen = {
        number: LegSeen(tally=Tally(outcomes={Outcome.OK: count}), lag_p99_ms=1.0)
        for number, count in zip(steps, counts, strict=False)
    }
    return ruled(summed(climber, seen), point(">", 350))


def once() -> Seen:
    """880/s held on the way up and broke when they were repeated."""
    ridden = ride(WAY, Worn())
    return ruled(found(ridden.climber, ridden.seen, ridden.seconds, lambda wall: 60 * wall), point(">", 800))


def nothing_held() -> Seen:
    """The first step broke; while it did, those that were answered were answered fast."""
    ridden = ride(WAY, capacity(100.0))
    what = found(ridden.climber, ridden.seen, ridden.seconds, lambda wall: 60 * wall)
    return ruled(what, replace(LATENCY, phase="stress"))


def heard_late() -> Seen:
    """A generator heard of a turn after it applied: what it offered until then is on nobody's schedule."""
    return ruled(summed_up(late_turns=1), point(">", 1))


def went_away() -> Seen:
    """The target went away with two requests of the last good step, of which nobody knows how they would have ended."""
    ok, refused = Outcome.OK, Outcome.CONNECT_ERROR
    legs: Merged = in_legs((5, ok, 300), (6, ok, 328), (7, ok, 60), (7, refused, 90))
    return ruled(summed_up_gone(Climber(WAY), legs), point(">", 310))


def on_credit() -> Seen:
    """It bears 500/s; what a long rest refills bears a second of 643/s, and what a short one does not."""
    step = replace(WAY, recovers_within_s=60.0)
    ridden = ride(step, Credit())
    return ruled(found(ridden.climber, ridden.seen, ridden.seconds, lambda wall: 60 * wall), point(">", 600))


@dataclass
class Credit:
    """A part of what it left unused, up to 400 requests, it bears on top."""

    saved: float = 400.0
    at_s: float = 0.0

    def __call__(self, at_s: float, rate: float) -> float:
        unused = 500.0 - rate
        self.saved = min(400.0, self.saved + (0.08 if unused > 0 else 1.0) * unused * (at_s - self.at_s))
        self.at_s = at_s
        if rate <= 500 or self.saved > 0:
            self.saved = max(0.0, self.saved)
            return 0.0
        self.saved = 0.0
        return 1 - 500 / rate


def _anything(*_: object) -> bool:
    return True


def _whole(*_: object) -> bool:
    return False


ENTRIES: tuple[Entry, ...] = (
    Entry(
        name="a breaking point beyond the generator",
        mistake="The generator falls behind, offers less than it says, and the target holds that easily.",
        guards={f"{_CLIMBER}:lagged": nothing},
        through=Through.PURE,
        scenario=late,
    ),
    Entry(
        name="a generator without a core left",
        mistake="Its core is used up, so nobody reads answers in time, and what they say of the target is its own.",
        guards={f"{_CLIMBER}:busy": nothing},
        through=Through.PURE,
        scenario=out_of_cpu,
    ),
    Entry(
        name="a climb that drops what it cannot send",
        mistake="Arrivals are dropped because the generator is late, and too few to look like a failed step.",
        guards={f"{_CLIMBER}:dropped": nothing},
        through=Through.PURE,
        scenario=dropping,
    ),
    Entry(
        name="half a step",
        mistake="Half of a step's arrivals were never offered, and none of the other half failed.",
        guards={f"{_CLIMBER}:fewer": nothing},
        through=Through.PURE,
        scenario=half_offered,
    ),
    Entry(
        name="at least taken for the number",
        mistake="Nothing broke, so the breaking point is only known to lie higher, and a row bounds it from above.",
        guards={"pytest_syncload.sources.climbed:satisfied_from": _anything},
        through=Through.PURE,
        scenario=at_least,
    ),
    Entry(
        name="a step that was broken off",
        mistake="The load stopped in the middle of a step, and what was seen of it counts as a whole one.",
        guards={f"{_CLIMBER}:Climber._is_cut": _whole},
        through=Through.PURE,
        scenario=cut,
    ),
    Entry(
        name="what held only once",
        mistake="A rate held on the way up and broke when it was repeated, and the better of the two is reported.",
        guards={
            "pytest_syncload.load.found:held_below": lambda steps, _: [
                step for step in steps if step.finding.value == "held"
            ]
        },
        through=Through.PURE,
        scenario=once,
    ),
    Entry(
        name="a rate that is borne on credit",
        mistake="What a rest refills bears a step that cannot be borne for longer; it broke whenever it was repeated.",
        guards={"pytest_syncload.sources.climbed:require_undoubted": nothing},
        through=Through.PURE,
        scenario=on_credit,
    ),
    Entry(
        name="a metric of a step that broke",
        mistake="No step held, so a row on a metric is judged in one that broke.",
        guards={"pytest_syncload.sources.observe:last_step_held": nothing},
        through=Through.PURE,
        scenario=nothing_held,
    ),
    Entry(
        name="a turn that was heard too late",
        mistake="A generator goes on with the old rate for a while, and nobody knows what was offered.",
        guards={"pytest_syncload.conductor.climbing:late_turns": lambda _: []},
        through=Through.PURE,
        scenario=heard_late,
    ),
    Entry(
        name="answers that went away with the target",
        mistake="The target ends, and with it the requests of the last good step that nobody had an answer to.",
        guards={"pytest_syncload.conductor.climbing:unanswered": lambda *_: []},
        through=Through.PURE,
        scenario=went_away,
    ),
)
