"""Firebase's three questions against a server that answers oddly. No message holds a secret."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.auth.errors import NotUnderstood, SessionEnded, SignInError, Unavailable
from pytest_syncload.auth.firebase import Rest
from pytest_syncload.auth.session import MARGIN_S, Session
from tests.auth.scripted import API_KEY, REFRESHED, SIGNED_IN, project, refusal, scripted

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"
OLD = Session(subject="ann", token=JWT, since=0.0, expires_at=1.0, refresh_token="a-long-lived-secret")

Question = Callable[[Rest], Awaitable[Session]]
QUESTIONS: dict[str, Question] = {
    "custom token": lambda rest: rest.sign_in_with_custom_token("ann", JWT),
    "password": lambda rest: rest.sign_in_with_password("ann@x.org", "hunter2-hunter2"),
    "refresh": lambda rest: rest.refresh(OLD),
}


def ask(folder: Path, host: str | None, question: Question) -> Session:
    async def scenario() -> Session:
        rest = Rest(project(folder, host))
        try:
            return await question(rest)
        finally:
            await rest.aclose()

    return asyncio.run(scenario())


def refused(folder: Path, host: str | None, question: Question, kind: type[SignInError] = SignInError) -> str:
    with pytest.raises(kind) as caught:
        ask(folder, host, question)
    message = f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"
    for secret in (API_KEY, "eyJ", "hunter2", "a-long-lived-secret"):
        assert secret not in message
    return message


def test_a_custom_token_is_exchanged_as_firebase_asks_for_it(tmp_path: Path) -> None:
    before = time.monotonic()
    with scripted(SIGNED_IN) as script:
        session = ask(tmp_path, script.host, QUESTIONS["custom token"])
    assert (session.subject, session.token, session.refresh_token) == ("ann", "the-id-token", "again")
    assert script.paths == [f"/identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken?key={API_KEY}"]
    assert script.bodies == [{"token": JWT, "returnSecureToken": True}]
    # Never later than the token really expires: counted from before the question, less what the issuer cuts off.
    assert before + 3600 - MARGIN_S <= session.expires_at <= time.monotonic() + 3600 - MARGIN_S
    assert "the-id-token" not in repr(session)
    assert "again" not in repr(session)


def test_a_password_is_sent_as_firebase_asks_for_it(tmp_path: Path) -> None:
    with scripted(SIGNED_IN) as script:
        session = ask(tmp_path, script.host, QUESTIONS["password"])
    assert session.subject == "ann@x.org"
    assert script.paths == [f"/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword?key={API_KEY}"]
    assert script.bodies == [{"email": "ann@x.org", "password": "hunter2-hunter2", "returnSecureToken": True}]


def test_a_refresh_is_a_form_and_its_answer_in_snake_case(tmp_path: Path) -> None:
    with scripted(REFRESHED) as script:
        session = ask(tmp_path, script.host, QUESTIONS["refresh"])
    assert (session.subject, session.token, session.refresh_token) == ("ann", "the-next-token", "and-again")
    assert script.paths == [f"/securetoken.googleapis.com/v1/token?key={API_KEY}"]
    assert script.bodies == [{"grant_type": "refresh_token", "refresh_token": "a-long-lived-secret"}]


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_an_error_answer_is_the_error_it_means(tmp_path: Path, question: Question) -> None:
    with scripted((400, refusal("TOKEN_EXPIRED"))) as script:
        message = refused(tmp_path, script.host, question, SessionEnded)
    assert "HTTP 400 TOKEN_EXPIRED" in message
    assert script.host in message


def test_a_host_that_is_not_there_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host = f"127.0.0.1:{taken.getsockname()[1]}"
    message = refused(tmp_path, host, QUESTIONS["refresh"], Unavailable)
    assert "ConnectError" in message
    assert host in message


def test_an_answer_that_cannot_be_unpacked_is_no_answer(tmp_path: Path) -> None:
    with scripted((200, "not gzip"), headers=(("Content-Encoding", "gzip"),)) as script:
        assert "DecodingError" in refused(tmp_path, script.host, QUESTIONS["custom token"], Unavailable)


@pytest.mark.parametrize(
    "answer",
    [
        "<html>captive portal</html>",
        "[]",
        "null",
        {},
        {"expiresIn": "3600"},
        {"idToken": "x"},
        {"idToken": None, "expiresIn": "3600"},
        {"idToken": "", "expiresIn": "3600"},
        {"idToken": "a b", "expiresIn": "3600"},
        {"idToken": "x\r\ny", "expiresIn": "3600"},
        {"idToken": "x", "expiresIn": "soon"},
        {"idToken": "x", "expiresIn": None},
        {"idToken": "x", "expiresIn": "nan"},
        {"idToken": "x", "expiresIn": "0"},
        {"idToken": "x", "expiresIn": "3600", "refreshToken": 5},
        {"id_token": "x", "refresh_token": "y"},
    ],
)
def test_a_200_without_a_token_is_no_sign_in(tmp_path: Path, answer: Any) -> None:
    with scripted((200, answer)) as script:
        assert "holds no ID token" in refused(tmp_path, script.host, QUESTIONS["custom token"], NotUnderstood)


@pytest.mark.parametrize("wrap", ["{secret}", "x" * 190 + "{secret}", '{{"error": {{"message": "bad {secret}"}}}}'])
@pytest.mark.parametrize(
    ("question", "secret"),
    [
        ("custom token", API_KEY),
        ("custom token", "{token}"),
        ("password", "{password}"),
        ("refresh", "{refresh_token}"),
    ],
)
def test_an_answer_that_repeats_a_secret_is_quoted_without_it(
    tmp_path: Path, wrap: str, question: str, secret: str
) -> None:
    with scripted((403, wrap.format(secret=secret))) as script:
        message = refused(tmp_path, script.host, QUESTIONS[question])
    assert "HTTP 403" in message
    for beginning in (API_KEY[:10], "hunter", "a-long-l"):
        assert beginning not in message, "not even the beginning of a secret that a cut has shortened"
    assert not re.search("eyJ", message)


def test_a_long_answer_is_cut(tmp_path: Path) -> None:
    with scripted((403, refusal("x" * 5000))) as script:
        assert len(refused(tmp_path, script.host, QUESTIONS["refresh"])) < 2000


def test_production_is_asked_over_https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def post(_: object, url: str, **__: object) -> None:
        asked.append(url)
        raise RuntimeError

    monkeypatch.setattr("httpx.AsyncClient.post", post)
    for question in QUESTIONS.values():
        with pytest.raises(RuntimeError):
            ask(tmp_path, None, question)
    assert asked == [
        "https://identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken",
        "https://identitytoolkit.googleapis.com/v1/accounts:signInWithPassword",
        "https://securetoken.googleapis.com/v1/token",
    ]


def test_a_proxy_of_the_environment_sees_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with scripted(SIGNED_IN) as script:
        assert ask(tmp_path, script.host, QUESTIONS["custom token"]).token == "the-id-token"
