"""The sign-in double's users, in memory: made by e-mail and password, anonymously, or by a custom token's uid.

Rules and error names: Identity Platform REST API, accounts.signUp and accounts.signInWithPassword, for a project made
since September 2023 (e-mail enumeration protection). A password never leaves this module.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

#: Users kept. A run signs in some hundred; beyond it the oldest is forgotten.
LIMIT = 100_000
_PASSWORD_MIN = 6
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class SignInError(Exception):
    """Google's error message, such as INVALID_CUSTOM_TOKEN; a reason may follow after " : "."""


@dataclass(slots=True, kw_only=True)
class User:
    """One user. ``provider`` is password, anonymous or custom; times are wall time, epoch seconds."""

    uid: str
    provider: str
    created: float
    last_login: float
    email: str | None = None
    password: str | None = field(default=None, repr=False)


class Users:
    """All users of the project, by uid and by e-mail."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._by_uid: dict[str, User] = {}
        self._by_email: dict[str, User] = {}

    def sign_up(self, email: object, password: object, now: float) -> User:
        """A new user: with e-mail and password, or with neither. Raises `SignInError`."""
        if email is None and password is None:
            return self._kept(User(uid=_new_uid(), provider="anonymous", created=now, last_login=now))
        address = _email(email)
        if not isinstance(password, str) or not password:
            raise SignInError("MISSING_PASSWORD")
        if len(password) < _PASSWORD_MIN:
            raise SignInError(f"WEAK_PASSWORD : Password should be at least {_PASSWORD_MIN} characters")
        if address in self._by_email:
            raise SignInError("EMAIL_EXISTS")
        return self._kept(
            User(uid=_new_uid(), provider="password", created=now, last_login=now, email=address, password=password)
        )

    def sign_in(self, email: object, password: object, now: float) -> User:
        """The user of that e-mail and password. Raises `SignInError`; which of the two is wrong is not said."""
        address = _email(email)
        if not isinstance(password, str) or not password:
            raise SignInError("MISSING_PASSWORD")
        user = self._by_email.get(address)
        if (
            user is None
            or user.password is None
            or not secrets.compare_digest(user.password.encode(), password.encode())
        ):
            raise SignInError("INVALID_LOGIN_CREDENTIALS")
        user.last_login = now
        return user

    def by_custom_token(self, uid: str, now: float) -> tuple[User, bool]:
        """The user of that uid, and whether it is new: a custom token makes one that does not exist."""
        user = self._by_uid.get(uid)
        if user is None:
            return self._kept(User(uid=uid, provider="custom", created=now, last_login=now)), True
        user.last_login = now
        return user, False

    def get(self, uid: str) -> User | None:
        """The user of that uid."""
        return self._by_uid.get(uid)

    def _kept(self, user: User) -> User:
        self._by_uid[user.uid] = user
        if user.email is not None:
            self._by_email[user.email] = user
        if len(self._by_uid) > self._limit:
            oldest = self._by_uid.pop(next(iter(self._by_uid)))
            self._by_email.pop(oldest.email or "", None)
        return user


def _email(email: object) -> str:
    if not isinstance(email, str) or not email:
        raise SignInError("MISSING_EMAIL")
    if not _EMAIL.fullmatch(email):
        raise SignInError("INVALID_EMAIL")
    return email.lower()


def _new_uid() -> str:
    return secrets.token_urlsafe(21)  # 28 characters, as Google's
