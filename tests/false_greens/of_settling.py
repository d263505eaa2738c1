"""False greens by haste: answers that were not whole, not final, or not read to their end."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from pytest_syncload.facts.plan import Faults
from tests.false_greens.cloud import FAST, SLOW, Cloud, Samples, seen
from tests.false_greens.entry import Entry, Seen, Through
from tests.false_greens.of_absence import REQUIRED, RULING, SETTLE, none_missing, nothing, share_or_zero
from tests.rows import CACHE, DEPTH, ERRORS, LATENCY, THROTTLES

CLOUDWATCH = "pytest_syncload.sources.cloudwatch"

#: One in a hundred of a minute's requests fails.
_FAILING: Samples = {0.0: 594, 1.0: 6}
_FINE: Samples = {0.0: 600}
#: What takes CloudWatch's own word of an answer that is not whole for nothing.
_STATUS = {f"{SETTLE}:incomplete": nothing, f"{REQUIRED}:require_complete": nothing}
#: What takes some minutes of the errors for all.
_SOME_MINUTES = {f"{SETTLE}:missing_minutes": none_missing, f"{REQUIRED}:require_all_minutes_or_none": nothing}
_ARGO = "Argo Rollouts: paging and StatusCode are never read"


def _metric(request: Any, result: Any) -> str:
    """What one result of an answer is about."""
    number = int(result["Id"].removeprefix("q"))
    return str(request["MetricDataQueries"][number]["MetricStat"]["Metric"]["MetricName"])


def _each(metric: str, change: Callable[[Any], None]) -> Callable[[str, Any, Any], None]:
    """A rewriting of every result about ``metric``."""

    def rewrite(operation: str, request: Any, answer: Any) -> None:
        for result in answer.get("MetricDataResults", ()):
            if _metric(request, result) == metric:
                change(result)

    return rewrite


def _partial(cloud: Cloud) -> Seen:
    cloud.fresh(faults=Faults(partial_data=("5XXError",)))
    cloud.healthy({"5XXError": [_FINE, _FAILING, _FAILING]})
    return seen(cloud.verdict(ERRORS), "is PartialData, not Complete")


def _withheld(status: str) -> Callable[[Cloud], Seen]:
    def scenario(cloud: Cloud) -> Seen:
        cloud.healthy({"5XXError": [_FAILING] * 3})
        cloud.rewrite = _each("5XXError", lambda result: result.update(StatusCode=status, Timestamps=[], Values=[]))
        return seen(cloud.verdict(ERRORS), f"is {status}, not Complete")

    return scenario


def _lost_result(cloud: Cloud) -> Seen:
    def lose(operation: str, request: Any, answer: Any) -> None:
        if operation == "GetMetricData":
            answer["MetricDataResults"] = [
                result for result in answer["MetricDataResults"] if _metric(request, result) != "5XXError"
            ]

    # Three points a page: the first page is the errors'.
    cloud.fresh(points_a_call=3)
    cloud.healthy({"5XXError": [_FAILING] * 3})
    cloud.rewrite = lose
    return seen(cloud.verdict(ERRORS), "is missing, not Complete")


def _first_page_only(cloud: Cloud) -> Seen:
    cloud.fresh(points_a_call=2)
    cloud.healthy({"5XXError": [_FINE, _FINE, _FAILING]})
    return seen(cloud.verdict(ERRORS), "% is not < 0.1 %")


def _same_token(cloud: Cloud) -> Seen:
    def repeat(operation: str, request: Any, answer: Any) -> None:
        """The page with the errors never comes."""
        answer["NextToken"] = "again"
        _each("5XXError", lambda result: result.update(StatusCode="PartialData", Timestamps=[], Values=[]))(
            operation, request, answer
        )

    # The double knows its own tokens only: what it is asked a second time, it is asked as if for the first.
    cloud.forget_tokens = True
    cloud.healthy({"5XXError": [_FAILING] * 3})
    cloud.rewrite = repeat
    return seen(cloud.verdict(ERRORS), "the same NextToken twice")


def _too_early(cloud: Cloud) -> Seen:
    cloud.fresh(after_hold=0.1)
    cloud.healthy({"5XXError": []})

    def later(attempt: int) -> None:
        if attempt == 2:
            cloud.publish("5XXError", [_FAILING] * 3)

    return seen(cloud.verdict(ERRORS, meanwhile=later), "% is not < 0.1 %")


def _moving(cloud: Cloud) -> Seen:
    cloud.healthy({"5XXError": []})

    def later(attempt: int) -> None:
        if attempt == 1:
            cloud.publish("5XXError", [_FAILING] * 3)

    return seen(cloud.verdict(ERRORS, meanwhile=later), "% is not < 0.1 %")


def _moving_still(cloud: Cloud) -> Seen:
    """Each poll finds the queue a little deeper than the one before."""
    cloud.healthy()
    return seen(
        cloud.verdict(
            DEPTH, meanwhile=lambda attempt: cloud.publish("ApproximateNumberOfMessagesVisible", [{50.0 * attempt: 1}])
        ),
        "has not been the same in two polls",
    )


def _late_sibling(cloud: Cloud) -> Seen:
    two: list[Samples] = [{1.0: 600}] * 2
    cloud.healthy({"ConsumedReadCapacityUnits": two, "ConsumedWriteCapacityUnits": two})

    def later(attempt: int) -> None:
        if attempt == 3:
            cloud.publish("ConsumedWriteCapacityUnits", [{1.0: 600}], first=2)
            cloud.publish("WriteThrottleEvents", [{1.0: 9}], first=2)

    return seen(cloud.verdict(THROTTLES, meanwhile=later), "9 is not == 0")


def _late_series(cloud: Cloud) -> Seen:
    cloud.healthy({"ApproximateNumberOfMessagesVisible": [{3.0: 1}] * 2})

    def later(attempt: int) -> None:
        if attempt == 3:
            cloud.publish("ApproximateNumberOfMessagesVisible", [{1400.0: 1}], first=2)

    return seen(cloud.verdict(DEPTH, meanwhile=later), "1400 is not < 1000")


def _late_latency(cloud: Cloud) -> Seen:
    cloud.healthy({"Latency": [FAST, FAST]})

    def later(attempt: int) -> None:
        if attempt == 3:
            cloud.publish("Latency", [SLOW], first=2)

    return seen(cloud.verdict(LATENCY, meanwhile=later), "900 ms is not < 500 ms")


def _not_a_number(cloud: Cloud) -> Seen:
    cloud.healthy({"002 EngineCPUUtilization": [{99.0: 1}] * 3})

    def blur(operation: str, request: Any, answer: Any) -> None:
        for result in answer.get("MetricDataResults", ()):
            if 99.0 in result["Values"]:
                result["Values"] = [math.nan] * len(result["Values"])

    cloud.rewrite = blur
    return seen(cloud.verdict(CACHE), "came back as nan, which is no measurement")


def _infinite(cloud: Cloud) -> Seen:
    cloud.healthy({"Latency": [SLOW] * 3})

    def blur(operation: str, request: Any, answer: Any) -> None:
        for result in answer.get("MetricDataResults", ()):
            if 900.0 in result["Values"]:
                result["Values"] = [-math.inf] * len(result["Values"])

    cloud.rewrite = blur
    return seen(cloud.verdict(LATENCY), "came back as -inf, which is no measurement")


def _stop_at_the_same(page: Mapping[str, Any], seen_before: Any) -> str | None:
    token = page.get("NextToken")
    return None if token in seen_before else token


def _entry(name: str, mistake: str, scenario: Any, guards: Mapping[str, Any], peers: str = "") -> Entry:
    return Entry(name=name, mistake=mistake, guards=guards, through=Through.BOTO3, scenario=scenario, peers=peers)


ENTRIES = (
    _entry(
        "PartialData",
        "Half of the answer is judged: the half without the errors.",
        _partial,
        {**_STATUS, **_SOME_MINUTES},
        _ARGO,
    ),
    _entry(
        "InternalError",
        "CloudWatch fails on one query of the batch, and its empty result beside a count means no errors.",
        _withheld("InternalError"),
        _STATUS,
        _ARGO,
    ),
    _entry(
        "Forbidden",
        "One query of the batch may not be asked, and its empty result beside a count means no errors.",
        _withheld("Forbidden"),
        _STATUS,
        _ARGO,
    ),
    _entry("a lost page", "The page with the errors never arrives, the others do.", _lost_result, _STATUS, _ARGO),
    _entry(
        "the first page taken for all",
        "NextToken is not followed, and what the first page says is fine.",
        _first_page_only,
        {
            **_STATUS,
            **_SOME_MINUTES,
            f"{SETTLE}:unreconciled": nothing,
            f"{CLOUDWATCH}:next_page": nothing,
            f"{REQUIRED}:require_every_minute": nothing,
            f"{REQUIRED}:share_of_requests": share_or_zero,
            f"{RULING}:too_few_samples": nothing,
        },
        _ARGO,
    ),
    _entry(
        "a page token repeated",
        "The same page comes again and again, is taken for the end, and the errors were on another.",
        _same_token,
        {**_STATUS, f"{CLOUDWATCH}:next_page": _stop_at_the_same},
    ),
    _entry(
        "settled too early",
        "Two polls agree a minute after the hold, before AWS has published the errors of its last minutes.",
        _too_early,
        {f"{SETTLE}:too_early": nothing},
        "Argo Rollouts: no allowance for publication lag",
    ),
    _entry(
        "values still moving",
        "The first answer is taken, and the next would have been another.",
        _moving,
        {f"{SETTLE}:moving": nothing},
    ),
    _entry(
        "values still moving at the deadline",
        "After fifteen minutes the last answer is taken, whatever it was on its way to.",
        _moving_still,
        {f"{REQUIRED}:require_settled": nothing},
    ),
    _entry(
        "late last minute of a sibling",
        "Throttles and use of the last minute are both late, and no throttle is read as none.",
        _late_sibling,
        {f"{SETTLE}:missing_minutes": none_missing, f"{REQUIRED}:require_use": nothing},
    ),
    _entry(
        "late last minute of a level",
        "The queue's last minute is late, and the minutes before it are judged as the whole hold.",
        _late_series,
        {f"{SETTLE}:missing_minutes": none_missing, f"{REQUIRED}:require_every_minute": nothing},
    ),
    _entry(
        "late last minute of the latency",
        "The percentile is taken before the slow minute has been published.",
        _late_latency,
        {
            f"{SETTLE}:missing_minutes": none_missing,
            f"{REQUIRED}:require_every_minute": nothing,
            f"{REQUIRED}:require_samples_of_this_load": nothing,
        },
    ),
    _entry(
        "not a number",
        "Nothing is larger than NaN, so the node that is NaN is never the worst.",
        _not_a_number,
        {f"{REQUIRED}:require_numbers": nothing, f"{REQUIRED}:require_within_its_minutes": nothing},
    ),
    _entry(
        "infinities",
        "Minus infinity is below every limit.",
        _infinite,
        {
            f"{REQUIRED}:require_numbers": nothing,
            f"{REQUIRED}:require_possible": nothing,
            f"{REQUIRED}:require_within_its_minutes": nothing,
            "pytest_syncload.verdict.ruling:no_number": nothing,
        },
    ),
)
