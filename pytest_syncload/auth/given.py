"""Tokens that somebody else made, for teams with another issuer: a token a line of a file, read once.

A line is the token itself, or JSON: {"token": "…", "user": "…"}. When one ends stands in it, if it is a JWT.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from pytest_syncload.auth.errors import Rejected
from pytest_syncload.auth.session import Session, seconds_left, sendable
from pytest_syncload.facts.plan import TokenFile


class GivenTokens:
    """A `Source` that cannot renew. Raises `Rejected` where the file cannot be used, never quoting it."""

    renews = False

    def __init__(self, file: TokenFile) -> None:
        self._file = file
        try:
            text = Path(file.path).read_text("utf-8")
        except (OSError, ValueError) as error:
            raise Rejected(
                f"tokens: {file.path} cannot be read ({type(error).__name__}); check the path, relative to slo.yaml"
            ) from None
        lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
        self._tokens = [self._read(number, line) for number, line in lines if line]
        self.users = len(self._tokens)
        if not self._tokens:
            raise Rejected(f"tokens: {file.path} holds none; write one a line")

    def _read(self, number: int, line: str) -> tuple[int, str, str]:
        token: object = line
        user: object = f"line {number}"
        if line.startswith("{"):
            try:
                data = json.loads(line)
                token, user = data["token"], data.get("user", user)
            except (ValueError, KeyError):
                raise Rejected(f'{self._file.path}:{number}: this is not JSON with a "token"') from None
        if not isinstance(token, str) or not sendable(token):
            raise Rejected(f"{self._file.path}:{number}: this is no token: one word, without Bearer before it")
        return number, token, str(user)

    async def sign_in(self, user: int) -> Session:
        """See `Source`."""
        number, token, subject = self._tokens[user]
        left = seconds_left(token)
        if left <= 0:
            raise Rejected(f"{self._file.path}:{number}: this token expired {-left:.0f} s ago; put fresh ones there")
        return Session.lasting(subject, token, left, since=time.monotonic())

    async def renew(self, user: int, session: Session) -> Session:
        """See `Source`."""
        raise Rejected(f"{self._file.path}: nobody here can refresh the token of {session.subject}")

    async def aclose(self) -> None:
        """See `Source`."""
