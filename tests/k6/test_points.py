"""A recorded stream of a real k6, and streams in any order and any chunks."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.result import Figure, Outcome
from pytest_syncload.k6.points import Points
from pytest_syncload.k6.validity import NOT_MEASURED
from pytest_syncload.load.snapshot import Merged, Snapshot
from tests.k6.lines import START, drop, point, recorded, request

_TAGS = ("ramp", "hold")


def points(hold_s: tuple[float, float] = (2.0, 6.0)) -> Points:
    return Points(start_at=START, hold_s=hold_s, expected=(202,), timeout_s=2.0)


def merged(chunks: Iterable[Sequence[bytes]], hold_s: tuple[float, float] = (2.0, 6.0)) -> Merged:
    """What comes of the chunks, each handed over by a snapshot of its own, as it travels."""
    reader, all_of_it = points(hold_s), Merged(NOT_MEASURED)
    for chunk in chunks:
        for line in chunk:
            assert reader.take(line)
        all_of_it.add(Snapshot.from_json(reader.drain().to_json()))
    return all_of_it


def test_what_a_real_k6_printed() -> None:
    seen = merged([recorded()])
    assert seen.all_arrivals.outcomes == {
        Outcome.OK: 194,
        Outcome.SERVER_ERROR: 9,
        Outcome.TIMEOUT: 6,
        Outcome.DROPPED: 1,
    }
    assert seen.hold.arrivals == 161, "40/s for four seconds, both ends of them; by the scenario that k6 names"
    assert seen.hold.dropped_late == 1
    assert abs(seen.wire_requests - 159) <= 2, "by k6's clock, which began 35 ms late"
    assert seen.statuses == {202: 149, 503: 7}
    assert [second.at_s for second in seen.timeline()] == [0, 1, 2, 3, 4, 5]
    assert all(second.in_flight is None for second in seen.timeline())
    assert seen.examples == (
        "5xx: HTTP 503",
        "timeout: the request timed out (k6's error_code 1050)",
    )


def test_its_service_times_are_those_of_k6s_own_summary() -> None:
    seen = merged([recorded()], hold_s=(0.0, 0.0))
    assert seen.hold.arrivals == 161, "what k6 says of a part is believed before its clock"
    whole = Merged()
    reader = points()
    for line in recorded():
        reader.take(line.replace(b'"part":"ramp"', b'"part":"hold"'))
    whole.add(reader.drain())
    assert whole.service_time.count == 209
    for percent, its_own in ((50, 1.025223), (90, 44.1291134), (95, 44.452604)):
        assert whole.service_time.percentile(percent) == pytest.approx(its_own, rel=0.005)
    assert whole.service_time.mean() == pytest.approx(73.69199609569377, rel=1e-6)


def same(one: Merged, other: Merged) -> None:
    assert one.all_arrivals.outcomes == other.all_arrivals.outcomes
    assert (one.hold, one.ramp) == (other.hold, other.ramp)
    assert one.service_time == other.service_time
    assert one.timeline() == other.timeline()
    assert one.statuses == other.statuses
    assert (one.wire_requests, one.in_flight_edges) == (other.wire_requests, other.in_flight_edges)
    assert one.sameness(("job_id",)) == other.sameness(("job_id",))
    assert set(one.examples) == set(other.examples)


def test_the_recorded_stream_in_any_order_and_chunks() -> None:
    lines = recorded()
    whole = merged([lines])
    draw = random.Random(4)
    for _ in range(3):
        shuffled = draw.sample(lines, len(lines))
        same(whole, merged([shuffled[at : at + 500] for at in range(0, len(shuffled), 500)]))


_LINES = st.one_of(
    st.builds(
        request,
        st.floats(0, 8).map(lambda at: round(at, 3)),
        st.sampled_from((0.0, 3.5, 20.0, 2000.0)),
        st.sampled_from((202, 200, 429, 503, 0)),
        st.sampled_from((0, 1050, 1212, 1220)),
        part=st.sampled_from(_TAGS),
        at=st.integers(0, 7).map(str),
    ),
    st.builds(drop, st.floats(0, 8).map(lambda at: round(at, 3))),
    st.builds(
        point,
        st.just("checks"),
        st.floats(0, 8),
        st.sampled_from((0, 1)),
        check=st.sampled_from(("answer", "another")),
        part=st.sampled_from(_TAGS),
        at=st.integers(0, 7).map(str),
    ),
    st.builds(point, st.just("syncload_digest"), st.floats(0, 8), st.integers(1, 2**53 - 1), part=st.just("hold")),
    st.builds(point, st.just("http_reqs"), st.floats(0, 8), st.just(1)),
)


@given(lines=st.lists(_LINES, max_size=30), order=st.randoms(use_true_random=False), cut=st.integers(0, 30))
def test_order_and_chunks_do_not_matter(lines: list[bytes], order: random.Random, cut: int) -> None:
    shuffled = order.sample(lines, len(lines))
    one, other = merged([lines]), merged([shuffled[:cut], shuffled[cut:]])
    assert one.all_arrivals == other.all_arrivals
    assert (one.hold, one.ramp, one.service_time) == (other.hold, other.ramp, other.service_time)
    assert one.timeline() == other.timeline()
    assert (one.statuses, one.wire_requests, one.in_flight_edges) == (
        other.statuses,
        other.wire_requests,
        other.in_flight_edges,
    )


def test_every_request_is_one_arrival_and_every_drop_too() -> None:
    seen = merged([[request(2.1, part="hold", at="2"), request(1.9, part="ramp", at="1"), drop(3.0), drop(0.5)]])
    assert seen.hold.outcomes == {Outcome.OK: 1, Outcome.DROPPED: 1}
    assert seen.ramp.outcomes == {Outcome.OK: 1, Outcome.DROPPED: 1}
    assert [(second.at_s, second.tally.arrivals) for second in seen.timeline()] == [(0, 1), (1, 1), (2, 1), (3, 1)]


def test_a_wrong_answer_behind_a_right_status() -> None:
    tags: Any = {"part": "hold", "at": "3"}
    lines = [request(3.2, **tags), request(3.3, **tags), point("checks", 3.3, 0, check="answer", **tags)]
    seen = merged([lines[:2], lines[2:]])
    assert {outcome: n for outcome, n in seen.hold.outcomes.items() if n} == {Outcome.OK: 1, Outcome.WRONG_BODY: 1}
    assert seen.second(3).tally.wrong_answers == 1
    assert seen.examples == ("wrong_body: its headers or its JSON are others than expected",)


def test_a_check_of_another_name_or_one_that_held_says_nothing() -> None:
    tags: Any = {"part": "hold", "at": "3"}
    lines = [
        request(3.2, **tags),
        point("checks", 3.2, 0, check="status is 200", **tags),
        point("checks", 3.2, 1, check="answer", **tags),
    ]
    assert merged([lines]).hold.outcomes == {Outcome.OK: 1}


def test_timeouts_count_in_full_and_what_had_no_connection_has_no_service_time() -> None:
    tags: Any = {"part": "hold", "at": "3"}
    lines = [
        request(3.0, 1900.0, 0, 1050, **tags),  # 100 ms went by before it had a connection
        request(3.0, 0.0, 0, 1212, **tags),
        request(3.0, 0.0, 0, 1050, **tags),
    ]
    seen = merged([lines])
    assert seen.service_time.count == 2
    assert seen.service_time.percentile(1) == pytest.approx(2000.0, rel=0.005)
    assert seen.wire_requests == 1
    assert seen.second(3).max_ms == 2000.0


def test_requests_open_at_the_edges_are_counted_on_the_wire_where_they_were_sent() -> None:
    lines = [
        request(1.9, 200.0, part="ramp", at="1"),
        request(5.9, 200.0, part="hold", at="5"),
        request(4.0, 200.0, part="hold", at="4"),
        request(6.1, 10.0, part="hold", at="6"),
    ]
    seen = merged([lines])
    assert (seen.wire_requests, seen.in_flight_edges) == (2, 2)
    assert seen.hold.arrivals == 3


def test_the_requests_of_its_set_up_are_no_arrivals() -> None:
    reader = points()
    assert reader.take(request(0.0, part="setup"))
    assert reader.requests == 0
    assert reader.drain() == Snapshot()


def test_429_is_throttled() -> None:
    seen = merged([[request(3.0, status=429, error_code=1429, part="hold", at="3")]])
    assert (seen.hold.throttled, seen.hold.failed, seen.hold.wrong_answers) == (1, 1, 0)
    assert seen.examples == ("429: HTTP 429",)


def test_digests_of_the_hold_tell_answers_apart() -> None:
    lines = [point("syncload_digest", 3.0, value, part="hold") for value in (7, 7, 9_007_199_254_740_991)]
    lines.append(point("syncload_digest", 1.0, 7, part="ramp"))
    found = merged([lines]).sameness(("job_id",))
    assert (found.sampled, found.repeated) == (3, 1)


def test_what_is_no_point_is_told_apart() -> None:
    reader = points()
    assert reader.take(b"\n")
    assert not reader.take(b"  http_req_duration..: avg=1.2ms\n")
    assert reader.take(b'{"type":"Metric","data":{"name":"http_req_duration"},"metric":"http_req_duration"}\n')
    assert reader.torn == 0
    for torn in (
        request(3.0)[:-20],
        b'{"metric":"http_req_duration","type":"Point","data":{"time":"yesterday","value":1,"tags":{}}}\n',
        b'{"metric":"http_req_duration","type":"Point"}\n',
    ):
        assert reader.take(torn)
    assert reader.torn == 3
    assert reader.drain().seconds == {}


def test_k6s_clock_may_be_a_little_before_ours() -> None:
    seen = merged([[request(-0.01, part="ramp", at="-1")]])
    assert [second.at_s for second in seen.timeline()] == [0]


def test_latency_is_not_what_these_times_are() -> None:
    assert Figure.LATENCY in NOT_MEASURED
    seen = merged([[request(3.0, part="hold", at="3")]])
    assert seen.second(3).p95_ms == 20.0, "a second shows the service time"
    assert seen.lag.count == 0
