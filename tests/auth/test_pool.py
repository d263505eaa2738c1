"""The pool's share of users, handed out in turn and kept fresh; signed in over a real socket."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.auth.errors import Rejected
from pytest_syncload.auth.given import GivenTokens
from pytest_syncload.auth.own import OwnSignIn
from pytest_syncload.auth.pool import IdentityPool, WarmPool, source_of
from pytest_syncload.auth.session import Session
from pytest_syncload.auth.users import FirebaseUsers
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.override import Override
from pytest_syncload.facts.plan import TokenFile
from pytest_syncload.facts.result import Refreshes
from tests.auth.scripted import REFRESHED, SIGNED_IN, project, refusal, scripted
from tests.load.virtual import run_virtually


def pool(users: int, shards: int) -> IdentityPool:
    return IdentityPool([Identity(index, f"u{index}", "t") for index in range(users)], shards)


def warmed(
    folder: Path, host: str, does: Callable[[IdentityPool], Awaitable[Any]], *, shard: int = 0, shards: int = 1
) -> Any:
    async def scenario() -> Any:
        source = source_of(project(folder, host), shards=shards)
        async with WarmPool(source, shard=shard, shards=shards) as made:
            return await does(made)

    return asyncio.run(scenario())


async def as_it_is(made: IdentityPool) -> IdentityPool:
    return made


@pytest.mark.parametrize(("shard", "shards", "users"), [(0, 1, [0, 1, 2]), (0, 2, [0, 2]), (1, 2, [1]), (4, 5, [1])])
def test_a_shard_signs_in_its_own_users_and_at_least_one(
    tmp_path: Path, shard: int, shards: int, users: list[int]
) -> None:
    with scripted(SIGNED_IN) as script:
        found = warmed(tmp_path, script.host, as_it_is, shard=shard, shards=shards)
    asked = [jwt.decode(body["token"], options={"verify_signature": False})["uid"] for body in script.bodies]
    assert sorted(asked) == [f"syncload-{number:05}" for number in users]
    mine = [found.for_arrival(shard + shards * turn) for turn in range(len(found))]
    assert [identity.subject for identity in mine] == sorted(asked)
    assert [identity.index for identity in mine] == list(range(len(users)))


@given(st.integers(1, 12), st.integers(1, 300))
def test_every_user_belongs_to_exactly_one_generator(shards: int, users: int) -> None:
    class Source(GivenTokens):
        def __init__(self) -> None:
            self.users = users

    owned = [WarmPool(Source(), shard=shard, shards=shards).users for shard in range(shards)]
    everybody = sorted(user for mine in owned for user in mine)
    if shards <= users:
        assert everybody == list(range(users))
    else:  # then some share one, and nobody is made up
        assert set(everybody) == set(range(users))
        assert len(everybody) == shards


def test_one_user_who_cannot_sign_in_is_the_end_of_it(tmp_path: Path) -> None:
    with (
        scripted(SIGNED_IN, (400, refusal("USER_DISABLED"))) as script,
        pytest.raises(Refused, match="USER_DISABLED"),
    ):
        warmed(tmp_path, script.host, as_it_is)


def test_a_token_that_ends_is_replaced_while_the_pool_is_open(tmp_path: Path) -> None:
    async def until_renewed(made: IdentityPool) -> list[Identity]:
        before = [made.for_arrival(arrival) for arrival in range(3)]
        async with asyncio.timeout(60):
            while made.refreshes.count < 3:  # noqa: ASYNC110  # a pool has no event for it
                await asyncio.sleep(0.01)
        return [*before, *(made.for_arrival(arrival) for arrival in range(3))]

    short = (200, {**SIGNED_IN[1], "expiresIn": "3"})
    with scripted(short, short, short, REFRESHED) as script:
        seen = warmed(tmp_path, script.host, until_renewed)
    assert [identity.token for identity in seen] == ["the-id-token"] * 3 + ["the-next-token"] * 3
    assert [identity.subject for identity in seen[:3]] == [identity.subject for identity in seen[3:]]
    assert all(later.expires_at > sooner.expires_at for sooner, later in zip(seen[:3], seen[3:], strict=True))
    # Refreshing has ended with it.
    assert len(script.bodies) == 6


def test_renewals_go_on_while_others_still_sign_in() -> None:
    class Source:
        users = 120
        renews = True
        renewed = 0

        async def sign_in(self, user: int) -> Session:
            await asyncio.sleep(5.0)
            now = asyncio.get_running_loop().time()
            return Session(subject=str(user), token="t", since=now, expires_at=now + 8.0)

        async def renew(self, user: int, session: Session) -> Session:
            self.renewed += 1
            now = asyncio.get_running_loop().time()
            return Session(subject=str(user), token="u", since=now, expires_at=now + 8.0)

        async def aclose(self) -> None:
            """Nothing to close."""

    async def scenario() -> tuple[list[Identity], int, float]:
        source = Source()
        loop = asyncio.get_running_loop()
        async with WarmPool(source, shard=0, shards=1, now=loop.time) as made:
            return [made.for_arrival(arrival) for arrival in range(len(made))], source.renewed, loop.time()

    identities, renewed, now = run_virtually(scenario())
    assert now > 19, "four rounds of five seconds"
    assert renewed > 30
    assert all(identity.expires_at > now for identity in identities), "also the first ones are good by then"


def test_a_pool_whose_tokens_nobody_renews_says_when_the_first_ends() -> None:
    ends = [50.0, 20.0, math.inf]
    identities = [Identity(index, "u", "t", expires_at) for index, expires_at in enumerate(ends)]
    made = IdentityPool(identities, 1)
    assert made.expires_at == 20.0
    assert (made.refreshes, made.refresh_problem) == (Refreshes(), None)


@given(st.integers(1, 7), st.integers(1, 9))
def test_every_identity_gets_its_turn(shards: int, users: int) -> None:
    for shard in range(shards):
        turns = [pool(users, shards).for_arrival(shard + shards * turn).index for turn in range(2 * users)]
        assert turns == [*range(users), *range(users)]


def test_a_401_is_counted_by_identity_and_nothing_else_happens_without_a_source() -> None:
    some = pool(2, 1)
    for arrival in (0, 1, 0):
        some.rejected(some.for_arrival(arrival))
    assert some.rejections == {0: 2, 1: 1}


def test_a_401_renews_the_token_and_that_of_an_old_token_does_not(tmp_path: Path) -> None:
    class Hasty:
        def __init__(self) -> None:
            self.hastened: list[int] = []
            self.count, self.failed, self.problem = 1, 2, "why"

        def hasten(self, user: int) -> None:
            self.hastened.append(user)

    refreshing: Any = Hasty()
    some = IdentityPool([Identity(0, "u", "old"), Identity(1, "v", "t")], 1, refreshing)
    old = some.for_arrival(0)
    some.rejected(old)
    assert refreshing.hastened == [0]
    some.take(0, Session(subject="u", token="new", since=0.0, expires_at=9.0))
    some.rejected(old)  # the request had gone out with the token before
    assert refreshing.hastened == [0]
    assert some.for_arrival(0) == Identity(0, "u", "new", 9.0)
    assert some.expires_at == math.inf
    assert (some.refreshes, some.refresh_problem) == (Refreshes(count=1, failed=2), "why")


def test_no_token_is_in_a_repr() -> None:
    assert "s3cret" not in repr(Identity(0, "u", "s3cret"))


def test_a_plan_says_where_identities_come_from(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("one\ntwo\n")
    assert isinstance(source_of(project(tmp_path, None)), FirebaseUsers)
    given = source_of(TokenFile(path=str(file)))
    assert isinstance(given, GivenTokens)
    assert given.users == 2
    own = source_of(Override.of("syncload_identities", "builtins:chr"), users=7)
    assert isinstance(own, OwnSignIn)
    assert own.users == 7
    with pytest.raises(Rejected):
        source_of(TokenFile(path=str(tmp_path / "none")))
