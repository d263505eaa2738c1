"""When CloudWatch has said its last word: the pure questions, then polling with botocore's Stubber and the double."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.catalogue import Query, Role
from pytest_syncload.facts.clock import MINUTE, ServiceClock, minute_floor
from pytest_syncload.facts.plan import AwsAccess, Environment, SandboxSettings
from pytest_syncload.facts.result import Window
from pytest_syncload.sandbox.launch import launch
from pytest_syncload.sources.aws import client as client_for
from pytest_syncload.sources.cloudwatch import Answer, Ask, traffic_ask
from pytest_syncload.sources.settle import Reading, allowed_difference, settle, unreconciled, unsettled
from tests.rows import DEPTH, LATENCY, MINUTES, RESOURCES, START, THROTTLES, WINDOW, answer, answers

SANDBOX = AwsAccess(
    region="us-east-1", endpoint_url="http://127.0.0.1:1", access_key_id="id", secret_access_key="not-a-secret"
)
TRAFFIC = traffic_ask(RESOURCES, WINDOW)
SETTLED = answers(LATENCY, THROTTLES, DEPTH)
#: Polls are 0.3 s apart, and a busy machine may lose seconds before the deadline comes.
SPEED = 210.0

Values = dict[int, float]
FULL: Values = {0: 600.0, 1: 600.0, 2: 600.0}


def changed(ask: Ask, **how: Any) -> dict[Ask, Answer]:
    return SETTLED | {ask: replace(SETTLED[ask], **how)}


# The pure questions.


def test_the_same_whole_answers_twice_are_settled() -> None:
    assert unsettled(SETTLED, dict(SETTLED)) == {}


@pytest.mark.parametrize("ask", list(SETTLED), ids=str)
def test_any_answer_that_is_not_complete_is_named(ask: Ask) -> None:
    for status in ("PartialData", "InternalError", "Forbidden", "missing"):
        doubts = unsettled(SETTLED, changed(ask, status=status))
        assert doubts == {str(ask.query): f"{ask.query} is {status}, not Complete"}


def test_a_series_with_holes_is_waited_for_and_one_that_is_silent_is_not() -> None:
    """A metric that is published every minute will have the rest; a wrong name will not, and folding judges it."""
    series = next(
        ask for ask in SETTLED if ask.query.name == "ApproximateNumberOfMessagesVisible" and ask.period_s == 60
    )
    holes = changed(series, timestamps=MINUTES[:2], values=(1.0, 1.0))
    assert unsettled(holes, holes) == {str(series.query): f"{series.query} has 2 of the window's 3 minutes"}
    silent = changed(series, timestamps=(), values=())
    assert unsettled(silent, silent) == {}


def test_a_sibling_that_is_late_is_waited_for_and_one_that_is_silent_is_not() -> None:
    """Late throttles would be read as none. A sibling without any point is for folding to judge."""
    alive = [ask for ask in SETTLED if ask.query.role is Role.ALIVE]
    late = SETTLED | {ask: replace(SETTLED[ask], timestamps=MINUTES[:2], values=(1.0, 1.0)) for ask in alive}
    assert unsettled(late, late) == {str(ask.query): f"{ask.query} has 2 of the window's 3 minutes" for ask in alive}
    silent = SETTLED | {ask: answer(ask, None) for ask in alive}
    assert unsettled(silent, silent) == {}
    # Reads in one minute and writes in the others show the table alive in all of them.
    reads, writes = alive
    shared = late | {
        reads: replace(SETTLED[reads], timestamps=MINUTES[:1], values=(1.0,)),
        writes: replace(SETTLED[writes], timestamps=MINUTES[1:], values=(1.0, 1.0)),
    }
    assert unsettled(shared, shared) == {}


@pytest.mark.parametrize("ask", list(SETTLED), ids=str)
def test_whatever_moves_between_two_polls_is_not_settled(ask: Ask) -> None:
    before = changed(ask, values=tuple(value + 1 for value in SETTLED[ask].values) or (1.0,), timestamps=(START,))
    assert "has not been the same in two polls" in unsettled(before, SETTLED)[str(ask.query)]
    missing = {other: given for other, given in SETTLED.items() if other != ask}
    assert "has not been the same in two polls" in unsettled(missing, SETTLED)[str(ask.query)]


@pytest.mark.parametrize(
    ("wire", "edges", "counted", "fits"),
    [
        (1800, 0, 1800, True),
        (1800, 0, 1818, True),
        (1800, 0, 1782, True),
        (1800, 0, 1819, False),
        (1800, 0, 1781, False),
        (1800, 40, 1840, True),
        (1800, 40, 1841, False),
        (1800, 1200, 1890, True),
        (1800, 1200, 1891, False),
        (120, 300, 140, True),
        (120, 300, 141, False),
        (0, 0, 0, False),
        (0, 5, 3, False),
    ],
)
def test_the_count_may_differ_by_a_hundredth_or_by_what_was_open(
    wire: int, edges: int, counted: int, fits: bool
) -> None:
    seen = replace(SETTLED[TRAFFIC], values=(float(counted), 0.0, 0.0))
    problem = unreconciled(seen, wire_requests=wire, in_flight_edges=edges)
    assert (problem is None) is fits
    if not fits:
        assert f"counted {counted} requests where this load put {wire} on the wire" in (problem or "")
        assert ("does something else call it" in (problem or "")) is (counted > wire)
        assert ("did the others time out" in (problem or "")) is (counted <= wire)


@given(st.integers(0, 10**9), st.integers(0, 10**5))
def test_the_allowed_difference_is_what_was_open_but_never_less_than_one_nor_more_than_five_percent(
    wire: int, edges: int
) -> None:
    allowed = allowed_difference(wire, edges)
    assert 0.01 * wire <= allowed <= max(0.05 * wire, 20)
    assert allowed in (edges, 0.01 * wire, 0.05 * wire, 20)
    assert allowed_difference(wire, edges + 1) >= allowed


def test_a_request_count_below_zero_is_none_whatever_it_adds_up_to() -> None:
    seen = replace(SETTLED[TRAFFIC], values=(1800.0, -600.0, 600.0))
    assert "-600, which is no count" in (unreconciled(seen, wire_requests=1800, in_flight_edges=0) or "")


# Polling, with answers that botocore checks against AWS's model.


def page(values: Values, status: str = "Complete") -> dict[str, Any]:
    """An answer to the request count alone."""
    stamps = [datetime.fromtimestamp(START + 60 * minute, UTC) for minute in values]
    return {
        "MetricDataResults": [{"Id": "q0", "StatusCode": status, "Timestamps": stamps, "Values": list(values.values())}]
    }


Step = dict[str, Any] | tuple[str, int]


@contextmanager
def stubbed(*steps: Step) -> Iterator[tuple[Any, Stubber]]:
    client = client_for("cloudwatch", SANDBOX)
    with Stubber(client) as stub:
        for step in steps:
            if isinstance(step, dict):
                stub.add_response("get_metric_data", step)
            else:
                stub.add_client_error("get_metric_data", step[0], "because", step[1])
        yield client, stub


def clock_after_hold(minutes: float) -> ServiceClock:
    """A clock that says now that the hold ended ``minutes`` ago."""
    plain = ServiceClock.starting_now(speed=SPEED)
    return replace(plain, origin=WINDOW.end + minutes * MINUTE)


def run(
    client: Any,
    clock: ServiceClock,
    said: list[tuple[int, str]] | None = None,
    wire: int = 1800,
    asks: Sequence[Ask] = (),
) -> Reading:
    told: list[tuple[int, str]] = [] if said is None else said
    return settle(
        client,
        list(asks),
        TRAFFIC,
        clock,
        wire_requests=wire,
        in_flight_edges=2,
        waiting=lambda attempt, what: told.append((attempt, what)),
    )


def test_two_polls_that_agree_are_enough() -> None:
    said: list[tuple[int, str]] = []
    clock = clock_after_hold(3)
    with stubbed(page(FULL), page(FULL)) as (client, stub):
        reading = run(client, clock, said)
        stub.assert_no_pending_responses()
    assert (reading.problem, reading.attempts) == (None, 2)
    assert reading.answers[TRAFFIC].values == (600.0, 600.0, 600.0)
    assert [attempt for attempt, _ in said] == [1]
    assert "two polls a minute apart" in said[0][1]
    assert clock.now() >= WINDOW.end + 4 * MINUTE, "the polls were a service minute apart"


def test_late_data_is_waited_for_and_the_last_word_is_kept() -> None:
    said: list[tuple[int, str]] = []
    with stubbed(page({0: 600.0}), page(FULL | {2: 30.0}), page(FULL), page(FULL)) as (client, stub):
        reading = run(client, clock_after_hold(3), said)
        stub.assert_no_pending_responses()
    assert (reading.problem, reading.attempts) == (None, 4)
    assert reading.answers[TRAFFIC].values == (600.0, 600.0, 600.0)
    assert "1 of the window's 3 minutes" in said[0][1]


def test_nothing_is_final_before_three_minutes_after_the_hold() -> None:
    said: list[tuple[int, str]] = []
    clock = clock_after_hold(0)
    with stubbed(*[page(FULL)] * 12) as (client, _):
        reading = run(client, clock, said)
    assert reading.problem is None
    assert "the last minute that is looked at ended less than 3 minutes ago" in said[0][1]
    assert clock.now() >= WINDOW.end + 3 * MINUTE


@pytest.mark.parametrize(
    ("steps", "wire", "says"),
    [
        ([page({0: 600.0})], 1800, "1 of the window's 3 minutes"),
        ([page(FULL, "PartialData")], 1800, "is PartialData, not Complete"),
        ([page(FULL)], 1800, "has not been the same in two polls"),
        ([("Throttling", 400)], 1800, "throttled by AWS"),
        ([("InternalServiceFault", 500)], 1800, "InternalServiceFault: because"),
    ],
)
def test_what_has_not_settled_at_the_deadline_is_said(steps: list[Step], wire: int, says: str) -> None:
    with stubbed(*steps) as (client, stub):
        reading = run(client, clock_after_hold(15), wire=wire)
        stub.assert_no_pending_responses()
    assert reading.problem is not None
    assert reading.problem.startswith("CloudWatch did not settle within 15 minutes after the hold: ")
    assert says in reading.problem
    assert reading.attempts == 1


def pages(depth: Values, status: str = "Complete") -> dict[str, Any]:
    """An answer to one series and to the request count."""
    series = page(depth, status)["MetricDataResults"][0]
    return {"MetricDataResults": [series, page(FULL)["MetricDataResults"][0] | {"Id": "q1"}]}


DEPTHS = next(ask for ask in SETTLED if ask.query.name == "ApproximateNumberOfMessagesVisible" and ask.period_s == 60)


def shows(reading: Reading) -> str:
    """The one doubt, and no problem."""
    assert reading.problem is None
    ((query, doubt),) = reading.doubts.items()
    assert query == str(DEPTHS.query)
    return doubt


def test_what_cloudwatch_says_of_a_query_is_a_doubt_of_its_rows_alone() -> None:
    answer = pages(FULL)
    answer["MetricDataResults"][0]["Messages"] = [{"Code": "Odd", "Value": "a part was left out"}]
    with stubbed(*[answer] * 5) as (client, _):
        doubt = shows(run(client, clock_after_hold(12), asks=[DEPTHS]))
    assert "CloudWatch says Odd: a part was left out" in doubt


def test_what_cloudwatch_says_of_the_call_is_a_doubt_of_all_of_it() -> None:
    answer = pages(FULL) | {"Messages": [{"Code": "MaxMetricsExceeded", "Value": "too many"}]}
    with stubbed(*[answer] * 5) as (client, _):
        reading = run(client, clock_after_hold(12), asks=[DEPTHS])
    assert "CloudWatch says MaxMetricsExceeded: too many" in (reading.problem or "")


COUNTED = Ask(replace(DEPTHS.query, statistic="SampleCount"), 60, WINDOW)


@pytest.mark.parametrize(
    "before", [pages(FULL | {1: 601.0}), pages({1: 601.0}, "PartialData")], ids=["whole", "not whole"]
)
@pytest.mark.parametrize("later", [FULL, {0: 600.0, 2: 600.0}], ids=["less", "nothing"])
def test_a_count_that_fell_is_not_settled_by_later_agreement(before: dict[str, Any], later: Values) -> None:
    asked = Ask(replace(COUNTED.query, role=Role.VALUE), 60, WINDOW)
    # The request count has not come to its last minute in the first poll, so the second is no agreement yet.
    before = {
        "MetricDataResults": [before["MetricDataResults"][0], page({0: 600.0})["MetricDataResults"][0] | {"Id": "q1"}]
    }
    with stubbed(before, *[pages(later)] * 2) as (client, stub):
        reading = run(client, clock_after_hold(4), asks=[asked])
        stub.assert_no_pending_responses()
    assert reading.problem is None, "the others have settled, without waiting for the deadline"
    assert "601 in a minute of which a later poll was told" in reading.doubts[str(asked.query)]
    assert "a count cannot fall" in reading.doubts[str(asked.query)]


def test_a_request_count_that_fell_is_a_problem_of_every_row() -> None:
    with stubbed(page(FULL | {1: 601.0}), page(FULL)) as (client, stub):
        reading = run(client, clock_after_hold(4))
        stub.assert_no_pending_responses()
    assert "a count cannot fall" in (reading.problem or "")


def test_what_is_no_count_may_fall() -> None:
    """A level, and what a query of slo.yaml adds up, which may be below zero. What is not whole may lack a minute."""
    for ask in (DEPTHS, Ask(replace(COUNTED.query, statistic="Sum", signed=True), 60, WINDOW)):
        with stubbed(*(pages(values) for values in (FULL | {1: 601.0}, FULL, FULL))) as (client, _):
            assert run(client, clock_after_hold(4), asks=[ask]).doubts == {}
    with stubbed(pages(FULL), pages({0: 600.0}, "PartialData"), pages(FULL), pages(FULL)) as (client, _):
        assert run(client, clock_after_hold(4), asks=[COUNTED]).doubts == {}


def test_the_deadline_holds_while_an_answer_is_paged() -> None:
    with stubbed(page(FULL) | {"NextToken": "more"}) as (client, stub):
        reading = run(client, clock_after_hold(15))
        stub.assert_no_pending_responses()
    assert "did not settle within 15 minutes after the hold: GetMetricData had not come to its last page" in (
        reading.problem or ""
    )


def test_another_load_beside_ours_is_never_settled() -> None:
    said: list[tuple[int, str]] = []
    clock = clock_after_hold(6)
    with stubbed(*[page(FULL)] * 10) as (client, _):
        reading = run(client, clock, said, wire=900)
    assert clock.now() >= WINDOW.end + 15 * MINUTE
    assert "counted 1800 requests where this load put 900 on the wire" in (reading.problem or "")
    assert reading.answers[TRAFFIC].values == (600.0, 600.0, 600.0), "kept, for whoever looks into it"


def test_a_throttled_poll_is_asked_again_and_forgets_nothing() -> None:
    said: list[tuple[int, str]] = []
    with stubbed(page(FULL), ("ThrottlingException", 400), page(FULL)) as (client, stub):
        reading = run(client, clock_after_hold(3), said)
        stub.assert_no_pending_responses()
    assert (reading.problem, reading.attempts) == (None, 3)
    assert "throttled by AWS (ThrottlingException)" in said[1][1]


@pytest.mark.parametrize(
    ("code", "status", "says"),
    [
        ("AccessDenied", 403, "forbidden (AccessDenied: because); allow cloudwatch:GetMetricData"),
        ("ExpiredToken", 400, "the AWS credentials are expired or unknown (ExpiredToken); sign in again"),
        ("ValidationError", 400, "ValidationError: because"),
    ],
)
def test_what_asking_again_cannot_help_ends_at_once_in_its_own_words(code: str, status: int, says: str) -> None:
    said: list[tuple[int, str]] = []
    with stubbed(page(FULL), (code, status)) as (client, stub):
        reading = run(client, clock_after_hold(3), said)
        stub.assert_no_pending_responses()
    assert reading.problem is not None
    assert says in reading.problem
    assert "did not settle" not in reading.problem
    assert (reading.attempts, len(said)) == (2, 1)
    assert reading.answers[TRAFFIC].values == (600.0, 600.0, 600.0), "what was read before is not lost"


def test_it_settles_against_the_double_over_http() -> None:
    clock = ServiceClock.starting_now(speed=60)
    sandbox = launch(SandboxSettings(), clock, None)
    try:
        environment = sandbox.fill(Environment(name="sandbox", line=1))
        assert environment.aws is not None
        client = client_for("cloudwatch", environment.aws)
        end = minute_floor(clock.now()) - 4 * MINUTE
        window = Window(start=end - 2 * MINUTE, end=end)
        assert environment.resources is not None
        traffic = traffic_ask(environment.resources, window)
        other = Ask(
            Query(role=Role.VALUE, namespace="Own", name="Nothing", statistic="Sum", dimensions=(("A", "b"),)),
            60,
            window,
        )
        for moment in (window.start, window.start + 60, window.end):
            put(client, traffic, moment, 300.0)
        reading = settle(client, [other], traffic, clock, wire_requests=600, in_flight_edges=0, waiting=lambda *_: None)
    finally:
        sandbox.close()
    assert reading.problem is None
    assert reading.answers[traffic].timestamps == (window.start, window.start + 60), "the end is not in the window"
    assert sum(reading.answers[traffic].values) == 600.0
    assert reading.answers[other].values == (), "a metric without points has none, not zero"


def put(client: Any, ask: Ask, moment: float, value: float) -> None:
    dimensions = [{"Name": name, "Value": given} for name, given in ask.query.dimensions]
    datum = {
        "MetricName": ask.query.name,
        "Dimensions": dimensions,
        "Timestamp": datetime.fromtimestamp(moment, UTC),
        "Value": value,
    }
    client.put_metric_data(Namespace=ask.query.namespace, MetricData=[datum])


def test_a_minute_beyond_the_window_stands_for_none_inside() -> None:
    with stubbed(page({0: 600.0, 1: 600.0, 3: 600.0})) as (client, _):
        reading = run(client, clock_after_hold(15))
    assert "2 of the window's 3 minutes" in (reading.problem or "")


@pytest.mark.parametrize(
    ("answer", "says"), [(pages({0: 1.0, 1: 1.0}), "2 of the window's 3 minutes"), (pages(FULL, "PartialData"), "Part")]
)
def test_what_one_query_lacks_at_the_deadline_is_a_doubt_of_its_rows_alone(answer: dict[str, Any], says: str) -> None:
    with stubbed(*[answer] * 5) as (client, _):
        # Three minutes to the deadline: enough for two polls that agree.
        reading = run(client, clock_after_hold(12), asks=[DEPTHS])
    assert reading.problem is None
    ((query, doubt),) = reading.doubts.items()
    assert query == str(DEPTHS.query)
    assert doubt.startswith("CloudWatch did not settle within 15 minutes after the hold: ")
    assert says in doubt


def test_a_row_that_looks_behind_the_hold_is_read_three_minutes_after_that() -> None:
    said: list[tuple[int, str]] = []
    behind = Ask(DEPTHS.query, 60, Window(start=WINDOW.end, end=WINDOW.end + 120))
    clock = clock_after_hold(0)
    # One call asks for the hold's minutes and for those behind it.
    with stubbed(*[pages({0: 1.0, 1: 2.0, 2: 3.0, 3: 5.0, 4: 0.0})] * 20) as (client, _):
        reading = run(client, clock, said, asks=[behind])
    assert reading.problem is None
    assert reading.answers[behind].values == (5.0, 0.0)
    assert clock.now() >= behind.window.end + 3 * MINUTE
    assert "the last minute that is looked at ended less than 3 minutes ago" in said[0][1]
