"""How a climb goes on, pure: what was seen of its legs decides which follow. Nothing is sent or waited for here.

It climbs step by step until one breaks, lets the load fall until the target holds again, and approaches the rate that
broke in quarters of a step. It ends within `longest_s`, and no leg is ever above ``at_most_per_s``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from pytest_syncload.facts.climb import End, Finding, Leg, Part
from pytest_syncload.facts.plan import Arrivals
from pytest_syncload.facts.result import Tally
from pytest_syncload.facts.units import format_number
from pytest_syncload.load.course import scheduled, turned
from pytest_syncload.load.limited import busy, dropped, fewer, lagged
from pytest_syncload.load.validity import ACHIEVED

#: Failures are looked at over so many wall seconds, or a step where that is shorter: once a step cannot have held, load
#: need not go on.
SLIDING_S = 10.0
#: A turn is told so long before it applies, so that it reaches every generator in time.
LEAD_S = 0.5
#: What was sent has ended this long after its timeout, or will not be counted.
_GRACE_S = 1.0
#: A rest at the end lasts so much longer than the last answer may take: what that says can still turn the course.
_SPARE_S = 3.0
#: Legs of the ramp before the first step, each a fifth more: from nothing to thousands a second, each request would
#: open a connection of its own.
_RAMP_LEGS = 5
#: The load falls to this share of what held last: a target that has collapsed often needs less than what broke it
#: ("hysteresis"), and what held is known to hold at less.
_REST_SHARE = 0.5
#: How many steps' time a target has to recover where slo.yaml does not say.
_RECOVERY_STEPS = 10
#: Quarters of a step.
_FINE = 4
#: Recovered is what holds for so many whole seconds in a row, or as many as there are where it has less time. One that
#: does not hold what it held before rests again, and for twice as long: who comes back slowly must not be kept down by
#: being asked too often.
_RECOVERED_S = 3
#: By so many standard deviations may a second have fewer random arrivals than its rate says.
_CHANCE = 3.0
#: So many random arrivals are as many as the rate says, but for a thousandth; to draw them again would take a second.
_MANY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What slo.yaml says of a climb, in wall seconds and the rates that are really offered.

    ``minute_s`` is a service minute: what is judged begins on one, and ``every_s`` is several.
    """

    from_per_s: float
    step_percent: float
    every_s: float
    failed_percent: float
    at_most_per_s: float
    timeout_s: float
    minute_s: float
    recovers_within_s: float | None = None
    arrivals: Arrivals = Arrivals.CONSTANT
    seed: int = 1

    @property
    def recovery_s(self) -> float:
        """How long the target may take to hold again."""
        return _RECOVERY_STEPS * self.every_s if self.recovers_within_s is None else self.recovers_within_s

    @property
    def rates(self) -> tuple[float, ...]:
        """Of the steps, in order; the last is ``at_most_per_s``."""
        rates = [self.from_per_s]
        while (following := rates[-1] * (1 + self.step_percent / 100)) < self.at_most_per_s:
            rates.append(following)
        if rates[-1] < self.at_most_per_s:
            rates.append(self.at_most_per_s)
        return tuple(rates)

    @property
    def listening_s(self) -> float:
        """How long the last answers may be waited for."""
        return self.timeout_s + _GRACE_S

    @property
    def longest_s(self) -> float:
        """Wall seconds from the start that the climb lasts at most."""
        turns = 3 * (LEAD_S + self.minute_s)
        legs = 1 + len(self.rates) + _FINE
        return legs * self.every_s + self.recovery_s + 2 * (self.listening_s + _SPARE_S) + turns


@dataclass(frozen=True, slots=True, kw_only=True)
class LegSeen:
    """What is known of a leg's arrivals. ``lag_p99_ms`` is the generators' own; None where nothing was. ``busy`` is
    how many percent of a core the busiest generator used in each of its seconds, as far as they are known."""

    tally: Tally
    lag_p99_ms: float | None = None
    p95_ms: float | None = None
    mean_ms: float | None = None
    busy: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """From ``at_s`` on, these legs and no other."""

    at_s: float
    legs: tuple[Leg, ...]


class _Stage(Enum):
    CLIMBING = auto()
    RECOVERING = auto()
    APPROACHING = auto()
    OVER = auto()


class Climber:
    """One climb. Ask `look` every second or so with what is known; it says when the course turns."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._stage = _Stage.CLIMBING
        self.legs: list[Leg] = []
        self.parts: list[Part] = []
        self.end: End | None = None
        self.why = ""
        self.recovered_after_s: float | None = None
        self._fell_at = 0.0
        #: How often the approach began although the target had not recovered: what had held broke in it.
        self.tries = 0
        #: The step at which the generators were at their limit.
        self._too_much: int | None = None
        self._drawn: dict[tuple[Leg, int], int] = {}
        #: Rates of the climb's last step that held and the one that broke.
        self._held = self._broke = 0.0
        fifth = way.every_s / _RAMP_LEGS
        self._append(Part.RAMP, [(fifth, way.from_per_s * (each + 1) / _RAMP_LEGS) for each in range(_RAMP_LEGS)])
        self._append(Part.STEP, [(way.every_s, rate) for rate in way.rates])
        self._append(Part.LISTENING, [(way.listening_s + _SPARE_S, 0.0)])

    @property
    def over(self) -> bool:
        """Whether nothing more will be offered."""
        return self._stage is _Stage.OVER

    @property
    def repeated_per_s(self) -> float | None:
        """The rate that the approach begins with; None where there was none."""
        return self._held or None

    def look(self, now_s: float, seen: Mapping[int, LegSeen], seconds: Mapping[int, Tally]) -> Turn | None:
        """What follows from what is known at ``now_s`` (wall, from the start): a turn, or None to go on as planned.

        ``seen`` is by the leg's number, ``seconds`` by the second in which arrivals were due.
        """
        match self._stage:
            case _Stage.CLIMBING:
                return self._climb(now_s, seen, seconds)
            case _Stage.RECOVERING:
                return self._recover(now_s, seconds)
            case _Stage.APPROACHING:
                return self._approach(now_s, seen, seconds)
            case _Stage.OVER:
                return None

    def finding(self, number: int, seen: Mapping[int, LegSeen], seconds: Mapping[int, Tally]) -> Finding:
        """What became of a step once everything is known."""
        # Ended for that, it was cut there; what failed in it then is not the target's doing.
        if number == self._too_much:
            return Finding.LIMITED
        if self._limited(number, seen, math.inf) is not None and not self._is_cut(number):
            return Finding.LIMITED
        if self._has_broken(number, seen, seconds, math.inf):
            # Had it broken before, the load had fallen. What failed since then waited for answers that nobody read.
            is_before = self._too_much is not None and self.parts[number] is self.parts[self._too_much]
            return Finding.LIMITED if is_before else Finding.BROKE
        return Finding.CUT if self._is_cut(number) else Finding.HELD

    def stop(self, at_s: float) -> None:
        """The load has ended by itself at ``at_s``: what was to come never was. The first step stays in any case."""
        first = self.legs[self._numbers(Part.STEP)[0]]
        self._turn(max(at_s, math.nextafter(first.from_s, math.inf)), [])

    # The stages.

    def _climb(self, now_s: float, seen: Mapping[int, LegSeen], seconds: Mapping[int, Tally]) -> Turn | None:
        steps = self._numbers(Part.STEP)
        for number in steps:
            if self.legs[number].from_s > now_s:
                return None
            if (why := self._limited(number, seen, now_s)) is not None:
                return self._finish_at_limit(now_s, number, why)
            if self._has_broken(number, seen, seconds, now_s):
                return self._fall(now_s, number, steps[0])
        if all(self._is_settled(number, seen, now_s) for number in steps):
            most = format_number(self._way.at_most_per_s)
            return self._finish(now_s, End.NEVER_BROKE, f"every step up to at_most, {most}/s, held")
        return None

    def _fall(self, now_s: float, broken: int, first: int) -> Turn | None:
        self._broke = self.legs[broken].rate_per_s
        if broken == first:
            rate = format_number(self._broke)
            return self._finish(now_s, End.NOTHING_HELD, f"it was {rate}/s")
        self._held = self.legs[broken - 1].rate_per_s
        self._fell_at = now_s + LEAD_S
        return self._rest(now_s)

    def _rest(self, now_s: float) -> Turn:
        """Little load, until the target holds it or its time to recover is over."""
        self._stage = _Stage.RECOVERING
        at_s, way = now_s + LEAD_S, self._way
        rest = (self._fell_at + way.recovery_s - at_s, self._held * _REST_SHARE)
        return self._turn(at_s, [(Part.RECOVERY, rest), (Part.LISTENING, (way.listening_s + _SPARE_S, 0.0))])

    def _recover(self, now_s: float, seconds: Mapping[int, Tally]) -> Turn | None:
        leg = self.legs[self._numbers(Part.RECOVERY)[-1]]
        # The last seconds that must have ended by now; an answer is due after a timeout at most.
        first = math.ceil(leg.from_s)
        needed = max(1, min(_RECOVERED_S << self.tries, math.floor(leg.to_s) - first))
        for last in range(math.floor(now_s) - 1, first + needed - 2, -1):
            stretch = range(last - needed + 1, last + 1)
            if all(self._holds(seconds.get(at), leg.rate_per_s) for at in stretch):
                return self._go_near(now_s, last + 1)
        if now_s >= leg.to_s + _GRACE_S:  # by then its last second was told
            waited = format_number(round(leg.to_s - self._fell_at, 1))
            held = self._held if self.tries else leg.rate_per_s
            why = f"it did not hold {format_number(held)}/s within {waited} s after the load fell"
            return self._finish(now_s, End.NOT_RECOVERED, why)
        return None

    def _go_near(self, now_s: float, recovered_s: float) -> Turn:
        self.recovered_after_s = max(0.0, recovered_s - self._fell_at)
        self._stage = _Stage.APPROACHING
        way = self._way
        at_s = math.ceil((now_s + LEAD_S) / way.minute_s - 1e-9) * way.minute_s
        quarter = (self._broke - self._held) / _FINE
        fine = [(Part.FINE, (way.every_s, self._held + quarter * each)) for each in range(_FINE)]
        # Until then the rest goes on.
        return self._turn(at_s, [*fine, (Part.LISTENING, (way.listening_s + _SPARE_S, 0.0))])

    def _approach(self, now_s: float, seen: Mapping[int, LegSeen], seconds: Mapping[int, Tally]) -> Turn | None:
        fine = self._numbers(Part.FINE)
        for number in fine:
            if self.legs[number].from_s > now_s:
                return None
            if (why := self._limited(number, seen, now_s)) is not None:
                return self._finish_at_limit(now_s, number, why)
            if self._has_broken(number, seen, seconds, now_s):
                rate = format_number(self.legs[number].rate_per_s)
                if number == fine[0]:
                    if self._may_rest(now_s):
                        # They show that the target had not recovered, and nothing of its breaking point.
                        for each in fine:
                            self.parts[each] = Part.RECOVERY
                        self.tries += 1
                        return self._rest(now_s)
                    return self._finish(now_s, End.NOT_CONFIRMED, f"{rate}/s held in the climb and broke when repeated")
                return self._finish(now_s, End.FOUND, f"{rate}/s did not hold")
        if all(self._is_settled(number, seen, now_s) for number in fine):
            return self._finish(now_s, End.FOUND, f"{format_number(self._broke)}/s did not hold in the climb")
        return None

    def _may_rest(self, now_s: float) -> bool:
        """Whether the target has time left to recover, and to show it."""
        left_s = self._fell_at + self._way.recovery_s - now_s - LEAD_S
        return left_s > _RECOVERED_S << (self.tries + 1)

    def _finish(self, now_s: float, end: End, why: str) -> Turn:
        self._stage = _Stage.OVER
        self.end, self.why = end, why
        return self._turn(now_s + LEAD_S, [])

    def _finish_at_limit(self, now_s: float, number: int, why: str) -> Turn:
        self._too_much = number
        return self._finish(now_s, End.GENERATOR, why)

    # What is known of a leg.

    def _has_broken(self, number: int, seen: Mapping[int, LegSeen], seconds: Mapping[int, Tally], now_s: float) -> bool:
        """Whether more failed than may, in the step or in any stretch of it."""
        leg, limit = self.legs[number], self._way.failed_percent / 100
        found = seen.get(number)
        if found is not None and found.tally.failed > limit * leg.rate_per_s * leg.seconds:
            return True
        width = round(min(SLIDING_S, leg.seconds))
        first, last = math.ceil(leg.from_s), math.floor(min(leg.to_s, now_s))
        return any(
            sum(seconds[at].failed for at in range(start, start + width) if at in seconds)
            > limit * leg.rate_per_s * width
            for start in range(first, last - width + 1)
            if width
        )

    def _is_cut(self, number: int) -> bool:
        """Whether the load turned before the step was over."""
        return self.legs[number].seconds < self._way.every_s - 1e-6

    def _is_settled(self, number: int, seen: Mapping[int, LegSeen], now_s: float) -> bool:
        """Whether every arrival of the leg has its outcome, or will have none."""
        leg, found = self.legs[number], seen.get(number)
        if now_s >= leg.to_s + self._way.listening_s:
            return True
        # Drawn at random, how many are due is known only by drawing them all again: there, time tells.
        if found is None or now_s < leg.to_s or self._way.arrivals is not Arrivals.CONSTANT:
            return False
        return found.tally.arrivals >= self._due(number)

    def _limited(self, number: int, seen: Mapping[int, LegSeen], now_s: float) -> str | None:
        """Whether the generators, and not the target, could not carry the leg."""
        leg, found = self.legs[number], seen.get(number)
        if found is None:
            return None
        why = dropped(found.tally.dropped_late) or lagged(found.lag_p99_ms) or busy(found.busy, leg.seconds)
        if why is None and now_s >= leg.to_s + self._way.listening_s:
            why = fewer(found.tally.arrivals, self._due(number))
        return None if why is None else f"at {format_number(leg.rate_per_s)}/s {why}"

    def _due(self, number: int) -> int:
        """How many arrivals the leg has: where chance draws them, as many as were drawn."""
        leg, arrivals = self.legs[number], self._way.arrivals
        if arrivals is not Arrivals.CONSTANT and leg.rate_per_s * leg.seconds >= _MANY:
            return round(leg.rate_per_s * leg.seconds)
        if (leg, number) not in self._drawn:
            self._drawn[leg, number] = scheduled(leg, number, arrivals, self._way.seed)
        return self._drawn[leg, number]

    def _holds(self, second: Tally | None, rate_per_s: float) -> bool:
        """Whether a whole second of a leg is known and few enough of it failed."""
        least = rate_per_s * ACHIEVED
        if self._way.arrivals is not Arrivals.CONSTANT:
            least -= _CHANCE * math.sqrt(rate_per_s)
        if second is None or second.arrivals < max(1, math.floor(least)):
            return False
        return second.failed <= self._way.failed_percent / 100 * second.arrivals

    # The legs.

    def _numbers(self, part: Part) -> list[int]:
        return [number for number, each in enumerate(self.parts) if each is part]

    def _append(self, part: Part, legs: Sequence[tuple[float, float]]) -> None:
        for seconds, rate in legs:
            start = self.legs[-1].to_s if self.legs else 0.0
            # Rounded, so that fifths of a step add up to its end.
            self.legs.append(Leg(start, round(start + seconds, 9), rate))
            self.parts.append(part)

    def _turn(self, at_s: float, then: Sequence[tuple[Part, tuple[float, float]]]) -> Turn:
        self.legs = turned(self.legs, at_s, ())
        del self.parts[len(self.legs) :]
        kept = len(self.legs)
        for part, leg in then:
            self._append(part, [leg])
        return Turn(at_s, tuple(self.legs[kept:]))
