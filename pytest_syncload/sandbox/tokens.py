"""Verifies Firebase ID tokens as a back end does (Firebase: "Verify ID tokens using a third-party JWT library").

RS256 by the key that ``kid`` names, audience, issuer, subject, times, and that the token was not revoked. A verified
token is remembered by its text until it expires: verifying costs about 100 µs, which at thousands of requests a second
would be a good part of the stand-in's work. It must never remember a token it refused.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

#: Tokens remembered: two of each of ten thousand users, the present and the last, and some.
_LIMIT = 25_000
_SUBJECT_LIMIT = 128


@dataclass(frozen=True, slots=True)
class Proven:
    """Whom a token is of, and when it was issued and expires (epoch seconds, wall time)."""

    user: str
    issued_at: float
    expires_at: float


class Verifier:
    """Knows the keys that may sign the project's ID tokens, by their ids."""

    def __init__(self, keys: Mapping[str, RSAPublicKey], project: str) -> None:
        self._keys = keys
        self._project = project
        self._issuer = f"https://securetoken.google.com/{project}"
        self._known: OrderedDict[bytes, Proven] = OrderedDict()
        self._revoked: dict[str, float] = {}

    def revoke(self, user: str, before: float) -> None:
        """Refuse what was issued to ``user`` before that wall time; infinite: all of it."""
        self._revoked[user] = before

    def user(self, authorization: bytes) -> str | None:
        """The user of an ``Authorization`` header's value, or None where it proves nobody. Expiry is wall time."""
        proven = self._known.get(authorization)
        if proven is None or proven.expires_at <= time.time():
            scheme, _, token = authorization.partition(b" ")
            proven = self.proven(token) if scheme.lower() == b"bearer" else None
            if proven is None:
                return None
            self._known[authorization] = proven
            if len(self._known) > _LIMIT:
                self._known.popitem(last=False)
        if self._revoked and proven.issued_at < self._revoked.get(proven.user, 0.0):
            return None
        return proven.user

    def proven(self, token: bytes) -> Proven | None:
        """What a token proves, or None; whether it was revoked is not looked at."""
        try:
            key = self._keys.get(jwt.get_unverified_header(token).get("kid", ""))
            if key is None:
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._project,
                issuer=self._issuer,
                options={"require": ["exp", "iat", "aud", "iss", "sub", "auth_time"], "strict_aud": True},
            )
        except jwt.PyJWTError:
            return None
        user, signed_in_at = claims["sub"], claims["auth_time"]
        # PyJWT accepts an empty subject, and does not know auth_time.
        if not 1 <= len(user) <= _SUBJECT_LIMIT:
            return None
        if not isinstance(signed_in_at, (int, float)) or not signed_in_at <= time.time():
            return None
        return Proven(user, float(claims["iat"]), float(claims["exp"]))
