"""Sign-in against the sandbox's own issuer and against a server that answers oddly. No message holds a secret."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from pytest_syncload.auth.firebase import ServiceAccount, SignIn, Token, sign_in_all
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import Environment, Firebase, SandboxSettings
from pytest_syncload.sandbox.launch import launch
from tests.auth.scripted import API_KEY, SIGNED_IN, account, private_key, project, refusal, scripted

QUOTA = (400, refusal("QUOTA_EXCEEDED : Exceeded quota for verifying custom tokens."))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Firebase]:
    running = launch(SandboxSettings(), ServiceClock.starting_now(speed=60), None)
    try:
        firebase = running.fill(Environment(name="sandbox", line=1)).firebase
        assert firebase is not None
        yield firebase
    finally:
        running.close()


def sign_in(firebase: Firebase, *uids: str) -> list[Token]:
    return asyncio.run(sign_in_all(firebase, list(uids)))


def refused(firebase: Firebase, *uids: str) -> str:
    with pytest.raises(Refused) as caught:
        sign_in(firebase, *(uids or ("ann",)))
    message = f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"
    assert API_KEY not in message
    assert "eyJ" not in message
    assert "PRIVATE KEY" not in message
    return message


def test_the_sandbox_signs_every_user_in_in_order(sandbox: Firebase) -> None:
    before = time.monotonic()
    uids = [f"user-{number}" for number in range(12)]
    tokens = sign_in(sandbox, *uids)
    claims = [jwt.decode(token.value, options={"verify_signature": False}) for token in tokens]
    assert [claim["sub"] for claim in claims] == uids
    assert {claim["aud"] for claim in claims} == {sandbox.project}
    # Never later than the token really expires: counted from before the request.
    assert all(before + 3600 <= token.expires_at <= time.monotonic() + 3600 for token in tokens)
    assert tokens[0].value not in repr(tokens[0])


def test_a_wrong_key_is_refused_once_in_the_issuers_own_words(sandbox: Firebase, tmp_path: Path) -> None:
    assert "API key not valid" in refused(project(tmp_path, sandbox.emulator_host))


def test_another_projects_service_account_is_refused(sandbox: Firebase, tmp_path: Path) -> None:
    stranger = project(tmp_path, sandbox.emulator_host, api_key=sandbox.api_key)
    message = refused(stranger)
    assert "INVALID_CUSTOM_TOKEN" in message
    assert sandbox.api_key not in message


def test_a_custom_token_is_what_firebase_asks_for(tmp_path: Path) -> None:
    with scripted(SIGNED_IN) as script:
        (token,) = sign_in(project(tmp_path, script.host), "ann")
    assert token.value == "the-id-token"
    assert script.paths == [f"/identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken?key={API_KEY}"]
    (body,) = script.bodies
    assert body["returnSecureToken"] is True
    claims = jwt.decode(body["token"], options={"verify_signature": False})
    assert (claims["uid"], claims["iss"], claims["sub"]) == ("ann", "robot@toy.example", "robot@toy.example")
    assert claims["exp"] - claims["iat"] == 3600
    assert abs(claims["iat"] - time.time()) < 60
    assert jwt.get_unverified_header(body["token"])["alg"] == "RS256"


@pytest.mark.parametrize(
    "passing", [QUOTA, (400, refusal("TOO_MANY_ATTEMPTS_TRY_LATER")), (429, "slow down"), (503, "busy"), (500, {})]
)
def test_what_passes_is_asked_again(tmp_path: Path, passing: tuple[int, Any]) -> None:
    with scripted(passing, SIGNED_IN) as script:
        sign_in(project(tmp_path, script.host), "ann")
    assert len(script.bodies) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 302])
def test_what_asking_again_cannot_help_is_asked_once(tmp_path: Path, status: int) -> None:
    with scripted((status, refusal("USER_DISABLED"))) as script:
        assert f"HTTP {status} USER_DISABLED" in refused(project(tmp_path, script.host))
    assert len(script.bodies) == 1


def test_five_times_is_enough(tmp_path: Path) -> None:
    with scripted((503, refusal("down for maintenance"))) as script:
        message = refused(project(tmp_path, script.host))
    assert "failed five times: HTTP 503 down for maintenance" in message
    assert script.host in message
    assert len(script.bodies) == 5


def test_a_host_that_is_not_there_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host = f"127.0.0.1:{taken.getsockname()[1]}"
    message = refused(project(tmp_path, host))
    assert "ConnectError" in message
    assert host in message


def test_an_answer_that_cannot_be_unpacked_is_refused(tmp_path: Path) -> None:
    with scripted((200, "not gzip"), headers=(("Content-Encoding", "gzip"),)) as script:
        assert "DecodingError" in refused(project(tmp_path, script.host))


@pytest.mark.parametrize(
    "answer",
    [
        "<html>captive portal</html>",
        "[]",
        {},
        {"expiresIn": "3600"},
        {"idToken": "x"},
        {"idToken": None, "expiresIn": "3600"},
        {"idToken": "", "expiresIn": "3600"},
        {"idToken": "x", "expiresIn": "soon"},
        {"idToken": "x", "expiresIn": None},
        {"idToken": "x", "expiresIn": "nan"},
    ],
)
def test_a_200_without_a_token_is_no_sign_in(tmp_path: Path, answer: Any) -> None:
    with scripted((200, answer)) as script:
        assert "holds no idToken and expiresIn" in refused(project(tmp_path, script.host))


@pytest.mark.parametrize("wrap", ["{secret}", "x" * 190 + "{secret}", '{{"error": {{"message": "bad {secret}"}}}}'])
@pytest.mark.parametrize("secret", [API_KEY, "{token}"])
def test_an_answer_that_repeats_a_secret_is_quoted_without_it(tmp_path: Path, wrap: str, secret: str) -> None:
    with scripted((403, wrap.format(secret=secret))) as script:
        message = refused(project(tmp_path, script.host))
    assert "HTTP 403" in message
    assert API_KEY[:10] not in message, "not even the beginning of a key that a cut has shortened"
    assert not re.search("eyJ", message)


def test_a_long_answer_is_cut(tmp_path: Path) -> None:
    with scripted((403, refusal("x" * 5000))) as script:
        assert len(refused(project(tmp_path, script.host))) < 2000


def test_an_empty_api_key_does_not_garble_the_reason(tmp_path: Path) -> None:
    with scripted((403, refusal("no key"))) as script:
        assert "HTTP 403 no key" in refused(project(tmp_path, script.host, api_key=""))


def test_of_many_refusals_one_is_raised_and_nothing_is_left_behind(tmp_path: Path) -> None:
    with scripted((403, refusal("USER_DISABLED"))) as script:
        assert "USER_DISABLED" in refused(project(tmp_path, script.host), *"abcdefghijkl")
        assert len(script.bodies) <= 8, "at most eight were in flight"


def test_production_is_asked_over_https(tmp_path: Path) -> None:
    sign_in_there = SignIn(project(tmp_path, None))
    assert sign_in_there.where == "https://identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken"
    asyncio.run(sign_in_there.aclose())


def test_a_proxy_of_the_environment_sees_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with scripted(SIGNED_IN) as script:
        assert len(sign_in(project(tmp_path, script.host), "ann")) == 1


def test_other_ways_to_sign_in_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    assert "anonymous is known but not built" in refused(project(tmp_path, None, sign_in="anonymous"))
    assert "service_account is missing" in refused(project(tmp_path, None, service_account=None))


def test_a_service_account_is_read_from_its_file_or_from_the_text_itself(tmp_path: Path) -> None:
    file = account(tmp_path)
    for source in (str(file), file.read_text("utf-8")):
        assert ServiceAccount.read(source).client_email == "robot@toy.example"


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '{"client_email": "x"}',
        json.dumps({"client_email": "x", "private_key": 7}),
        json.dumps({"client_email": "x", "private_key": "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END"}),
        json.dumps({"private_key": private_key()}),
    ],
)
def test_what_is_no_service_account_is_refused_unquoted(tmp_path: Path, text: str) -> None:
    file = tmp_path / "account.json"
    file.write_text(text, "utf-8")
    message = refused(project(tmp_path, None, service_account=str(file)))
    assert "account.json is not a readable service-account JSON file" in message
    assert "c2VjcmV0" not in message
    if text.startswith("{"):
        assert "the given JSON is not a readable" in refused(project(tmp_path, None, service_account=text))


def test_a_missing_file_and_a_key_of_another_kind_are_refused(tmp_path: Path) -> None:
    assert "FileNotFoundError" in refused(project(tmp_path, None, service_account=str(tmp_path / "none.json")))
    curve = str(account(tmp_path, "ec"))
    with pytest.raises(Refused, match="not an RSA key"):
        ServiceAccount.read(curve)
