from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.catalogue import queries_for
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.observation import Observation, Series
from pytest_syncload.facts.plan import RawQuery, Resources, Slo, Target
from pytest_syncload.facts.result import Outcome, PhaseResult, Tally
from pytest_syncload.facts.tasks import Census, Container, Task
from pytest_syncload.facts.units import Kind
from pytest_syncload.sources.cloudwatch import Answer, Ask, asks_of
from pytest_syncload.sources.fold import held_for
from pytest_syncload.sources.observe import observe
from pytest_syncload.sources.settle import unsettled
from tests.rows import (
    CACHE,
    DEPTH,
    ERRORS,
    LATENCY,
    RESOURCES,
    START,
    TASKS,
    THROTTLES,
    WINDOW,
    answer,
    answers,
    reading,
    result,
)


def look(slo: Slo, told: Mapping[Ask, Answer], resources: Resources, measured: PhaseResult) -> Observation:
    return observe(slo, reading(told), resources, measured)


def test_latency_is_the_one_percentile_of_the_whole_window() -> None:
    seen = look(LATENCY, answers(LATENCY), RESOURCES, result())
    assert (seen.value, seen.samples, seen.problem) == (120.0, 1800, None)
    assert len(seen.series.values) == 3
    assert seen.sources == ("AWS/ApiGateway Latency p95 {ApiName=syncwell, Stage=v1}",)


def test_latency_without_a_data_point_is_no_value() -> None:
    seen = look(LATENCY, answers(LATENCY, Latency=None), RESOURCES, result())
    assert seen.value is None
    assert "no data point for AWS/ApiGateway Latency p95" in (seen.problem or "")


def test_latency_with_a_silent_minute_is_no_value() -> None:
    told = {ask: shortened(a) if ask.period_s == 60 else a for ask, a in answers(LATENCY).items()}
    assert "2 of the window's 3 minutes" in (look(LATENCY, told, RESOURCES, result()).problem or "")


def test_latency_of_another_period_is_no_value() -> None:
    told = {
        ask: replace(a, timestamps=(START + 60,)) if ask.period_s == 180 else a for ask, a in answers(LATENCY).items()
    }
    assert "another period" in (look(LATENCY, told, RESOURCES, result()).problem or "")


def shortened(a: Answer) -> Answer:
    return replace(a, timestamps=a.timestamps[:-1], values=a.values[:-1])


def test_errors_are_the_worse_of_cloudwatch_and_client() -> None:
    failing = result(hold=Tally(outcomes={Outcome.OK: 1791, Outcome.TIMEOUT: 9}))
    seen = look(ERRORS, answers(ERRORS, _5XXError=1.0), RESOURCES, failing)
    assert seen.parts == {"CloudWatch": pytest.approx(100 / 600), "client": 0.5}
    assert seen.value == 0.5


def test_no_error_metric_beside_a_count_is_zero() -> None:
    seen = look(ERRORS, answers(ERRORS, _5XXError=None), RESOURCES, result())
    assert (seen.value, seen.samples) == (0.0, 1800)


def test_errors_of_some_minutes_only_are_late_where_there_should_be_one_of_each() -> None:
    told = {ask: shortened(a) if "5XX" in ask.query.name else a for ask, a in answers(ERRORS).items()}
    assert "2 of the window's 3 minutes" in (look(ERRORS, told, RESOURCES, result()).problem or "")


def test_errors_of_some_minutes_only_are_zero_in_the_others_of_an_http_api() -> None:
    http = replace(RESOURCES, rest_api=None, http_api="a1b2")
    told = {ask: answer(ask, 600.0 if ask.query.name == "Count" else 6.0) for ask in asks_of(ERRORS, http, WINDOW)}
    told = {ask: shortened(a) if ask.query.name == "5xx" else a for ask, a in told.items()}
    seen = look(ERRORS, told, http, result())
    assert seen.problem is None
    assert seen.value == pytest.approx(100 * 12 / 1800)
    assert unsettled(told, told) == {}


#: A statistic, the values of its three minutes, that of the window, and whether both can be true.
TOGETHER = [
    ("p95", (100.0, 200.0, 300.0), 100.0, True),
    ("p95", (100.0, 200.0, 300.0), 305.0, True),  # CloudWatch's percentiles are approximations
    ("p95", (100.0, 200.0, 300.0), 98.1, True),
    ("p95", (100.0, 200.0, 300.0), 97.9, False),
    ("p95", (100.0, 200.0, 300.0), 306.1, False),
    ("p95", (900.0, 900.0, 900.0), 1.0, False),
    ("p99.9", (0.0, 0.0, 0.0), 0.0, True),
    ("p99.9", (900.0, 900.0, 900.0), 1.0, False),
    ("Average", (100.0, 200.0, 300.0), 299.9, True),
    ("Average", (100.0, 200.0, 300.0), 301.0, False),
    ("Average", (100.0, 200.0, 300.0), 99.0, False),
    ("Maximum", (100.0, 200.0, 300.0), 300.0, True),
    ("Maximum", (100.0, 200.0, 300.0), 200.0, False),
]


@pytest.mark.parametrize(("statistic", "minutes", "window", "both"), TOGETHER)
def test_a_window_beyond_its_minutes_is_no_measurement(
    statistic: str, minutes: tuple[float, ...], window: float, both: bool
) -> None:
    slo = replace(LATENCY, statistic=statistic)
    told = {}
    for ask in asks_of(slo, RESOURCES, WINDOW):
        whole = answer(ask, 600.0 if ask.query.statistic == "SampleCount" else window)
        told[ask] = replace(whole, values=minutes) if ask.period_s == 60 and ask.query.statistic == statistic else whole
    seen = look(slo, told, RESOURCES, result())
    assert (seen.value == window) is both
    assert both or "they contradict each other" in (seen.problem or "")


RAW = RawQuery(namespace="Own", name="Balance", dimensions=(("A", "b"),))


@pytest.mark.parametrize(
    ("statistic", "window", "value"), [("Minimum", -5.0, -5.0), ("Minimum", -4.0, None), ("tm90", 7.0, 7.0)]
)
def test_what_is_written_out_in_slo_yaml_may_be_below_zero(statistic: str, window: float, value: float | None) -> None:
    """A trimmed mean may even lie outside its minutes': what is trimmed of each is not what is trimmed of all."""
    slo = replace(DEPTH, metric=None, query=RAW, statistic=statistic)
    told = {}
    for ask in asks_of(slo, RESOURCES, WINDOW):
        whole = answer(ask, 1.0 if ask.query.statistic == "SampleCount" else window)
        told[ask] = replace(whole, values=(-5.0, -4.0, 3.0)) if ask.period_s == 60 and whole.values[0] != 1.0 else whole
    assert look(slo, told, RESOURCES, result()).value == value
    few = {ask: replace(a, values=(1.0, -1.0, 1.0)) if "SampleCount" in str(ask) else a for ask, a in told.items()}
    assert "below zero and no measurement" in (look(slo, few, RESOURCES, result()).problem or "")


@pytest.mark.parametrize("slo", [LATENCY, ERRORS, THROTTLES, DEPTH, CACHE], ids=lambda slo: slo.name)
def test_nothing_that_a_preset_measures_is_below_zero(slo: Slo) -> None:
    told = answers(slo)
    for ask in asks_of(slo, RESOURCES, WINDOW):
        below = told | {ask: answer(ask, -1.0)}
        assert "below zero and no measurement" in (look(slo, below, RESOURCES, result()).problem or ""), str(ask)


def test_a_value_of_no_samples_is_no_measurement() -> None:
    told = answers(DEPTH)
    none = {
        ask: replace(a, values=(1.0, 0.0, 1.0)) if ask.query.statistic == "SampleCount" else a
        for ask, a in told.items()
    }
    assert "is 0 in 1 minutes that have a value" in (look(DEPTH, none, RESOURCES, result()).problem or "")


@pytest.mark.parametrize("count", [None, 0.0])
def test_a_share_of_no_requests_is_no_value(count: float | None) -> None:
    assert look(ERRORS, answers(ERRORS, Count=count), RESOURCES, result()).problem


def test_errors_of_a_load_that_saw_nothing_are_no_value() -> None:
    seen = look(ERRORS, answers(ERRORS), RESOURCES, result(hold=Tally()))
    assert "no answer" in (seen.problem or "")


def test_errors_of_a_minute_outside_the_window_are_no_value() -> None:
    told = answers(ERRORS, _5XXError=1.0)
    stray = {
        ask: replace(a, timestamps=(START - 60, *a.timestamps[1:])) for ask, a in told.items() if "5XX" in str(ask)
    }
    assert "points outside the window (1)" in (look(ERRORS, told | stray, RESOURCES, result()).problem or "")


def test_silence_of_throttles_is_zero_beside_consumed_capacity() -> None:
    seen = look(THROTTLES, answers(THROTTLES), RESOURCES, result())
    assert (seen.value, seen.problem) == (0.0, None)
    assert seen.series.values == (0.0, 0.0, 0.0)


def test_silence_of_throttles_alone_is_no_value() -> None:
    told = answers(THROTTLES, ConsumedReadCapacityUnits=None, ConsumedWriteCapacityUnits=None)
    assert "silence is zero only beside traffic" in (look(THROTTLES, told, RESOURCES, result()).problem or "")


def test_silence_in_a_minute_without_consumption_is_no_value() -> None:
    told = {ask: shortened(a) if "Consumed" in ask.query.name else a for ask, a in answers(THROTTLES).items()}
    assert "in 1 of 3 minutes" in (look(THROTTLES, told, RESOURCES, result()).problem or "")


def test_a_latency_of_other_requests_is_no_value() -> None:
    assert "does not speak of this load" in (
        look(LATENCY, answers(LATENCY), RESOURCES, result(wire_requests=2000)).problem or ""
    )


def test_throttles_of_an_index_are_not_hidden_by_its_table() -> None:
    resources = replace(RESOURCES, tables={"sync-jobs": ("by-user",)})
    told = {
        ask: answer(ask, 1.0)
        for ask in asks_of(THROTTLES, resources, WINDOW)
        if "Consumed" in ask.query.name
        or (ask.query.name == "WriteThrottleEvents" and ask.query.group == "sync-jobs/by-user")
    }
    silent = {ask: answer(ask, None) for ask in asks_of(THROTTLES, resources, WINDOW)}
    assert look(THROTTLES, silent | told, resources, result()).value == 3.0


def test_throttles_of_reads_and_writes_add_up() -> None:
    seen = look(THROTTLES, answers(THROTTLES, ReadThrottleEvents=1.0, WriteThrottleEvents=2.0), RESOURCES, result())
    assert seen.value == 9.0
    assert seen.parts == {"sync-jobs ReadThrottleEvents": 3.0, "sync-jobs WriteThrottleEvents": 6.0}


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden", "missing"])
@pytest.mark.parametrize("slo", [LATENCY, ERRORS, THROTTLES], ids=lambda slo: slo.name)
def test_what_is_not_complete_is_no_value(slo: Slo, status: str) -> None:
    told = {ask: replace(a, status=status) for ask, a in answers(slo).items()}
    assert f"is {status}, not Complete" in (look(slo, told, RESOURCES, result()).problem or "")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("slo", [LATENCY, ERRORS, THROTTLES], ids=lambda slo: slo.name)
def test_not_a_number_is_no_value(slo: Slo, number: float) -> None:
    told = answers(slo, Latency=number, _5XXError=number, WriteThrottleEvents=number)
    seen = look(slo, told, RESOURCES, result())
    assert (seen.value, "no measurement" in (seen.problem or "")) == (None, True)


def test_what_was_never_fetched_is_no_value() -> None:
    assert "never fetched" in (look(LATENCY, {}, RESOURCES, result()).problem or "")


def test_a_resource_that_is_not_listed_is_no_value() -> None:
    assert "resources.api.rest" in (look(LATENCY, {}, Resources(), result()).problem or "")
    assert "resources.tables" in (look(THROTTLES, {}, Resources(), result()).problem or "")


RAW = RawQuery(namespace="SyncWell", name="Conflicts", dimensions=(("Service", "worker"),))
SIBLING = RawQuery(namespace="SyncWell", name="Jobs", dimensions=(("Service", "worker"),))
COUNT = Target(op="==", value=0.0, kind=Kind.COUNT, text="== 0")


def test_a_raw_sum_is_zero_only_beside_its_sibling() -> None:
    slo = Slo(name="conflicts", phase="peak", line=9, target=COUNT, query=RAW, statistic="Sum", alive=SIBLING)
    assert look(slo, answers(slo, Jobs=5.0), RESOURCES, result()).value == 0.0
    assert look(slo, answers(slo, Jobs=None), RESOURCES, result()).value is None
    assert look(slo, answers(slo, Conflicts=2.0), RESOURCES, result()).value == 6.0
    assert look(replace(slo, alive=None), answers(slo, Jobs=5.0), RESOURCES, result()).value is None
    partly = {ask: shortened(a) for ask, a in answers(replace(slo, alive=None), Conflicts=1.0).items()}
    assert "2 of the window's 3 minutes" in (look(replace(slo, alive=None), partly, RESOURCES, result()).problem or "")


def test_asks_are_told_apart_by_period() -> None:
    asks = {(ask.query.statistic, ask.period_s) for ask in answers(LATENCY) if ask.query.name == "Latency"}
    assert asks == {("p95", 60), ("p95", 180), ("SampleCount", 60)}
    assert len({Ask(next(iter(answers(LATENCY))).query, period, WINDOW) for period in (60, 180)}) == 2


# Rows over resources and over minutes.


def minutes_of(slo: Slo, values: Mapping[str, tuple[float, ...]]) -> dict[Ask, Answer]:
    """Healthy answers in which some per-minute series, by the last dimension's value, have these values."""
    told = answers(slo)
    for ask, healthy in told.items():
        given = values.get(ask.query.dimensions[-1][1])
        if given is not None and ask.query.statistic != "SampleCount" and ask.period_s == 60:
            told[ask] = replace(healthy, values=given)
    return told


def node(told: dict[Ask, Answer], name: str, node: str, value: float | None) -> dict[Ask, Answer]:
    return told | {
        ask: answer(ask, value)
        for ask in told
        if ask.query.name == name and ask.query.dimensions == (("CacheClusterId", node),)
        if ask.query.statistic != "SampleCount"
    }


def test_the_worst_node_is_judged_and_not_the_mean() -> None:
    seen = look(CACHE, node(answers(CACHE), "EngineCPUUtilization", "syncwell-002", 95.0), RESOURCES, result())
    assert seen.value == 95.0
    assert seen.series.values == (95.0, 95.0, 95.0)
    assert seen.parts == {
        "EngineCPUUtilization syncwell-001": 20.0,
        "EngineCPUUtilization syncwell-002": 95.0,
        "CPUUtilization syncwell-001": 12.0,
        "CPUUtilization syncwell-002": 12.0,
    }


def test_an_engine_at_its_end_and_a_host_at_its_end_are_both_seen() -> None:
    """On two vCPU an engine at its end is half of the host; the host may be busy with something else."""
    seen = look(CACHE, node(answers(CACHE), "CPUUtilization", "syncwell-001", 91.0), RESOURCES, result())
    assert seen.value == 91.0


@pytest.mark.parametrize("name", ["EngineCPUUtilization", "CPUUtilization"])
@pytest.mark.parametrize("silent", ["syncwell-001", "syncwell-002"])
def test_one_silent_node_is_no_value(name: str, silent: str) -> None:
    seen = look(CACHE, node(answers(CACHE), name, silent, None), RESOURCES, result())
    assert (seen.value, f"no data point for AWS/ElastiCache {name}" in (seen.problem or "")) == (None, True)


def test_for_a_floor_the_smallest_is_worst() -> None:
    floor = replace(CACHE, target=Target(op=">", value=1.0, kind=Kind.SHARE, text="> 1 %"))
    assert look(floor, node(answers(floor), "CPUUtilization", "syncwell-001", 3.0), RESOURCES, result()).value == 3.0


def test_for_an_equal_the_farthest_is_worst() -> None:
    equal = replace(CACHE, target=Target(op="==", value=15.0, kind=Kind.SHARE, text="== 15 %"))
    assert look(equal, node(answers(equal), "CPUUtilization", "syncwell-001", 14.0), RESOURCES, result()).value == 20.0


def test_the_queue_is_judged_by_its_deepest_moment() -> None:
    seen = look(DEPTH, answers(DEPTH, ApproximateNumberOfMessagesVisible=1400.0), RESOURCES, result())
    assert (seen.value, seen.problem) == (1400.0, None)


SUSTAINED = replace(DEPTH, sustained_s=120.0)


@pytest.mark.parametrize(
    ("depths", "level"),
    [
        ((3.0, 1400.0, 3.0), 3.0),
        ((3.0, 1400.0, 1200.0), 1200.0),
        ((1400.0, 1200.0, 1600.0), 1200.0),
        ((900.0, 950.0, 10.0), 900.0),
    ],
)
def test_sustained_is_the_level_that_was_held(depths: tuple[float, ...], level: float) -> None:
    seen = look(SUSTAINED, minutes_of(SUSTAINED, {"hot-path": depths}), RESOURCES, result())
    assert (seen.value, seen.problem) == (level, None)
    assert seen.parts == {"worst minute": max(depths)}


def test_a_hold_that_is_shorter_than_sustained_is_no_value() -> None:
    longer = replace(DEPTH, sustained_s=240.0)
    assert "needs a hold of as many minutes, and this one has 3" in (
        look(longer, answers(longer), RESOURCES, result()).problem or ""
    )


def test_a_silent_minute_is_not_a_minute_that_held() -> None:
    told = {ask: shortened(a) for ask, a in answers(SUSTAINED).items()}
    assert "2 of the window's 3 minutes" in (look(SUSTAINED, told, RESOURCES, result()).problem or "")


def test_a_percentile_that_is_sustained_needs_its_samples_in_each_minute() -> None:
    slo = replace(LATENCY, sustained_s=120.0)
    seen = look(slo, answers(slo), RESOURCES, result())
    assert (seen.value, seen.samples) == (120.0, 600)
    assert "does not speak of this load" in (look(slo, answers(slo), RESOURCES, result(wire_requests=9)).problem or "")


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=30),
    st.integers(1, 10),
    st.floats(0, 1e6),
    st.sampled_from(["<", "<=", ">", ">="]),
)
def test_the_level_meets_the_target_exactly_where_no_run_of_minutes_breaks_it(
    values: list[float], minutes: int, limit: float, op: str
) -> None:
    target = Target(op=op, value=limit, kind=Kind.COUNT, text=f"{op} {limit}")
    if minutes > len(values):
        with pytest.raises(Inconclusive):
            held_for(values, 60.0 * minutes, target)
        return
    broken = any(
        all(not target.met_by(value) for value in values[first : first + minutes])
        for first in range(len(values) - minutes + 1)
    )
    assert target.met_by(held_for(values, 60.0 * minutes, target)) is not broken


def test_what_lies_behind_the_hold_comes_with_the_value() -> None:
    slo = replace(DEPTH, drains_within_s=120.0)
    seen = look(slo, answers(slo), RESOURCES, result())
    assert seen.after == Series(timestamps=(START + 180, START + 240), values=(3.0, 3.0), period_s=60)
    gone = {ask: a for ask, a in answers(slo).items() if ask.window == WINDOW}
    assert "never fetched" in (look(slo, gone, RESOURCES, result()).problem or "")


def test_a_doubt_of_one_query_is_a_doubt_of_the_rows_that_ask_it() -> None:
    (query,) = queries_for(DEPTH, RESOURCES)
    doubted = reading(answers(DEPTH, LATENCY), doubts={str(query): "it moved"})
    assert observe(DEPTH, doubted, RESOURCES, result()).problem == "it moved"
    assert observe(LATENCY, doubted, RESOURCES, result()).problem is None


def test_where_nothing_was_read_the_cause_is_said() -> None:
    nothing = reading({}, problem="the credentials have expired")
    assert observe(DEPTH, nothing, RESOURCES, result()).problem == "the credentials have expired"


def test_tasks_are_counted_by_the_census() -> None:
    census = Census(
        cluster="syncwell",
        service="worker",
        tasks=(
            Task(arn="a/1", definition="d", deployment="ecs-svc/1", status="RUNNING", created_at=START - 600),
            Task(
                arn="a/2",
                definition="d",
                deployment="ecs-svc/1",
                status="STOPPED",
                created_at=START - 600,
                started_at=START - 600,
                ended_at=START + 90,
                stop_code="EssentialContainerExited",
                containers=(Container(name="worker", essential=True, exit_code=1),),
            ),
        ),
        polls=(START - 30, START + 60, START + 120, START + 180, START + 240, START + 300),
    )
    seen = observe(TASKS, reading({}), RESOURCES, result(), census)
    assert (seen.value, seen.samples, seen.problem) == (50.0, 2, None)
    assert seen.sources == ("ECS ListTasks and DescribeTasks {cluster=syncwell, serviceName=worker}",)


def test_tasks_without_a_census_are_no_value() -> None:
    assert observe(TASKS, reading({}), RESOURCES, result()).problem
    assert "resources.ecs" in (observe(TASKS, reading({}), Resources(), result()).problem or "")


def test_each_of_several_series_must_have_been_seen_often_enough() -> None:
    few = {
        ask: replace(a, values=(9.0,) * 3) if ask.query.statistic == "SampleCount" and "Engine" in str(ask.query) else a
        for ask, a in answers(CACHE).items()
    }
    assert look(CACHE, few, RESOURCES, result()).samples == 3


def test_a_doubt_of_the_samples_is_a_doubt_of_the_row() -> None:
    (query,) = queries_for(DEPTH, RESOURCES)
    moving = {str(replace(query, statistic="SampleCount")): "it moved"}
    assert observe(DEPTH, reading(answers(DEPTH), doubts=moving), RESOURCES, result()).problem == "it moved"


def test_a_raw_metric_is_turned_into_the_unit_of_its_kind() -> None:
    age = RawQuery(namespace="AWS/SQS", name="Age", dimensions=(("Q", "q"),), factor=1000.0)
    slo = Slo(name="age", phase="peak", line=9, target=LATENCY.target, query=age, statistic="Maximum")
    told = {
        ask: answer(ask, 1.0 if ask.query.statistic == "SampleCount" else 2.0)
        for ask in asks_of(slo, RESOURCES, WINDOW)
    }
    seen = observe(slo, reading(told), RESOURCES, result())
    assert (seen.value, seen.series.values) == (2000.0, (2000.0,) * 3)
