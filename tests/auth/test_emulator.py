"""The sign-in code against Firebase's own Auth emulator: both ways to sign in, refreshing, what its tokens prove."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import httpx
import jwt
import pytest

from pytest_syncload.auth.errors import Rejected
from pytest_syncload.auth.pool import WarmPool
from pytest_syncload.auth.session import MARGIN_S, Session
from pytest_syncload.auth.users import FirebaseUsers
from pytest_syncload.auth.verify import verified
from pytest_syncload.facts.plan import Firebase, SignInBy
from tests.auth.scripted import project

pytestmark = pytest.mark.firebase_emulator

Made = TypeVar("Made")


@pytest.fixture
def firebase(emulator: str, tmp_path: Path) -> Firebase:
    """The emulator's own project, which its tokens name; any service account will do."""
    body = {"returnSecureToken": True}
    made = asked(emulator, "signUp", body)
    own = jwt.decode(made["idToken"], options={"verify_signature": False})["aud"]
    return project(tmp_path, emulator, project=own)


def asked(emulator: str, operation: str, body: Mapping[str, object]) -> dict[str, str]:
    url = f"http://{emulator}/identitytoolkit.googleapis.com/v1/accounts:{operation}"
    answer = httpx.post(url, params={"key": "k"}, json=body, trust_env=False, timeout=30)
    answer.raise_for_status()
    told: dict[str, str] = answer.json()
    return told


def with_users(firebase: Firebase, does: Callable[[FirebaseUsers], Awaitable[Made]]) -> Made:
    async def scenario() -> Made:
        users = FirebaseUsers(firebase)
        try:
            return await does(users)
        finally:
            await users.aclose()

    return asyncio.run(scenario())


def subject_of(session: Session) -> str:
    return str(jwt.decode(session.token, options={"verify_signature": False})["sub"])


async def signed_in_and_renewed(users: FirebaseUsers) -> tuple[Session, Session]:
    session = await users.sign_in(7)
    return session, await users.renew(7, session)


def test_users_sign_in_by_custom_token_and_are_refreshed(firebase: Firebase) -> None:
    before = time.monotonic()
    session, renewed = with_users(firebase, signed_in_and_renewed)
    assert subject_of(session) == subject_of(renewed) == "syncload-00007"
    assert before + 3600 - MARGIN_S <= session.expires_at <= renewed.expires_at


def test_users_sign_in_by_password_and_are_refreshed(firebase: Firebase) -> None:
    name = f"load-{time.time_ns()}"
    by_password = replace(
        firebase,
        sign_in=SignInBy.PASSWORD,
        service_account=None,
        email=f"{name}-{{i}}@syncwell.example",
        password="hunter2-hunter2",
    )
    body: dict[str, object] = {"email": f"{name}-7@syncwell.example", "password": "hunter2-hunter2"}
    made = asked(firebase.emulator_host or "", "signUp", body | {"returnSecureToken": True})
    session, renewed = with_users(by_password, signed_in_and_renewed)
    assert subject_of(session) == subject_of(renewed) == made["localId"]
    with pytest.raises(Rejected) as caught:
        with_users(replace(by_password, password="wrong-wrong"), lambda users: users.sign_in(7))
    assert "HTTP 400" in str(caught.value)
    assert "wrong-wrong" not in str(caught.value)


def test_its_tokens_are_unsigned_and_accepted_of_an_emulator_only(firebase: Firebase) -> None:
    session, _ = with_users(firebase, signed_in_and_renewed)
    said = asyncio.run(verified(session.token, firebase))
    assert said == "claims verified; the token is unsigned, as an emulator's are"
    with pytest.raises(Rejected, match="is unsigned, as only an emulator's are"):
        asyncio.run(verified(session.token, replace(firebase, emulator_host=None)))
    with pytest.raises(Rejected, match=r"not for firebase\.project 'other'"):
        asyncio.run(verified(session.token, replace(firebase, project="other")))


def test_a_session_that_is_no_more_is_signed_in_again(firebase: Firebase) -> None:
    async def renewed(users: FirebaseUsers) -> Session:
        session = await users.sign_in(8)
        return await users.renew(8, replace(session, refresh_token="no refresh token at all"))

    assert subject_of(with_users(firebase, renewed)) == "syncload-00008"


def test_a_pool_of_them_warms_up(firebase: Firebase) -> None:
    async def scenario() -> list[str]:
        source = FirebaseUsers(replace(firebase, users=40))
        async with WarmPool(source, shard=1, shards=2) as pool:
            return [pool.for_arrival(1 + 2 * turn).subject for turn in range(len(pool))]

    assert asyncio.run(scenario()) == [f"syncload-{number:05}" for number in range(1, 40, 2)]


def owner(firebase: Firebase, operation: str, **members: object) -> None:
    """What the project's owner does."""
    url = f"http://{firebase.emulator_host}/identitytoolkit.googleapis.com/v1/projects/{firebase.project}/accounts"
    headers = {"authorization": "Bearer owner"}
    httpx.post(url + operation, json=members, headers=headers, trust_env=False, timeout=30).raise_for_status()


def test_a_disabled_user_gets_no_token_by_any_way(firebase: Firebase) -> None:
    session = with_users(firebase, lambda users: users.sign_in(9))
    owner(firebase, ":update", localId=session.subject, disableUser=True)
    try:
        with pytest.raises(Rejected, match="USER_DISABLED"):
            with_users(firebase, lambda users: users.sign_in(9))
        with pytest.raises(Rejected, match="USER_DISABLED"):
            with_users(firebase, lambda users: users.renew(9, session))
    finally:
        owner(firebase, ":update", localId=session.subject, disableUser=False)


def test_a_user_who_was_deleted_comes_again(firebase: Firebase) -> None:
    session = with_users(firebase, lambda users: users.sign_in(10))
    owner(firebase, ":delete", localId=session.subject)
    renewed = with_users(firebase, lambda users: users.renew(10, session))
    assert subject_of(renewed) == session.subject
    assert subject_of(with_users(firebase, lambda users: users.renew(10, renewed))) == session.subject
