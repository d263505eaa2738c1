"""Firebase's own Auth emulator is asked the same questions as our double, and both must answer the same.

What ours is stricter in, as production is, is asserted too: the emulator checks no signature, no custom token's life,
no API key, and refreshes a session that was revoked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from pytest_syncload.sandbox.http import asgi
from pytest_syncload.sandbox.issuer import Issuer
from tests.plainly import PLAINLY
from tests.sandbox.conftest import Serve
from tests.sandbox.keys import key, other_key, signer
from tests.sandbox.test_customtokens import AUDIENCE, EMAIL

pytestmark = pytest.mark.firebase_emulator

Answered = tuple[int, Any]
PROJECT = "syncwell-double"
#: Members that only one of the two has: the emulator shows how it keeps passwords, and Google says what is empty.
_APART = {"displayName", "disabled", "emailVerified", "passwordHash", "salt", "validSince"}
#: Members and claims whose values must be alike too.
_ALIKE = {"kind", "expiresIn", "expires_in", "token_type", "project_id", "registered", "isNewUser"}
_CLAIMS = {"iss", "aud", "firebase", "provider_id", "email", "email_verified", "admin"}


class SignIn:
    """Sign-in at ``base``, for ``project``. Each has a uid and an e-mail address that nobody had before."""

    def __init__(self, base: str, project: str) -> None:
        self.project = project
        self._google = f"{base}/identitytoolkit.googleapis.com/v1"
        self._token = f"{base}/securetoken.googleapis.com/v1/token"
        self._config = f"{base}/emulator/v1/projects/{project}/config"
        self.uid = f"ann-{time.time_ns()}"
        self.address = f"{self.uid}@toy.example"

    def __call__(self, operation: str, *, key: str | None = "k", **members: Any) -> Answered:
        """accounts:``operation``."""
        return _told("POST", f"{self._google}/accounts:{operation}", params={"key": key} if key else {}, json=members)

    def custom_token(self, signed_by: Any = None, **claims: Any) -> str:
        now = int(time.time())
        whole = {"iss": EMAIL, "sub": EMAIL, "aud": AUDIENCE, "iat": now, "exp": now + 3600, "uid": self.uid} | claims
        return jwt.encode(whole, signed_by or other_key(), algorithm="RS256")

    def custom(self, **claims: Any) -> Answered:
        return self("signInWithCustomToken", token=self.custom_token(**claims), returnSecureToken=True)

    def password(self, operation: str = "signInWithPassword", **changes: Any) -> Answered:
        who: dict[str, Any] = {"email": self.address, "password": "correct horse", "returnSecureToken": True}
        return self(operation, **who | changes)

    def sign_up(self, **changes: Any) -> Answered:
        return self.password("signUp", **changes)

    def refresh(self, signed_in: Answered | None = None, **form: str) -> Answered:
        """With the refresh token of a sign-in, or with any form. Of an error only the message: see `signinerror`."""
        if signed_in is not None:
            form = {"grant_type": "refresh_token", "refresh_token": signed_in[1]["refreshToken"]}
        status, body = _told("POST", self._token, params={"key": "k"}, data=form)
        return status, body if status == 200 else {"error": {"message": body["error"]["message"]}}

    def lookup(self, signed_in: Answered) -> Answered:
        return self("lookup", idToken=signed_in[1]["idToken"])

    def owner(self, operation: str, **members: Any) -> Answered:
        url = f"{self._google}/projects/{self.project}/accounts{operation}"
        return _told("POST", url, json=members, headers={"authorization": "Bearer owner"})

    def revoke(self) -> Answered:
        return self.owner(":update", localId=self.uid, validSince=str(int(time.time()) + 60))

    def hide(self, private: bool) -> Answered:
        """Whether it is hidden which of e-mail and password was wrong."""
        setting = {"emailPrivacyConfig": {"enableImprovedEmailPrivacy": private}}
        return _told("PATCH", self._config, json=setting)[0], {}


def _told(method: str, url: str, **more: Any) -> Answered:
    answer = httpx.request(method, url, **PLAINLY, **more)
    return answer.status_code, answer.json()


@pytest.fixture
def double(serve: Serve) -> SignIn:
    account = other_key().public_key()
    issuer = Issuer(signer=signer(), project=PROJECT, api_key="k", account=account, client_email=EMAIL)
    return SignIn(serve(asgi(issuer.answer)), PROJECT)


@pytest.fixture
def original(emulator: str) -> SignIn:
    """The emulator; it says itself which project it is of."""
    base = f"http://{emulator}"
    return SignIn(base, claims_of(SignIn(base, "")("signUp", returnSecureToken=True)[1])["aud"])


def claims_of(body: Any) -> Any:
    """Of the ID token in an answer; nothing where there is none."""
    token = body.get("idToken") or body.get("id_token")
    return {} if token is None else jwt.decode(token, options={"verify_signature": False})


def shape(answer: Answered, of: SignIn) -> Any:
    """Of an error its code and reason. Else the members, the claims, and those of their values that must be alike."""
    status, body = answer
    if status != 200:
        error = body["error"]
        return status, error["message"].partition(" : ")[0], [one["reason"] for one in error.get("errors", [])]
    claims = claims_of(body)
    alike = {name: body[name] for name in sorted(_ALIKE & body.keys())} | {
        name: str(claims[name]).replace(of.project, "<project>").replace(of.address, "<address>")
        for name in sorted(_CLAIMS & claims.keys())
    }
    lives = claims["exp"] - claims["iat"] if claims else None
    users = [sorted(user.keys() - _APART) for user in body.get("users", [])]
    return status, sorted(body.keys() - _APART), sorted(claims), lives, alike, users


def custom_token(of: SignIn) -> list[Answered]:
    return [of.custom(), of.custom(), of.custom(claims={"admin": True})]


def bad_custom_token(of: SignIn) -> list[Answered]:
    return [
        of.custom(uid=""),
        of.custom(uid=None),
        of.custom(aud="other"),
        of.custom(claims={"sub": "eve"}),
        of.custom(claims=[1]),
        of("signInWithCustomToken", token="x", returnSecureToken=True),
        of("signInWithCustomToken", returnSecureToken=True),
    ]


def refresh(of: SignIn) -> list[Answered]:
    signed_in = [of.custom(), of.custom(claims={"admin": True}), of.sign_up(), of("signUp", returnSecureToken=True)]
    return [of.refresh(one) for one in signed_in]


def bad_refresh(of: SignIn) -> list[Answered]:
    return [
        of.refresh(grant_type="x"),
        of.refresh(grant_type="refresh_token"),
        of.refresh(grant_type="refresh_token", refresh_token="x"),
    ]


def password(of: SignIn) -> list[Answered]:
    return [
        of.sign_up(),
        of.password(),
        of.password(email=of.address.upper()),
        of.password(email=""),
        of.password(password=""),
    ]


def sign_up(of: SignIn) -> list[Answered]:
    bad: list[dict[str, Any]] = [
        {},
        {"password": "x"},
        {"password": ""},
        {"email": "x"},
        {"email": ""},
    ]
    return [of.sign_up(), *(of.sign_up(**changes) for changes in bad), of("signUp", returnSecureToken=True)]


def which_was_wrong(of: SignIn) -> list[Answered]:
    answers = [of.sign_up()]
    for private in (False, True):
        answers += [of.hide(private), of.password(password="wrong horse"), of.password(email=f"no-{of.address}")]
    return answers


def lookup(of: SignIn) -> list[Answered]:
    return [of.lookup(of.sign_up()), of.lookup(of.custom()), of("lookup", idToken="x"), of("lookup")]


def owner(of: SignIn) -> list[Answered]:
    return [
        of.owner("", localId=of.uid),
        of.owner("", localId=of.uid),
        of.owner(":lookup", localId=[of.uid]),
        of.owner(":lookup", localId=["nobody"]),
        of.owner(":update", localId="nobody"),
        of.owner(":delete", localId="nobody"),
        of.owner(":delete", localId=of.uid),
    ]


def disabled(of: SignIn) -> list[Answered]:
    signed_in = of.sign_up()
    uid = signed_in[1]["localId"]
    of.owner(":update", localId=uid, disableUser=True)
    shut = [
        of.password(),
        of.password(password="wrong horse"),
        of.custom(uid=uid),
        of.refresh(signed_in),
        of.lookup(signed_in),
    ]
    of.owner(":update", localId=uid, disableUser=False)
    return [*shut, of.password(), of.refresh(signed_in)]


def deleted(of: SignIn) -> list[Answered]:
    signed_in = of.custom()
    of.owner(":delete", localId=of.uid)
    return [of.lookup(signed_in), of.custom()]


def revoked(of: SignIn) -> list[Answered]:
    signed_in = of.custom()
    return [of.revoke(), of.lookup(signed_in)]


def no_key(of: SignIn) -> list[Answered]:
    return [of("signUp", key=None, returnSecureToken=True)]


SCENES = [
    custom_token,
    bad_custom_token,
    refresh,
    bad_refresh,
    password,
    sign_up,
    which_was_wrong,
    lookup,
    owner,
    disabled,
    deleted,
    revoked,
    no_key,
]


@pytest.mark.parametrize("scene", SCENES)
def test_the_double_answers_as_the_emulator(
    double: SignIn, original: SignIn, scene: Callable[[SignIn], list[Answered]]
) -> None:
    ours, theirs = ([shape(answer, of) for answer in scene(of)] for of in (double, original))
    assert ours == theirs


def test_the_double_is_stricter_where_production_is(double: SignIn, original: SignIn) -> None:
    now = int(time.time())

    def statuses(of: SignIn) -> list[int]:
        signed_in = of.custom()
        of.revoke()
        asked = [
            of.refresh(signed_in),
            of.custom(iat=now - 7200, exp=now - 3600),
            of.custom(sub="eve"),
            of.custom(signed_by=key()),
            of.custom(uid="x" * 129),
            of("signUp", key="another", returnSecureToken=True),
        ]
        return [status for status, _ in asked]

    assert statuses(original) == [200] * 6
    assert statuses(double) == [400] * 6
