"""Users are signed in before the load, some at once, and it is said how far that is."""

from __future__ import annotations

import asyncio

import pytest

from pytest_syncload.auth.errors import Rejected
from pytest_syncload.auth.firebase import AT_ONCE
from pytest_syncload.auth.session import Session
from pytest_syncload.auth.warming import warm
from tests.load.virtual import run_virtually


class Slow:
    """A source that takes half a second for each, and refuses ``bad``."""

    renews = True

    def __init__(self, users: int, bad: int | None = None) -> None:
        self.users = users
        self.bad = bad
        self.open = self.most = self.asked = 0

    async def sign_in(self, user: int) -> Session:
        self.asked += 1
        self.open += 1
        self.most = max(self.most, self.open)
        await asyncio.sleep(0.5)
        self.open -= 1
        if user == self.bad:
            raise Rejected(f"user {user} is disabled")
        return Session(subject=f"user {user}", token="t", since=0.0, expires_at=1.0)

    async def renew(self, user: int, session: Session) -> Session:
        raise AssertionError(user, session)

    async def aclose(self) -> None:
        """Nothing to close."""


def warmed(source: Slow, stop_at: float | None = None) -> tuple[dict[int, str], list[tuple[int, int]]]:
    async def scenario() -> tuple[dict[int, str], list[tuple[int, int]]]:
        taken: dict[int, str] = {}
        said: list[tuple[int, int]] = []
        stop = asyncio.Event()
        if stop_at is not None:
            asyncio.get_running_loop().call_later(stop_at, stop.set)
        await warm(
            source,
            range(10, 10 + source.users),
            lambda place, session: taken.update({place: session.subject}),
            lambda done, of: said.append((done, of)),
            stop,
        )
        return taken, said

    made: tuple[dict[int, str], list[tuple[int, int]]] = run_virtually(scenario())
    return made


def test_each_place_gets_its_user_some_at_once() -> None:
    source = Slow(200)
    taken, said = warmed(source)
    assert taken == {place: f"user {10 + place}" for place in range(200)}
    assert source.most == AT_ONCE
    done = [each for each, _ in said]
    assert done == sorted(done)
    assert (said[0], said[-1]) == ((0, 200), (200, 200))
    assert 2 <= len(said) <= 5, "some three seconds, and the end"


def test_the_first_who_cannot_sign_in_is_the_end_of_it() -> None:
    source = Slow(500, bad=15)
    with pytest.raises(Rejected, match="user 15 is disabled"):
        warmed(source)
    assert source.asked <= 2 * AT_ONCE


def test_once_told_to_stop_nobody_more_is_signed_in() -> None:
    source = Slow(500)
    taken, _ = warmed(source, stop_at=0.7)
    assert len(taken) == AT_ONCE
    assert source.asked == 2 * AT_ONCE, "the second ones were under way, and are not waited for"
