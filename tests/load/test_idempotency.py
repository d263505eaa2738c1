"""Checks beside a running load: which arrivals they follow, what they are counted in, and how each ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.idempotency import REQUESTS, Idempotency, KeyRule, RuleCount, Variant
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.plan import Faults, Passage
from pytest_syncload.facts.result import Outcome
from pytest_syncload.load import idempotency
from pytest_syncload.load.connection import Answer, Failure
from pytest_syncload.load.engine import run
from pytest_syncload.load.idempotency import KeyChecks
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import Shard, ShardReport
from pytest_syncload.load.snapshot import Merged
from pytest_syncload.sandbox.service import PATH, Service
from tests.load.keyed import TEMPLATE, Instead, Served, Target, Users, asker
from tests.load.scripted import PATIENCE_S
from tests.sandbox.conftest import serving
from tests.sandbox.keys import id_token, verifier

HOLD_S = 0.5
VERIFIED = replace(TEMPLATE, idempotency=Idempotency(verify_percent=10.0, job_id="job_id", changed={"mode": "b"}))
SHARD = Shard(
    base_url="http://nowhere",
    request=VERIFIED,
    pacer=Pacer(rate_per_s=400, ramp_s=0.1, hold_s=HOLD_S),
    shard=0,
    shards=1,
    hold_from_s=0.1,
    hold_to_s=0.1 + HOLD_S,
    timeout_s=5.0,
    in_flight_cap=1000,
    key_prefix="run-peak",
    verify_percent=10.0,
)
IN_HOLD = 200


def offered(target: Target, **changes: object) -> tuple[ShardReport, Merged]:
    """This load on a target."""
    merged = Merged()

    async def scenario() -> ShardReport:
        async with asyncio.timeout(PATIENCE_S):
            return await run(
                replace(SHARD, **changes),  # type: ignore[arg-type]
                Users(),
                start_at=time.monotonic() + 0.01,
                stop=asyncio.Event(),
                emit=merged.add,
                door=target,
            )

    return asyncio.run(scenario()), merged


def test_a_share_of_the_hold_is_checked_and_is_in_no_figure_of_the_load() -> None:
    target = Target()
    report, merged = offered(target)
    counts = {count.rule: count for count in report.idempotency}
    assert set(counts) == set(KeyRule)
    assert 18 <= sum(count.begun for count in counts.values()) <= 20
    assert all(count.begun == count.finished and not count.broken for count in counts.values())
    arrivals = IN_HOLD + merged.ramp.arrivals
    assert merged.hold.outcomes == {Outcome.OK: IN_HOLD}
    assert report.sent == arrivals
    assert merged.latency.count == merged.service_time.count == IN_HOLD
    assert merged.statuses == {202: IN_HOLD}
    assert len(target.asked) - arrivals == sum(count.begun * REQUESTS[rule] for rule, count in counts.items())


def test_nothing_is_checked_where_nobody_asks() -> None:
    target = Target()
    report, merged = offered(target, verify_percent=0.0)
    assert report.idempotency == ()
    assert len(target.asked) == IN_HOLD + merged.ramp.arrivals
    assert {variant for _, _, variant in target.asked} == {Variant.WHOLE}


@pytest.mark.parametrize("broken", KeyRule)
def test_a_broken_rule_is_counted_with_a_key(broken: KeyRule) -> None:
    report, _ = offered(Target(broken))
    for count in report.idempotency:
        if count.rule is broken:
            assert count.broken == count.finished > 0
            assert count.key.startswith("run-peak-")
            assert count.says
        else:
            assert (count.broken, count.key, count.says) == (0, "", "")


@pytest.mark.parametrize("passage", Passage)
@pytest.mark.parametrize("broken", [None, KeyRule.MISSING_KEY, KeyRule.PAYLOAD])
def test_both_ways_to_a_target_carry_what_checks_send(passage: Passage, broken: KeyRule | None) -> None:
    """Over real sockets: the target reads token, key and payload from the bytes."""

    async def scenario() -> ShardReport:
        async with Served(Target(broken)) as served, asyncio.timeout(PATIENCE_S):
            # As many as httpx's own pool carries on a busy machine.
            pacer = Pacer(rate_per_s=100, ramp_s=0.1, hold_s=HOLD_S)
            shard = replace(SHARD, base_url=served.url, transport=passage, pacer=pacer, verify_percent=20.0)
            start_at = time.monotonic() + 0.01
            return await run(shard, Users(), start_at=start_at, stop=asyncio.Event(), emit=lambda _: None)

    counts = asyncio.run(scenario()).idempotency
    assert {count.rule for count in counts if count.finished} == set(KeyRule)
    assert {count.rule for count in counts if count.broken} == {broken} - {None}


class Accepted(Users):
    """Users whose tokens the sandbox believes."""

    def for_arrival(self, arrival: int) -> Identity:
        user = super().for_arrival(arrival)
        return replace(user, token=believed(user.subject))


@cache
def believed(subject: str) -> str:
    return id_token(subject)


@pytest.mark.parametrize("broken", [None, *KeyRule])
def test_each_rule_that_the_sandbox_can_break_is_found_there_and_no_other(broken: KeyRule | None) -> None:
    # What is sent at once is under way at once: an answer takes its time.
    faults = Faults(idempotency=broken, latency_ms=200)
    service = Service(clock=ServiceClock.starting_now(), faults=faults, verifier=verifier())

    async def scenario(url: str) -> ShardReport:
        async with asyncio.timeout(PATIENCE_S):
            pacer = Pacer(rate_per_s=100, ramp_s=0.1, hold_s=HOLD_S)
            request = replace(VERIFIED, path=PATH)
            shard = replace(
                SHARD, base_url=url, request=request, pacer=pacer, verify_percent=20.0, timeout_s=PATIENCE_S
            )
            start_at = time.monotonic() + 0.01
            return await run(shard, Accepted(), start_at=start_at, stop=asyncio.Event(), emit=lambda _: None)

    with serving() as serve:
        counts = asyncio.run(scenario(serve(service))).idempotency
    assert {count.rule for count in counts if count.finished} == set(KeyRule)
    assert {count.rule for count in counts if count.broken} == {broken} - {None}


def follow(
    samples: Iterator[tuple[int, KeyRule]],
    arrivals: list[tuple[int, float]],
    target: Target,
    stop_after_s: float | None = None,
    within_s: float = 5.0,
) -> tuple[RuleCount, ...]:
    """The checks of these arrivals, ``(index, due_s)``, in a hold from 1 s to 2 s."""

    async def scenario() -> tuple[RuleCount, ...]:
        asking, stop = asker(target), asyncio.Event()
        checks = KeyChecks(samples, asking, (1.0, 2.0))
        for index, due_s in arrivals:
            identity, key = asking.identities.for_arrival(index), f"run-peak-{index}"
            answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
            on_answer: Callable[[Answer], None] = answered.set_result
            if index >= checks.next_index:
                on_answer = checks.follow(index, due_s, identity, key, on_answer)
            asking.door.start(identity, key, index, on_answer, timeout_s=5.0)
            await answered
        if stop_after_s is not None:
            asyncio.get_running_loop().call_later(stop_after_s, stop.set)
        async with asyncio.timeout(PATIENCE_S):
            await checks.finish(stop, within_s)
        return checks.counts

    return asyncio.run(scenario())


def test_only_the_hold_is_checked() -> None:
    samples = iter([(1, KeyRule.REPLAY), (2, KeyRule.REPLAY), (3, KeyRule.REPLAY)])
    assert follow(samples, [(1, 0.9), (2, 1.0), (3, 2.0)], Target()) == (
        RuleCount(rule=KeyRule.REPLAY, begun=1, finished=1),
    )


def test_an_arrival_that_was_dropped_is_a_check_that_did_not_finish() -> None:
    samples = iter([(1, KeyRule.USER), (2, KeyRule.REPLAY), (9, KeyRule.REPLAY)])
    user, replay = follow(samples, [(0, 1.0), (3, 1.5)], Target())
    assert user == RuleCount(rule=KeyRule.USER, begun=1, unfinished_because="its arrival was dropped")
    assert replay == replace(user, rule=KeyRule.REPLAY)


@pytest.mark.parametrize(
    ("first", "because"),
    [
        (Failure.TIMEOUT, "its arrival ended as timeout"),
        ((503, None), "its arrival ended as 5xx"),
        ((401, None), "its arrival ended as unexpected_status"),
        ((202, None), "its arrival ended as wrong_body"),
    ],
)
def test_an_arrival_that_was_not_answered_right_is_a_check_that_did_not_finish(first: Instead, because: str) -> None:
    target = Target(instead={0: first})
    (count,) = follow(iter([(1, KeyRule.REPLAY)]), [(1, 1.0)], target)
    assert count == RuleCount(rule=KeyRule.REPLAY, begun=1, unfinished_because=because)
    assert len(target.asked) == 1


class Slow(Target):
    """Answers replays 5 ms later than all else, and counts how many are open."""

    open = most_open = 0

    def start(
        self, identity: Identity, key: str, arrival: int, on_answer: Callable[[Answer], None], **rest: Any
    ) -> None:
        if key not in [asked for _, asked, _ in self.asked]:
            super().start(identity, key, arrival, on_answer, **rest)
            return
        self.open += 1
        self.most_open = max(self.most_open, self.open)

        def later(answer: Answer) -> None:
            def come() -> None:
                self.open -= 1
                on_answer(answer)

            asyncio.get_running_loop().call_later(0.005, come)

        super().start(identity, key, arrival, later, **rest)


@pytest.mark.parametrize("sending", [1, 3])
def test_checks_that_are_due_together_take_turns(monkeypatch: pytest.MonkeyPatch, sending: int) -> None:
    monkeypatch.setattr(idempotency, "MOST_SENDING", sending)
    target = Slow()
    samples = iter([(index, KeyRule.REPLAY) for index in range(20)])
    (count,) = follow(samples, [(index, 1.0) for index in range(20)], target)
    assert (count.begun, count.finished) == (20, 20)
    assert 1 <= target.most_open <= sending


def test_more_checks_at_once_than_there_is_room_for_do_not_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "MOST_OPEN", 0)
    (count,) = follow(iter([(1, KeyRule.REPLAY)]), [(1, 1.0)], Target())
    assert (count.unfinished, count.unfinished_because) == (1, "0 others were still open")


class Silent(Target):
    """Answers the first request only."""

    def start(self, identity: Identity, key: str, arrival: int, on_answer: object, **rest: object) -> None:
        if not self.asked:
            super().start(identity, key, arrival, on_answer, **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize(("stop_after_s", "within_s"), [(0.01, 60.0), (None, 0.01)], ids=["stopped", "too late"])
def test_what_is_open_at_the_end_is_given_up_and_said(stop_after_s: float | None, within_s: float) -> None:
    (count,) = follow(iter([(1, KeyRule.REPLAY)]), [(1, 1.0)], Silent(), stop_after_s, within_s)
    assert count == RuleCount(rule=KeyRule.REPLAY, begun=1, unfinished_because="the phase ended first")
