"""Waits until CloudWatch has said its last word on a window, and checks that the word is about this load.

Values keep changing while samples arrive (CloudWatch user guide: convergence can take up to 10 minutes). Settled is:
every answer Complete, a request count for every minute of the window, two polls at least a service minute apart that
agree, and a request count that fits what was put on the wire.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tenacity

from pytest_syncload.facts.catalogue import Role
from pytest_syncload.facts.clock import MINUTE, ServiceClock
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.result import Window
from pytest_syncload.facts.units import format_number
from pytest_syncload.sources.aws import Passing
from pytest_syncload.sources.cloudwatch import COMPLETE, Answer, Ask, fetch

#: Service minutes after which a window that has not settled is inconclusive.
DEADLINE_MINUTES = 15
#: Service minutes after the hold before which nothing is final: AWS publishes a minute one to three minutes late.
EARLIEST_MINUTES = 3
#: How far the service's own request count may lie from what was put on the wire, besides requests open at the edges.
COUNT_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The last answers, and why they are not settled (None: they are)."""

    answers: dict[Ask, Answer]
    problem: str | None
    attempts: int


class _NotYet(Exception):
    """Not settled; the text says what is missing."""


def settle(
    client: Any,
    asks: Sequence[Ask],
    traffic: Ask,
    window: Window,
    clock: ServiceClock,
    *,
    wire_requests: int,
    in_flight_edges: int,
    waiting: Callable[[int, str], None],
) -> Reading:
    """Poll until settled or past the deadline. ``waiting(attempt, what)`` is told before each further poll."""
    last: dict[Ask, Answer] = {}
    attempts = 0

    def poll() -> dict[Ask, Answer]:
        nonlocal last, attempts
        attempts += 1
        try:
            before, last = last, fetch(client, (*asks, traffic), window)
        except Passing as error:
            raise _NotYet(str(error)) from None
        if clock.now() < window.end + EARLIEST_MINUTES * MINUTE:
            # Late samples of the last minute would go unseen; this poll is kept for the next to agree with.
            raise _NotYet(f"the hold ended less than {EARLIEST_MINUTES} minutes ago")
        missing = unsettled(before, last, traffic, window) or unreconciled(
            last[traffic], wire_requests=wire_requests, in_flight_edges=in_flight_edges
        )
        if missing:
            raise _NotYet(missing)
        return last

    def say(state: tenacity.RetryCallState) -> None:
        if state.outcome is not None and (error := state.outcome.exception()):
            waiting(attempts, str(error))

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_NotYet),
        # A service minute and a little: two polls that agree must be at least one apart.
        wait=tenacity.wait_fixed(clock.wall_seconds(MINUTE * 1.05)),
        stop=_stop_at(clock.monotonic_at(window.end + DEADLINE_MINUTES * MINUTE)),
        before_sleep=say,
        reraise=True,
    )
    try:
        return Reading(answers=retrying(poll), problem=None, attempts=attempts)
    except _NotYet as error:
        waited = f"CloudWatch did not settle within {DEADLINE_MINUTES} minutes after the hold"
        return Reading(answers=last, problem=f"{waited}: {error}", attempts=attempts)
    except Inconclusive as error:
        return Reading(answers=last, problem=str(error), attempts=attempts)


def unsettled(before: dict[Ask, Answer], now: dict[Ask, Answer], traffic: Ask, window: Window) -> str | None:
    """What is still missing or moving, None where nothing is."""
    for ask, answer in now.items():
        if answer.status != COMPLETE:
            return f"{ask.query} is {answer.status}, not {COMPLETE}"
    expected = set(window.minutes)
    there = set(now[traffic].timestamps)
    if not expected <= there:
        return f"{traffic.query} has {len(there & expected)} of the window's {len(expected)} minutes"
    for name, alive in _alive_minutes(now).items():
        if alive and not expected <= alive:
            return f"{name} has {len(alive & expected)} of the window's {len(expected)} minutes"
    for ask, answer in now.items():
        if ask not in before or (before[ask].timestamps, before[ask].values) != (answer.timestamps, answer.values):
            return f"{ask.query} has not been the same in two polls a minute apart"
    return None


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


def _alive_minutes(answers: dict[Ask, Answer]) -> dict[str, set[float]]:
    """The minutes in which the sibling metrics of each resource have a data point."""
    minutes: dict[str, set[float]] = {}
    for ask, answer in answers.items():
        if ask.query.role is Role.ALIVE:
            name = f"{ask.query.namespace} of {ask.query.group or ask.query.name}"
            minutes.setdefault(name, set()).update(answer.timestamps)
    return minutes


def _stop_at(monotonic: float) -> Callable[[tenacity.RetryCallState], bool]:
    def stop(_: tenacity.RetryCallState) -> bool:
        return time.monotonic() >= monotonic

    return stop
