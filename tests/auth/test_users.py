"""The users of a Firebase project sign in and are refreshed, over real sockets: the sandbox's issuer and a script."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import httpx
import jwt
import pytest

from pytest_syncload.auth.errors import Rejected
from pytest_syncload.auth.session import Session
from pytest_syncload.auth.users import SIGN_INS_PER_S, FirebaseUsers
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.plan import Environment, Firebase, SandboxSettings, SignInBy
from pytest_syncload.sandbox.launch import launch
from tests.auth.scripted import REFRESHED, SIGNED_IN, project, refusal, scripted
from tests.plainly import PLAINLY

Made = TypeVar("Made")


@pytest.fixture(scope="module")
def sandbox(unmeasured_module: None) -> Iterator[Firebase]:
    running = launch(SandboxSettings(), ServiceClock.starting_now(speed=60), None)
    try:
        firebase = running.fill(Environment(name="sandbox", line=1)).firebase
        assert firebase is not None
        yield firebase
    finally:
        running.close()


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


def by_password(host: str | None, folder: Path, **changes: object) -> Firebase:
    email, password = "load-{i}@syncwell.example", "hunter2-hunter2"
    plain = {"sign_in": SignInBy.PASSWORD, "service_account": None, "email": email, "password": password}
    return project(folder, host, **plain | changes)


def test_the_sandbox_signs_in_by_custom_token_and_refreshes(sandbox: Firebase) -> None:
    async def signed_in_and_renewed(users: FirebaseUsers) -> tuple[Session, Session]:
        session = await users.sign_in(7)
        return session, await users.renew(7, session)

    session, renewed = with_users(sandbox, signed_in_and_renewed)
    assert session.subject == subject_of(session) == subject_of(renewed) == "syncload-00007"
    assert renewed.expires_at >= session.expires_at


def test_the_sandbox_signs_in_by_password(sandbox: Firebase, tmp_path: Path) -> None:
    firebase = by_password(sandbox.emulator_host, tmp_path, api_key=sandbox.api_key, project=sandbox.project)
    url = f"http://{sandbox.emulator_host}/identitytoolkit.googleapis.com/v1/accounts:signUp"
    body = {"email": "load-3@syncwell.example", "password": "hunter2-hunter2", "returnSecureToken": True}
    made = httpx.post(url, params={"key": sandbox.api_key}, json=body, **PLAINLY).json()
    session = with_users(firebase, lambda users: users.sign_in(3))
    assert session.subject == "load-3@syncwell.example"
    assert subject_of(session) == made["localId"]
    with pytest.raises(Rejected, match="INVALID_LOGIN_CREDENTIALS"):
        with_users(firebase, lambda users: users.sign_in(4))
    with pytest.raises(Rejected, match=r"INVALID_LOGIN_CREDENTIALS.*firebase\.password"):
        with_users(replace(firebase, password="wrong-wrong"), lambda users: users.sign_in(3))


def test_a_wrong_key_and_another_projects_account_are_refused_in_the_issuers_own_words(
    sandbox: Firebase, tmp_path: Path
) -> None:
    with pytest.raises(Rejected, match="API key not valid"):
        with_users(project(tmp_path, sandbox.emulator_host), lambda users: users.sign_in(0))
    stranger = project(tmp_path, sandbox.emulator_host, api_key=sandbox.api_key)
    with pytest.raises(Rejected, match="INVALID_CUSTOM_TOKEN") as caught:
        with_users(stranger, lambda users: users.sign_in(0))
    assert sandbox.api_key not in str(caught.value)


@pytest.mark.parametrize("ended", ["TOKEN_EXPIRED", "INVALID_REFRESH_TOKEN"])
def test_a_session_that_has_ended_is_signed_in_again(tmp_path: Path, ended: str) -> None:
    async def renewed(users: FirebaseUsers) -> Session:
        return await users.renew(0, await users.sign_in(0))

    again = (200, {**SIGNED_IN[1], "idToken": "signed-in-again"})
    with scripted(SIGNED_IN, (400, refusal(ended)), again) as script:
        assert with_users(project(tmp_path, script.host), renewed).token == "signed-in-again"
    assert ["token" in path.partition("?")[0] for path in script.paths] == [False, True, False]


def test_a_user_who_was_disabled_is_not_signed_in_again(tmp_path: Path) -> None:
    async def renewed(users: FirebaseUsers) -> Session:
        return await users.renew(0, await users.sign_in(0))

    with scripted(SIGNED_IN, (400, refusal("USER_DISABLED"))) as script, pytest.raises(Rejected, match="USER_DISABLED"):
        with_users(project(tmp_path, script.host), renewed)
    assert len(script.bodies) == 2


def test_a_session_without_a_refresh_token_is_signed_in_again(tmp_path: Path) -> None:
    async def renewed(users: FirebaseUsers) -> Session:
        return await users.renew(0, await users.sign_in(0))

    with scripted((200, {"idToken": "t", "expiresIn": "60"})) as script:
        with_users(project(tmp_path, script.host), renewed)
    assert all("signInWithCustomToken" in path for path in script.paths)
    assert len(script.paths) == 2


def test_a_refresh_gives_the_next_refresh_its_token(tmp_path: Path) -> None:
    async def twice(users: FirebaseUsers) -> Session:
        return await users.renew(0, await users.renew(0, await users.sign_in(0)))

    with scripted(SIGNED_IN, REFRESHED) as script:
        with_users(project(tmp_path, script.host), twice)
    assert [body.get("refresh_token") for body in script.bodies] == [None, "again", "and-again"]


def test_what_passes_is_asked_again_and_each_try_has_a_custom_token_of_its_own(tmp_path: Path) -> None:
    with scripted((503, refusal("busy")), SIGNED_IN) as script:
        with_users(project(tmp_path, script.host), lambda users: users.sign_in(0))
    assert len(script.bodies) == 2


def test_generators_share_the_projects_quota(tmp_path: Path) -> None:
    async def rates() -> tuple[float, float]:
        given = FirebaseUsers(project(tmp_path, None, sign_in_rate_per_s=20.0), shards=4)
        left = FirebaseUsers(by_password(None, tmp_path), shards=3)
        await given.aclose()
        await left.aclose()
        return given.sign_ins_per_s, left.sign_ins_per_s

    given, left = asyncio.run(rates())
    assert given == pytest.approx(5.0)
    assert left == pytest.approx(SIGN_INS_PER_S[SignInBy.PASSWORD] / 3)


def test_an_account_that_cannot_be_read_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="FileNotFoundError"):
        FirebaseUsers(project(tmp_path, None, service_account=str(tmp_path / "none.json")))
