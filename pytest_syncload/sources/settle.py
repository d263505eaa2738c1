"""Waits until CloudWatch has said its last word on a window, and checks that the word is about this load.

Values keep changing while samples arrive (CloudWatch user guide: convergence can take up to 10 minutes). Settled is:
every answer Complete, a request count for every minute of the window, no series that has only some of its minutes, two
polls at least a service minute apart that agree, and a request count that fits what was put on the wire.
"""

from __future__ import annotations

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
from pytest_syncload.sources.cloudwatch import COMPLETE, COUNTING, MINUTE_S, Answer, Ask, fetch, told_minutes

#: Service minutes after the hold at which a window that has not settled is inconclusive.
DEADLINE_MINUTES = 15
#: Service minutes after the last one looked at before which nothing is final: AWS publishes one to three minutes late.
EARLIEST_MINUTES = 3
#: How far the service's own request count may lie from what was put on the wire, besides requests open at the edges.
COUNT_TOLERANCE = 0.01


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
    looked_until = max(ask.window.end for ask in (*asks, traffic))

    def poll() -> dict[Ask, Answer]:
        nonlocal last, attempts
        attempts += 1
        try:
            before, last = last, fetch(client, (*asks, traffic))
        except Passing as error:
            raise _NotYet(str(error)) from None
        if early := too_early(clock.now(), looked_until):
            raise _NotYet(early)  # this poll is kept for the next to agree with
        doubts = unsettled(before, last)
        missing = _of_traffic(doubts, last[traffic]) or unreconciled(
            last[traffic], wire_requests=wire_requests, in_flight_edges=in_flight_edges
        )
        if missing:
            raise _NotYet(missing)
        if doubts:
            raise _NotYet(next(iter(doubts.values())), doubts)
        return last

    def say(state: tenacity.RetryCallState) -> None:
        if state.outcome is not None and (error := state.outcome.exception()):
            waiting(attempts, str(error))

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_NotYet),
        # A service minute and a little: two polls that agree must be at least one apart.
        wait=tenacity.wait_fixed(clock.wall_seconds(MINUTE * 1.05)),
        stop=lambda _: clock.now() >= traffic.window.end + DEADLINE_MINUTES * MINUTE,
        before_sleep=say,
        reraise=True,
    )
    try:
        return Reading(answers=retrying(poll), problem=None, attempts=attempts)
    except _NotYet as error:
        waited = f"CloudWatch did not settle within {DEADLINE_MINUTES} minutes after the hold"
        doubts = {query: f"{waited}: {what}" for query, what in error.doubts.items()}
        problem = None if doubts else f"{waited}: {error}"
        return Reading(answers=last, problem=problem, attempts=attempts, doubts=doubts)
    except Inconclusive as error:
        return Reading(answers=last, problem=str(error), attempts=attempts)


def unsettled(before: Mapping[Ask, Answer], now: Mapping[Ask, Answer]) -> dict[str, str]:
    """What is still missing or moving, by the text of the query."""
    doubts = missing_minutes(now)
    for ask, answer in now.items():
        if what := incomplete(answer):
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


def moving(before: Answer | None, now: Answer) -> str | None:
    """Whether the last poll and this one were told different values, or there was no last one."""
    if before is not None and (before.timestamps, before.values) == (now.timestamps, now.values):
        return None
    return f"{now.ask.query} has not been the same in two polls a minute apart"


def allowed_difference(wire_requests: int, in_flight_edges: int) -> float:
    """How far a count of the service may lie from the wire's: 1 %, or the requests open at the window's two ends."""
    return max(COUNT_TOLERANCE * wire_requests, in_flight_edges)


def unreconciled(traffic: Answer, *, wire_requests: int, in_flight_edges: int) -> str | None:
    """Whether the service counted other requests than this load's, None where it did not."""
    counted = sum(traffic.values)
    allowed = allowed_difference(wire_requests, in_flight_edges)
    if wire_requests > 0 and abs(counted - wire_requests) <= allowed:
        return None
    return (
        f"{traffic.ask.query} counted {format_number(counted)} requests where this load put {wire_requests} on the "
        f"wire (allowed difference {format_number(allowed)}); does something else call it, or is it another API?"
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

    That is any metric that is no sum, and the sibling metrics of each resource taken together.
    """
    minutes: dict[str, tuple[set[float], set[float]]] = {}
    siblings: dict[tuple[str, str], list[Ask]] = {}
    for ask, answer in answers.items():
        query = ask.query
        if query.role is Role.ALIVE:
            siblings.setdefault((query.namespace, query.group), []).append(ask)
        elif query.statistic not in COUNTING and ask.period_s == MINUTE_S:
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
