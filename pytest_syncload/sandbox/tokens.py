"""Verifies Firebase ID tokens as a back end does (Firebase: "Verify ID tokens"): RS256, audience, issuer, subject.

A verified token is remembered by its text until it expires: verifying costs about 56 µs, which at thousands of
requests a second would be most of the stand-in's work. It must never remember a token it refused.
"""

from __future__ import annotations

import time

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_LIMIT = 10_000


class Verifier:
    """Knows the one key that signs the project's ID tokens."""

    def __init__(self, key: RSAPublicKey, project: str) -> None:
        self._key = key
        self._project = project
        self._issuer = f"https://securetoken.google.com/{project}"
        self._known: dict[bytes, tuple[str, float]] = {}

    def user(self, authorization: bytes) -> str | None:
        """The user of an ``Authorization`` header's value, or None where it proves nobody. Expiry is wall time."""
        known = self._known.get(authorization)
        if known is not None and known[1] > time.time():
            return known[0]
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["RS256"],
                audience=self._project,
                issuer=self._issuer,
                options={"require": ["exp", "iat", "aud", "iss", "sub"]},
            )
        except jwt.PyJWTError:
            return None
        user = claims["sub"]
        if not user:  # PyJWT accepts an empty subject
            return None
        if len(self._known) >= _LIMIT:
            self._known.clear()
        self._known[authorization] = (user, float(claims["exp"]))
        return str(user)
