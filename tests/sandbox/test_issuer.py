"""Sign-in as Google has it, without the network."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from pytest_syncload.sandbox import issuer as issuing
from pytest_syncload.sandbox.http import Request
from pytest_syncload.sandbox.issuer import LOOKUP, REFRESH, SIGN_IN, SIGN_IN_WITH_PASSWORD, SIGN_UP, Issuer
from pytest_syncload.sandbox.tokens import Verifier
from tests.sandbox.keys import PROJECT, id_token, key, other_key

EMAIL = "robot@toy.example"
AUDIENCE = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"


@pytest.fixture
def issuer() -> Issuer:
    account = other_key().public_key()
    return Issuer(key=key(), project=PROJECT, api_key="k", account=account, client_email=EMAIL)


def custom_token(signed_by: RSAPrivateKey | None = None, **claims: Any) -> str:
    now = int(time.time())
    whole = {"iss": EMAIL, "sub": EMAIL, "aud": AUDIENCE, "iat": now, "exp": now + 3600, "uid": "ann"} | claims
    return jwt.encode(whole, signed_by or other_key(), algorithm="RS256")


def call(issuer: Issuer, path: str, body: bytes, api_key: str = "k", method: str = "POST") -> tuple[int, Any]:
    answer = issuer.answer(Request(method=method, path=path, body=body, query={"key": api_key}))
    return answer.status, json.loads(answer.body)


def sign_in(issuer: Issuer, token: str, api_key: str = "k") -> tuple[int, Any]:
    body = {"token": token, "returnSecureToken": True}
    return call(issuer, SIGN_IN, json.dumps(body).encode(), api_key)


def refresh(issuer: Issuer, **form: str) -> tuple[int, Any]:
    return call(issuer, REFRESH, urlencode(form).encode())


def test_custom_token_becomes_a_verifiable_id_token(issuer: Issuer) -> None:
    status, answer = sign_in(issuer, custom_token())
    assert status == 200
    assert answer["expiresIn"] == "3600"
    assert answer["isNewUser"] is True
    assert sign_in(issuer, custom_token())[1]["isNewUser"] is False
    assert jwt.get_unverified_header(answer["idToken"])["kid"]
    assert Verifier(key().public_key(), PROJECT).user(f"Bearer {answer['idToken']}".encode()) == "ann"


def test_refresh_answers_in_snake_case_for_the_same_user(issuer: Issuer) -> None:
    _, signed_in = sign_in(issuer, custom_token())
    status, answer = refresh(issuer, grant_type="refresh_token", refresh_token=signed_in["refreshToken"])
    assert status == 200
    assert answer["user_id"] == "ann"
    assert Verifier(key().public_key(), PROJECT).user(f"Bearer {answer['id_token']}".encode()) == "ann"


@pytest.mark.parametrize(
    "claims",
    [
        {"signed_by": key()},
        {"iss": "other"},
        {"sub": "other"},
        {"aud": "other"},
        {"uid": ""},
        {"uid": "x" * 129},
        {"uid": 7},
        {"exp": int(time.time()) - 1},
        {"exp": int(time.time()) + 7200},
        {"claims": {"admin": True}},
    ],
)
def test_bad_custom_token_is_refused(issuer: Issuer, claims: dict[str, Any]) -> None:
    status, answer = sign_in(issuer, custom_token(**claims))
    assert status == 400
    assert answer["error"]["code"] == 400
    assert answer["error"]["message"].partition(" : ")[0] == "INVALID_CUSTOM_TOKEN"


def test_wrong_api_key_is_refused_as_google_does(issuer: Issuer) -> None:
    status, answer = sign_in(issuer, custom_token(), api_key="other")
    assert status == 400
    assert answer["error"]["message"].startswith("API key not valid")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "Invalid JSON"),
        (b"[]", "Invalid JSON"),
        (b"{}", "MISSING_CUSTOM_TOKEN"),
        (b'{"token": "x"}', "INVALID_REQUEST"),
        (b'{"token": "x", "returnSecureToken": true}', "INVALID_CUSTOM_TOKEN"),
    ],
)
def test_bad_body_is_refused(issuer: Issuer, body: bytes, reason: str) -> None:
    status, answer = call(issuer, SIGN_IN, body)
    assert status == 400
    assert answer["error"]["message"].startswith(reason)


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({}, "INVALID_GRANT_TYPE"),
        ({"grant_type": "refresh_token"}, "MISSING_REFRESH_TOKEN"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "INVALID_REFRESH_TOKEN"),
    ],
)
def test_bad_refresh_is_refused(issuer: Issuer, form: dict[str, str], reason: str) -> None:
    status, answer = refresh(issuer, **form)
    assert (status, answer["error"]["message"]) == (400, reason)


@pytest.mark.parametrize(("method", "path"), [("GET", SIGN_IN), ("POST", "/identitytoolkit.googleapis.com/v1/x")])
def test_other_operations_are_not_found(issuer: Issuer, method: str, path: str) -> None:
    assert call(issuer, path, b"", method=method)[0] == 404


def test_refresh_tokens_are_bounded(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuing, "_REFRESH_LIMIT", 1)
    first, second = (sign_in(issuer, custom_token())[1]["refreshToken"] for _ in range(2))
    assert refresh(issuer, grant_type="refresh_token", refresh_token=first)[0] == 400
    assert refresh(issuer, grant_type="refresh_token", refresh_token=second)[0] == 200


PASSWORD = {"email": "ann@toy.example", "password": "correct horse"}


def post(issuer: Issuer, path: str, **members: Any) -> tuple[int, Any]:
    return call(issuer, path, json.dumps({"returnSecureToken": True} | members).encode())


def claims_of(token: str) -> Any:
    return jwt.decode(token, key().public_key(), algorithms=["RS256"], audience=PROJECT)


def test_password_user_signs_up_and_in(issuer: Issuer) -> None:
    status, made = post(issuer, SIGN_UP, **PASSWORD, clientType="CLIENT_TYPE_WEB")
    assert status == 200
    assert made["kind"] == "identitytoolkit#SignupNewUserResponse"
    status, signed_in = post(issuer, SIGN_IN_WITH_PASSWORD, **PASSWORD)
    assert status == 200
    assert signed_in["registered"] is True
    assert signed_in["localId"] == made["localId"]
    assert signed_in["email"] == "ann@toy.example"
    claims = claims_of(signed_in["idToken"])
    assert (claims["sub"], claims["email"], claims["email_verified"]) == (made["localId"], "ann@toy.example", False)
    assert claims["firebase"] == {"identities": {"email": ["ann@toy.example"]}, "sign_in_provider": "password"}
    _, refreshed = refresh(issuer, grant_type="refresh_token", refresh_token=signed_in["refreshToken"])
    assert claims_of(refreshed["id_token"])["email"] == "ann@toy.example"


def test_sign_up_without_an_address_is_anonymous(issuer: Issuer) -> None:
    status, made = post(issuer, SIGN_UP)
    assert status == 200
    assert "email" not in made
    claims = claims_of(made["idToken"])
    assert claims["sub"] == made["localId"]
    assert (claims["provider_id"], claims["firebase"]["sign_in_provider"]) == ("anonymous", "anonymous")


def test_lookup_tells_who_a_token_is(issuer: Issuer) -> None:
    made = post(issuer, SIGN_UP, **PASSWORD)[1]
    status, answer = call(issuer, LOOKUP, json.dumps({"idToken": made["idToken"]}).encode())
    assert status == 200
    (user,) = answer["users"]
    assert (user["localId"], user["email"], user["emailVerified"]) == (made["localId"], "ann@toy.example", False)
    assert [one["providerId"] for one in user["providerUserInfo"]] == ["password"]
    assert int(user["createdAt"]) == pytest.approx(time.time() * 1000, abs=60_000)
    assert "password" not in user
    (other,) = post(issuer, LOOKUP, idToken=sign_in(issuer, custom_token())[1]["idToken"])[1]["users"]
    assert (other["localId"], other["customAuth"]) == ("ann", True)
    assert "email" not in other


@pytest.mark.parametrize(
    ("path", "members", "reason"),
    [
        (SIGN_UP, {"email": "ann@toy.example", "password": "short"}, "WEAK_PASSWORD"),
        (SIGN_UP, {"idToken": "x"}, "INVALID_REQUEST"),
        (SIGN_UP, {"returnSecureToken": False}, "INVALID_REQUEST"),
        (SIGN_IN_WITH_PASSWORD, PASSWORD, "INVALID_LOGIN_CREDENTIALS"),
        (SIGN_IN_WITH_PASSWORD, PASSWORD | {"tenantId": "x"}, "INVALID_REQUEST"),
        (LOOKUP, {}, "MISSING_ID_TOKEN"),
        (LOOKUP, {"idToken": "x"}, "INVALID_ID_TOKEN"),
        (LOOKUP, {"idToken": id_token(signed_by=other_key())}, "INVALID_ID_TOKEN"),
        (LOOKUP, {"idToken": id_token("nobody")}, "USER_NOT_FOUND"),
        (LOOKUP, {"email": ["x"]}, "INVALID_REQUEST"),
        (SIGN_IN, {"token": "x", "tenantId": "x"}, "INVALID_REQUEST"),
    ],
)
def test_account_call_that_is_refused(issuer: Issuer, path: str, members: dict[str, Any], reason: str) -> None:
    status, answer = post(issuer, path, **members)
    assert status == 400
    assert answer["error"]["message"].partition(" : ")[0] == reason
