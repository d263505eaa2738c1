"""Users who sign in by the team's own code: what `syncload_identities` of a conftest.py gave.

That is a function of the user's number, plain or async, which gives a token and for how many seconds it is good; the
token alone where it is a JWT that says so itself. It is called again before a token ends.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import time
from typing import Any

from pytest_syncload.auth.errors import NotUnderstood, Rejected
from pytest_syncload.auth.session import Session, seconds_left, sendable
from pytest_syncload.facts.override import Override


class OwnSignIn:
    """A `Source`. ``users`` counts where the function has no attribute of that name. Raises `Refused`."""

    renews = True

    def __init__(self, override: Override, users: int) -> None:
        self._name = override.name
        self._function: Any = override.load()
        if not callable(self._function):
            raise Rejected(f"{self._name} names no function, but a {type(self._function).__name__}")
        own = getattr(self._function, "users", users)
        if isinstance(own, bool) or not isinstance(own, int) or own < 1:
            raise Rejected(f"{self._name}: its attribute users is no whole number from 1")
        self.users = own

    async def sign_in(self, user: int) -> Session:
        """See `Source`."""
        asked_at = time.monotonic()
        try:
            # In a thread, as it may wait for an answer.
            given = await asyncio.to_thread(self._function, user)
            if inspect.isawaitable(given):
                given = await given
        except Exception as error:  # noqa: BLE001  # the user's own code, which may raise anything
            # The message of somebody else's error may hold a secret.
            raise Rejected(f"{self._name} raised {type(error).__name__} for user {user}") from None
        token, seconds = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
        if not isinstance(token, str) or not sendable(token):
            raise NotUnderstood(f"{self._name} gave no token for user {user}: return a text, or (text, seconds)")
        left = seconds_left(token) if seconds is None else seconds
        if isinstance(left, bool) or not isinstance(left, (int, float)) or not 0 < left <= math.inf:
            raise NotUnderstood(f"{self._name} gave a token that is good for no time to user {user}")
        return Session.lasting(f"user {user}", token, left, since=asked_at)

    async def renew(self, user: int, session: Session) -> Session:
        """See `Source`."""
        return await self.sign_in(user)

    async def aclose(self) -> None:
        """See `Source`."""
