"""The pool's share of users, handed out in turn; signed in over a real socket."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.auth.pool import IdentityPool
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.identities import Identity
from tests.auth.scripted import SIGNED_IN, project, refusal, scripted


def pool(users: int, shards: int) -> IdentityPool:
    return IdentityPool([Identity(index, f"u{index}", "t") for index in range(users)], shards, 0.0)


@pytest.mark.parametrize(("shard", "shards", "users"), [(0, 1, [0, 1, 2]), (0, 2, [0, 2]), (1, 2, [1]), (4, 5, [4])])
def test_a_shard_signs_in_its_own_users_and_at_least_one(
    tmp_path: Path, shard: int, shards: int, users: list[int]
) -> None:
    with scripted(SIGNED_IN) as script:
        found = asyncio.run(IdentityPool.signed_in(project(tmp_path, script.host), shard=shard, shards=shards))
    asked = [jwt.decode(body["token"], options={"verify_signature": False})["uid"] for body in script.bodies]
    assert sorted(asked) == [f"syncload-{number:05}" for number in users]
    mine = [found.for_arrival(shard + shards * turn) for turn in range(len(found))]
    assert [identity.subject for identity in mine] == sorted(asked)
    assert [identity.index for identity in mine] == list(range(len(users)))


def test_the_pool_expires_with_the_first_of_its_tokens(tmp_path: Path) -> None:
    before = time.monotonic()
    with scripted(SIGNED_IN, (200, {"idToken": "short", "expiresIn": "60"}), SIGNED_IN) as script:
        found = asyncio.run(IdentityPool.signed_in(project(tmp_path, script.host), shard=0, shards=1))
    assert before + 60 <= found.expires_at <= time.monotonic() + 60


def test_one_user_who_cannot_sign_in_is_the_end_of_it(tmp_path: Path) -> None:
    with (
        scripted(SIGNED_IN, (400, refusal("USER_DISABLED"))) as script,
        pytest.raises(Refused, match="USER_DISABLED"),
    ):
        asyncio.run(IdentityPool.signed_in(project(tmp_path, script.host), shard=0, shards=1))


@given(st.integers(1, 20), st.integers(1, 6), st.data())
def test_every_identity_has_its_turn_before_one_has_a_second(users: int, shards: int, data: st.DataObject) -> None:
    shard = data.draw(st.integers(0, shards - 1))
    handed = [pool(users, shards).for_arrival(shard + shards * turn).index for turn in range(2 * users)]
    assert handed == [*range(users), *range(users)]


def test_rejections_are_counted_by_identity_and_hand_out_the_same() -> None:
    mine = pool(2, 1)
    for arrival in (0, 0, 1):
        mine.rejected(mine.for_arrival(arrival))
    assert mine.rejections == {0: 2, 1: 1}
    assert mine.for_arrival(0).index == 0
    assert len(mine) == 2
