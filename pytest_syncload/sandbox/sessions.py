"""Refresh tokens that carry their own session, sealed: what signs in nowhere is remembered nowhere.

So ten thousand users cost no memory here, and several issuers with one secret would honour each other's tokens. Who may
still use a session (`users.User`) is not in it. Google's tokens are as opaque; only their beginning is the same.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_syncload.sandbox.signinerror import SignInError

_PREFIX = "AMf-"
#: Of SHA-256.
_SEAL_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sign-in of a user, by ``provider`` (custom, password, anonymous), at ``signed_in_at`` (epoch seconds).

    ``claims`` are the developer's, which a custom token may bring.
    """

    uid: str
    provider: str
    signed_in_at: int
    claims: Mapping[str, Any] = field(default_factory=dict)


class Sessions:
    """Seals sessions with ``secret``, and opens only what it sealed."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def seal(self, session: Session) -> str:
        """The refresh token of ``session``."""
        told = json.dumps([session.uid, session.provider, session.signed_in_at, dict(session.claims)]).encode()
        return self._token(told)

    def open(self, token: str) -> Session:
        """The session of a refresh token. Raises `SignInError` for any other text."""
        text = token.removeprefix(_PREFIX)
        try:
            told = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[_SEAL_BYTES:]
        except ValueError:
            told = b""
        # The whole text is compared: decoding forgives characters that do not belong there.
        if not hmac.compare_digest(self._token(told).encode(), token.encode("utf-8", "replace")):
            raise SignInError("INVALID_REFRESH_TOKEN")
        uid, provider, signed_in_at, claims = json.loads(told)
        return Session(uid=uid, provider=provider, signed_in_at=signed_in_at, claims=claims)

    def _token(self, told: bytes) -> str:
        sealed = hmac.digest(self._secret, told, "sha256") + told
        return _PREFIX + base64.urlsafe_b64encode(sealed).decode().rstrip("=")
