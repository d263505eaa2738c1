"""GetMetricData: all questions of a phase in as few calls as the limits allow, answers whole or marked as not whole.

A percentile over the window comes from one period as long as the window; per-minute percentiles are never averaged.
Limits and paging: CloudWatch API reference, GetMetricData.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pytest_syncload.facts.catalogue import REQUEST_COUNT, Query, Role, fill, queries_for
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.plan import Resources, Slo
from pytest_syncload.facts.result import Window
from pytest_syncload.sources.aws import Passing, call

#: Queries a call, by CloudWatch's own limit.
QUERIES_A_CALL = 500
#: Points a page, by CloudWatch's own limit.
POINTS_A_PAGE = 100_800
#: Pages beyond those that points and queries need: CloudWatch may end a page early, and no reference says how early.
SPARE_PAGES = 50
MINUTE_S = 60
#: The longest period CloudWatch folds to one point.
LONGEST_PERIOD_S = 86_400
COMPLETE = "Complete"
#: What CloudWatch calls a query whose points go on on another page.
PARTIAL = "PartialData"
#: Our own word for a query that no page of an answer speaks of.
MISSING = "missing"
#: Our own word for a query that is told in two ways: two values of one moment, or a moment without one.
CONTRADICTORY = "contradictory"
#: Statistics that add up over minutes; all others must be folded by CloudWatch itself.
COUNTING = ("Sum", "SampleCount")


@dataclass(frozen=True, slots=True)
class Ask:
    """One query over one window: at a period of 60 s for the series, of the whole window for its one statistic."""

    query: Query
    period_s: int
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: epoch seconds in order of time, values, and what all StatusCodes of the query come to.

    ``messages`` are CloudWatch's own on the query, or on the call that it was part of: code and text.
    """

    ask: Ask
    status: str
    timestamps: tuple[float, ...]
    values: tuple[float, ...]
    messages: tuple[str, ...] = ()


def traffic_query(resources: Resources) -> Query:
    """The request count that every phase is reconciled with. Raises `Inconclusive` where no API is listed."""
    (query,) = fill(REQUEST_COUNT, resources, "Sum")
    return query


def traffic_ask(resources: Resources, window: Window) -> Ask:
    """The same, over a window."""
    return Ask(traffic_query(resources), MINUTE_S, window)


def asks_of(slo: Slo, resources: Resources, window: Window) -> tuple[Ask, ...]:
    """What must be asked to judge a row. Raises `Inconclusive` where it cannot be."""
    asks = []
    for query in queries_for(slo, resources):
        if query.every_s > MINUTE_S:
            asks.append(Ask(query, MINUTE_S, reaching_back(window, query)))
            continue
        asks.append(Ask(query, MINUTE_S, window))
        if query.role is Role.ALIVE:
            continue
        if query.statistic not in COUNTING:
            # Two sides of a share are folded by themselves, whatever is asked of the share.
            if slo.sustained_s is None or query.role is not Role.VALUE:
                asks.append(Ask(query, whole(window), window))
            asks.append(Ask(replace(query, statistic="SampleCount"), MINUTE_S, window))
        if slo.drains_within_s is not None and query.role is Role.VALUE:
            asks.append(Ask(query, MINUTE_S, behind(window, slo.drains_within_s)))
    return tuple(asks)


def behind(window: Window, seconds: float) -> Window:
    """The ``seconds`` (whole minutes) that follow the window."""
    return Window(start=window.end, end=window.end + seconds)


def reaching_back(window: Window, query: Query) -> Window:
    """The window and the stretch before it, in which the point that speaks of its first minute may stand."""
    return Window(start=window.start - query.every_s, end=window.end)


def told_minutes(answer: Answer, window: Window) -> dict[float, float]:
    """What a metric with a point every so many minutes says of each minute of ``window`` that a point reaches: where
    several do, the lowest."""
    told: dict[float, float] = {}
    for stamp, value in zip(answer.timestamps, answer.values, strict=True):
        for minute in window.minutes:
            if stamp <= minute < stamp + answer.ask.query.every_s:
                told[minute] = min(value, told.get(minute, value))
    return told


def whole(window: Window) -> int:
    """The period that makes one point of the window. Raises `Inconclusive` beyond a day."""
    if window.seconds > LONGEST_PERIOD_S:
        raise Inconclusive("CloudWatch folds at most 24 h to one point, and this hold is longer; shorten it")
    return round(window.seconds)


def _no_deadline() -> bool:
    return False


def fetch(client: Any, asks: Iterable[Ask], out_of_time: Callable[[], bool] = _no_deadline) -> dict[Ask, Answer]:
    """Ask CloudWatch. Every ask has an answer, if only an empty one. No further page is read once ``out_of_time()``.

    Raises:
        Inconclusive: CloudWatch refused; `aws.Passing` where it may answer when asked again.
    """
    answers: dict[Ask, Answer] = {}
    for together in _calls(dict.fromkeys(asks)):
        for first in range(0, len(together), QUERIES_A_CALL):
            answers |= _fetch_batch(client, together[first : first + QUERIES_A_CALL], out_of_time)
    return answers


def _calls(asks: Iterable[Ask]) -> list[list[Ask]]:
    """What may be asked together, a call having one StartTime and one EndTime.

    Minutes are the same wherever a call begins, so one call asks for all; a window's one point begins with its call.
    """
    minutes: list[Ask] = []
    by_start: dict[float, list[Ask]] = {}
    for ask in asks:
        (minutes if ask.period_s == MINUTE_S else by_start.setdefault(ask.window.start, [])).append(ask)
    if minutes:
        by_start.setdefault(min(ask.window.start for ask in minutes), []).extend(minutes)
    return list(by_start.values())


def _fetch_batch(client: Any, asks: Sequence[Ask], out_of_time: Callable[[], bool]) -> dict[Ask, Answer]:
    reach = Window(start=min(ask.window.start for ask in asks), end=max(ask.window.end for ask in asks))
    request: dict[str, Any] = {
        "MetricDataQueries": [_metric_data_query(f"q{number}", ask) for number, ask in enumerate(asks)],
        "StartTime": datetime.fromtimestamp(reach.start, UTC),
        "EndTime": datetime.fromtimestamp(reach.end, UTC),
        "ScanBy": "TimestampAscending",
    }
    merged = {f"q{number}": _Merged() for number in range(len(asks))}
    seen: set[str] = set()
    allowed = pages_allowed(asks, reach)
    while True:
        page = call(client, "GetMetricData", **request)
        for result in results_of(page, merged):
            merged[result["Id"]].add(result)
        for of_query in merged.values():
            of_query.remark(page)
        token = next_page(page, seen)
        if token is None:
            break
        seen.add(token)
        if len(seen) >= allowed:
            raise Inconclusive(
                f"GetMetricData gave {allowed} pages, more than what was asked can fill, and no last one"
            )
        if out_of_time():
            raise Passing("GetMetricData had not come to its last page")
        request["NextToken"] = token
    return {ask: merged[f"q{number}"].answer(ask, reach) for number, ask in enumerate(asks)}


def results_of(page: Mapping[str, Any], asked: Collection[str]) -> list[dict[str, Any]]:
    """The results of a page. Raises `Passing` where it is no answer to the queries that were asked, by Id."""
    results = page.get("MetricDataResults")
    if results is None or any(not result or result.get("Id") not in asked for result in results):
        raise Passing("GetMetricData was answered by something that is no answer to it; is this CloudWatch?")
    return list(results)


def pages_allowed(asks: Sequence[Ask], reach: Window) -> int:
    """The most pages that an answer may have: those that its points fill, one that each query ends on, and a few."""
    points = sum(math.ceil(reach.seconds / ask.period_s) for ask in asks)
    return math.ceil(points / POINTS_A_PAGE) + len(asks) + SPARE_PAGES


def status_after(before: str, now: str) -> str:
    """What two results of one query, in this order, come to: what has failed is not made whole by what follows."""
    return now if before in (MISSING, PARTIAL, COMPLETE) else before


def number(value: object) -> float:
    """A value of an answer, NaN where it is none: botocore does not check, and to Python JSON's true is 1."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:  # JSON's whole numbers have no end
        return math.nan


class _Merged:
    """One query's points of all pages, whatever their order; a point told twice counts once."""

    def __init__(self) -> None:
        self._points: dict[float, float] = {}
        self._status = MISSING
        self._contradicts = False
        self._messages: dict[str, None] = {}

    def add(self, result: Mapping[str, Any]) -> None:
        """Take over what a page says of the query."""
        self._status = status_after(self._status, result.get("StatusCode", MISSING))
        self.remark(result)
        stamps, values = result.get("Timestamps", ()), result.get("Values", ())
        self._contradicts |= len(stamps) != len(values)
        for stamp, value in zip(stamps, values, strict=False):
            # botocore does not check answers: null, say, is a moment and a value to it.
            if stamp is None:
                self._contradicts = True
                continue
            told = number(value)
            known = self._points.setdefault(stamp.timestamp(), told)
            self._contradicts |= known != told and not (math.isnan(known) and math.isnan(told))

    def remark(self, said: Mapping[str, Any]) -> None:
        """Take over the messages of a page or of a result."""
        for message in said.get("Messages") or ():
            code, value = ((message or {}).get(member) or "?" for member in ("Code", "Value"))
            self._messages[f"{code}: {value}"] = None

    def answer(self, ask: Ask, reach: Window) -> Answer:
        """All that was said of ``ask``, in order of time, but for what the call only asked on behalf of others.

        A point outside ``reach``, which nobody asked for, stays: the answer is not one to this call.
        """
        stamps = tuple(sorted(stamp for stamp in self._points if ask.window.covers(stamp) or not reach.covers(stamp)))
        return Answer(
            ask=ask,
            status=CONTRADICTORY if self._contradicts else self._status,
            timestamps=stamps,
            values=tuple(self._points[stamp] for stamp in stamps),
            messages=tuple(self._messages),
        )


def next_page(page: Mapping[str, Any], seen: Set[str]) -> str | None:
    """The token of the page that follows, None behind the last. Raises `Inconclusive` where it would be read twice."""
    token = page.get("NextToken")
    if token in seen:
        raise Inconclusive("GetMetricData gave the same NextToken twice; its pages cannot be read to the end")
    return token or None


def _metric_data_query(name: str, ask: Ask) -> dict[str, Any]:
    query = ask.query
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": query.namespace,
                "MetricName": query.name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in query.dimensions],
            },
            "Period": ask.period_s,
            "Stat": query.statistic,
        },
        "ReturnData": True,
    }
