"""What must hold of CloudWatch's answers before a value may stand on them, one function a requirement.

Each raises `Inconclusive` where its requirement is not met, and must never repair an answer or fill one in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from pytest_syncload.facts.catalogue import Query
from pytest_syncload.facts.clock import MINUTE
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.result import PhaseResult
from pytest_syncload.facts.units import format_duration, format_number
from pytest_syncload.sources.cloudwatch import COMPLETE, Answer, Ask
from pytest_syncload.sources.settle import Reading, allowed_difference

#: How far CloudWatch's own approximation of a percentile may leave the range of the minutes' percentiles.
PERCENTILE_TOLERANCE = 0.02
_PERCENTILE = re.compile(r"p\d+(?:\.\d+)?")
#: The other statistics of which it is certain, and how far they may by rounding.
_BOUNDED = {"Average": 1e-6, "Maximum": 1e-6, "Minimum": 1e-6}


def require_answers(reading: Reading) -> None:
    """Something was read at all: else a reader needs the cause, not that each query is without an answer."""
    if reading.problem is not None and not reading.answers:
        raise Inconclusive(reading.problem)


def require_settled(reading: Reading, queries: Iterable[Query]) -> None:
    """CloudWatch has said its last word on each of a row's queries."""
    for query in queries:
        if str(query) in reading.doubts:
            raise Inconclusive(reading.doubts[str(query)])


def require_fetched(answers: Mapping[Ask, Answer], ask: Ask) -> Answer:
    """The answer to this very question, at its own period and window."""
    answer = answers.get(ask)
    if answer is None:
        raise Inconclusive(f"{ask.query} was never fetched")
    return answer


def require_complete(answer: Answer) -> None:
    """CloudWatch calls the answer Complete."""
    if answer.status != COMPLETE:
        raise Inconclusive(f"{answer.ask.query} is {answer.status}, not {COMPLETE}")


def require_numbers(answer: Answer) -> None:
    """Every value is a finite number."""
    for value in answer.values:
        if not math.isfinite(value):
            raise Inconclusive(f"{answer.ask.query} came back as {value}, which is no measurement")


def require_possible(answer: Answer) -> None:
    """Nothing is below zero that cannot be. Of a query written out in slo.yaml nobody knows, but of its samples."""
    query = answer.ask.query
    if query.signed and query.statistic != "SampleCount":
        return
    lowest = min(answer.values, default=0.0)
    if lowest < 0:
        raise Inconclusive(f"{query} came back as {format_number(lowest)}, which is below zero and no measurement")


def require_sampled(counts: Answer) -> None:
    """Behind the value of each minute there is a sample."""
    without = sum(count <= 0 for count in counts.values)
    if without:
        raise Inconclusive(f"{counts.ask.query} is 0 in {without} minutes that have a value: a value of nothing")


def require_inside_window(answer: Answer) -> None:
    """No point lies outside the window that was asked for."""
    window = answer.ask.window
    outside = sum(not window.covers(stamp) for stamp in answer.timestamps)
    if outside:
        raise Inconclusive(
            f"{answer.ask.query} came back with points outside the window ({outside}), which prove nothing"
        )


def require_points(answer: Answer) -> None:
    """There is a data point."""
    if not answer.values:
        raise Inconclusive(
            f"no data point for {answer.ask.query} in the window; are name, dimensions and region right?"
        )


def require_every_minute(answer: Answer) -> None:
    """There is one data point for each minute of the window, and none beside them."""
    require_points(answer)
    wanted = answer.ask.window.minutes
    if answer.timestamps != wanted:
        there = len({*wanted} & {*answer.timestamps})
        raise Inconclusive(f"{answer.ask.query} has {there} of the window's {len(wanted)} minutes")


def require_all_minutes_or_none(answer: Answer) -> None:
    """What has a sample for each request has a point in every minute; only where it has none at all is it zero."""
    wanted = answer.ask.window.minutes
    if answer.ask.query.steady and answer.values and answer.timestamps != wanted:
        there = len({*wanted} & {*answer.timestamps})
        raise Inconclusive(f"{answer.ask.query} has {there} of the window's {len(wanted)} minutes")


def require_use(silent: Answer, siblings: Sequence[Answer], group: str) -> None:
    """A minute without a point is zero only if a sibling shows traffic in that very minute."""
    alive = {
        stamp
        for sibling in siblings
        for stamp, value in zip(sibling.timestamps, sibling.values, strict=True)
        if value > 0
    }
    minutes = silent.ask.window.minutes
    unknown = {*minutes} - alive - {*silent.timestamps}
    if unknown:
        names = " and ".join(sibling.ask.query.name for sibling in siblings)
        raise Inconclusive(
            f"no data point for {silent.ask.query}, and none of {names} shows that {group or 'it'} was used in "
            f"{len(unknown)} of {len(minutes)} minutes; silence is zero only beside traffic: is the name right?"
        )


def require_samples_of_this_load(counts: Answer, result: PhaseResult) -> None:
    """A metric with a sample for each request has as many as this load put on the wire, or speaks of another."""
    samples, wire = sum(counts.values), result.wire_requests
    if abs(samples - wire) > allowed_difference(wire, result.in_flight_edges):
        raise Inconclusive(
            f"{counts.ask.query} has {samples:.0f} samples where this load put {wire} requests on the wire: "
            "it does not speak of this load"
        )


def value_of_the_window(folded: Answer, minutes: Answer) -> float:
    """The one statistic of the whole window, as CloudWatch folded it; never made of the ``minutes`` beside it."""
    require_points(folded)
    window = minutes.ask.window
    if folded.timestamps != (window.start,):
        raise Inconclusive(f"{folded.ask.query} came back for another period than the window; nothing else is asked")
    require_within_its_minutes(folded, minutes)
    return folded.values[0]


def require_within_its_minutes(folded: Answer, minutes: Answer) -> None:
    """A window's percentile, mean or extreme lies between those of its minutes, as that of any mixture does."""
    statistic = folded.ask.query.statistic
    room = _BOUNDED.get(statistic, PERCENTILE_TOLERANCE if _PERCENTILE.fullmatch(statistic) else None)
    if room is None or not minutes.values:
        return
    low, high = min(minutes.values), max(minutes.values)
    if statistic == "Maximum":
        low = high
    elif statistic == "Minimum":
        high = low
    value = folded.values[0]
    if not low - room * abs(low) <= value <= high + room * abs(high):
        raise Inconclusive(
            f"{folded.ask.query} of the window is {format_number(value)} and of its minutes "
            f"{format_number(low)} to {format_number(high)}: they contradict each other, and neither is a measurement"
        )


def share_of_requests(errors: Answer, requests: Answer) -> float:
    """``errors`` in percent of ``requests``, over the window."""
    total = sum(requests.values)
    if total <= 0:
        raise Inconclusive(f"{requests.ask.query} is {total}: a share of no requests proves nothing")
    return 100 * sum(errors.values) / total


def client_failures(result: PhaseResult) -> float:
    """What the load itself saw fail, in percent of its arrivals: more than a service counts that was not reached."""
    failed = result.hold.failed_percent
    if failed is None:
        raise Inconclusive("the load saw no answer at all")
    return failed


def runs_of_minutes(values: Sequence[float], seconds: float) -> list[Sequence[float]]:
    """All stretches of ``seconds`` in a series of one value a minute; at least one."""
    length = max(1, math.ceil(seconds / MINUTE))
    if len(values) < length:
        raise Inconclusive(
            f"sustained {format_duration(seconds)} needs a hold of as many minutes, and this one has {len(values)}; "
            "make the hold longer"
        )
    return [values[first : first + length] for first in range(len(values) - length + 1)]
