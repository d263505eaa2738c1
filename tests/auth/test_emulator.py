"""Sign-in against Firebase's own Auth emulator, where this machine has one: what a real answer is made of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import httpx
import jwt
import pytest

from pytest_syncload.auth.errors import Rejected
from pytest_syncload.auth.pool import WarmPool
from pytest_syncload.auth.session import Session
from pytest_syncload.auth.users import FirebaseUsers
from pytest_syncload.auth.verify import verified
from pytest_syncload.facts.plan import Firebase, SignInBy
from tests.auth.scripted import project
from tests.emulator import PROJECT
from tests.plainly import PLAINLY

pytestmark = pytest.mark.firebase_emulator

PASSWORD = "hunter2-hunter2"
Made = TypeVar("Made")


@pytest.fixture
def by_token(emulator: str, tmp_path: Path) -> Firebase:
    """The emulator takes any service account and any key; which project it is of, it says itself."""
    firebase = project(tmp_path, emulator, project=PROJECT, users=30)
    token = with_users(firebase, lambda users: users.sign_in(0)).token
    return replace(firebase, project=claims_of(token)["aud"])


@pytest.fixture
def by_password(by_token: Firebase) -> Firebase:
    """Users 0 to 2 exist, and nobody had their addresses before."""
    address = f"load-{{i}}-{time.time_ns()}@toy.example"
    for user in range(3):
        owner(by_token, "", email=address.replace("{i}", str(user)), password=PASSWORD)
    return replace(by_token, sign_in=SignInBy.PASSWORD, service_account=None, email=address, password=PASSWORD)


def owner(firebase: Firebase, operation: str, **members: Any) -> Any:
    """What the project's owner asks."""
    url = f"http://{firebase.emulator_host}/identitytoolkit.googleapis.com/v1/projects/{firebase.project}/accounts"
    headers = {"authorization": "Bearer owner"}
    return httpx.post(url + operation, json=members, headers=headers, **PLAINLY).raise_for_status().json()


def with_users(firebase: Firebase, does: Callable[[FirebaseUsers], Awaitable[Made]]) -> Made:
    async def scenario() -> Made:
        users = FirebaseUsers(firebase)
        try:
            return await does(users)
        finally:
            await users.aclose()

    return asyncio.run(scenario())


def claims_of(token: str) -> Any:
    return jwt.decode(token, options={"verify_signature": False})


async def signed_in_and_renewed(users: FirebaseUsers) -> tuple[Session, Session]:
    session = await users.sign_in(1)
    return session, await users.renew(1, session)


@pytest.mark.parametrize("how", ["by_token", "by_password"])
def test_a_user_signs_in_and_is_refreshed(how: str, request: pytest.FixtureRequest) -> None:
    firebase: Firebase = request.getfixturevalue(how)
    began = time.monotonic()
    sessions = with_users(firebase, signed_in_and_renewed)
    for session in sessions:
        assert claims_of(session.token)["sub"] == claims_of(sessions[0].token)["sub"]
        assert began + 3500 < session.expires_at < time.monotonic() + 3600
        assert session.refresh_token
    assert sessions[0].subject == sessions[1].subject


def test_its_tokens_are_unsigned_which_is_said_and_taken_from_an_emulator_only(by_token: Firebase) -> None:
    token = with_users(by_token, lambda users: users.sign_in(1)).token
    assert "unsigned, as an emulator's are" in asyncio.run(verified(token, by_token))
    with pytest.raises(Rejected, match="unsigned"):
        asyncio.run(verified(token, replace(by_token, emulator_host=None)))
    with pytest.raises(Rejected, match="aud"):
        asyncio.run(verified(token, replace(by_token, project="another")))


def test_refusals_are_understood(by_password: Firebase) -> None:
    for wrong in (replace(by_password, password="wrong-wrong"), replace(by_password, email="nobody-{i}@toy.example")):
        with pytest.raises(Rejected, match=r"INVALID_PASSWORD|EMAIL_NOT_FOUND|INVALID_LOGIN_CREDENTIALS") as refused:
            with_users(wrong, lambda users: users.sign_in(0))
        assert PASSWORD not in str(refused.value)
    with pytest.raises(Rejected, match="INVALID_EMAIL"):
        with_users(replace(by_password, email="load-{i}"), lambda users: users.sign_in(0))


def test_a_disabled_user_gets_no_token_by_any_way(by_token: Firebase) -> None:
    session = with_users(by_token, lambda users: users.sign_in(2))
    owner(by_token, ":update", localId=session.subject, disableUser=True)
    try:
        with pytest.raises(Rejected, match="USER_DISABLED"):
            with_users(by_token, lambda users: users.sign_in(2))
        with pytest.raises(Rejected, match="USER_DISABLED"):
            with_users(by_token, lambda users: users.renew(2, session))
    finally:
        owner(by_token, ":update", localId=session.subject, disableUser=False)


def test_a_session_that_has_ended_is_begun_anew(by_token: Firebase) -> None:
    session = with_users(by_token, lambda users: users.sign_in(3))
    owner(by_token, ":delete", localId=session.subject)
    renewed = with_users(by_token, lambda users: users.renew(3, session))
    assert claims_of(renewed.token)["sub"] == session.subject
    assert renewed.refresh_token


def test_a_pool_of_its_users_is_warmed(by_token: Firebase) -> None:
    async def subjects() -> list[str]:
        async with WarmPool(FirebaseUsers(by_token, shards=2), shard=1, shards=2) as pool:
            return [str(claims_of(pool.for_arrival(2 * turn + 1).token)["sub"]) for turn in range(len(pool))]

    assert asyncio.run(subjects()) == [f"syncload-{user:05}" for user in range(1, 30, 2)]
