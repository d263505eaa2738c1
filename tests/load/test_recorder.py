"""The recorder's laws: drained and merged in any order, it is what recording all of it in one place would have been."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.result import Outcome
from pytest_syncload.load.recorder import Recorder
from pytest_syncload.load.sameness import SAMPLE, Sameness
from pytest_syncload.load.snapshot import EXAMPLES, Merged, Snapshot
from pytest_syncload.load.transport import Answer, Failure

START, TIMEOUT_S = 1000.0, 10.0
HOLD = (2.0, 5.0)


def recorder() -> Recorder:
    return Recorder(start_at=START, hold_from_s=HOLD[0], hold_to_s=HOLD[1], timeout_s=TIMEOUT_S)


def answer(
    sent_s: float | None = 0.0,
    done_s: float = 0.0,
    *,
    status: int = 202,
    body: bytes = b"",
    failure: Failure | None = None,
) -> Answer:
    return Answer(
        sent_at=None if sent_s is None else START + sent_s,
        done_at=START + done_s,
        status=0 if failure else status,
        body=body,
        failure=failure,
        detail="because" if failure else "",
    )


@dataclass(frozen=True)
class Happened:
    """One arrival: when due, how late handed over, how long under way, and what became of it."""

    due_s: float
    late_s: float
    took_s: float
    outcome: Outcome
    status: int
    in_flight: int

    def record(self, into: Recorder) -> None:
        if self.outcome is Outcome.DROPPED:
            into.dropped(self.due_s, self.late_s, late=self.late_s > 0.1)
            return
        into.sent(self.due_s, self.late_s, self.in_flight)
        failures = {
            Outcome.TIMEOUT: Failure.TIMEOUT,
            Outcome.CONNECT_ERROR: Failure.CONNECT,
            Outcome.PROTOCOL_ERROR: Failure.PROTOCOL,
        }
        sent_s = None if self.outcome is Outcome.CONNECT_ERROR else self.due_s + self.late_s
        done_s = self.due_s + self.late_s + self.took_s
        failure = failures.get(self.outcome)
        into.answered(self.due_s, answer(sent_s, done_s, status=self.status, failure=failure), self.outcome)


happenings = st.builds(
    Happened,
    due_s=st.floats(0, 7),
    late_s=st.floats(0, 0.3),
    took_s=st.floats(0, 12),
    outcome=st.sampled_from(Outcome),
    status=st.sampled_from([200, 202, 401, 429, 500, 503]),
    in_flight=st.integers(1, 50),
)


def merged(snapshots: list[Snapshot]) -> Merged:
    total = Merged()
    for snapshot in snapshots:
        total.add(snapshot)
    return total


def shown(total: Merged) -> object:
    return (
        total.hold, total.ramp, total.latency, total.service_time, total.lag, total.statuses, total.wire_requests,
        total.in_flight_edges, total.timeline(),
    )  # fmt: skip


@given(
    arrivals=st.lists(st.tuples(happenings, st.integers(0, 2), st.booleans()), max_size=30),
    order=st.randoms(use_true_random=False),
)
def test_draining_anywhere_and_merging_in_any_order_is_recording_once(
    arrivals: list[tuple[Happened, int, bool]], order: random.Random
) -> None:
    once, generators = recorder(), [recorder() for _ in range(3)]
    snapshots = []
    for happened, shard, drain in arrivals:
        happened.record(once)
        happened.record(generators[shard])
        if drain:
            snapshots.append(generators[shard].drain())
    snapshots += [generator.drain() for generator in generators]
    order.shuffle(snapshots)
    in_one, apart = merged([once.drain()]), merged(snapshots)
    assert shown(apart) == shown(in_one)
    order.shuffle(snapshots)
    assert merged(snapshots).examples == apart.examples
    half = len(snapshots) // 2
    assert shown(merged(snapshots[half:] + snapshots[:half])) == shown(in_one)


@given(arrivals=st.lists(happenings, max_size=20))
def test_a_snapshot_survives_json_and_a_drain_leaves_nothing(arrivals: list[Happened]) -> None:
    one = recorder()
    for happened in arrivals:
        happened.record(one)
    snapshot = one.drain()
    assert Snapshot.from_json(json.loads(json.dumps(snapshot.to_json()))) == snapshot
    assert one.drain() == Snapshot()


@given(arrivals=st.lists(happenings, max_size=30))
def test_every_arrival_is_counted_once_and_has_a_latency(arrivals: list[Happened]) -> None:
    one = recorder()
    for happened in arrivals:
        happened.record(one)
    total = merged([one.drain()])
    in_hold = [happened for happened in arrivals if HOLD[0] <= happened.due_s < HOLD[1]]
    assert total.hold.arrivals == len(in_hold) == total.latency.count == total.lag.count
    assert total.hold.arrivals + total.ramp.arrivals == len(arrivals)
    assert sum(second.tally.arrivals for second in total.timeline()) == len(arrivals)
    assert total.hold.failed + total.hold.wrong_answers <= len(in_hold)
    slow = [one for one in in_hold if one.outcome in (Outcome.DROPPED, Outcome.TIMEOUT)]
    if slow and len(slow) == len(in_hold):
        assert (total.latency.percentile(1) or 0) >= TIMEOUT_S * 1000 * 0.99


def test_latency_counts_from_the_intended_time_and_service_time_from_the_send() -> None:
    one = recorder()
    one.sent(3.0, 0.05, 1)
    one.answered(3.0, answer(3.2, 3.5), Outcome.OK)
    total = merged([one.drain()])
    assert total.latency.max_ms == pytest.approx(500)
    assert total.service_time.max_ms == pytest.approx(300)
    # The 150 ms between are a connection's, not ours.
    assert total.lag.max_ms == pytest.approx(50)


def test_drops_and_timeouts_count_at_their_full_time() -> None:
    one = recorder()
    one.dropped(3.0, 0.0, late=False)
    one.dropped(3.0, 0.2, late=True)
    one.answered(3.0, answer(3.0, 13.0 - 1e-6, failure=Failure.TIMEOUT), Outcome.TIMEOUT)
    one.answered(3.0, answer(4.0, 14.0, failure=Failure.TIMEOUT), Outcome.TIMEOUT)
    total = merged([one.drain()])
    assert total.latency.percentile(1) == pytest.approx(10_000, rel=0.003)
    assert total.latency.max_ms == pytest.approx(11_000)
    assert (total.hold.dropped_late, total.hold[Outcome.DROPPED]) == (1, 2)
    assert total.hold.failed == 3


@pytest.mark.parametrize(
    ("sent_s", "done_s", "wire", "edges"),
    [
        (2.0, 2.1, 1, 0),
        (4.999, 5.0, 1, 1),
        (1.999, 2.0, 0, 1),
        (5.0, 5.1, 0, 0),
        (1.0, 1.9, 0, 0),
        (1.9, 5.5, 0, 2),
    ],
)
def test_wire_requests_count_by_their_send(sent_s: float, done_s: float, wire: int, edges: int) -> None:
    one = recorder()
    one.answered(1.0, answer(sent_s, done_s), Outcome.OK)
    total = merged([one.drain()])
    assert (total.wire_requests, total.in_flight_edges) == (wire, edges)


def test_a_request_beside_the_arrivals_counts_on_the_wire_and_nowhere_else() -> None:
    mine = recorder()
    for sent_s, done_s in ((1.0, 3.0), (3.0, 4.0), (4.0, 6.0), (6.0, 7.0), (None, 3.0)):
        mine.beside(answer(sent_s, done_s, status=500))
    total = merged([mine.drain()])
    assert (total.wire_requests, total.in_flight_edges) == (2, 2)
    assert (total.hold.arrivals, total.ramp.arrivals, total.latency.count, total.service_time.count) == (0, 0, 0, 0)
    assert (total.statuses, total.examples, total.timeline()) == ({}, (), ())


def test_what_never_went_out_is_no_wire_request() -> None:
    one = recorder()
    one.answered(3.0, answer(None, 4.0, failure=Failure.CONNECT), Outcome.CONNECT_ERROR)
    one.answered(3.0, answer(None, 13.0, failure=Failure.TIMEOUT), Outcome.TIMEOUT)
    one.dropped(3.0, 0.0, late=False)
    total = merged([one.drain()])
    assert (total.wire_requests, total.in_flight_edges, total.service_time.count) == (0, 0, 0)
    assert total.hold.arrivals == 3


def test_429_is_throttled_only_where_it_is_unexpected() -> None:
    one = recorder()
    one.answered(3.0, answer(3.0, 3.1, status=429), Outcome.UNEXPECTED_STATUS)
    one.answered(3.0, answer(3.0, 3.1, status=429), Outcome.OK)
    one.answered(1.0, answer(1.0, 1.1, status=403), Outcome.UNEXPECTED_STATUS)
    total = merged([one.drain()])
    assert (total.hold.throttled, total.hold.failed, total.hold.wrong_answers) == (1, 1, 0)
    assert total.statuses == {429: 2}, "of the hold alone"


def test_examples_are_few_of_each_kind_and_hold_no_token() -> None:
    one = recorder()
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1In0.c2lnbmF0dXJl"
    for _ in range(9):
        one.answered(3.0, answer(3.0, 13.0, failure=Failure.TIMEOUT), Outcome.TIMEOUT)
    for body in (f'{{"echo": "{jwt}"}}', "x" * 190 + jwt, "authorization: Bearer s3cret\r\n\x1b[31m", "plain"):
        one.answered(3.0, answer(3.0, 3.1, body=body.encode()), Outcome.WRONG_BODY)
        one.answered(3.0, answer(3.0, 3.1, status=429, body=body.encode()), Outcome.UNEXPECTED_STATUS)
        one.answered(3.0, answer(3.0, 3.1, status=401, body=body[::-1].encode()), Outcome.UNEXPECTED_STATUS)
    examples = one.drain().examples
    kinds = [example.partition(":")[0] for example in examples]
    assert {kind: kinds.count(kind) for kind in kinds} == dict.fromkeys(
        ("timeout", "wrong_body", "429", "unexpected_status"), EXAMPLES
    )
    assert "timeout: because" in examples
    assert 'wrong_body: HTTP 202 {"echo": "<token>"}' in examples
    assert not any("eyJ" in example or len(example) > 240 for example in examples)


@pytest.mark.parametrize("body", [b"Bearer s3cret", b"bearer s3cret x", b"\x1b[31mred", b"\xff\xfe", b"eyJabc"])
def test_an_example_is_safe_to_show(body: bytes) -> None:
    one = recorder()
    one.answered(3.0, answer(3.0, 3.1, body=body), Outcome.WRONG_BODY)
    (example,) = one.drain().examples
    assert example.startswith("wrong_body: HTTP 202")
    assert example.isprintable()
    assert "s3cret" not in example
    assert "eyJ" not in example


def test_a_header_of_ours_that_the_target_echoes_is_not_shown() -> None:
    recording = Recorder(start_at=START, hold_from_s=0.0, hold_to_s=1.0, timeout_s=1.0, masked=["topsecret-4711"])
    recording.answered(0.5, answer(status=403, body=b'{"denied": "topsecret-4711"}'), Outcome.UNEXPECTED_STATUS)
    (example,) = recording.drain().examples
    assert example == 'unexpected_status: HTTP 403 {"denied": "<hidden>"}'


def test_merged_examples_are_the_same_few_in_any_order() -> None:
    snapshots = [Snapshot(examples=[f"5xx: {name}", f"wrong_body: {name}"]) for name in "dacb"]
    assert merged(snapshots).examples == ("5xx: a", "5xx: b", "wrong_body: a", "wrong_body: b")
    assert merged(snapshots[::-1]).examples == merged(snapshots).examples


def test_a_second_of_the_timeline() -> None:
    one = recorder()
    one.sent(3.2, 0.0, 7)
    one.sent(3.4, 0.0, 5)
    one.answered(3.4, answer(3.4, 3.5), Outcome.OK)
    total = merged([one.drain()])
    (second,) = total.timeline()
    assert second == total.second(3)
    assert (second.at_s, second.in_flight, second.tally.arrivals) == (3, 7, 1)
    assert second.max_ms == second.p50_ms == second.p95_ms == second.p99_ms == pytest.approx(100)
    with pytest.raises(KeyError):
        total.second(4)
    assert [total.last_second_before(at) for at in (3, 4, 9)] == [None, 3, 3]


def told_apart(bodies: list[bytes], distinct: tuple[str, ...] = ("job_id",), due_s: float = 3.0) -> Recorder:
    """A recorder that has seen these answers, all right."""
    mine = Recorder(start_at=START, hold_from_s=HOLD[0], hold_to_s=HOLD[1], timeout_s=TIMEOUT_S, distinct=distinct)
    for body in bodies:
        mine.answered(due_s, answer(3.0, 3.1, body=body), Outcome.OK)
    return mine


def test_sampled_answers_that_repeat_are_counted_over_all_generators_and_seconds() -> None:
    merged = Merged()
    first = told_apart([b'{"job_id": "a"}', b'{"job_id": "b", "more": 1}'])
    for snapshot in (first.drain(), told_apart([b'{"job_id": "b", "more": 2}']).drain()):
        merged.add(Snapshot.from_json(json.loads(json.dumps(snapshot.to_json()))))
    assert merged.sameness(("job_id",)) == Sameness(members=("job_id",), sampled=3, repeated=1)


def test_the_sample_is_small_of_the_hold_and_only_where_answers_must_differ() -> None:
    many = [b'{"job_id": %d}' % number for number in range(SAMPLE + 5)]
    assert len(told_apart(many).drain().digests) == SAMPLE
    assert told_apart(many, due_s=1.0).drain().digests == []
    assert told_apart(many, ()).drain().digests == []


def test_rows_that_cannot_be_folded_are_not_half_counted() -> None:
    """Counted as ok and missing in every percentile, they would pass `sent_but_not_counted`."""
    recorder = Recorder(start_at=0.0, hold_from_s=0.0, hold_to_s=10.0, timeout_s=1.0)
    for number in range(100):
        done_at = float("inf") if number == 50 else 1.1
        recorder.answered(1.0, Answer(1.0, done_at, 202), Outcome.OK)
    with pytest.raises(ValueError, match="finite"):
        recorder.drain()
    merged = Merged()
    merged.add(recorder.drain())
    assert merged.hold.arrivals == merged.latency.count
