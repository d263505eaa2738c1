"""Laws from the answers to the verdict: what is missing, and what is added outside the window, turns nothing green."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_syncload.facts.catalogue import Absent, Role, preset_of
from pytest_syncload.facts.observation import Ruling
from pytest_syncload.facts.plan import RawQuery, Slo, Target
from pytest_syncload.facts.units import Kind
from pytest_syncload.sources.cloudwatch import Answer, Ask, asks_of
from pytest_syncload.sources.observe import observe
from pytest_syncload.sources.settle import unsettled
from pytest_syncload.verdict import judge
from tests.rows import CACHE, DEPTH, ERRORS, LATENCY, RESOURCES, THROTTLES, WINDOW, answer, answers, reading, result

_WRITES = RawQuery(
    namespace="AWS/DynamoDB", name="ConsumedWriteCapacityUnits", dimensions=(("TableName", "sync-jobs"),)
)
FLOOR = replace(
    THROTTLES,
    name="writes",
    metric=None,
    query=_WRITES,
    alive=_WRITES,
    statistic="Sum",
    target=Target(op=">=", value=1500.0, kind=Kind.COUNT, text=">= 1500"),
)
SUSTAINED = replace(DEPTH, name="sustained", sustained_s=120.0)
DRAINED = replace(DEPTH, name="drained", drains_within_s=120.0)
#: A row, and what turns it red: the changed value of a metric.
BROKEN: dict[str, tuple[Slo, dict[str, float]]] = {
    "latency": (LATENCY, {"Latency": 900.0}),
    "errors": (ERRORS, {"_5XXError": 6.0}),
    "throttles": (THROTTLES, {"WriteThrottleEvents": 1.0}),
    "floor": (FLOOR, {"ConsumedWriteCapacityUnits": 400.0}),
    "depth": (DEPTH, {"ApproximateNumberOfMessagesVisible": 1400.0}),
    "sustained": (SUSTAINED, {"ApproximateNumberOfMessagesVisible": 1400.0}),
    "drained": (DRAINED, {"ApproximateNumberOfMessagesVisible": 900.0}),
    "cache": (CACHE, {"EngineCPUUtilization": 95.0}),
}
#: Minutes before the hold, and behind all that a row looks at.
OUTSIDE = st.sampled_from([-3, -2, -1, 5, 6, 7])


def ruling(slo: Slo, told: Mapping[Ask, Answer]) -> Ruling:
    """What the row is, of answers that stay as they are."""
    doubts = unsettled(told, told)
    return judge(observe(slo, reading(told, doubts=doubts), RESOURCES, result()), result(), None).ruling


def healthy(name: str) -> dict[Ask, Answer]:
    """Healthy answers to all that the row asks."""
    slo, _ = BROKEN[name]
    asks = asks_of(slo, RESOURCES, WINDOW)
    if name == "floor":
        return {ask: answer(ask, 1.0 if ask.query.statistic == "SampleCount" else 600.0) for ask in asks}
    told = answers(slo)
    return {ask: told[ask] for ask in asks}


def broken(name: str) -> dict[Ask, Answer]:
    changed = BROKEN[name][1]
    told = healthy(name)
    for ask in told:
        metric = ask.query.name if not ask.query.name[0].isdigit() else f"_{ask.query.name}"
        if metric in changed and ask.query.statistic != "SampleCount":
            told[ask] = answer(ask, changed[metric])
    return told


@pytest.mark.parametrize("name", BROKEN)
def test_the_rows_are_green_when_healthy_and_red_when_broken(name: str) -> None:
    slo, _ = BROKEN[name]
    assert ruling(slo, healthy(name)) is Ruling.PASS
    assert ruling(slo, broken(name)) is Ruling.BREACH


@pytest.mark.parametrize("name", BROKEN)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_breach_is_never_hidden_by_good_points_outside_the_window(name: str, data: st.DataObject) -> None:
    slo, _ = BROKEN[name]
    told, good = broken(name), healthy(name)
    for ask in data.draw(st.sets(st.sampled_from(list(told)), min_size=1)):
        stamps = dict(zip(told[ask].timestamps, told[ask].values, strict=True))
        for minute in data.draw(st.sets(OUTSIDE, min_size=1)):
            value = good[ask].values[0] if good[ask].values else 0.0
            # Behind the hold of a row that must drain lies more than its window.
            stamps[WINDOW.start + 60 * minute] = max(value, 1e6) if slo.target.op == ">=" else value
        told[ask] = replace(
            told[ask], timestamps=tuple(sorted(stamps)), values=tuple(stamps[stamp] for stamp in sorted(stamps))
        )
    assert ruling(slo, told) is not Ruling.PASS


@pytest.mark.parametrize("name", BROKEN)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_missing_sample_never_passes(name: str, data: st.DataObject) -> None:
    """Any point of any query, but for what may be absent by the catalogue: then its siblings' go with it."""
    slo, _ = BROKEN[name]
    told = healthy(name)
    absent = preset_of(slo).absent
    needed = [
        ask
        for ask in told
        if absent is Absent.INCONCLUSIVE or ask.query.role in (Role.ALIVE, Role.DENOMINATOR) or ask.query.steady
    ]
    ask = data.draw(st.sampled_from(needed))
    every = told[ask].timestamps
    some = st.sets(st.sampled_from(every), min_size=1, max_size=len(every) - ask.query.steady)
    # All of them too: what has no point at all is not waited for. But all errors may be absent.
    lost = data.draw(some if ask.query.steady else st.just(set(every)) | some)
    for other in list(told) if absent is Absent.ZERO_WHILE_ALIVE else [ask]:
        kept = [
            (stamp, value)
            for stamp, value in zip(told[other].timestamps, told[other].values, strict=True)
            if stamp not in lost
        ]
        told[other] = replace(
            told[other], timestamps=tuple(stamp for stamp, _ in kept), values=tuple(value for _, value in kept)
        )
    assert ruling(slo, told) is not Ruling.PASS
