"""Sign-in as Firebase's emulator paths have it: sign-up, password, custom token, lookup, refresh. Really signed tokens.

Times are wall time, as JWT times must be (Identity Platform REST API; Google: "Sign in with custom token"; Firebase:
"Exchange a refresh token"). It must never accept a custom token that Google would refuse for its signature, issuer,
audience or uid, nor answer 200 to a member that it does not implement.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from pytest_syncload.sandbox.http import Answer, Request
from pytest_syncload.sandbox.tokens import Verifier
from pytest_syncload.sandbox.users import SignInError, User, Users

_ACCOUNTS = "/identitytoolkit.googleapis.com/v1/accounts:"
SIGN_UP = f"{_ACCOUNTS}signUp"
SIGN_IN_WITH_PASSWORD = f"{_ACCOUNTS}signInWithPassword"
SIGN_IN = f"{_ACCOUNTS}signInWithCustomToken"
LOOKUP = f"{_ACCOUNTS}lookup"
REFRESH = "/securetoken.googleapis.com/v1/token"
_AUDIENCE = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"
_LIFE_S = 3600
_UID_LIMIT = 128
#: Refresh tokens remembered; one a sign-in, and a run signs in some hundred users.
_REFRESH_LIMIT = 100_000
#: Google's SDKs say what they are; it changes no answer here.
_ALWAYS = {"returnSecureToken", "clientType"}


class Issuer:
    """Signs ID tokens of ``project``: for its users, and for a custom token of the service account ``client_email``."""

    def __init__(
        self, *, key: RSAPrivateKey, project: str, api_key: str, account: RSAPublicKey, client_email: str
    ) -> None:
        self._key = key
        self._project = project
        self._api_key = api_key
        self._account = account
        self._client_email = client_email
        self._key_id = secrets.token_hex(20)
        self._verifier = Verifier(key.public_key(), project)
        self._users = Users()
        self._refresh: dict[str, tuple[User, int]] = {}
        self._operations = {
            SIGN_UP: self._signed_up,
            SIGN_IN_WITH_PASSWORD: self._signed_in_with_password,
            SIGN_IN: self._signed_in,
            LOOKUP: self._looked_up,
        }

    def answer(self, request: Request) -> Answer:
        """The answer to one sign-in or refresh request, errors in Google's form."""
        operation = self._operations.get(request.path)
        try:
            if request.method != "POST" or (operation is None and request.path != REFRESH):
                return _refused(404, "NOT_FOUND : the sandbox does not implement this sign-in operation")
            if request.query.get("key") != self._api_key:
                raise SignInError("API key not valid. Please pass a valid API key.")
            body = self._refreshed(request.body) if operation is None else operation(_members(request.body))
        except SignInError as refusal:
            return _refused(400, str(refusal))
        return Answer(200, json.dumps(body).encode())

    def _signed_up(self, given: Mapping[str, Any]) -> dict[str, Any]:
        _known(given, {"email", "password"})
        user = self._users.sign_up(given.get("email"), given.get("password"), time.time())
        return {"kind": "identitytoolkit#SignupNewUserResponse"} | _public(user) | self._tokens(user)

    def _signed_in_with_password(self, given: Mapping[str, Any]) -> dict[str, Any]:
        _known(given, {"email", "password"})
        user = self._users.sign_in(given.get("email"), given.get("password"), time.time())
        kind = {"kind": "identitytoolkit#VerifyPasswordResponse", "displayName": "", "registered": True}
        return kind | _public(user) | self._tokens(user)

    def _signed_in(self, given: Mapping[str, Any]) -> dict[str, Any]:
        token = given.get("token")
        if not isinstance(token, str):
            raise SignInError("MISSING_CUSTOM_TOKEN")
        _known(given, {"token"})
        user, is_new = self._users.by_custom_token(self._uid_of(token), time.time())
        return {"kind": "identitytoolkit#VerifyCustomTokenResponse", "isNewUser": is_new} | self._tokens(user)

    def _looked_up(self, given: Mapping[str, Any]) -> dict[str, Any]:
        _known({"returnSecureToken": True, **given}, {"idToken"})
        token = given.get("idToken")
        if not isinstance(token, str) or not token:
            raise SignInError("MISSING_ID_TOKEN")
        uid = self._verifier.user(f"Bearer {token}".encode())
        if uid is None:
            raise SignInError("INVALID_ID_TOKEN")
        user = self._users.get(uid)
        if user is None:
            raise SignInError("USER_NOT_FOUND")
        return {"kind": "identitytoolkit#GetAccountInfoResponse", "users": [_account(user)]}

    def _uid_of(self, token: str) -> str:
        try:
            claims = jwt.decode(
                token,
                self._account,
                algorithms=["RS256"],
                audience=_AUDIENCE,
                issuer=self._client_email,
                options={"require": ["iss", "sub", "aud", "iat", "exp"]},
            )
        except jwt.PyJWTError as error:
            raise SignInError(f"INVALID_CUSTOM_TOKEN : {error}") from None
        uid = claims.get("uid")
        if claims["sub"] != self._client_email:
            raise SignInError("INVALID_CUSTOM_TOKEN : sub is not the service account")
        if claims["exp"] > claims["iat"] + _LIFE_S:
            raise SignInError("INVALID_CUSTOM_TOKEN : it lives longer than an hour")
        if not isinstance(uid, str) or not 1 <= len(uid) <= _UID_LIMIT:
            raise SignInError(f"INVALID_CUSTOM_TOKEN : uid must be a text of 1 to {_UID_LIMIT} characters")
        if "claims" in claims:
            raise SignInError("INVALID_CUSTOM_TOKEN : the sandbox does not implement developer claims")
        return uid

    def _refreshed(self, body: bytes) -> dict[str, Any]:
        form = dict(parse_qsl(body.decode("latin-1")))
        if form.get("grant_type") != "refresh_token":
            raise SignInError("INVALID_GRANT_TYPE")
        refresh = form.get("refresh_token")
        if not refresh:
            raise SignInError("MISSING_REFRESH_TOKEN")
        if refresh not in self._refresh:
            raise SignInError("INVALID_REFRESH_TOKEN")
        user, signed_in_at = self._refresh[refresh]
        token = self._id_token(user, signed_in_at)
        return {
            "access_token": token,
            "expires_in": str(_LIFE_S),
            "token_type": "Bearer",
            "refresh_token": refresh,
            "id_token": token,
            "user_id": user.uid,
            "project_id": self._project,
        }

    def _tokens(self, user: User) -> dict[str, Any]:
        now = int(time.time())
        refresh = secrets.token_urlsafe(32)
        self._refresh[refresh] = (user, now)
        if len(self._refresh) > _REFRESH_LIMIT:
            self._refresh.pop(next(iter(self._refresh)))
        return {"idToken": self._id_token(user, now), "refreshToken": refresh, "expiresIn": str(_LIFE_S)}

    def _id_token(self, user: User, signed_in_at: int) -> str:
        now = int(time.time())
        identities = {} if user.email is None else {"email": [user.email]}
        claims: dict[str, Any] = {
            "iss": f"https://securetoken.google.com/{self._project}",
            "aud": self._project,
            "auth_time": signed_in_at,
            "user_id": user.uid,
            "sub": user.uid,
            "iat": now,
            "exp": now + _LIFE_S,
            "firebase": {"identities": identities, "sign_in_provider": user.provider},
        }
        if user.email is not None:
            claims |= {"email": user.email, "email_verified": False}
        if user.provider == "anonymous":
            claims["provider_id"] = "anonymous"
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._key_id})


def _members(body: bytes) -> Mapping[str, Any]:
    try:
        given = json.loads(body)
    except ValueError:
        raise SignInError("Invalid JSON payload received.") from None
    if not isinstance(given, dict):
        raise SignInError("Invalid JSON payload received.")
    return given


def _known(given: Mapping[str, Any], members: set[str]) -> None:
    for member in given:
        if member not in members | _ALWAYS:
            raise SignInError(f"INVALID_REQUEST : the sandbox does not implement {member} here")
    if given.get("returnSecureToken") is not True:
        # Google then answers without a refresh token and with a session of its own kind.
        raise SignInError("INVALID_REQUEST : the sandbox implements returnSecureToken true only")


def _public(user: User) -> dict[str, str]:
    return {"localId": user.uid} | ({} if user.email is None else {"email": user.email})


def _account(user: User) -> dict[str, Any]:
    """A user of accounts.lookup. Times: milliseconds and seconds since the epoch as texts, as Google has them."""
    account: dict[str, Any] = {
        "localId": user.uid,
        "createdAt": str(int(user.created * 1000)),
        "lastLoginAt": str(int(user.last_login * 1000)),
        "lastRefreshAt": datetime.fromtimestamp(user.last_login, UTC).isoformat().replace("+00:00", "Z"),
    }
    if user.provider == "custom":
        account["customAuth"] = True
    if user.email is not None:
        provider = {"providerId": "password", "rawId": user.email, "federatedId": user.email, "email": user.email}
        account |= {
            "email": user.email,
            "emailVerified": False,
            "providerUserInfo": [provider],
            "passwordUpdatedAt": int(user.created * 1000),
            "validSince": str(int(user.created)),
            "disabled": False,
        }
    return account


def _refused(status: int, message: str) -> Answer:
    error = {"message": message, "domain": "global", "reason": "notFound" if status == 404 else "invalid"}
    return Answer(status, json.dumps({"error": {"code": status, "message": message, "errors": [error]}}).encode())
