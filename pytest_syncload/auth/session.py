"""A user's session with an issuer, and what every way to get one has in common."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

import jwt

#: A token is used until so long before its end, seconds: the issuer cuts the moments in it to whole seconds, which is
#: up to one, and the request must arrive while it is good.
MARGIN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A token that is used from ``since`` until ``expires_at`` (both monotonic). ``refresh_token`` None: has none."""

    subject: str
    token: str = field(repr=False)
    since: float
    expires_at: float
    refresh_token: str | None = field(default=None, repr=False)

    @classmethod
    def lasting(
        cls, subject: str, token: str, seconds: float, *, since: float, refresh_token: str | None = None
    ) -> Session:
        """Of a token that was asked for at ``since`` (monotonic) and is good for ``seconds``."""
        expires_at = since + seconds - MARGIN_S
        return cls(subject=subject, token=token, since=since, expires_at=expires_at, refresh_token=refresh_token)


class Source(Protocol):
    """Where sessions come from. ``users`` is how many there are; they have the numbers from 0."""

    users: int
    #: Whether a session can be had anew while load runs.
    renews: bool

    async def sign_in(self, user: int) -> Session:
        """Sign the user in. Raises `SignInError`."""
        ...

    async def renew(self, user: int, session: Session) -> Session:
        """A fresh session for one that ends. Raises `SignInError`."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


def seconds_left(token: str) -> float:
    """How long a JWT is good for by its own ``exp`` and this machine's clock; infinity where it does not say."""
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        expires: Any = claims.get("exp")
    except jwt.PyJWTError:
        return math.inf  # not a JWT: its issuer alone knows
    if isinstance(expires, bool) or not isinstance(expires, (int, float)):
        return math.inf
    return float(expires) - time.time()


def sendable(token: object) -> bool:
    """Whether it can stand in an Authorization header (RFC 6750, section 2.1, loosely: visible ASCII)."""
    return isinstance(token, str) and bool(token) and token.isascii() and token.isprintable() and " " not in token
