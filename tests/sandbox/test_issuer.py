"""Sign-in as Google has it, without the network."""

from __future__ import annotations

import json
import time
from functools import cache
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.plan import Faults
from pytest_syncload.sandbox.http import Request
from pytest_syncload.sandbox.issuer import LOOKUP, REFRESH, SIGN_IN, SIGN_IN_WITH_PASSWORD, SIGN_UP, Issuer
from pytest_syncload.sandbox.signing import CERTIFICATES
from pytest_syncload.sandbox.tokens import Verifier
from tests.sandbox.keys import PROJECT, id_token, key, other_key, signer

EMAIL = "robot@toy.example"
AUDIENCE = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"


def issuing(**faults: Any) -> Issuer:
    """An issuer with these faults; ``on_revoked`` among them is what it tells revocations to."""
    told = {"on_revoked": faults.pop("on_revoked")} if "on_revoked" in faults else {}
    account = other_key().public_key()
    return Issuer(
        signer=signer(),
        project=PROJECT,
        api_key="k",
        account=account,
        client_email=EMAIL,
        faults=Faults(**faults),
        **told,
    )


@pytest.fixture
def issuer() -> Issuer:
    return issuing()


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
    assert Verifier(signer().keys, PROJECT).user(f"Bearer {answer['idToken']}".encode()) == "ann"


def test_refresh_answers_in_snake_case_for_the_same_user(issuer: Issuer) -> None:
    _, signed_in = sign_in(issuer, custom_token())
    status, answer = refresh(issuer, grant_type="refresh_token", refresh_token=signed_in["refreshToken"])
    assert status == 200
    assert answer["user_id"] == "ann"
    assert answer["project_id"].isdigit()
    assert Verifier(signer().keys, PROJECT).user(f"Bearer {answer['id_token']}".encode()) == "ann"


@pytest.mark.parametrize(
    "claims",
    [
        {"signed_by": key()},
        {"iss": "other"},
        {"sub": "other"},
        {"aud": "other"},
        {"uid": 7},
        {"exp": int(time.time()) - 1},
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
        (b"[" * 100_000, "Invalid JSON"),
        (b"\xff", "Invalid JSON"),
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
        ({}, "MISSING_GRANT_TYPE"),
        ({"grant_type": "password"}, "INVALID_GRANT_TYPE"),
        ({"grant_type": "refresh_token"}, "MISSING_REFRESH_TOKEN"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "INVALID_REFRESH_TOKEN"),
    ],
)
def test_bad_refresh_is_refused(issuer: Issuer, form: dict[str, str], reason: str) -> None:
    told = {"code": 400, "message": reason, "status": "INVALID_ARGUMENT"}
    assert refresh(issuer, **form) == (400, {"error": told})


@pytest.mark.parametrize(("method", "path"), [("GET", SIGN_IN), ("POST", "/identitytoolkit.googleapis.com/v1/x")])
def test_other_operations_are_not_found(issuer: Issuer, method: str, path: str) -> None:
    assert call(issuer, path, b"", method=method)[0] == 404


def test_certificates_are_public(issuer: Issuer) -> None:
    answer = issuer.answer(Request(method="GET", path=CERTIFICATES, body=b""))
    assert (answer.status, json.loads(answer.body).keys()) == (200, signer().keys.keys())
    assert issuer.answer(Request(method="POST", path=CERTIFICATES, body=b"")).status == 404


def test_missing_api_key_is_another_refusal(issuer: Issuer) -> None:
    answer = issuer.answer(Request(method="POST", path=SIGN_IN, body=b"{}"))
    assert (answer.status, json.loads(answer.body)["error"]["status"]) == (403, "PERMISSION_DENIED")


PASSWORD = {"email": "ann@toy.example", "password": "correct horse"}


def post(issuer: Issuer, path: str, **members: Any) -> tuple[int, Any]:
    return call(issuer, path, json.dumps({"returnSecureToken": True} | members).encode())


def claims_of(token: str) -> Any:
    """Of a token that this project's present key signed, whatever its times."""
    return jwt.decode(token, key().public_key(), algorithms=["RS256"], audience=PROJECT, options={"verify_exp": False})


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
    assert user["lastRefreshAt"].endswith("Z")
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
        (LOOKUP, {"idToken": id_token(signed_by=other_key(), key_id=[*signer().keys][1])}, "INVALID_ID_TOKEN"),
        (
            LOOKUP,
            {"idToken": id_token("nobody", exp=int(time.time()) + 86_400, key_id=[*signer().keys][1])},
            "USER_NOT_FOUND",
        ),
        (LOOKUP, {"email": ["x"]}, "INVALID_REQUEST"),
        (SIGN_IN, {"token": "x", "tenantId": "x"}, "INVALID_REQUEST"),
    ],
)
def test_account_call_that_is_refused(issuer: Issuer, path: str, members: dict[str, Any], reason: str) -> None:
    status, answer = post(issuer, path, **members)
    assert status == 400
    assert answer["error"]["message"].partition(" : ")[0] == reason


OWNER = {"authorization": "Bearer owner"}
ACCOUNTS = f"/identitytoolkit.googleapis.com/v1/projects/{PROJECT}/accounts"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["ann", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = ("token", "idToken", "email", "password", "localId", "validSince", "disableUser", "emailPrivacyConfig")
GIVEN = st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=4).map(
    lambda given: given | {"returnSecureToken": True}
)
PATHS = (
    *(SIGN_UP, SIGN_IN_WITH_PASSWORD, SIGN_IN, LOOKUP, REFRESH, f"/emulator/v1/projects/{PROJECT}/config"),
    *(f"{ACCOUNTS}{operation}" for operation in ("", ":lookup", ":update", ":delete")),
)


@given(
    st.sampled_from(PATHS),
    st.sampled_from(["POST", "PATCH"]),
    st.binary() | VALUES.map(json.dumps).map(str.encode) | GIVEN.map(json.dumps).map(str.encode),
)
def test_whatever_is_asked_is_answered_or_refused(path: str, method: str, body: bytes) -> None:
    answer = asked_anything().answer(Request(method=method, path=path, body=body, headers=OWNER, query={"key": "k"}))
    told = json.loads(answer.body)
    assert answer.status == told.get("error", {}).get("code", 200)


@cache
def asked_anything() -> Issuer:
    """One issuer for all examples."""
    return issuing()


def as_owner(issuer: Issuer, operation: str, **members: Any) -> tuple[int, Any]:
    body = json.dumps(members).encode()
    answer = issuer.answer(Request(method="POST", path=ACCOUNTS + operation, body=body, headers=OWNER))
    return answer.status, json.loads(answer.body)


def refreshed(issuer: Issuer, signed_in: Any) -> tuple[int, Any]:
    return refresh(issuer, grant_type="refresh_token", refresh_token=signed_in["refreshToken"])


def message(answer: tuple[int, Any]) -> str:
    """The code in an error."""
    assert answer[0] == answer[1]["error"]["code"]
    return str(answer[1]["error"]["message"]).partition(" : ")[0]


class Wall:
    """Wall time that a test moves. PyJWT has a clock of its own: what it checks here lives for an hour."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.time()
        monkeypatch.setattr("pytest_syncload.sandbox.issuer.time.time", lambda: self.now)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    return Wall(monkeypatch)


def test_id_token_has_every_claim_of_firebase_s(issuer: Issuer, wall: Wall) -> None:
    signed_in_at = int(wall.now)
    _, signed_in = sign_in(issuer, custom_token(claims={"admin": True}))
    wall.now += 100
    _, again = refreshed(issuer, signed_in)
    expected = {
        "iss": f"https://securetoken.google.com/{PROJECT}",
        "aud": PROJECT,
        "auth_time": signed_in_at,
        "user_id": "ann",
        "sub": "ann",
        "iat": signed_in_at,
        "exp": signed_in_at + 3600,
        "firebase": {"identities": {}, "sign_in_provider": "custom"},
        "admin": True,
    }
    assert claims_of(signed_in["idToken"]) == expected
    later = int(wall.now)
    assert jwt.decode(again["id_token"], options={"verify_signature": False}) == expected | {
        "iat": later,
        "exp": later + 3600,
    }


def test_provider_is_the_one_of_the_sign_in(issuer: Issuer) -> None:
    made = post(issuer, SIGN_UP, **PASSWORD)[1]
    _, signed_in = sign_in(issuer, custom_token(uid=made["localId"]))
    firebase = claims_of(signed_in["idToken"])["firebase"]
    assert firebase == {"identities": {"email": ["ann@toy.example"]}, "sign_in_provider": "custom"}
    assert claims_of(refreshed(issuer, made)[1]["id_token"])["firebase"]["sign_in_provider"] == "password"


def test_tokens_live_as_long_as_they_are_told_to() -> None:
    short = issuing(token_life_s=5)
    _, signed_in = sign_in(short, custom_token())
    claims = claims_of(signed_in["idToken"])
    assert (signed_in["expiresIn"], claims["exp"] - claims["iat"]) == ("5", 5)
    _, again = refreshed(short, signed_in)
    claims = claims_of(again["id_token"])
    assert (again["expires_in"], claims["exp"] - claims["iat"]) == ("5", 5)


def test_each_kind_of_call_has_its_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("pytest_syncload.sandbox.issuer.time.monotonic", lambda: now[0])
    scarce = issuing(sign_in_quota_per_s=2)
    made = [post(scarce, SIGN_UP, **PASSWORD)[1] for _ in range(1)]
    custom = [sign_in(scarce, custom_token()) for _ in range(3)]
    passwords = [post(scarce, SIGN_IN_WITH_PASSWORD, **PASSWORD) for _ in range(3)]
    refreshes = [refreshed(scarce, made[0]) for _ in range(3)]
    for answers in (custom, passwords, refreshes):
        assert [status for status, _ in answers] == [200, 200, 400]
        assert message(answers[2]) == "QUOTA_EXCEEDED"
    assert custom[2][1]["error"]["message"].endswith("verifying custom tokens.")
    assert refreshes[2][1] == {"error": {"code": 400, "message": "QUOTA_EXCEEDED", "status": "INVALID_ARGUMENT"}}
    now[0] += 0.5
    assert [refreshed(scarce, made[0])[0] for _ in range(2)] == [200, 400]


def test_share_of_refreshes_fails_and_passes_again() -> None:
    shaky = issuing(failed_refreshes_share=10)
    _, signed_in = sign_in(shaky, custom_token())
    answers = [refreshed(shaky, signed_in) for _ in range(100)]
    assert sum(status == 200 for status, _ in answers) == 90
    (failed,) = {json.dumps(answer) for answer in answers if answer[0] != 200}
    assert json.loads(failed) == [
        503,
        {"error": {"code": 503, "message": "The service is currently unavailable.", "status": "UNAVAILABLE"}},
    ]
    assert sign_in(shaky, custom_token())[0] == 200


def test_disabled_user_has_no_way_in(issuer: Issuer) -> None:
    made = post(issuer, SIGN_UP, **PASSWORD)[1]
    assert as_owner(issuer, ":update", localId=made["localId"], disableUser=True)[0] == 200
    ways = [
        post(issuer, SIGN_IN_WITH_PASSWORD, **PASSWORD),
        post(issuer, SIGN_IN_WITH_PASSWORD, **PASSWORD | {"password": "wrong horse"}),
        sign_in(issuer, custom_token(uid=made["localId"])),
        refreshed(issuer, made),
        call(issuer, LOOKUP, json.dumps({"idToken": made["idToken"]}).encode()),
    ]
    assert {message(way) for way in ways} == {"USER_DISABLED"}
    assert as_owner(issuer, ":update", localId=made["localId"], disableUser=False)[0] == 200
    assert refreshed(issuer, made)[0] == 200


def test_revoked_session_has_expired_and_a_new_one_has_not(issuer: Issuer, wall: Wall) -> None:
    wall.now -= 10
    _, old = sign_in(issuer, custom_token())
    wall.now += 10
    assert as_owner(issuer, ":update", localId="ann", validSince=int(wall.now))[0] == 200
    told = {"code": 400, "message": "TOKEN_EXPIRED", "status": "INVALID_ARGUMENT"}
    assert refreshed(issuer, old) == (400, {"error": told})
    assert message(call(issuer, LOOKUP, json.dumps({"idToken": old["idToken"]}).encode())) == "TOKEN_EXPIRED"
    _, new = sign_in(issuer, custom_token())
    assert refreshed(issuer, new)[0] == 200
    assert call(issuer, LOOKUP, json.dumps({"idToken": new["idToken"]}).encode())[0] == 200


def test_deleted_user_is_not_found_and_can_come_again(issuer: Issuer) -> None:
    _, old = sign_in(issuer, custom_token())
    assert as_owner(issuer, ":delete", localId="ann")[0] == 200
    assert message(refreshed(issuer, old)) == "USER_NOT_FOUND"
    assert message(call(issuer, LOOKUP, json.dumps({"idToken": old["idToken"]}).encode())) == "USER_NOT_FOUND"
    assert sign_in(issuer, custom_token())[1]["isNewUser"] is True


def test_revocations_are_told() -> None:
    told: list[tuple[str, float]] = []
    telling = issuing(on_revoked=lambda uid, before: told.append((uid, before)))
    sign_in(telling, custom_token())
    as_owner(telling, ":update", localId="ann", validSince=1_800_000_000)
    as_owner(telling, ":update", localId="ann", disableUser=True)
    assert told == [("ann", 1_800_000_000.0), ("ann", float("inf"))]


def test_which_of_the_two_was_wrong_is_told_where_the_project_is_old_enough(issuer: Issuer) -> None:
    post(issuer, SIGN_UP, **PASSWORD)
    wrong = PASSWORD | {"password": "wrong horse"}
    unknown = PASSWORD | {"email": "bob@toy.example"}
    assert [message(post(issuer, SIGN_IN_WITH_PASSWORD, **who)) for who in (wrong, unknown)] == [
        "INVALID_LOGIN_CREDENTIALS"
    ] * 2
    assert configured(issuer, {"emailPrivacyConfig": {"enableImprovedEmailPrivacy": False}})[0] == 200
    assert [message(post(issuer, SIGN_IN_WITH_PASSWORD, **who)) for who in (wrong, unknown)] == [
        "INVALID_PASSWORD",
        "EMAIL_NOT_FOUND",
    ]


def configured(issuer: Issuer, members: Any) -> tuple[int, Any]:
    path = f"/emulator/v1/projects/{PROJECT}/config"
    return call(issuer, path, json.dumps(members).encode(), method="PATCH")


@pytest.mark.parametrize(
    "members",
    [
        {},
        [],
        {"emailPrivacyConfig": 7},
        {"emailPrivacyConfig": {"enableImprovedEmailPrivacy": "no"}},
        {"emailPrivacyConfig": {"enableImprovedEmailPrivacy": False}, "signIn": {}},
    ],
)
def test_no_other_configuration_is_known(issuer: Issuer, members: Any) -> None:
    assert configured(issuer, members)[0] == 400
