"""Tokens are kept fresh: laws of refreshing, in virtual time.

Whatever happens, one user is never renewed twice at once; and as long as the issuer answers, no token ends unrenewed.
"""

from __future__ import annotations

import asyncio
import gc
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.auth.errors import Rejected, SignInError, Unavailable
from pytest_syncload.auth.refreshing import AT_ONCE, Refreshing, due_at
from pytest_syncload.auth.session import Session
from tests.load.virtual import run_virtually

HOUR = 3600.0


def session(since: float, lasts: float = HOUR) -> Session:
    return Session(subject="ann", token=f"t{since}", since=since, expires_at=since + lasts)


@dataclass
class Issuer:
    """Answers after ``takes_s``; ``fails`` says when it does not. Keeps what it saw and what was handed on."""

    lasts: float = HOUR
    takes_s: float = 0.2
    fails: Callable[[int, float], SignInError | None] = lambda user, now: None
    under_way: set[int] = field(default_factory=set)
    most: int = 0
    asked: list[tuple[float, int]] = field(default_factory=list)
    #: When each token that was replaced would have ended, less when it was replaced.
    spare: list[float] = field(default_factory=list)

    async def renew(self, user: int, old: Session) -> Session:
        loop = asyncio.get_running_loop()
        assert user not in self.under_way, "twice at once"
        self.under_way.add(user)
        self.most = max(self.most, len(self.under_way))
        self.asked.append((loop.time(), user))
        since = loop.time()
        try:
            await asyncio.sleep(self.takes_s)
            if (error := self.fails(user, loop.time())) is not None:
                raise error
            self.spare.append(old.expires_at - loop.time())
            return session(since, self.lasts)
        finally:
            self.under_way.discard(user)


def refreshed(
    issuer: Issuer, users: int, for_s: float, meanwhile: Callable[[Refreshing], object] | None = None, seed: int = 1
) -> Refreshing:
    """Refresh ``users`` who signed in at 0 for so long; ``meanwhile`` is called a hundred times."""

    async def scenario() -> Refreshing:
        loop = asyncio.get_running_loop()
        taken: dict[int, Session] = {}
        kept = Refreshing(issuer.renew, taken.__setitem__, draw=random.Random(seed).random, now=loop.time)
        running = asyncio.create_task(kept.run())
        for user in range(users):
            kept.watch(user, session(0.0, issuer.lasts))
        while loop.time() < for_s:
            if meanwhile is not None:
                meanwhile(kept)
            await asyncio.sleep(for_s / 100)
        running.cancel()
        await asyncio.wait([running])
        assert all(taken[user].subject == "ann" for user in taken)
        return kept

    made: Refreshing = run_virtually(scenario())
    return made


@given(
    lasts=st.floats(3.0, 2 * HOUR),
    users=st.integers(1, 40),
    seed=st.integers(0, 99),
    hasty=st.lists(st.integers(0, 39), max_size=30),
)
def test_no_token_ends_and_nobody_is_renewed_twice_at_once(
    lasts: float, users: int, seed: int, hasty: list[int]
) -> None:
    issuer = Issuer(lasts=lasts, takes_s=lasts / 200)
    waiting = list(hasty)

    def refuse_some(kept: Refreshing) -> None:
        if waiting:
            kept.hasten(waiting.pop() % users)

    kept = refreshed(issuer, users, 3 * lasts, refuse_some, seed)
    assert kept.count >= 3 * users, "each was renewed some three times at least"
    assert min(issuer.spare) > 0, "each before its end"
    assert issuer.most <= AT_ONCE
    assert kept.failed == 0


def test_an_hours_token_is_renewed_five_to_twenty_minutes_before_its_end() -> None:
    assert due_at(session(0.0), 0.0) == HOUR - 300
    assert due_at(session(0.0), 1.0) == HOUR - 300 - 900
    assert due_at(session(0.0, 8.0), 0.0) == 6.0
    assert due_at(session(0.0, 8.0), 1.0) == 4.0


def test_users_who_signed_in_together_do_not_come_back_together() -> None:
    issuer = Issuer()
    refreshed(issuer, 1000, 2399.0)
    assert not issuer.asked, "nobody comes back earlier than twenty minutes before the end"
    issuer = Issuer()
    refreshed(issuer, 1000, 3310.0)
    by_minute = [sum(60 * minute <= at - 2400 < 60 * minute + 60 for at, _ in issuer.asked) for minute in range(15)]
    assert sum(by_minute) == 1000
    assert max(by_minute) < 3 * 1000 / 15


def test_a_token_that_the_target_refuses_is_renewed_at_once_and_once() -> None:
    def refuse(kept: Refreshing) -> None:
        if asyncio.get_running_loop().time() >= 100:
            for _ in range(5):
                kept.hasten(0)

    issuer = Issuer()
    refreshed(issuer, 1, 108.0, refuse)
    [(at, _)] = issuer.asked
    assert 100 <= at < 102


def test_a_target_that_refuses_fresh_tokens_too_is_not_helped_by_ever_more_of_them() -> None:
    issuer = Issuer()
    refreshed(issuer, 1, 100.0, lambda kept: kept.hasten(0))
    assert 5 <= len(issuer.asked) <= 11, "one in ten seconds at most, of ninety"


def test_what_fails_is_tried_again_until_it_works() -> None:
    issuer = Issuer(lasts=60.0, fails=lambda _, now: Unavailable("down") if now < 200 else None)
    kept = refreshed(issuer, 3, 260.0)
    assert kept.failed > 3
    assert kept.problem == "down"
    assert kept.count >= 3
    waits = [later - sooner for (sooner, a), (later, b) in zip(issuer.asked, issuer.asked[3:], strict=False) if a == b]
    assert all(wait >= 0.25 for wait in waits), "an issuer that is down is not hammered"


def test_one_users_failure_is_nobody_elses() -> None:
    issuer = Issuer(lasts=60.0, fails=lambda user, _: Unavailable("down") if user == 0 else None)
    kept = refreshed(issuer, 5, 300.0)
    assert kept.failed
    assert {user for _, user in issuer.asked} == set(range(5))
    assert kept.count >= 4 * 4
    assert min(issuer.spare) > 0


def test_a_user_who_was_disabled_is_not_asked_for_again() -> None:
    issuer = Issuer(lasts=60.0, fails=lambda *_: Rejected("USER_DISABLED"))
    kept = refreshed(issuer, 1, 300.0, lambda kept: kept.hasten(0))
    assert (kept.count, kept.failed, kept.problem) == (0, 1, "USER_DISABLED")
    assert len(issuer.asked) == 1


def test_a_slow_issuer_is_asked_for_few_at_once() -> None:
    issuer = Issuer(lasts=60.0, takes_s=5.0)
    refreshed(issuer, 200, 60.0)
    assert issuer.most == AT_ONCE


@pytest.mark.parametrize("user", [0, 1])
def test_somebody_who_is_not_watched_cannot_be_hastened(user: int) -> None:
    issuer = Issuer()
    refreshed(issuer, 0, 10.0, lambda kept: kept.hasten(user))
    assert not issuer.asked


def test_renewals_leave_no_garbage_behind_while_the_collector_is_off() -> None:
    class Cycle:
        alive = 0

        def __init__(self) -> None:
            self.itself = self
            Cycle.alive += 1

        def __del__(self) -> None:
            Cycle.alive -= 1

    async def renew(user: int, old: Session) -> Session:
        Cycle()
        held = Cycle()  # renewals overlap, so this one outlives the looks that others take
        await asyncio.sleep(1.0)
        assert held.itself
        return session(asyncio.get_running_loop().time(), 20.0)

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        kept = Refreshing(renew, lambda user, fresh: None, now=loop.time)
        running = asyncio.create_task(kept.run())
        for user in range(20):
            kept.watch(user, session(0.0, 20.0))
        gc.collect()
        gc.disable()
        try:
            await asyncio.sleep(1000.0)
            assert kept.count > 1000
            assert Cycle.alive < 3 * 64, "of two thousand"
        finally:
            gc.enable()
            running.cancel()
            await asyncio.wait([running])

    run_virtually(scenario())


def test_a_token_that_does_not_say_when_it_ends_is_renewed_where_it_is_refused() -> None:
    issuer = Issuer(lasts=math.inf)
    refreshed(issuer, 2, 1e6)
    assert not issuer.asked
    refreshed(issuer, 2, 100.0, lambda kept: kept.hasten(1))
    assert {user for _, user in issuer.asked} == {1}
