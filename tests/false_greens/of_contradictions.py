"""False greens by believing: answers that contradict themselves, or say what no measurement can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_syncload.sources.cloudwatch import SPARE_PAGES
from tests.false_greens.cloud import SLOW, Cloud, Samples, seen
from tests.false_greens.entry import Entry, Seen, Through
from tests.false_greens.of_absence import REQUIRED, SETTLE, none_missing, nothing
from tests.rows import CACHE, ERRORS, LATENCY, THROTTLES

CLOUDWATCH = "pytest_syncload.sources.cloudwatch"

#: One in a hundred of a minute's requests fails.
_FAILING: Samples = {0.0: 594, 1.0: 6}
_FINE: Samples = {0.0: 600}


def _queried(request: Any, result: Any) -> tuple[str, str, int]:
    """What a result is about: metric, statistic, and period."""
    query = request["MetricDataQueries"][int(result["Id"].removeprefix("q"))]["MetricStat"]
    return query["Metric"]["MetricName"], query["Stat"], query["Period"]


def _results(metric: str, stat: str, change: Callable[[Any], None], period: int = 0) -> Callable[[str, Any, Any], None]:
    """A rewriting of each result of a metric's statistic; of one period, or of all."""

    def rewrite(operation: str, request: Any, answer: Any) -> None:
        for result in answer.get("MetricDataResults", ()):
            name, statistic, of_period = _queried(request, result)
            if (name, statistic) == (metric, stat) and period in (0, of_period):
                change(result)

    return rewrite


def _all_values(value: object) -> Callable[[Any], None]:
    return lambda result: result.update(Values=[value] * len(result["Values"]))


def _taken_back(status: str) -> Callable[[Cloud], Seen]:
    def scenario(cloud: Cloud) -> Seen:
        def twice(operation: str, request: Any, answer: Any) -> None:
            results = answer.get("MetricDataResults", [])
            for result in [result for result in results if _queried(request, result)[0] == "5XXError"]:
                result.update(StatusCode=status, Timestamps=[], Values=[])
                results.append(result | {"StatusCode": "Complete"})

        cloud.healthy({"5XXError": [_FAILING] * 3})
        cloud.rewrite = twice
        return seen(cloud.verdict(ERRORS), f"is {status}, not Complete")

    return scenario


def _late_errors(cloud: Cloud) -> Seen:
    cloud.healthy({"5XXError": [_FINE, _FINE]})

    def later(attempt: int) -> None:
        if attempt == 3:
            cloud.publish("5XXError", [_FAILING], first=2)

    return seen(cloud.verdict(ERRORS, meanwhile=later), "% is not < 0.1 %")


def _better_than_its_minutes(cloud: Cloud) -> Seen:
    cloud.healthy({"Latency": [SLOW] * 3})
    cloud.rewrite = _results("Latency", "p95", _all_values(1.0), period=180)
    return seen(cloud.verdict(LATENCY), "of the window is 1 and of its minutes 900 to 900")


def _below_zero(cloud: Cloud) -> Seen:
    cloud.healthy({"Latency": [SLOW] * 3})
    cloud.rewrite = _results("Latency", "p95", _all_values(-1.0))
    return seen(cloud.verdict(LATENCY), "came back as -1, which is below zero")


def _cancelled_out(cloud: Cloud) -> Seen:
    cloud.healthy({"WriteThrottleEvents": [{5.0: 1}] * 2})
    cloud.rewrite = _results("WriteThrottleEvents", "Sum", lambda result: result.update(Values=[5.0, -5.0]))
    return seen(cloud.verdict(THROTTLES), "came back as -5, which is below zero")


def _true(cloud: Cloud) -> Seen:
    cloud.healthy({"Latency": [SLOW] * 3})
    cloud.rewrite = _results("Latency", "p95", _all_values(True))
    return seen(cloud.verdict(LATENCY), "came back as nan, which is no measurement")


def _beyond_all_bounds(cloud: Cloud) -> Seen:
    cloud.healthy({"5XXError": [_FAILING] * 3})
    cloud.rewrite = _results("5XXError", "Sum", _all_values(10**400))
    return seen(cloud.verdict(ERRORS), "came back as nan, which is no measurement")


def _zero_for_what_is_no_number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        return 0.0


def _of_no_samples(cloud: Cloud) -> Seen:
    cloud.healthy()
    cloud.rewrite = _results("EngineCPUUtilization", "SampleCount", _all_values(0.0))
    return seen(cloud.verdict(CACHE), "is 0 in 3 minutes that have a value")


def _too_many_metrics(cloud: Cloud) -> Seen:
    def leave_out(operation: str, request: Any, answer: Any) -> None:
        if operation == "GetMetricData":
            answer["Messages"] = [{"Code": "MaxMetricsExceeded", "Value": "too many metrics"}]
            _results("5XXError", "Sum", lambda result: result.update(Timestamps=[], Values=[]))(
                operation, request, answer
            )

    cloud.healthy({"5XXError": [_FAILING] * 3})
    cloud.rewrite = leave_out
    return seen(cloud.verdict(ERRORS), "CloudWatch says MaxMetricsExceeded: too many metrics")


def _forbidden_by_message(cloud: Cloud) -> Seen:
    cloud.healthy({"5XXError": [_FAILING] * 3})
    said = {"Messages": [{"Code": "Forbidden", "Value": "not of that account"}], "Timestamps": [], "Values": []}
    cloud.rewrite = _results("5XXError", "Sum", lambda result: result.update(said))
    return seen(cloud.verdict(ERRORS), "CloudWatch says Forbidden: not of that account")


def _forgotten(cloud: Cloud) -> Seen:
    """The first poll is told of the errors, and the later ones of none."""
    cloud.healthy({"5XXError": [_FAILING] * 3})

    def forget(operation: str, request: Any, answer: Any) -> None:
        if cloud.asked["GetMetricData"] > 1:
            _results("5XXError", "Sum", _all_values(0.0))(operation, request, answer)

    cloud.rewrite = forget
    return seen(cloud.verdict(ERRORS), "6 in a minute of which a later poll was told 0, and a count cannot fall")


def _hidden_at_the_edges(cloud: Cloud) -> Seen:
    """Eight in a hundred of ours are slow, and two in five of what is counted is somebody else's and fast."""
    mixed: Samples = {20.0: 952, 900.0: 48}
    cloud.healthy({"Latency": [mixed] * 3, "Count": [{1.0: 1000}] * 3})
    return seen(cloud.verdict(LATENCY, load=cloud.load(in_flight_edges=1200)), "allowed difference 90")


def _no_last_page(cloud: Cloud) -> Seen:
    """After the first page, which says nothing of the errors, as many empty ones as nobody has asked for."""
    cloud.fresh()
    cloud.healthy({"5XXError": [_FAILING] * 3})
    cloud.forget_tokens = True
    pages = SPARE_PAGES + 20

    def go_on(operation: str, request: Any, answer: Any) -> None:
        if operation != "GetMetricData":
            return
        number = (cloud.asked[operation] - 1) % pages
        _results("5XXError", "Sum", lambda result: result.update(Timestamps=[], Values=[]))(operation, request, answer)
        if number:
            answer["MetricDataResults"] = []
        if number < pages - 1:
            answer["NextToken"] = str(number + 1)

    cloud.rewrite = go_on
    return seen(cloud.verdict(ERRORS), "pages, more than what was asked can fill")


def _entry(name: str, mistake: str, scenario: Any, guards: Mapping[str, Any], peers: str = "") -> Entry:
    return Entry(name=name, mistake=mistake, guards=guards, through=Through.BOTO3, scenario=scenario, peers=peers)


_POSSIBLE = {f"{REQUIRED}:require_possible": nothing}

ENTRIES = (
    *(
        _entry(
            f"{status}, then Complete",
            "A query has two results in one answer; the first says that it failed, and the last one is believed.",
            _taken_back(status),
            {f"{CLOUDWATCH}:status_after": lambda before, now: now},
        )
        for status in ("InternalError", "Forbidden")
    ),
    _entry(
        "late last minute of the errors",
        "A REST API's errors have a point in every minute with requests; one that is late is read as none.",
        _late_errors,
        {f"{SETTLE}:missing_minutes": none_missing, f"{REQUIRED}:require_all_minutes_or_none": nothing},
    ),
    _entry(
        "a window better than each of its minutes",
        "The window's p95 is 1 ms, and every minute's 900 ms.",
        _better_than_its_minutes,
        {f"{REQUIRED}:require_within_its_minutes": nothing},
    ),
    _entry("a latency below zero", "-1 ms is below every limit.", _below_zero, _POSSIBLE),
    _entry("throttles that cancel out", "5 throttles and -5 are none.", _cancelled_out, _POSSIBLE),
    _entry(
        "true for a number",
        "JSON's true is 1 to many a language, and 1 ms is fast.",
        _true,
        {f"{CLOUDWATCH}:number": float},
    ),
    _entry(
        "a number that no float can hold",
        "What cannot be converted is left at 0.",
        _beyond_all_bounds,
        {f"{CLOUDWATCH}:number": _zero_for_what_is_no_number},
    ),
    _entry(
        "a value of no samples",
        "The node's CPU is there, and by its sample count nobody has measured it.",
        _of_no_samples,
        {f"{REQUIRED}:require_sampled": nothing},
    ),
    _entry(
        "a message about the call",
        "CloudWatch says that it left metrics out, beside results that are Complete.",
        _too_many_metrics,
        {f"{SETTLE}:remarked": nothing},
    ),
    _entry(
        "a message about a query",
        "CloudWatch says beside a result that it may not be read, and the result is Complete and empty.",
        _forbidden_by_message,
        {f"{SETTLE}:remarked": nothing},
    ),
    _entry(
        "errors that were there before",
        "One poll is told of errors, two later ones of none, and those agree.",
        _forgotten,
        {f"{SETTLE}:fallen": none_missing},
    ),
    _entry(
        "foreign traffic as large as what was in flight",
        "The more is open at the window's ends, the more requests of others are let in, which hide the slow ones.",
        _hidden_at_the_edges,
        {f"{SETTLE}:allowed_difference": max},
    ),
    _entry(
        "pages without an end",
        "Page after page is empty, far more than the question can fill, and the errors were on none of them.",
        _no_last_page,
        {f"{CLOUDWATCH}:pages_allowed": lambda asks, reach: 10**9},
    ),
)
