from dataclasses import replace

import pytest

from pytest_syncload.facts.plan import RawQuery, Resources, Slo, Target
from pytest_syncload.facts.result import Outcome, Tally
from pytest_syncload.facts.units import Kind
from pytest_syncload.sources.cloudwatch import Answer, Ask, asks_of
from pytest_syncload.sources.fold import observe
from tests.rows import ERRORS, LATENCY, RESOURCES, START, THROTTLES, WINDOW, answer, answers, result


def test_latency_is_the_one_percentile_of_the_whole_window() -> None:
    seen = observe(LATENCY, answers(LATENCY), RESOURCES, result())
    assert (seen.value, seen.samples, seen.problem) == (120.0, 1800, None)
    assert len(seen.series.values) == 3
    assert seen.sources == ("AWS/ApiGateway Latency p95 {ApiName=syncwell, Stage=v1}",)


def test_latency_without_a_data_point_is_no_value() -> None:
    seen = observe(LATENCY, answers(LATENCY, Latency=None), RESOURCES, result())
    assert seen.value is None
    assert "no data point for AWS/ApiGateway Latency p95" in (seen.problem or "")


def test_latency_with_a_silent_minute_is_no_value() -> None:
    told = {ask: shortened(a) if ask.period_s == 60 else a for ask, a in answers(LATENCY).items()}
    assert "2 of the window's 3 minutes" in (observe(LATENCY, told, RESOURCES, result()).problem or "")


def test_latency_of_another_period_is_no_value() -> None:
    told = {
        ask: replace(a, timestamps=(START + 60,)) if ask.period_s == 180 else a for ask, a in answers(LATENCY).items()
    }
    assert "another period" in (observe(LATENCY, told, RESOURCES, result()).problem or "")


def shortened(a: Answer) -> Answer:
    return replace(a, timestamps=a.timestamps[:-1], values=a.values[:-1])


def test_errors_are_the_worse_of_cloudwatch_and_client() -> None:
    failing = result(hold=Tally(outcomes={Outcome.OK: 1791, Outcome.TIMEOUT: 9}))
    seen = observe(ERRORS, answers(ERRORS, _5XXError=1.0), RESOURCES, failing)
    assert seen.parts == {"CloudWatch": pytest.approx(100 / 600), "client": 0.5}
    assert seen.value == 0.5


def test_no_error_metric_beside_a_count_is_zero() -> None:
    seen = observe(ERRORS, answers(ERRORS, _5XXError=None), RESOURCES, result())
    assert (seen.value, seen.samples) == (0.0, 1800)


@pytest.mark.parametrize("count", [None, 0.0])
def test_a_share_of_no_requests_is_no_value(count: float | None) -> None:
    assert observe(ERRORS, answers(ERRORS, Count=count), RESOURCES, result()).problem


def test_errors_of_a_load_that_saw_nothing_are_no_value() -> None:
    seen = observe(ERRORS, answers(ERRORS), RESOURCES, result(hold=Tally()))
    assert "no answer" in (seen.problem or "")


def test_errors_in_a_minute_without_a_count_are_no_value() -> None:
    told = answers(ERRORS, _5XXError=1.0)
    stray = {
        ask: replace(a, timestamps=(START - 60, *a.timestamps[1:])) for ask, a in told.items() if "5XX" in str(ask)
    }
    assert "minutes in which" in (observe(ERRORS, told | stray, RESOURCES, result()).problem or "")


def test_silence_of_throttles_is_zero_beside_consumed_capacity() -> None:
    seen = observe(THROTTLES, answers(THROTTLES), RESOURCES, result())
    assert (seen.value, seen.problem) == (0.0, None)
    assert seen.series.values == (0.0, 0.0, 0.0)


def test_silence_of_throttles_alone_is_no_value() -> None:
    told = answers(THROTTLES, ConsumedReadCapacityUnits=None, ConsumedWriteCapacityUnits=None)
    assert "silence is zero only beside traffic" in (observe(THROTTLES, told, RESOURCES, result()).problem or "")


def test_silence_in_a_minute_without_consumption_is_no_value() -> None:
    told = {ask: shortened(a) if "Consumed" in ask.query.name else a for ask, a in answers(THROTTLES).items()}
    assert "in 1 of 3 minutes" in (observe(THROTTLES, told, RESOURCES, result()).problem or "")


def test_a_latency_of_other_requests_is_no_value() -> None:
    assert "does not speak of this load" in (
        observe(LATENCY, answers(LATENCY), RESOURCES, result(wire_requests=2000)).problem or ""
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
    assert observe(THROTTLES, silent | told, resources, result()).value == 3.0


def test_throttles_of_reads_and_writes_add_up() -> None:
    seen = observe(THROTTLES, answers(THROTTLES, ReadThrottleEvents=1.0, WriteThrottleEvents=2.0), RESOURCES, result())
    assert seen.value == 9.0
    assert seen.parts == {"sync-jobs ReadThrottleEvents": 3.0, "sync-jobs WriteThrottleEvents": 6.0}


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden", "missing"])
@pytest.mark.parametrize("slo", [LATENCY, ERRORS, THROTTLES], ids=lambda slo: slo.name)
def test_what_is_not_complete_is_no_value(slo: Slo, status: str) -> None:
    told = {ask: replace(a, status=status) for ask, a in answers(slo).items()}
    assert f"is {status}, not Complete" in (observe(slo, told, RESOURCES, result()).problem or "")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("slo", [LATENCY, ERRORS, THROTTLES], ids=lambda slo: slo.name)
def test_not_a_number_is_no_value(slo: Slo, number: float) -> None:
    told = answers(slo, Latency=number, _5XXError=number, WriteThrottleEvents=number)
    seen = observe(slo, told, RESOURCES, result())
    assert (seen.value, "no measurement" in (seen.problem or "")) == (None, True)


def test_what_was_never_fetched_is_no_value() -> None:
    assert "never fetched" in (observe(LATENCY, {}, RESOURCES, result()).problem or "")


def test_a_resource_that_is_not_listed_is_no_value() -> None:
    assert "resources.api.rest" in (observe(LATENCY, {}, Resources(), result()).problem or "")
    assert "resources.tables" in (observe(THROTTLES, {}, Resources(), result()).problem or "")


def test_a_preset_that_is_not_built_is_no_value() -> None:
    slo = replace(THROTTLES, metric="sqs.visible")
    assert "not measured by this version" in (observe(slo, {}, RESOURCES, result()).problem or "")


RAW = RawQuery(namespace="SyncWell", name="Conflicts", dimensions=(("Service", "worker"),))
SIBLING = RawQuery(namespace="SyncWell", name="Jobs", dimensions=(("Service", "worker"),))
COUNT = Target(op="==", value=0.0, kind=Kind.COUNT, text="== 0")


def test_a_raw_sum_is_zero_only_beside_its_sibling() -> None:
    slo = Slo(name="conflicts", phase="peak", line=9, target=COUNT, query=RAW, statistic="Sum", alive=SIBLING)
    assert observe(slo, answers(slo, Jobs=5.0), RESOURCES, result()).value == 0.0
    assert observe(slo, answers(slo, Jobs=None), RESOURCES, result()).value is None
    assert observe(slo, answers(slo, Conflicts=2.0), RESOURCES, result()).value == 6.0
    assert observe(replace(slo, alive=None), answers(slo, Jobs=5.0), RESOURCES, result()).value is None
    partly = {ask: shortened(a) for ask, a in answers(replace(slo, alive=None), Conflicts=1.0).items()}
    assert "2 of the window's 3 minutes" in (
        observe(replace(slo, alive=None), partly, RESOURCES, result()).problem or ""
    )


def test_asks_are_told_apart_by_period() -> None:
    asks = {(ask.query.statistic, ask.period_s) for ask in answers(LATENCY) if ask.query.name == "Latency"}
    assert asks == {("p95", 60), ("p95", 180), ("SampleCount", 60)}
    assert len({Ask(next(iter(answers(LATENCY))).query, period) for period in (60, 180)}) == 2
