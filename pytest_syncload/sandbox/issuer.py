"""Sign-in as Firebase's emulator paths have it: sign-up, password, custom token, lookup, refresh. Really signed tokens.

Times are wall time, as JWT times must be (Identity Platform REST API; Google: "Sign in with custom token"; Firebase:
"Exchange a refresh token"). It must never accept a custom token that Google would refuse (`customtokens`), nor answer
200 to a member that it does not implement. What the emulator does not check, it checks: signatures, and that a session
was not revoked.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from pytest_syncload.facts.plan import Faults
from pytest_syncload.sandbox.accounts import Accounts, described, known
from pytest_syncload.sandbox.customtokens import CustomTokens
from pytest_syncload.sandbox.http import Answer, Request
from pytest_syncload.sandbox.quota import Quota
from pytest_syncload.sandbox.sessions import Session, Sessions
from pytest_syncload.sandbox.signinerror import (
    SignInError,
    bad_api_key,
    identity_toolkit,
    no_such_operation,
    secure_token,
    unavailable,
)
from pytest_syncload.sandbox.signing import CERTIFICATES, Signer
from pytest_syncload.sandbox.state import Turn
from pytest_syncload.sandbox.tokens import Verifier
from pytest_syncload.sandbox.users import User, Users

_ACCOUNTS = "/identitytoolkit.googleapis.com/v1/accounts:"
SIGN_UP = f"{_ACCOUNTS}signUp"
SIGN_IN_WITH_PASSWORD = f"{_ACCOUNTS}signInWithPassword"
SIGN_IN = f"{_ACCOUNTS}signInWithCustomToken"
LOOKUP = f"{_ACCOUNTS}lookup"
REFRESH = "/securetoken.googleapis.com/v1/token"
_LIFE_S = 3600
#: A project's number, which a refresh tells in place of its name; the emulator has this one.
_PROJECT_NUMBER = "12345"
#: Google's SDKs say what they are; it changes no answer here.
_ALWAYS = {"returnSecureToken", "clientType"}

Operation = Callable[[Mapping[str, Any]], dict[str, Any]]


class Issuer:
    """Signs ID tokens of ``project``: for its users, and for a custom token of the service account ``client_email``.

    ``on_revoked``: see `users.Users`.
    """

    def __init__(
        self,
        *,
        signer: Signer,
        project: str,
        api_key: str,
        account: RSAPublicKey,
        client_email: str,
        faults: Faults | None = None,
        on_revoked: Callable[[str, float], None] = lambda uid, before: None,
    ) -> None:
        faults = faults or Faults()
        self._signer = signer
        self._project = project
        self._api_key = api_key
        self._life_s = _LIFE_S if faults.token_life_s is None else faults.token_life_s
        self._custom_tokens = CustomTokens(account, client_email)
        self._sessions = Sessions(secrets.token_bytes(32))
        self._verifier = Verifier(signer.keys, project)
        self._users = Users(on_revoked=on_revoked)
        self._accounts = Accounts(self._users, project, time.time)
        self._configuration = f"/emulator/v1/projects/{project}/config"
        now = time.monotonic()
        # Each has a quota of its own, as with Google.
        self._custom, self._passwords, self._refreshes = (Quota(faults.sign_in_quota_per_s, now) for _ in range(3))
        self._failures = Turn(faults.failed_refreshes_share)
        self._operations: dict[str, Operation] = {
            SIGN_UP: self._signed_up,
            SIGN_IN_WITH_PASSWORD: self._signed_in_with_password,
            SIGN_IN: self._signed_in,
            LOOKUP: self._looked_up,
        }

    def answer(self, request: Request) -> Answer:
        """The answer to one request of sign-in, errors in Google's form."""
        if request.path == CERTIFICATES and request.method == "GET":
            return self._signer.certificates()
        refusal = secure_token if request.path == REFRESH else identity_toolkit
        try:
            body = self._answered(request)
        except SignInError as refused:
            return refusal(refused)
        return Answer(200, json.dumps(body).encode())

    def _answered(self, request: Request) -> dict[str, Any]:
        if request.path == self._configuration and request.method == "PATCH":
            return self._configured(_members(request.body))
        if request.method != "POST":
            raise no_such_operation()
        owners = self._accounts.operation(request)
        if owners is not None:
            return owners(_members(request.body))
        operation = self._operations.get(request.path)
        if operation is None and request.path != REFRESH:
            raise no_such_operation()
        key = request.query.get("key")
        if key != self._api_key:
            raise bad_api_key(key)
        return self._refreshed(request.body) if operation is None else operation(_members(request.body))

    def _configured(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Whether it is hidden which of e-mail and password was wrong, as the emulator lets it be chosen."""
        for private in (True, False):
            if given == {"emailPrivacyConfig": {"enableImprovedEmailPrivacy": private}}:
                self._users.private = private
                return dict(given)
        raise SignInError("INVALID_REQUEST : the sandbox knows emailPrivacyConfig.enableImprovedEmailPrivacy only")

    def _signed_up(self, given: Mapping[str, Any]) -> dict[str, Any]:
        _known(given, {"email", "password"})
        user = self._users.sign_up(given.get("email"), given.get("password"), time.time())
        provider = "anonymous" if user.email is None else "password"
        kind = {"kind": "identitytoolkit#SignupNewUserResponse"}
        return kind | _public(user) | self._tokens(user, provider)

    def _signed_in_with_password(self, given: Mapping[str, Any]) -> dict[str, Any]:
        _known(given, {"email", "password"})
        _within(self._passwords, "QUOTA_EXCEEDED : Exceeded quota for verifying passwords.")
        user = self._users.sign_in(given.get("email"), given.get("password"), time.time())
        kind = {"kind": "identitytoolkit#VerifyPasswordResponse", "displayName": "", "registered": True}
        return kind | _public(user) | self._tokens(user, "password")

    def _signed_in(self, given: Mapping[str, Any]) -> dict[str, Any]:
        token = given.get("token")
        if not isinstance(token, str) or not token:
            raise SignInError("MISSING_CUSTOM_TOKEN")
        _known(given, {"token"})
        _within(self._custom, "QUOTA_EXCEEDED : Exceeded quota for verifying custom tokens.")
        uid, claims = self._custom_tokens.read(token)
        user, is_new = self._users.by_custom_token(uid, time.time())
        kind = {"kind": "identitytoolkit#VerifyCustomTokenResponse", "isNewUser": is_new}
        return kind | self._tokens(user, "custom", claims)

    def _looked_up(self, given: Mapping[str, Any]) -> dict[str, Any]:
        known(given, {"idToken"} | _ALWAYS)
        token = given.get("idToken")
        if not isinstance(token, str) or not token:
            raise SignInError("MISSING_ID_TOKEN")
        proven = self._verifier.proven(token.encode())
        if proven is None:
            raise SignInError("INVALID_ID_TOKEN")
        user = self._users.get(proven.user)
        user.check_issued(proven.issued_at)
        return {"kind": "identitytoolkit#GetAccountInfoResponse", "users": [described(user)]}

    def _refreshed(self, body: bytes) -> dict[str, Any]:
        form = dict(parse_qsl(body.decode("latin-1")))
        grant, refresh = form.get("grant_type"), form.get("refresh_token")
        if grant != "refresh_token":
            raise SignInError("INVALID_GRANT_TYPE" if grant else "MISSING_GRANT_TYPE")
        if not refresh:
            raise SignInError("MISSING_REFRESH_TOKEN")
        _within(self._refreshes, "QUOTA_EXCEEDED")
        self._failures.accrue()
        if self._failures.take():
            raise unavailable()
        session = self._sessions.open(refresh)
        user = self._users.get(session.uid)
        user.check_issued(session.signed_in_at)
        token = self._id_token(user, session)
        return {
            "access_token": token,
            "expires_in": str(self._life_s),
            "token_type": "Bearer",
            "refresh_token": refresh,
            "id_token": token,
            "user_id": user.uid,
            "project_id": _PROJECT_NUMBER,
        }

    def _tokens(self, user: User, provider: str, claims: Mapping[str, Any] | None = None) -> dict[str, Any]:
        session = Session(uid=user.uid, provider=provider, signed_in_at=int(time.time()), claims=claims or {})
        return {
            "idToken": self._id_token(user, session),
            "refreshToken": self._sessions.seal(session),
            "expiresIn": str(self._life_s),
        }

    def _id_token(self, user: User, session: Session) -> str:
        user.last_refresh = time.time()
        now = int(user.last_refresh)
        claims: dict[str, Any] = {
            **session.claims,
            "iss": f"https://securetoken.google.com/{self._project}",
            "aud": self._project,
            "auth_time": session.signed_in_at,
            "user_id": user.uid,
            "sub": user.uid,
            "iat": now,
            "exp": now + self._life_s,
            "firebase": {
                "identities": {} if user.email is None else {"email": [user.email]},
                "sign_in_provider": session.provider,
            },
        }
        if user.email is not None:
            claims |= {"email": user.email, "email_verified": False}
        if session.provider == "anonymous":
            claims["provider_id"] = "anonymous"
        return self._signer.sign(claims)


def _members(body: bytes) -> Mapping[str, Any]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise SignInError("Invalid JSON payload received.", reason="parseError", status="INVALID_ARGUMENT")
    return given


def _known(given: Mapping[str, Any], members: set[str]) -> None:
    known(given, members | _ALWAYS)
    if given.get("returnSecureToken") is not True:
        # Google then answers without a refresh token and with a session of its own kind.
        raise SignInError("INVALID_REQUEST : the sandbox implements returnSecureToken true only")


def _within(quota: Quota, refusal: str) -> None:
    if not quota.admit(time.monotonic()):
        raise SignInError(refusal)


def _public(user: User) -> dict[str, str]:
    return {"localId": user.uid} | ({} if user.email is None else {"email": user.email})
