"""The engine against a real server in the same loop: exactly the schedule, whatever the target does."""

from __future__ import annotations

import asyncio
import gc
import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pytest_syncload.facts.climb import Leg
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.feeder import Feeder, Order
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.plan import Passage, RequestTemplate
from pytest_syncload.facts.result import GeneratorReport, Outcome, Refreshes
from pytest_syncload.load.course import Legs
from pytest_syncload.load.engine import run
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import Shard, ShardReport
from pytest_syncload.load.snapshot import Merged, Snapshot
from pytest_syncload.load.wire import RequestWriter
from tests.load.scripted import OK, PATIENCE_S, End, Scripted

HOLD = (End.HOLD,)
FORBIDDEN = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Users:
    """Three users; remembers which were rejected."""

    rejections: list[Identity] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def for_arrival(self, arrival: int) -> Identity:
        self.asked.append(arrival)
        return Identity(arrival % 3, f"user-{arrival % 3}", f"token-{arrival % 3}")

    def rejected(self, identity: Identity) -> None:
        self.rejections.append(identity)


def all_due(shard: Shard, start_s: float = 0.0, end_s: float = math.inf) -> int:
    assert isinstance(shard.pacer, Pacer)
    return shard.pacer.scheduled(start_s, end_s)


def shard_of(url: str, *, rate_per_s: float = 200, ramp_s: float = 0.1, hold_s: float = 0.3) -> Shard:
    return Shard(
        base_url=url,
        request=RequestTemplate(path="/jobs", json={"a": 1}),
        pacer=Pacer(rate_per_s=rate_per_s, ramp_s=ramp_s, hold_s=hold_s),
        shard=0,
        shards=1,
        hold_from_s=ramp_s,
        hold_to_s=ramp_s + hold_s,
        timeout_s=10.0,
        in_flight_cap=1000,
        key_prefix="run-peak",
    )


@dataclass
class Ran:
    report: ShardReport
    merged: Merged
    snapshots: list[Snapshot]
    users: Users


@dataclass
class Expiring(Users):
    """User 1's token ends after ``uses``: by a clock it would end before its first where the machine stands still."""

    uses: int = 0

    def for_arrival(self, arrival: int) -> Identity:
        user = super().for_arrival(arrival)
        if user.index != 1:
            return user
        self.uses -= 1
        return user if self.uses >= 0 else replace(user, expires_at=time.monotonic() - 1)


async def ran(
    shard: Shard,
    *,
    users: Users | None = None,
    stop: asyncio.Event | None = None,
    start_in_s: float = 0.02,
    on_snapshot: Callable[[Snapshot], None] = lambda _: None,
) -> Ran:
    snapshots: list[Snapshot] = []
    users, merged = users or Users(), Merged()

    def emit(snapshot: Snapshot) -> None:
        snapshots.append(snapshot)
        merged.add(snapshot)
        on_snapshot(snapshot)

    async with asyncio.timeout(PATIENCE_S):
        report = await run(
            shard,
            users,
            start_at=time.monotonic() + start_in_s,
            stop=stop or asyncio.Event(),
            emit=emit,
            snapshot_every_s=0.05,
        )
    return Ran(report, merged, snapshots, users)


def keys(server: Scripted) -> list[str]:
    found = [re.search(rb"Idempotency-Key: (\S+)", request) for request in server.requests]
    return [match[1].decode() for match in found if match]


@pytest.mark.parametrize("shards", [1, 3])
def test_the_shards_send_exactly_the_schedule_with_a_key_for_each(shards: int) -> None:
    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            whole = shard_of(server.url)
            parts = [await ran(replace(whole, shard=shard, shards=shards)) for shard in range(shards)]
            scheduled = all_due(whole)
            assert sorted(keys(server)) == sorted(f"run-peak-{index}" for index in range(scheduled))
            assert sum(part.report.sent for part in parts) == scheduled
            hold = sum((part.merged.hold[Outcome.OK] for part in parts), 0)
            assert hold == all_due(whole, whole.hold_from_s, whole.hold_to_s)
            assert sum(part.merged.ramp[Outcome.OK] for part in parts) == scheduled - hold
            for part in parts:
                assert part.report.interrupted is False
                assert part.report.peak_in_flight >= 1
                assert part.report.cpu_percent > 0
                assert part.merged.lag.count == part.merged.hold.arrivals
                assert part.report.lag_p99_ms == part.merged.lag.percentile(99)
                assert part.users.rejections == []
                assert part.snapshots

    asyncio.run(scenario())


@pytest.mark.parametrize("transport", Passage)
def test_the_shards_draw_what_one_generator_would(transport: Passage) -> None:
    rows = tuple({"n": number, "id": f"ü/{number}"} for number in range(7))
    request = RequestTemplate(
        path="/jobs/{{rows.id}}",
        headers=(("X-N", "{{rows.n}}"),),
        json={"n": "{{rows.n}}", "key": "{{other}}"},
        feeders=(Feeder(name="rows", rows=rows), Feeder(name="other", rows=("a", "b", "c"), order=Order.RANDOM)),
    )

    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            whole = replace(shard_of(server.url), request=request, transport=transport)
            writer = RequestWriter(request, server.url)
            for shard in range(3):
                await ran(replace(whole, shard=shard, shards=3))
            assert len(server.requests) == all_due(whole)
            for sent in server.requests:
                found = re.search(rb"Idempotency-Key: run-peak-(\d+)", sent)
                assert found is not None
                index = int(found[1])
                user = Identity(index % 3, f"user-{index % 3}", f"token-{index % 3}")
                assert sent == writer.wire(user, f"run-peak-{index}", index)
                assert json.loads(sent.partition(b"\r\n\r\n")[2])["n"] == index % 7

    asyncio.run(scenario())


def test_a_function_that_fails_ends_the_load_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "feeds_this_test.py").write_text("def row(arrival, seed):\n    return [1, 2, 3, 4, 5][arrival]\n")
    monkeypatch.syspath_prepend(tmp_path)
    request = RequestTemplate(json={"n": "{{f}}"}, feeders=(Feeder(name="f", function="feeds_this_test:row"),))

    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            with pytest.raises(Refused, match="feeds_this_test:row of feeder 'f' raised IndexError for arrival 5"):
                await ran(replace(shard_of(server.url), request=request))
            assert len(server.requests) <= 5

    asyncio.run(scenario())


def test_snapshots_come_while_load_runs() -> None:
    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            stop = asyncio.Event()
            running: list[bool] = []

            def stop_at_the_third(_: Snapshot) -> None:
                running.append(gc.isenabled())
                if len(running) == 3:
                    stop.set()

            done = await ran(shard_of(server.url, hold_s=3600), stop=stop, on_snapshot=stop_at_the_third)
            assert len(done.snapshots) >= 3
            # The collector rests meanwhile, and works again behind it.
            assert running[:3] == [False] * 3
        assert gc.isenabled()
        assert gc.get_freeze_count() == 0

    asyncio.run(scenario())


def test_requests_carry_the_identity_of_their_arrival() -> None:
    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            done = await ran(shard_of(server.url))
            assert sorted(done.users.asked) == list(range(done.report.sent))
            for request, key in zip(server.requests, keys(server), strict=True):
                user = int(key.rpartition("-")[2]) % 3
                assert f"Authorization: Bearer token-{user}\r\n".encode() in request
                assert request.startswith(b"POST /jobs HTTP/1.1\r\n")
                assert request.endswith(b'\r\n\r\n{"a":1}')

    asyncio.run(scenario())


@pytest.mark.parametrize("closed", [End.CLOSE, End.RESET])
def test_a_target_that_closes_everything_ends_the_load(closed: End) -> None:
    async def scenario() -> None:
        async with Scripted(*[(OK,)] * 40, (closed,)) as server:
            done = await ran(shard_of(server.url, hold_s=3600))
            assert done.report.gave_up
            assert done.report.interrupted
            both = done.merged.hold + done.merged.ramp
            # A second of its rate, and those that a busy machine may take to notice; the hold has 720,000.
            assert 10 <= both[Outcome.PROTOCOL_ERROR] < 30 * 200
            assert both[Outcome.OK] == 40
            assert done.report.sent - both.arrivals <= done.report.peak_in_flight

    asyncio.run(scenario())


def test_a_silent_target_holds_nothing_back_and_every_arrival_times_out() -> None:
    async def scenario() -> None:
        async with Scripted(HOLD) as server:
            shard = replace(shard_of(server.url), timeout_s=0.5)
            done = await ran(shard)
            scheduled = all_due(shard)
            assert done.merged.hold.arrivals + done.merged.ramp.arrivals == scheduled == done.report.sent
            assert {*done.merged.hold.outcomes, *done.merged.ramp.outcomes} == {Outcome.TIMEOUT}
            assert (done.merged.latency.percentile(1) or 0) >= 500 * 0.99
            assert not done.report.interrupted

    asyncio.run(scenario())


def test_beyond_the_cap_arrivals_are_dropped_and_counted() -> None:
    async def scenario() -> None:
        async with Scripted(HOLD) as server:
            shard = replace(shard_of(server.url), timeout_s=2.0, in_flight_cap=3)
            done = await ran(shard)
            scheduled = all_due(shard)
            assert done.report.sent == done.report.peak_in_flight == len(server.requests) == 3
            both = done.merged.hold + done.merged.ramp
            assert both.outcomes == {Outcome.TIMEOUT: 3, Outcome.DROPPED: scheduled - 3}
            assert (done.merged.latency.percentile(1) or 0) >= 2000 * 0.99
            assert max(second.in_flight or 0 for second in done.merged.timeline()) == 3

    asyncio.run(scenario())


@pytest.mark.parametrize(("behind_s", "late"), [(5.0, True), (-0.05, False)])
def test_a_drop_is_the_generators_own_only_while_it_is_late(behind_s: float, late: bool) -> None:
    async def scenario() -> None:
        async with Scripted(HOLD) as server:
            # Two seconds: a busy machine that stands still for a while shall not make all of it late.
            shard = replace(shard_of(server.url, rate_per_s=50, hold_s=2.0), timeout_s=0.5, in_flight_cap=1)
            done = await ran(shard, start_in_s=-behind_s)
            both = done.merged.hold + done.merged.ramp
            assert both[Outcome.DROPPED] > 0
            if late:
                assert both.dropped_late == both[Outcome.DROPPED]
                assert both.failed == both[Outcome.TIMEOUT]
                assert done.report.lag_p99_ms > 1000
            else:
                # Some of them may have been late, never all.
                assert both.dropped_late < both[Outcome.DROPPED]

    asyncio.run(scenario())


def test_a_generator_that_fell_behind_reads_its_answers_while_it_catches_up() -> None:
    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            # Everything is overdue at once, thirty times what the cap lets out in one turn of the loop.
            shard = replace(shard_of(server.url, rate_per_s=10_000, hold_s=0.9), in_flight_cap=300)
            done = await ran(shard, start_in_s=-5.0)
            assert done.report.sent > 300, "room was made below the cap"
            both = done.merged.hold + done.merged.ramp
            assert both.arrivals == all_due(shard)

    asyncio.run(scenario())


def test_a_401_is_told_to_the_identities_and_not_repeated() -> None:
    async def scenario() -> None:
        async with Scripted((FORBIDDEN,)) as server:
            done = await ran(shard_of(server.url, rate_per_s=50))
            both = done.merged.hold + done.merged.ramp
            assert both.outcomes == {Outcome.UNEXPECTED_STATUS: done.report.sent}
            assert len(done.users.rejections) == done.report.sent == len(server.requests)
            assert {user.index for user in done.users.rejections} == {0, 1, 2}

    asyncio.run(scenario())


def test_an_expected_401_rejects_nobody() -> None:
    async def scenario() -> None:
        async with Scripted((FORBIDDEN,)) as server:
            shard = shard_of(server.url, rate_per_s=50)
            done = await ran(replace(shard, request=replace(shard.request, expect_status=401)))
            assert done.merged.hold.outcomes.keys() == {Outcome.OK}
            assert done.users.rejections == []

    asyncio.run(scenario())


@pytest.mark.parametrize("answer", [(OK,), HOLD], ids=["answering", "silent"])
def test_a_stop_ends_it_at_once_and_keeps_what_was_measured(answer: tuple[bytes | End, ...]) -> None:
    async def scenario() -> None:
        async with Scripted((OK,), (OK,), answer) as server:
            stop = asyncio.Event()
            shard = shard_of(server.url, hold_s=3600)

            answered: list[Snapshot] = []

            def stop_once_measured(snapshot: Snapshot) -> None:
                if any(held.part.outcomes for held in snapshot.held.values()) or snapshot.ramp.outcomes:
                    answered.append(snapshot)
                if answered and len(server.requests) > 10:
                    stop.set()

            # Its end is bounded by the minute of `ran`, a sixtieth of the hold.
            done = await ran(shard, stop=stop, on_snapshot=stop_once_measured)
            assert done.report.interrupted
            assert 0 < done.report.sent < all_due(shard)
            both = done.merged.hold + done.merged.ramp
            # What was open is abandoned, not counted as the target's failure.
            assert both[Outcome.OK] == both.arrivals > 0
            assert len(server.requests) <= done.report.sent

    asyncio.run(scenario())


@pytest.mark.parametrize("rate", [0.0, 50.0])
def test_a_stop_before_the_first_arrival_sends_nothing(rate: float) -> None:
    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            stop = asyncio.Event()
            stop.set()
            done = await ran(shard_of(server.url, rate_per_s=rate), stop=stop, start_in_s=3600)
            assert done.report == ShardReport(
                index=0, sent=0, interrupted=True, cpu_percent=0.0, lag_p99_ms=0.0, peak_in_flight=0
            )
            assert server.connections == 0

    asyncio.run(scenario())


def test_a_stop_while_the_last_answers_are_awaited() -> None:
    async def scenario() -> None:
        async with Scripted(HOLD) as server:
            stop = asyncio.Event()
            shard = replace(shard_of(server.url, rate_per_s=20), timeout_s=3600.0)
            scheduled = all_due(shard)
            over = time.monotonic() + shard.pacer.ends_s + 0.1

            def stop_behind_the_end(_: Snapshot) -> None:
                if len(server.requests) == scheduled and time.monotonic() > over:
                    stop.set()

            done = await ran(shard, stop=stop, on_snapshot=stop_behind_the_end)
            assert (done.report.sent, done.report.interrupted) == (scheduled, True)

    asyncio.run(scenario())


def test_a_request_that_cannot_be_written_ends_the_run_and_leaves_nothing_open() -> None:
    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            shard = shard_of(server.url)
            bad = replace(shard, request=replace(shard.request, headers=(("X", "a\r\nb"),)))
            with pytest.raises(Refused, match="line break"):
                await ran(bad)
            assert gc.isenabled()

    asyncio.run(scenario())


def test_what_of_a_report_stays_in_the_result() -> None:
    report = ShardReport(index=2, sent=9, interrupted=False, cpu_percent=12.5, lag_p99_ms=0.7, peak_in_flight=4)
    report = replace(report, refreshes=9, failed_refreshes=2)
    assert report.to_generator_report() == GeneratorReport(
        index=2, cpu_percent=12.5, lag_p99_ms=0.7, peak_in_flight=4, refreshes=Refreshes(count=9, failed=2)
    )


def test_an_arrival_with_an_expired_token_is_not_sent_and_no_failure_of_the_target() -> None:
    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            ended = await ran(shard_of(server.url), users=Expiring())
        assert ended.report.expired == sum(arrival % 3 == 1 for arrival in ended.users.asked) > 0
        assert server.requests
        assert not any(b"token-1" in request for request in server.requests)
        tally = ended.merged.hold + ended.merged.ramp
        assert tally[Outcome.DROPPED] == tally.dropped_late == ended.report.expired
        assert tally.failed == 0

    asyncio.run(scenario())


def test_a_token_is_used_until_it_ends() -> None:
    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            ended = await ran(shard_of(server.url), users=Expiring(uses=5))
        with_it = sum(b"token-1" in request for request in server.requests)
        assert 0 < with_it < with_it + ended.report.expired
        assert with_it + ended.report.expired == sum(arrival % 3 == 1 for arrival in ended.users.asked)

    asyncio.run(scenario())


def test_a_target_that_repeats_the_token_is_shown_without_it() -> None:
    async def scenario() -> None:
        echo = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 18\r\n\r\nno token-0 token-1"
        async with Scripted((echo,)) as server:
            ended = await ran(shard_of(server.url))
        assert ended.merged.examples
        for example in ended.merged.examples:
            assert "no <token> token-1" in example or "no token-0 <token>" in example or "no token-0 token-1" in example
        assert any("<token>" in example for example in ended.merged.examples)

    asyncio.run(scenario())


def test_a_climb_goes_where_its_course_goes_and_each_leg_is_a_window() -> None:
    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            legs = Legs(legs=(Leg(0.0, 0.25, 100.0), Leg(0.25, 9.0, 100.0), Leg(9.0, 12.0, 0.0)))
            course = legs.begin()
            shard = replace(shard_of(server.url), pacer=legs, hold_from_s=0.0, hold_to_s=12.0)
            start_at = time.monotonic() + 0.05
            merged = Merged()

            def turn() -> None:
                course.turn(3.0, [Leg(3.0, 3.25, 40.0), Leg(3.25, 3.5, 0.0)], time.monotonic() - start_at)

            asyncio.get_running_loop().call_later(0.25, turn)
            report = await run(shard, Users(), start_at=start_at, stop=asyncio.Event(), emit=merged.add, course=course)
            assert (report.late_turns, report.interrupted) == (0, False)
            assert [merged.window(number).part.tally().arrivals for number in range(4)] == [25, 275, 10, 0]
            assert report.sent == len(server.requests) == merged.all_arrivals.arrivals == 310
            keys = sorted(int(re.findall(rb"run-peak-(\d+)", request)[0]) for request in server.requests)
            assert keys == list(range(310)), "every arrival has a number of its own"

    asyncio.run(scenario())


def test_a_climb_that_rests_goes_on_once_it_is_told_to() -> None:
    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            legs = Legs(legs=(Leg(0.0, 0.1, 100.0), Leg(0.1, 5.0, 0.0)))
            course = legs.begin()
            shard = replace(shard_of(server.url), pacer=legs)
            start_at = time.monotonic() + 0.05
            merged = Merged()
            asyncio.get_running_loop().call_later(0.3, course.turn, 2.0, [Leg(2.0, 2.1, 100.0)], 0.3)
            report = await run(shard, Users(), start_at=start_at, stop=asyncio.Event(), emit=merged.add, course=course)
            assert report.sent == len(server.requests) == 20
            assert merged.window(2).part.tally().arrivals == 10

    asyncio.run(scenario())


def test_a_turn_is_taken_at_once_also_where_the_next_arrival_is_far() -> None:
    """At a low rate an arrival that was turned away would hold up those that came in its place."""

    async def scenario() -> None:
        async with Scripted((OK,)) as server:
            legs = Legs(legs=(Leg(0.0, 90.0, 0.05),))
            course = legs.begin()
            shard = replace(shard_of(server.url), pacer=legs)
            start_at = time.monotonic() + 0.05
            merged = Merged()
            asyncio.get_running_loop().call_later(0.2, course.turn, 0.6, [Leg(0.6, 0.8, 50.0)], 0.2)
            report = await run(shard, Users(), start_at=start_at, stop=asyncio.Event(), emit=merged.add, course=course)
            assert report.sent == 11
            # As a first arrival of the leg before, due 20 s after the start, it would be 19.4 s late.
            assert (merged.window(1).lag.percentile(100) or 0) < 15_000

    asyncio.run(scenario())


def test_a_turn_that_comes_too_late_is_told() -> None:
    course = Legs(legs=(Leg(0.0, 9.0, 100.0),)).begin()
    course.turn(0.5, [], 0.4)
    assert course.late_turns == 0
    course.turn(0.4, [], 0.4)
    assert course.late_turns == 1
