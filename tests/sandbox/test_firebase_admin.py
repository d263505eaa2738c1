"""Google's own verifier believes the sandbox's tokens, and disbelieves all others; only addresses are redirected.

firebase_admin fetches the certificates, honours their Cache-Control, and verifies as it does in production. What it
asks about a user goes to the double by FIREBASE_AUTH_EMULATOR_HOST, which is taken away again before anything is
verified: with it, firebase_admin would believe a token that nobody signed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import firebase_admin
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from firebase_admin import auth, credentials

from pytest_syncload.facts.plan import Faults
from pytest_syncload.sandbox.http import Answer, Request, asgi
from pytest_syncload.sandbox.issuer import Issuer
from pytest_syncload.sandbox.signing import CERTIFICATES
from tests.sandbox.conftest import Serve
from tests.sandbox.keys import key, other_key, signer
from tests.sandbox.test_customtokens import EMAIL
from tests.sandbox.test_emulator import PROJECT, SignIn


class Admin:
    """A back end: firebase_admin, beside the sign-in double whose tokens it is given."""

    def __init__(self, sign_in: SignIn, app: firebase_admin.App, asked: list[str]) -> None:
        self.sign_in = sign_in
        self.app = app
        #: The paths that the double was asked for, in order.
        self.asked = asked

    def verified(self, token: str, *, check_revoked: bool = False) -> dict[str, Any]:
        claims: dict[str, Any] = auth.verify_id_token(token, app=self.app, check_revoked=check_revoked)
        return claims


Start = Callable[..., Admin]


@pytest.fixture
def start(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """``start(**faults)``: a double with these faults and a back end beside it."""
    apps: list[firebase_admin.App] = []
    monkeypatch.setenv("NO_PROXY", "*")

    def begin(**faults: Any) -> Admin:
        account = other_key()
        issuer = Issuer(
            signer=signer(),
            project=PROJECT,
            api_key="k",
            account=account.public_key(),
            client_email=EMAIL,
            faults=Faults(**faults),
        )
        asked: list[str] = []

        def answer(request: Request) -> Answer:
            asked.append(request.path)
            return issuer.answer(request)

        url = serve(asgi(answer))
        monkeypatch.setattr("firebase_admin._token_gen.ID_TOKEN_CERT_URI", url + CERTIFICATES)
        pem = account.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        told = {
            "type": "service_account",
            "project_id": PROJECT,
            "client_email": EMAIL,
            "private_key": pem,
            "token_uri": f"{url}/none",
        }
        app = firebase_admin.initialize_app(credentials.Certificate(told), name=url)
        apps.append(app)
        with monkeypatch.context() as emulated:
            emulated.setenv("FIREBASE_AUTH_EMULATOR_HOST", url.removeprefix("http://"))
            auth.create_user(app=app, uid="made-first")
        asked.clear()
        return Admin(SignIn(url, PROJECT), app, asked)

    yield begin
    for app in apps:
        firebase_admin.delete_app(app)


def test_tokens_of_every_sign_in_and_refresh_are_believed(start: Start) -> None:
    admin = start()
    of = admin.sign_in
    custom, password, anonymous = of.custom(claims={"admin": True}), of.sign_up(), of("signUp", returnSecureToken=True)
    refreshed = of.refresh(custom)
    claims = [admin.verified(body["idToken"], check_revoked=True) for _, body in (custom, password, anonymous)]
    assert [one["firebase"]["sign_in_provider"] for one in claims] == ["custom", "password", "anonymous"]
    assert (claims[0]["uid"], claims[0]["admin"]) == (of.uid, True)
    assert (claims[1]["uid"], claims[1]["email"]) == (password[1]["localId"], of.address)
    assert admin.verified(refreshed[1]["id_token"])["auth_time"] == claims[0]["auth_time"]
    assert admin.asked.count(CERTIFICATES) == 1, "fetched once, and kept as Cache-Control says"


def test_custom_token_that_google_s_own_code_minted_signs_in(start: Start) -> None:
    admin = start()
    token = auth.create_custom_token("eve", {"admin": True}, app=admin.app).decode()
    status, body = admin.sign_in("signInWithCustomToken", token=token, returnSecureToken=True)
    assert status == 200
    assert admin.verified(body["idToken"])["uid"] == "eve"


def test_revoked_tokens_and_disabled_users_are_found_out(start: Start) -> None:
    admin = start()
    of = admin.sign_in
    _, body = of.custom()
    auth.update_user(of.uid, valid_since=int(time.time()) + 60, app=admin.app)
    with pytest.raises(auth.RevokedIdTokenError):
        admin.verified(body["idToken"], check_revoked=True)
    assert of.refresh((200, body))[1]["error"]["message"] == "TOKEN_EXPIRED"
    auth.update_user(of.uid, disabled=True, app=admin.app)
    with pytest.raises(auth.UserDisabledError):
        admin.verified(body["idToken"], check_revoked=True)
    assert auth.get_user(of.uid, app=admin.app).disabled
    auth.delete_user(of.uid, app=admin.app)
    with pytest.raises(auth.UserNotFoundError):
        admin.verified(body["idToken"], check_revoked=True)
    assert admin.verified(body["idToken"])["uid"] == of.uid, "it is the check that finds it out"


def test_token_with_a_short_life_expires(start: Start) -> None:
    admin = start(token_life_s=1)
    _, body = admin.sign_in.custom()
    expires_at = jwt.decode(body["idToken"], options={"verify_signature": False})["exp"]
    while time.time() < expires_at + 1:  # it compares whole seconds, and the last one counts as within
        time.sleep(0.05)
    with pytest.raises(auth.ExpiredIdTokenError):
        admin.verified(body["idToken"])


def test_what_another_signed_is_disbelieved(start: Start) -> None:
    admin = start()
    claims = jwt.decode(admin.sign_in.custom()[1]["idToken"], options={"verify_signature": False})
    coming, present = signer().keys
    for kid, by in ((present, other_key()), (coming, key()), ("unknown", key())):
        with pytest.raises(auth.InvalidIdTokenError):
            admin.verified(jwt.encode(claims, by, algorithm="RS256", headers={"kid": kid}))
    assert admin.verified(jwt.encode(claims, key(), algorithm="RS256", headers={"kid": present}))
