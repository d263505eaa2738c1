"""A target that every value meets proves nothing; one that a value could break is the author's business."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_syncload.facts.plan import RawQuery, Slo, Target
from pytest_syncload.facts.units import Kind
from pytest_syncload.spec.breakable import unbreakable
from tests.rows import LATENCY

TIMEOUT_S = 10.0


def row(metric: str, op: str, value: float, kind: Kind) -> Slo:
    return replace(LATENCY, metric=metric, statistic=None, target=Target(op=op, value=value, kind=kind, text=""))


@pytest.mark.parametrize(
    ("slo", "says"),
    [
        (row("sqs.visible", ">=", 0.0, Kind.COUNT), "no value is below 0"),
        (row("apigateway.5xx", "<", 100.1, Kind.SHARE), "no share is more than 100 %"),
        (row("ecs.cpu", "<=", 100.0, Kind.SHARE), "no share is more than 100 %"),
        (row("apigateway.latency", "<=", 29_000.0, Kind.TIME), "no request takes longer than 29s"),
        (row("dynamodb.latency", "<", 29_001.0, Kind.TIME), "no request takes longer than 29s"),
    ],
)
def test_what_nothing_breaks(slo: Slo, says: str) -> None:
    assert unbreakable(slo, TIMEOUT_S) == says


@pytest.mark.parametrize(
    "slo",
    [
        row("sqs.visible", ">", 0.0, Kind.COUNT),
        row("apigateway.5xx", "<", 100.0, Kind.SHARE),
        row("apigateway.5xx", "==", 100.0, Kind.SHARE),
        row("apigateway.latency", "<", 29_000.0, Kind.TIME),
        # What is reserved or provisioned can be exceeded, and a message can wait for ever.
        row("dynamodb.consumed_share", "<", 120.0, Kind.SHARE),
        row("containerinsights.cpu", "<=", 100.0, Kind.SHARE),
        row("sqs.oldest", "<", 3_600_000.0, Kind.TIME),
        # A target may break at half of what the plan wants, or hold three times as much.
        row("load.headroom", ">=", 0.0, Kind.SHARE),
        row("load.headroom", "<=", 200.0, Kind.SHARE),
        replace(row("", ">=", 0.0, Kind.COUNT), metric=None, query=RawQuery(namespace="N", name="n", dimensions=())),
    ],
)
def test_what_a_value_could_break(slo: Slo) -> None:
    assert unbreakable(slo, TIMEOUT_S) is None


def test_a_longer_timeout_leaves_room_for_longer_requests() -> None:
    slo = row("apigateway.latency", "<", 40_000.0, Kind.TIME)
    assert unbreakable(slo, 45.0) is None
    assert unbreakable(slo, 39.0) == "no request takes longer than 39s"
