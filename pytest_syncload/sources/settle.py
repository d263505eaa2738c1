"""Waits until CloudWatch has said its last word on a window, and checks that the word is about this load.

Values keep changing while samples arrive (CloudWatch user guide: convergence can take up to 10 minutes). Settled is:
every answer Complete and without a message, a request count for every minute of the window, no series that has only
some of its minutes, two polls at least a service minute apart that agree, no count that fell from a poll to a later
one, and a request count that fits what was put on the wire.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import tenacity

from pytest_syncload.facts.catalogue import Role
from pytest_syncload.facts.clock import MINUTE, ServiceClock
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.result import Window
from pytest_syncload.facts.units import format_number
from pytest_syncload.sources.aws import Passing
from pytest_syncload.sources.cloudwatch import (
    COMPLETE,
    CONTRADICTORY,
    COUNTING,
    MINUTE_S,
    Answer,
    Ask,
    fetch,
    told_minutes,
)

#: Service minutes after the hold at which a window that has not settled is inconclusive.
DEADLINE_MINUTES = 15
#: Service minutes after the last one looked at before which nothing is final: AWS publishes one to three minutes late.
EARLIEST_MINUTES = 3
#: How far the service's own request count may lie from what was put on the wire, besides requests open at the edges.
COUNT_TOLERANCE = 0.01
#: How far it may at most, whatever was open: requests of others, which differ the count too, could hide slow ones.
MOST_TOLERANCE = 0.05
#: Requests open at the edges that always count: in a phase of some hundreds one stall at its end is more than 5 %.
FEW_REQUESTS = 20
#: How far a count may fall between two polls by the order alone in which it was added up.
_ADDED_UP_OTHERWISE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The last answers, and what keeps them from being final.

    ``problem`` concerns every row (None: nothing does). ``doubts`` concern the rows that ask a query, by its text.
    """

    answers: dict[Ask, Answer]
    problem: str | None
    attempts: int
    doubts: Mapping[str, str] = field(default_factory=dict)


class _NotYet(Exception):
    """Not settled; the text says what is missing. ``doubts`` are set where it is a matter of single queries."""

    def __init__(self, what: str, doubts: Mapping[str, str] | None = None) -> None:
        super().__init__(what)
        self.doubts = doubts or {}


def settle(
    client: Any,
    asks: Sequence[Ask],
    traffic: Ask,
    clock: ServiceClock,
    *,
    wire_requests: int,
    in_flight_edges: int,
    waiting: Callable[[int, str], None],
) -> Reading:
    """Poll until settled or past the deadline. ``waiting(attempt, what)`` is told before each further poll.

    The hold is ``traffic``'s window; a row that must drain looks behind it.
    """
    last: dict[Ask, Answer] = {}
    attempts = 0
    highest: dict[Ask, dict[float, float]] = {}
    fell: dict[str, str] = {}
    deadline = traffic.window.end + DEADLINE_MINUTES * MINUTE
    looked_until = max(ask.window.end for ask in (*asks, traffic))

    def poll() -> dict[Ask, Answer]:
        nonlocal last, attempts
        attempts += 1
        try:
            before, last = last, fetch(client, (*asks, traffic), lambda: clock.now() >= deadline)
        except Passing as error:
            raise _NotYet(str(error)) from None
        fell.update(fallen(highest, last))
        if str(traffic.query) in fell:
            raise Inconclusive(fell[str(traffic.query)])
        _keep_highest(highest, last)
        if early := too_early(clock.now(), looked_until):
            raise _NotYet(early)  # this poll is kept for the next to agree with
        doubts = unsettled(before, last)
        missing = _of_traffic(doubts, last[traffic]) or unreconciled(
            last[traffic], wire_requests=wire_requests, in_flight_edges=in_flight_edges
        )
        if missing:
            raise _NotYet(missing)
        # What fell is not waited for: no later agreement says which of the two was right.
        if waited_for := {query: what for query, what in doubts.items() if query not in fell}:
            raise _NotYet(next(iter(waited_for.values())), waited_for)
        return last

    def say(state: tenacity.RetryCallState) -> None:
        if state.outcome is not None and (error := state.outcome.exception()):
            waiting(attempts, str(error))

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_NotYet),
        # A service minute and a little: two polls that agree must be at least one apart.
        wait=tenacity.wait_fixed(clock.wall_seconds(MINUTE * 1.05)),
        stop=lambda _: clock.now() >= deadline,
        before_sleep=say,
        reraise=True,
    )
    try:
        return Reading(answers=retrying(poll), problem=None, attempts=attempts, doubts=fell)
    except _NotYet as error:
        waited = f"CloudWatch did not settle within {DEADLINE_MINUTES} minutes after the hold"
        doubts = {query: f"{waited}: {what}" for query, what in error.doubts.items()}
        problem = None if doubts else f"{waited}: {error}"
        return Reading(answers=last, problem=problem, attempts=attempts, doubts=doubts | fell)
    except Inconclusive as error:
        return Reading(answers=last, problem=str(error), attempts=attempts)


def unsettled(before: Mapping[Ask, Answer], now: Mapping[Ask, Answer]) -> dict[str, str]:
    """What is still missing or moving, by the text of the query."""
    doubts = missing_minutes(now)
    for ask, answer in now.items():
        if what := incomplete(answer) or remarked(answer):
            doubts[str(ask.query)] = what
        elif what := moving(before.get(ask), answer):
            doubts.setdefault(str(ask.query), what)
    return doubts


def too_early(now: float, looked_until: float) -> str | None:
    """Whether late samples of the last minute may be under way still, at service time ``now``."""
    if now >= looked_until + EARLIEST_MINUTES * MINUTE:
        return None
    return f"the last minute that is looked at ended less than {EARLIEST_MINUTES} minutes ago"


def missing_minutes(answers: Mapping[Ask, Answer]) -> dict[str, str]:
    """Series that have only some of the minutes in which they must be published, by the text of the query."""
    return {
        query: f"{query} has {len(there & wanted)} of the window's {len(wanted)} minutes"
        for query, (there, wanted) in _published_minutes(answers).items()
        # What has no point at all may be a wrong name: waiting would not help, and the row's own verdict says so.
        if there and not wanted <= there
    }


def incomplete(answer: Answer) -> str | None:
    """Whether CloudWatch itself calls the answer less than whole."""
    return None if answer.status == COMPLETE else f"{answer.ask.query} is {answer.status}, not {COMPLETE}"


def remarked(answer: Answer) -> str | None:
    """Whether CloudWatch has something to say of the answer, such as that it left a part out."""
    return f"{answer.ask.query}: CloudWatch says {'; '.join(answer.messages)}" if answer.messages else None


def fallen(highest: Mapping[Ask, Mapping[float, float]], now: Mapping[Ask, Answer]) -> dict[str, str]:
    """Counts of a minute that are lower than the ``highest`` that an earlier poll was told, by the text of the query.

    Samples that arrive late add to a count and never take away from it, so that one of the two answers is wrong.
    """
    found: dict[str, str] = {}
    for ask, answer in now.items():
        if answer.status != COMPLETE:
            continue  # what is not whole may have left it out
        told = dict(zip(answer.timestamps, answer.values, strict=True))
        for stamp, most in highest.get(ask, {}).items():
            if told.get(stamp, 0.0) < most - abs(most) * _ADDED_UP_OTHERWISE:
                found[str(ask.query)] = (
                    f"{ask.query} is contradictory: {format_number(most)} in a minute of which a later poll was told "
                    f"{format_number(told.get(stamp, 0.0))}, and a count cannot fall; run the phase again"
                )
    return found


def _keep_highest(highest: dict[Ask, dict[float, float]], now: Mapping[Ask, Answer]) -> None:
    for ask, answer in now.items():
        adds_up = ask.query.statistic == "SampleCount" or (ask.query.statistic == "Sum" and not ask.query.signed)
        if not adds_up or answer.status == CONTRADICTORY:
            continue
        known = highest.setdefault(ask, {})
        for stamp, value in zip(answer.timestamps, answer.values, strict=True):
            if math.isfinite(value):
                known[stamp] = max(value, known.get(stamp, value))


def moving(before: Answer | None, now: Answer) -> str | None:
    """Whether the last poll and this one were told different values, or there was no last one."""
    if before is not None and (before.timestamps, before.values) == (now.timestamps, now.values):
        return None
    return f"{now.ask.query} has not been the same in two polls a minute apart"


def allowed_difference(wire_requests: int, in_flight_edges: int) -> float:
    """How far a count of the service may lie from the wire's: 1 %, or the requests open at the window's two ends where
    they are more, and of those at most 5 %, or a few."""
    most = max(MOST_TOLERANCE * wire_requests, FEW_REQUESTS)
    return max(COUNT_TOLERANCE * wire_requests, min(in_flight_edges, most))


def unreconciled(traffic: Answer, *, wire_requests: int, in_flight_edges: int) -> str | None:
    """Whether the service counted other requests than this load's, None where it did not."""
    counted = sum(traffic.values)
    allowed = allowed_difference(wire_requests, in_flight_edges)
    negative = min(traffic.values, default=0.0) < 0
    if wire_requests > 0 and abs(counted - wire_requests) <= allowed and not negative:
        return None
    if negative:
        return f"{traffic.ask.query} came back as {format_number(min(traffic.values))}, which is no count of requests"
    ask = (
        "does something else call it"
        if counted > wire_requests
        else ("did the others time out on their way, as the load's outcomes would say, or come after the window")
    )
    return (
        f"{traffic.ask.query} counted {format_number(counted)} requests where this load put {wire_requests} on the "
        f"wire (allowed difference {format_number(allowed)}); {ask}, or is it another API?"
    )


def uncounted_minutes(traffic: Answer) -> str | None:
    """Whether the request count lacks minutes of the window: a load that never pauses has requests in each."""
    expected = set(traffic.ask.window.minutes)
    there = set(traffic.timestamps)
    if expected <= there:
        return None
    return f"{traffic.ask.query} has {len(there & expected)} of the window's {len(expected)} minutes"


def _of_traffic(doubts: Mapping[str, str], traffic: Answer) -> str | None:
    """What is wrong with the request count itself, which every row stands on."""
    # Missing minutes first: that says more than that the answer is moving. What is not whole may have lost them.
    missing = uncounted_minutes(traffic) if traffic.status == COMPLETE else None
    return missing or doubts.get(str(traffic.ask.query))


def _published_minutes(answers: Mapping[Ask, Answer]) -> dict[str, tuple[set[float], set[float]]]:
    """The minutes in which something that is published every minute has a data point, and those it should have.

    That is any metric that is no sum, a sum with a sample for each request, and the sibling metrics of each resource
    taken together.
    """
    minutes: dict[str, tuple[set[float], set[float]]] = {}
    siblings: dict[tuple[str, str], list[Ask]] = {}
    for ask, answer in answers.items():
        query = ask.query
        if query.role is Role.ALIVE:
            siblings.setdefault((query.namespace, query.group), []).append(ask)
        elif (query.steady or query.statistic not in COUNTING) and ask.period_s == MINUTE_S:
            there, wanted = minutes.setdefault(str(query), (set(), set()))
            if query.every_s > MINUTE_S:
                held = Window(start=ask.window.start + query.every_s, end=ask.window.end)
                there.update(told_minutes(answer, held))
                wanted.update(held.minutes)
            else:
                there.update(answer.timestamps)
                wanted.update(ask.window.minutes)
    for of_resource in siblings.values():
        together = {stamp for ask in of_resource for stamp in answers[ask].timestamps}
        for ask in of_resource:
            minutes[str(ask.query)] = (together, set(ask.window.minutes))
    return minutes
