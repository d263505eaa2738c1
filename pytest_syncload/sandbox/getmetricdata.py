"""GetMetricData over a `Store`: buckets, statistics, limits and paging as the CloudWatch API reference has them.

Buckets are aligned to StartTime. A bucket without a data point has no point, never a zero. What is not implemented,
Expressions above all, is an error and never a guess.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Any

from pytest_syncload.facts.clock import MINUTE
from pytest_syncload.sandbox.awserror import AwsError, bad_value, known_members, missing, unbuilt
from pytest_syncload.sandbox.cloudwatch import KEPT_S, MetricKey, Series, Store, metric_key
from pytest_syncload.sandbox.paging import ForeignToken, digest, offset

QUERIES_A_CALL = 500
POINTS_A_CALL = 100_800
_SHORT_PERIODS = (1, 5, 10, 20, 30)
_LONGEST_PERIOD = 86_400
#: Periods under a minute can be asked for the last three hours only.
_THREE_HOURS_S = 3 * 3_600

_ID = re.compile(r"[a-z][a-zA-Z0-9_]{0,254}")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")
_SIMPLE = frozenset({"Sum", "Average", "Minimum", "Maximum", "SampleCount"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query:
    id: str
    label: str
    key: MetricKey
    period: int
    stat: str
    returned: bool


def get_metric_data(
    store: Store, request: Mapping[str, Any], now: float, points_a_call: int = POINTS_A_CALL
) -> dict[str, Any]:
    """The answer to a GetMetricData request at service time ``now``. Raises `AwsError`."""
    members = {"MetricDataQueries", "StartTime", "EndTime", "NextToken", "ScanBy", "MaxDatapoints"}
    known_members(request, members, "GetMetricData")
    start, end = (_stamp(request, member) for member in ("StartTime", "EndTime"))
    if not start < end:
        raise bad_value("The parameter StartTime must be less than the parameter EndTime.")
    if start < now - KEPT_S:
        raise unbuilt("a StartTime more than 15 days ago: 60-second data points are not kept longer")
    order = request.get("ScanBy", "TimestampDescending")
    if order not in ("TimestampDescending", "TimestampAscending"):
        raise bad_value(f"ScanBy {order!r} is neither TimestampDescending nor TimestampAscending")
    most = request.get("MaxDatapoints", POINTS_A_CALL)
    if not _whole(most) or not 1 <= most <= POINTS_A_CALL:
        raise bad_value(f"MaxDatapoints must be from 1 to {POINTS_A_CALL}")
    queries = _queries(request.get("MetricDataQueries"), now - start)
    results = []
    for query in queries:
        if query.returned:
            points = sorted(
                _fold(store.series(query.key), query, start, end, now).items(), reverse=order.endswith("Descending")
            )
            results.append((query, points))
    return _page(results, _offset(request), min(most, points_a_call), digest(_asked(request)))


def statistic(stat: str, values: Mapping[float, float]) -> float:
    """``stat`` over value → count. Percentiles are nearest-rank: the least value with at least p % at or below it.

    CloudWatch does not document how it interpolates; nearest-rank never reports a value that was not measured.
    """
    match stat:
        case "SampleCount":
            return math.fsum(values.values())
        case "Sum":
            return math.fsum(value * count for value, count in values.items())
        case "Average":
            return statistic("Sum", values) / statistic("SampleCount", values)
        case "Minimum":
            return min(values)
        case "Maximum":
            return max(values)
    ordered = sorted(values)
    rank = Fraction(stat[1:]) / 100 * sum(Fraction(count) for count in values.values())
    reached = accumulate(Fraction(values[value]) for value in ordered)
    return next(value for value, seen in zip(ordered, reached, strict=True) if seen >= rank)


def _fold(series: Series, query: _Query, start: float, end: float, now: float) -> dict[int, float]:
    # Rounded down to the minute, or to the period where that is shorter.
    step = min(query.period, int(MINUTE))
    first = math.floor(start / step) * step
    buckets: dict[int, dict[float, float]] = {}
    for minute, values in series.items():
        if first <= minute < end and minute >= now - KEPT_S:
            bucket = buckets.setdefault(first + (minute - first) // query.period * query.period, {})
            for value, count in values.items():
                bucket[value] = bucket.get(value, 0.0) + count
    if query.stat not in _SIMPLE and any(min(values) < 0 for values in buckets.values()):
        raise unbuilt("percentiles of metrics with negative values")
    return {stamp: statistic(query.stat, values) for stamp, values in buckets.items()}


def _queries(given: object, age: float) -> list[_Query]:
    if not isinstance(given, list) or not given:
        raise missing("MetricDataQueries")
    if len(given) > QUERIES_A_CALL:
        raise bad_value(f"MetricDataQueries holds {len(given)} queries; at most {QUERIES_A_CALL} a call")
    queries = [_query(one, age) for one in given]
    if len({query.id for query in queries}) != len(queries):
        raise bad_value("The Ids of MetricDataQueries must be distinct")
    if not any(query.returned for query in queries):
        raise bad_value("At least one query must have ReturnData true")
    return queries


def _query(given: object, age: float) -> _Query:
    if not isinstance(given, dict):
        raise bad_value("a member of MetricDataQueries is a structure")
    known_members(given, {"Id", "MetricStat", "Label", "ReturnData"}, "MetricDataQuery")
    name = given.get("Id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise bad_value(f"Id {name!r} must begin with a lower-case letter and hold letters, digits and _")
    stat = given.get("MetricStat")
    if not isinstance(stat, dict):
        raise missing(f"MetricStat of {name}")
    known_members(stat, {"Metric", "Period", "Stat"}, "MetricStat")
    metric = stat.get("Metric")
    if not isinstance(metric, dict):
        raise missing(f"Metric of {name}")
    known_members(metric, {"Namespace", "MetricName", "Dimensions"}, "Metric")
    for member in ("Namespace", "MetricName"):
        if not isinstance(metric.get(member), str):
            raise missing(f"{member} of {name}")
    label = given.get("Label", metric["MetricName"])
    if not isinstance(label, str) or "${" in label:
        raise unbuilt("dynamic labels")
    returned = given.get("ReturnData", True)
    if not isinstance(returned, bool):
        raise bad_value(f"ReturnData of {name} must be true or false")
    return _Query(
        id=name,
        label=label,
        key=metric_key(metric["Namespace"], metric["MetricName"], metric.get("Dimensions")),
        period=_period(stat.get("Period"), age),
        stat=_stat(stat.get("Stat")),
        returned=returned,
    )


def _period(period: object, age: float) -> int:
    if not isinstance(period, int) or isinstance(period, bool):
        raise missing("Period")
    if period in _SHORT_PERIODS:
        if age > _THREE_HOURS_S:
            raise bad_value("a StartTime more than 3 hours ago needs a Period that is a multiple of 60")
    elif period < 1 or period % 60 or period > _LONGEST_PERIOD:
        raise bad_value(f"Period {period} must be 1, 5, 10, 20, 30 or a multiple of 60, and at most {_LONGEST_PERIOD}")
    return period


def _stat(stat: object) -> str:
    if not isinstance(stat, str):
        raise missing("Stat")
    if stat not in _SIMPLE and not _PERCENTILE.fullmatch(stat):
        raise unbuilt(f"the statistic {stat!r}")
    return stat


def _stamp(request: Mapping[str, Any], member: str) -> float:
    value = request.get(member)
    if value is None:
        raise missing(member)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise bad_value(f"{member} must be a number of epoch seconds")
    return float(value)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _asked(request: Mapping[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in request.items() if member != "NextToken"}


def _offset(request: Mapping[str, Any]) -> int:
    """How many points earlier pages held."""
    try:
        return offset(request.get("NextToken"), _asked(request))
    except ForeignToken:
        raise AwsError("InvalidNextToken", "InvalidNextToken", "NextToken does not belong to this request") from None


def _page(
    results: list[tuple[_Query, list[tuple[int, float]]]], skip: int, most: int, belongs_to: str
) -> dict[str, Any]:
    """One page: queries in order, each marked PartialData until its last point is out. Others are left out."""
    page: list[dict[str, Any]] = []
    total = sum(len(points) for _, points in results)
    end = skip + most
    position = 0
    for query, points in results:
        first = max(skip - position, 0)
        last = max(first, min(end - position, len(points)))
        position += len(points)
        # Queries without a point are all on the first page, where they would otherwise belong to none.
        if last == first and (points or skip):
            continue
        page.append(
            {
                "Id": query.id,
                "Label": query.label,
                "Timestamps": [stamp for stamp, _ in points[first:last]],
                "Values": [value for _, value in points[first:last]],
                "StatusCode": "Complete" if last == len(points) else "PartialData",
            }
        )
    answer: dict[str, Any] = {"MetricDataResults": page, "Messages": []}
    if end < total:
        answer["NextToken"] = f"{end}-{belongs_to}"
    return answer
