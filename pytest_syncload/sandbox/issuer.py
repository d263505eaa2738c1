"""Sign-in as Firebase's emulator paths have it: custom token → ID token, and refresh. Tokens are really signed.

Times are wall time, as JWT times must be (Google: "Sign in with custom token"; Firebase: "Exchange a refresh token").
It must never accept a custom token that Google would refuse for its signature, issuer, audience or uid.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from pytest_syncload.sandbox.http import Answer, Request

SIGN_IN = "/identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken"
REFRESH = "/securetoken.googleapis.com/v1/token"
_AUDIENCE = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"
_LIFE_S = 3600
_UID_LIMIT = 128
#: Refresh tokens remembered; one a sign-in, and a run signs in some hundred users.
_REFRESH_LIMIT = 100_000


class _Refusal(Exception):
    """Google's error message, such as INVALID_CUSTOM_TOKEN."""


class Issuer:
    """Signs ID tokens of ``project`` for whoever shows a custom token of the service account ``client_email``."""

    def __init__(
        self, *, key: RSAPrivateKey, project: str, api_key: str, account: RSAPublicKey, client_email: str
    ) -> None:
        self._key = key
        self._project = project
        self._api_key = api_key
        self._account = account
        self._client_email = client_email
        self._key_id = secrets.token_hex(20)
        self._refresh: dict[str, tuple[str, int]] = {}

    def answer(self, request: Request) -> Answer:
        """The answer to one sign-in or refresh request, errors in Google's form."""
        try:
            if request.method != "POST" or request.path not in (SIGN_IN, REFRESH):
                return _refused(404, "NOT_FOUND : the sandbox does not implement this sign-in operation")
            if request.query.get("key") != self._api_key:
                raise _Refusal("API key not valid. Please pass a valid API key.")
            body = self._signed_in(request.body) if request.path == SIGN_IN else self._refreshed(request.body)
        except _Refusal as refusal:
            return _refused(400, str(refusal))
        return Answer(200, json.dumps(body).encode())

    def _signed_in(self, body: bytes) -> dict[str, Any]:
        try:
            given = json.loads(body)
        except ValueError:
            raise _Refusal("Invalid JSON payload received.") from None
        token = given.get("token") if isinstance(given, dict) else None
        if not isinstance(token, str):
            raise _Refusal("MISSING_CUSTOM_TOKEN")
        if given.get("returnSecureToken") is not True:
            # Google then answers without a refresh token and with a session of its own kind.
            raise _Refusal("INVALID_REQUEST : the sandbox implements returnSecureToken true only")
        uid = self._uid_of(token)
        now = int(time.time())
        refresh = self._remembered(uid, now)
        return {
            "kind": "identitytoolkit#VerifyCustomTokenResponse",
            "idToken": self._id_token(uid, now),
            "refreshToken": refresh,
            "expiresIn": str(_LIFE_S),
            "isNewUser": False,
        }

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
            raise _Refusal(f"INVALID_CUSTOM_TOKEN : {error}") from None
        uid = claims.get("uid")
        if claims["sub"] != self._client_email:
            raise _Refusal("INVALID_CUSTOM_TOKEN : sub is not the service account")
        if claims["exp"] > claims["iat"] + _LIFE_S:
            raise _Refusal("INVALID_CUSTOM_TOKEN : it lives longer than an hour")
        if not isinstance(uid, str) or not 1 <= len(uid) <= _UID_LIMIT:
            raise _Refusal(f"INVALID_CUSTOM_TOKEN : uid must be a text of 1 to {_UID_LIMIT} characters")
        if "claims" in claims:
            raise _Refusal("INVALID_CUSTOM_TOKEN : the sandbox does not implement developer claims")
        return uid

    def _refreshed(self, body: bytes) -> dict[str, Any]:
        form = dict(parse_qsl(body.decode("latin-1")))
        if form.get("grant_type") != "refresh_token":
            raise _Refusal("INVALID_GRANT_TYPE")
        refresh = form.get("refresh_token")
        if not refresh:
            raise _Refusal("MISSING_REFRESH_TOKEN")
        if refresh not in self._refresh:
            raise _Refusal("INVALID_REFRESH_TOKEN")
        uid, signed_in_at = self._refresh[refresh]
        token = self._id_token(uid, signed_in_at)
        return {
            "access_token": token,
            "expires_in": str(_LIFE_S),
            "token_type": "Bearer",
            "refresh_token": refresh,
            "id_token": token,
            "user_id": uid,
            "project_id": self._project,
        }

    def _remembered(self, uid: str, now: int) -> str:
        refresh = secrets.token_urlsafe(32)
        self._refresh[refresh] = (uid, now)
        if len(self._refresh) > _REFRESH_LIMIT:
            self._refresh.pop(next(iter(self._refresh)))
        return refresh

    def _id_token(self, uid: str, signed_in_at: int) -> str:
        now = int(time.time())
        claims = {
            "iss": f"https://securetoken.google.com/{self._project}",
            "aud": self._project,
            "auth_time": signed_in_at,
            "user_id": uid,
            "sub": uid,
            "iat": now,
            "exp": now + _LIFE_S,
            "firebase": {"identities": {}, "sign_in_provider": "custom"},
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._key_id})


def _refused(status: int, message: str) -> Answer:
    error = {"code": status, "message": message, "errors": [{"message": message, "domain": "global"}]}
    return Answer(status, json.dumps({"error": error}).encode())
