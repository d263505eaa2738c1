"""The CloudWatch double's memory: data points put into it, in service time. No socket, no clock of its own.

It does what the API reference says of PutMetricData for standard-resolution metrics, and answers an error to the rest;
it must never guess. One licence: AWS refuses namespaces that begin with "AWS/" to its users, and here the stand-in
speaks for AWS itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pytest_syncload.facts.clock import minute_floor
from pytest_syncload.sandbox.awserror import bad_value, combination, known_members, missing, unbuilt

DATUMS_A_CALL = 1_000
VALUES_A_DATUM = 150
DIMENSIONS_A_METRIC = 30
TWO_WEEKS_S = 14 * 86_400
TWO_HOURS_S = 2 * 3_600
#: How long 60-second data points are kept; CloudWatch then keeps coarser ones, which the double does not make.
KEPT_S = 15 * 86_400

_UNITS = frozenset(
    {"Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Percent", "Count", "None"}
    | {"Count/Second", "Bytes/Second"}
)

MetricKey = tuple[str, str, frozenset[tuple[str, str]]]
#: Minute (epoch seconds) → value → how often.
Series = dict[int, dict[float, float]]


class Store:
    """All data points, by metric and minute. Times are service time, epoch seconds."""

    def __init__(self) -> None:
        self._series: dict[MetricKey, Series] = {}

    def put(self, request: Mapping[str, Any], now: float) -> None:
        """PutMetricData. All data points are kept, or none. Raises `AwsError`."""
        known_members(request, {"Namespace", "MetricData"}, "PutMetricData")
        namespace = _text(request, "Namespace")
        data = request.get("MetricData")
        if not isinstance(data, list) or not data:
            raise missing("MetricData")
        if len(data) > DATUMS_A_CALL:
            raise bad_value(f"MetricData holds {len(data)} data points; at most {DATUMS_A_CALL} a call")
        accepted = [_datum(namespace, datum, now) for datum in data]
        for key, minute, points in accepted:
            held = self._series.setdefault(key, {}).setdefault(minute, {})
            for value, count in points:
                held[value] = held.get(value, 0.0) + count

    def series(self, key: MetricKey) -> Series:
        """The metric's data points; empty where it has none. The caller must not change them."""
        return self._series.get(key, {})

    def metrics(self, since: float) -> list[MetricKey]:
        """The metrics with a data point at or after ``since``."""
        return [key for key, series in self._series.items() if max(series) >= since]


def metric_key(namespace: str, name: str, dimensions: object) -> MetricKey:
    """What makes a metric one metric: the order of its dimensions does not matter, their number does."""
    if dimensions is None:
        dimensions = []
    if not isinstance(dimensions, list) or len(dimensions) > DIMENSIONS_A_METRIC:
        raise bad_value(f"Dimensions must be a list of at most {DIMENSIONS_A_METRIC}")
    pairs = []
    for dimension in dimensions:
        if not isinstance(dimension, dict):
            raise bad_value("a dimension is a structure of Name and Value")
        known_members(dimension, {"Name", "Value"}, "Dimension")
        pairs.append((_text(dimension, "Name"), _text(dimension, "Value")))
    distinct = frozenset(pairs)
    if len({name for name, _ in distinct}) != len(pairs):
        raise bad_value("a dimension is named twice")
    return namespace, name, distinct


def _datum(namespace: str, datum: object, now: float) -> tuple[MetricKey, int, list[tuple[float, float]]]:
    if not isinstance(datum, dict):
        raise bad_value("a member of MetricData is a structure")
    known_members(
        datum,
        {"MetricName", "Dimensions", "Timestamp", "Value", "Values", "Counts", "Unit", "StorageResolution"},
        "MetricDatum",
    )
    if datum.get("StorageResolution", 60) != 60:
        raise unbuilt("StorageResolution other than 60")
    if datum.get("Unit", "None") not in _UNITS:
        raise bad_value(f"Unit {datum['Unit']!r} is unknown")
    key = metric_key(namespace, _text(datum, "MetricName"), datum.get("Dimensions"))
    stamp = _finite(datum.get("Timestamp", now), "Timestamp")
    if stamp < now - TWO_WEEKS_S or stamp > now + TWO_HOURS_S:
        raise bad_value("Timestamp must be at most two weeks in the past and at most two hours in the future")
    return key, int(minute_floor(stamp)), _points(datum)


def _points(datum: Mapping[str, Any]) -> list[tuple[float, float]]:
    if ("Value" in datum) == ("Values" in datum):
        raise combination("a MetricDatum has either Value or Values")
    if "Value" in datum:
        if "Counts" in datum:
            raise combination("Counts goes with Values, not with Value")
        return [(_finite(datum["Value"], "Value"), 1.0)]
    values = datum["Values"]
    if not isinstance(values, list):
        raise bad_value("Values must be a list")
    counts = datum.get("Counts", [1] * len(values))
    if not isinstance(counts, list) or len(values) != len(counts):
        raise bad_value("Values and Counts must be of one length")
    if not 1 <= len(values) <= VALUES_A_DATUM:
        raise bad_value(f"Values must have 1 to {VALUES_A_DATUM} members, not {len(values)}")
    points = [(_finite(value, "Values"), _finite(count, "Counts")) for value, count in zip(values, counts, strict=True)]
    if any(count <= 0 for _, count in points):
        raise bad_value("Counts must be positive")
    return points


def _text(of: Mapping[str, Any], member: str) -> str:
    value = of.get(member)
    if not isinstance(value, str) or not 1 <= len(value) <= 1024:
        raise missing(member) if value is None else bad_value(f"{member} must be a text of 1 to 1024 characters")
    return value


def _finite(value: object, member: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise bad_value(f"{member} must be a finite number, not {value!r}")
    return float(value)
