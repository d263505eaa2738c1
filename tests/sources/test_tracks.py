"""Rows and resources → the series that may say what broke first: which are asked, what each is, whose it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from pytest_syncload.facts.bottleneck import Place, Track, Worse
from pytest_syncload.facts.plan import RawQuery, Resources, Slo, Target
from pytest_syncload.facts.result import Outcome, Second, Tally
from pytest_syncload.facts.units import Kind
from pytest_syncload.sources.cloudwatch import Answer
from pytest_syncload.sources.tracks import Looked, asks_for, client_tracks, looked_at, tracks
from tests.rows import CACHE, ERRORS, LATENCY, MINUTES, RESOURCES, START, WINDOW, answer, result

WITH_INDEX = replace(RESOURCES, tables={"sync-jobs": ("by-user",)})


def raw(name: str, *, op: str = "<", **changed: Any) -> Slo:
    """A row on a metric that the service publishes itself."""
    plain: dict[str, Any] = {
        "name": "third-party",
        "phase": "peak",
        "line": 40,
        "target": Target(op=op, value=100.0, kind=Kind.TIME, text=f"{op} 100 ms"),
        "query": RawQuery(
            namespace="SyncWell/ThirdParty", name=name, dimensions=(("Provider", "drive"),), factor=1000.0
        ),
        "statistic": "Average",
    }
    return Slo(**plain | changed)


def names(looked: Iterable[Looked]) -> set[str]:
    return {each.query.name for each in looked}


def made(*rows: Slo, resources: Resources = RESOURCES, value: float | None = 1.0) -> dict[str, Track]:
    """The tracks by name, of answers that are all alike."""
    looked = looked_at(rows, resources)
    answers = {ask: answer(ask, value) for ask in asks_for(looked, WINDOW)}
    return {track.name: track for track in tracks(looked, answers, WINDOW)}


def test_what_tells_of_a_resource_is_looked_at_without_a_row() -> None:
    assert names(looked_at([], RESOURCES)) == {
        "Latency",
        "5XXError",
        "CPUUtilization",
        "MemoryUtilization",
        "ReadThrottleEvents",
        "WriteThrottleEvents",
        "ApproximateNumberOfMessagesVisible",
        "ApproximateAgeOfOldestMessage",
        "EngineCPUUtilization",
    }


def test_a_resource_that_is_not_listed_is_not_asked_for() -> None:
    only_a_queue = Resources(queue="hot-path")
    assert names(looked_at([LATENCY, CACHE], only_a_queue)) == {
        "ApproximateNumberOfMessagesVisible",
        "ApproximateAgeOfOldestMessage",
    }


def test_a_metric_of_the_service_takes_part_where_a_row_asks_for_it() -> None:
    track = made(raw("Latency"), value=0.02)["drive Latency"]
    assert (track.place, track.kind, track.worse, track.limit) == (Place.BACKEND, Kind.TIME, Worse.UP, 100.0)
    assert track.values == (20.0, 20.0, 20.0)
    assert "drive Latency" not in made()


@pytest.mark.parametrize(("op", "worse"), [("<", Worse.UP), ("<=", Worse.UP), (">", Worse.DOWN), (">=", Worse.DOWN)])
def test_what_shall_stay_above_its_target_gets_worse_downwards(op: str, worse: Worse) -> None:
    assert made(raw("Latency", op=op))["drive Latency"].worse is worse


def test_a_target_of_zero_is_no_limit_to_be_a_share_of() -> None:
    zero = Target(op="<=", value=0.0, kind=Kind.TIME, text="<= 0 ms")
    assert made(raw("Latency", target=zero))["drive Latency"].limit is None


@pytest.mark.parametrize("traffic", ["Count", "RequestCount", "Invocations", "ConsumedWriteCapacityUnits"])
def test_what_only_counts_the_load_is_left_out(traffic: str) -> None:
    assert not [name for name in made(raw(traffic)) if traffic in name]


@pytest.mark.parametrize("failures", ["HTTPCode_Target_5XX_Count", "ThrottledRequests", "RejectedConnectionCount"])
def test_a_count_of_failures_is_not_taken_for_load(failures: str) -> None:
    assert f"drive {failures}" in made(raw(failures))


def test_a_row_and_a_preset_that_ask_the_same_are_one_series_with_the_rows_limit() -> None:
    same = raw(
        "EngineCPUUtilization",
        query=RawQuery(
            namespace="AWS/ElastiCache",
            name="EngineCPUUtilization",
            dimensions=(("CacheClusterId", "syncwell-001"),),
        ),
        target=Target(op="<", value=70.0, kind=Kind.SHARE, text="< 70 %"),
    )
    looked = [each for each in looked_at([same], RESOURCES) if "syncwell-001" in str(each.query)]
    assert [each.limit for each in looked if each.query.name == "EngineCPUUtilization"] == [70.0]


def test_the_nodes_of_a_cache_are_one_resource() -> None:
    clustered = replace(RESOURCES, cache=("syncwell-0001-001", "syncwell-0002-003", "sessions-001"))
    found = made(resources=clustered)
    first, second, other = (
        found[f"{node} EngineCPUUtilization"].resource
        for node in ("syncwell-0001-001", "syncwell-0002-003", "sessions-001")
    )
    assert first == second != other


def test_two_resources_of_one_name_are_two() -> None:
    twins = replace(RESOURCES, tables={"syncwell": ()}, queue="syncwell", ecs_service="syncwell")
    of_each = {track.resource for track in made(resources=twins).values() if track.name.startswith("syncwell ")}
    assert len(of_each) == 4  # and the API


def test_an_index_stands_behind_its_table_and_an_api_in_front_of_all() -> None:
    found = made(resources=WITH_INDEX)
    table, index = found["sync-jobs WriteThrottleEvents"], found["sync-jobs/by-user WriteThrottleEvents"]
    assert (table.place, index.place) == (Place.BACKEND, Place.BEHIND)
    assert table.resource != index.resource
    assert found["syncwell Latency"].place is Place.API
    assert found["worker CPUUtilization"].place is Place.SERVICE


def test_silence_is_zero_of_what_counts_and_unknown_of_what_measures() -> None:
    found = made(ERRORS, value=None)
    assert found["sync-jobs WriteThrottleEvents"].values == (0.0, 0.0, 0.0)
    assert found["sync-jobs WriteThrottleEvents"].timestamps == MINUTES
    assert found["worker CPUUtilization"].values == ()


def test_a_counter_has_no_ceiling_and_a_share_has_one() -> None:
    found = made()
    assert found["sync-jobs WriteThrottleEvents"].ceiling is None
    assert found["worker CPUUtilization"].ceiling == 100.0


def test_an_answer_that_is_not_whole_is_no_evidence() -> None:
    looked = looked_at([], RESOURCES)
    answers: dict[Any, Answer] = {ask: answer(ask, 1.0, "PartialData") for ask in asks_for(looked, WINDOW)}
    found = tracks(looked, answers, WINDOW)
    assert len(found) == len(looked)
    assert {(track.timestamps, track.unread) for track in found} == {
        ((), "CloudWatch's answer is PartialData, not Complete")
    }
    assert {track.unread for track in tracks(looked, {}, WINDOW)} == {"CloudWatch was not asked, or did not answer"}


def test_a_value_that_cloudwatch_cannot_have_is_no_evidence() -> None:
    looked = looked_at([], RESOURCES)
    answers: dict[Any, Answer] = {ask: answer(ask, 1e308) for ask in asks_for(looked, WINDOW)}
    assert {track.unread for track in tracks(looked, answers, WINDOW)} == {"a value is beyond any that CloudWatch has"}


def second(at_s: int, p95_ms: float | None, ok: int, failed: int) -> Second:
    tally = Tally(outcomes={Outcome.OK: ok, Outcome.SERVER_ERROR: failed})
    return Second(at_s=at_s, tally=tally, in_flight=1, p50_ms=None, p95_ms=p95_ms, p99_ms=None, max_ms=None)


def test_what_the_client_saw_is_told_by_service_minutes() -> None:
    """At half a service minute a second: the worst p95 of each minute, and the share over all of it."""
    timeline = (second(0, 10.0, 10, 0), second(1, 30.0, 9, 1), second(2, None, 0, 4), second(3, None, 1, 3))
    p95, failed = client_tracks(result(timeline=timeline), START, 30.0)
    assert (p95.timestamps, p95.values) == ((START,), (30.0,))
    assert (failed.timestamps, failed.values) == ((START, START + 60), (5.0, 87.5))
    assert {p95.place, failed.place} == {Place.CLIENT}
