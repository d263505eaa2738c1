"""Answers → what a window used: by hand, between bounds where no metric counts it, and never zero by silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.catalogue import Query, metered
from pytest_syncload.facts.cost import Consumed, NodeSize, Product, Range, Sizes, Sold, TableSize, TaskSize, Usage
from pytest_syncload.facts.plan import Resources
from pytest_syncload.facts.result import Outcome, Tally
from pytest_syncload.sources.cloudwatch import Answer, Ask
from pytest_syncload.sources.settle import Reading
from pytest_syncload.sources.usage import LEFT_OUT, consumed
from tests.rows import RESOURCES, WINDOW, answer, reading, result

LISTED = replace(RESOURCES, tables={"sync-jobs": ("by-user",)}, cache=("syncwell-001",))
SIZES = Sizes(
    tables={"sync-jobs": TableSize(on_demand=True)},
    task=TaskSize(vcpu=Decimal("0.5"), gb=Decimal(2), least=1),
    nodes={"syncwell-001": NodeSize(kind="cache.r7g.large", engine="valkey")},
)
#: A minute of 600 requests.
MINUTE: dict[str, float | None] = {
    "Count": 606.0,
    "DataProcessed": 600_000.0,
    "ConsumedWriteCapacityUnits": 600.0,
    "ConsumedReadCapacityUnits": 300.5,
    "NumberOfMessagesSent": 600.0,
    "NumberOfMessagesReceived": 600.0,
    "NumberOfMessagesDeleted": 595.0,
    "NumberOfEmptyReceives": 4.0,
    "SentMessageSize": 21_600.0,
    "CPUUtilization": 4.0,
}


def told(resources: Resources = LISTED, /, **changed: float | None) -> dict[Ask, Answer]:
    values = MINUTE | changed
    asks = [Ask(query, 60, WINDOW) for query in metered(resources)]
    return {ask: answer(ask, _value(ask.query, values)) for ask in asks}


def _value(query: Query, values: Mapping[str, float | None]) -> float | None:
    if query.group.endswith("/by-user") and query.name == "ConsumedReadCapacityUnits":
        return None  # nobody reads the index, and AWS tells nothing of it
    return values[query.name]


def look(
    answers: dict[Ask, Answer] | None = None,
    *,
    resources: Resources = LISTED,
    sizes: Sizes = SIZES,
    speed: float = 1.0,
    **more: Any,
) -> Consumed:
    return consumed(reading(told(resources) if answers is None else answers, **more), resources, sizes, result(), speed)


def by_product(found: Consumed) -> dict[tuple[Sold, str], Usage]:
    return {(usage.product.sold, usage.of): usage for usage in found.usages}


def test_a_window_by_hand() -> None:
    found = look()
    assert (found.phase, found.jobs, found.wall_s, found.gaps) == ("peak", 1800, Decimal(180), ())
    assert found.left_out == LEFT_OUT
    of = by_product(found)
    assert {key: usage.used for key, usage in of.items()} == {
        (Sold.REST_REQUEST, "syncwell"): Range.of(Decimal(1818)),
        (Sold.WRITE_UNIT, "sync-jobs"): Range.of(Decimal(1800)),
        (Sold.WRITE_UNIT, "sync-jobs/by-user"): Range.of(Decimal(1800)),
        (Sold.READ_UNIT, "sync-jobs"): Range.of(Decimal("901.5")),
        # 1,800 sent, 1,800 received and 1,785 deleted by tens, and 12 receives of nothing; or one by one.
        (Sold.QUEUE_REQUEST, "hot-path"): Range(low=Decimal(180 + 180 + 179 + 12), high=Decimal(5397)),
        # Four tasks for three minutes.
        (Sold.VCPU_HOUR, "syncwell/worker"): Range.of(Decimal("0.1")),
        (Sold.GB_HOUR, "syncwell/worker"): Range.of(Decimal("0.4")),
        (Sold.NODE_HOUR, "syncwell-001"): Range.of(Decimal(0)),
    }
    tasks = of[Sold.GB_HOUR, "syncwell/worker"]
    assert (tasks.always_per_h, tasks.kept_per_h) == (Decimal(2), Decimal(8))
    assert of[Sold.NODE_HOUR, "syncwell-001"].always_per_h == 1


def test_tasks_are_paid_by_wall_time_and_counts_are_what_they_are() -> None:
    """In a sandbox whose minute is a second."""
    of = by_product(look(speed=60.0))
    assert of[Sold.VCPU_HOUR, "syncwell/worker"].used.low.quantize(Decimal("1e-12")) == Decimal("0.001666666667")
    assert of[Sold.REST_REQUEST, "syncwell"].used == Range.of(Decimal(1818))


def test_a_provisioned_table_is_paid_whatever_it_used() -> None:
    size = TableSize(on_demand=False, write_units=20, read_units=5)
    of = by_product(look(sizes=replace(SIZES, tables={"sync-jobs": size})))
    assert of[Sold.WRITE_CAPACITY_HOUR, "sync-jobs"].always_per_h == 20
    assert of[Sold.READ_CAPACITY_HOUR, "sync-jobs"].always_per_h == 5
    assert not {Sold.WRITE_UNIT, Sold.READ_UNIT} & {sold for sold, _ in of}


def test_an_http_apis_large_payloads_count_as_several_requests() -> None:
    http = replace(LISTED, rest_api=None, http_api="a1")
    few = by_product(look(resources=http))[Sold.HTTP_REQUEST, "a1"]
    assert few.used == Range(low=Decimal(1818), high=Decimal(1818 + 3))
    large = told(http, DataProcessed=1024.0**3)
    assert by_product(look(large, resources=http))[Sold.HTTP_REQUEST, "a1"].used == Range(
        low=Decimal(3 * 2048), high=Decimal(1818 + 3 * 2048)
    )


def test_a_large_message_counts_as_several_requests_at_worst() -> None:
    fifo = replace(LISTED, queue="jobs.fifo")
    found = by_product(look(told(fifo, SentMessageSize=600 * 65_536.0), resources=fifo))
    assert found[Sold.FIFO_REQUEST, "jobs.fifo"].used.high == 5397 + 2 * 1800


def test_a_queue_that_nothing_was_sent_to_has_no_size() -> None:
    silent = told(
        NumberOfMessagesSent=0.0, NumberOfMessagesReceived=0.0, NumberOfMessagesDeleted=0.0, SentMessageSize=None
    )
    assert by_product(look(silent))[Sold.QUEUE_REQUEST, "hot-path"].used == Range.of(Decimal(12))


@pytest.mark.parametrize(
    ("metric", "lost", "says"),
    [
        ("Count", Sold.REST_REQUEST, "no data point for AWS/ApiGateway Count"),
        ("NumberOfEmptyReceives", Sold.QUEUE_REQUEST, "no data point for AWS/SQS NumberOfEmptyReceives"),
        ("SentMessageSize", Sold.QUEUE_REQUEST, "no data point for AWS/SQS SentMessageSize"),
        ("CPUUtilization", Sold.VCPU_HOUR, "no data point for AWS/ECS CPUUtilization"),
    ],
)
def test_silence_is_a_gap_and_no_zero(metric: str, lost: Sold, says: str) -> None:
    found = look(told(**{metric: None}))
    (gap,) = found.gaps
    assert gap.startswith(says)
    assert lost not in {usage.product.sold for usage in found.usages}


def test_a_table_that_shows_no_use_at_all_is_a_gap() -> None:
    found = look(told(ConsumedWriteCapacityUnits=None, ConsumedReadCapacityUnits=None))
    (gap,) = found.gaps
    assert gap.startswith("table sync-jobs: no data point for what it consumed in 3 of 3 minutes")


@pytest.mark.parametrize("metric", ["ConsumedWriteCapacityUnits", "SentMessageSize"])
def test_a_hole_between_minutes_that_were_used_is_a_gap_and_no_zero(metric: str) -> None:
    answers = told()
    ask = next(ask for ask in answers if ask.query.name == metric)
    answers[ask] = replace(answers[ask], timestamps=answers[ask].timestamps[:1], values=answers[ask].values[:1])
    (gap,) = look(answers).gaps
    assert "has 1 of the window's 3 minutes" in gap


def test_work_that_the_window_left_behind_is_a_gap() -> None:
    assert look(told(NumberOfMessagesDeleted=570.0)).gaps == ()
    (gap,) = look(told(NumberOfMessagesDeleted=569.0)).gaps
    assert gap.startswith(
        "queue hot-path: 1707 of the 1800 messages that were sent in the window were worked off in it"
    )


def test_a_minute_without_tasks_is_a_gap() -> None:
    answers = told()
    (ask,) = (ask for ask in answers if ask.query.name == "CPUUtilization")
    answers[ask] = replace(answers[ask], timestamps=answers[ask].timestamps[1:], values=(4.0, 4.0))
    assert "has 2 of the window's 3 minutes" in look(answers).gaps[0]


@pytest.mark.parametrize("status", ["PartialData", "InternalError"])
def test_what_is_not_whole_is_a_gap(status: str) -> None:
    answers = told()
    (ask,) = (ask for ask in answers if ask.query.name == "Count")
    answers[ask] = replace(answers[ask], status=status)
    assert look(answers).gaps == (f"{ask.query} is {status}, not Complete",)


def test_what_has_not_settled_is_a_gap() -> None:
    (query,) = (query for query in metered(LISTED) if query.name == "Count")
    assert look(doubts={str(query): "it moves"}).gaps == ("it moves",)
    found = look(problem="CloudWatch did not settle")
    assert found.gaps == ("CloudWatch did not settle",)
    assert [usage.product.sold for usage in found.usages] == [Sold.NODE_HOUR]
    assert consumed(Reading(answers={}, problem="nothing", attempts=0), LISTED, SIZES, result(), 1.0).gaps == (
        "nothing",
    )


def test_gaps_of_the_sizes_are_gaps_of_the_usage_and_what_is_not_listed_is_said() -> None:
    bare = Resources(rest_api="syncwell", stage="v1")
    found = look(told(bare), resources=bare, sizes=Sizes(gaps=("table x: forbidden",)))
    assert found.gaps == ("table x: forbidden",)
    assert found.left_out[-1] == "resources that the environment does not list (tables, queue, ecs, cache)"
    assert [usage.product for usage in found.usages] == [Product(Sold.REST_REQUEST)]
    route = replace(bare, route="POST /v1/sync-jobs")
    assert look(told(route), resources=route).left_out[-1] == "requests to other routes than POST /v1/sync-jobs"


def test_what_was_never_looked_up_is_a_gap_and_what_is_no_longer_listed_is_left_out() -> None:
    """Judged again by a slo.yaml that lists others."""
    more = replace(LISTED, tables={"users": ()}, cache=("syncwell-001", "other"))
    found = look(told(more), resources=more)
    assert found.gaps == tuple(
        f"{what}: how it is billed was never looked up; run the phase again"
        for what in ("table users", "cache node other")
    )
    assert {usage.of for usage in found.usages} == {"syncwell", "hot-path", "syncwell/worker", "syncwell-001"}
    (gap,) = look(sizes=replace(SIZES, task=None)).gaps
    assert gap.startswith("service syncwell/worker: how it is billed")
    said = replace(SIZES, task=None, gaps=("service syncwell/worker: forbidden",))
    assert look(sizes=said).gaps == ("service syncwell/worker: forbidden",)


def test_without_an_api_nothing_can_be_divided() -> None:
    found = consumed(reading({}), Resources(), Sizes(), result(), 1.0)
    assert "resources.api.rest" in found.gaps[0]


def test_a_job_is_an_accepted_request() -> None:
    failed = result(hold=Tally(outcomes={Outcome.OK: 1700, Outcome.SERVER_ERROR: 100}))
    assert consumed(reading(told()), LISTED, SIZES, failed, 1.0).jobs == 1700


def test_jobs_that_were_due_and_not_sent_are_not_in_what_the_window_used() -> None:
    """The machine stood still, and sent the last of them behind the window."""
    late = result(hold=Tally(outcomes={Outcome.OK: 1700, Outcome.TIMEOUT: 100}), wire_requests=1620)
    assert consumed(reading(told()), LISTED, SIZES, late, 1.0).jobs == 1530
    checked = replace(late, wire_requests=1900)  # with those that check keys
    assert consumed(reading(told()), LISTED, SIZES, checked, 1.0).jobs == 1700


@given(
    st.fixed_dictionaries(
        {name: st.integers(0, 10**7).map(float) for name in MINUTE if name != "CPUUtilization"}
        | {"CPUUtilization": st.integers(1, 100).map(float)}
    )
)
def test_bounds_are_in_order_whatever_is_told(values: dict[str, float]) -> None:
    for resources in (LISTED, replace(LISTED, rest_api=None, http_api="a1")):
        for usage in look(told(resources, **values), resources=resources).usages:
            assert 0 <= usage.used.low <= usage.used.high
