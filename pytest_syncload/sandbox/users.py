"""The sign-in double's users, in memory: made by e-mail and password, anonymously, or by a custom token's uid.

Rules and error names: Identity Platform REST API, accounts.signUp and accounts.signInWithPassword, for a project made
since September 2023 (e-mail enumeration protection) unless ``private`` is taken off. A password never leaves this
module.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_syncload.sandbox.signinerror import SignInError

#: Users kept: ten times as many as a run signs in. Beyond it the oldest is forgotten.
LIMIT = 100_000
_PASSWORD_MIN = 6
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
#: Wrong passwords in a row until an account is closed for a while, and for how long. Google publishes neither.
_WRONG_LIMIT = 10
_CLOSED_S = 60.0
_TOO_MANY = (
    "TOO_MANY_ATTEMPTS_TRY_LATER : Access to this account has been temporarily disabled due to many failed login "
    "attempts. You can immediately restore it by resetting your password or you can try again later."
)


@dataclass(slots=True, kw_only=True)
class User:
    """One user. Times are wall time, epoch seconds; what was issued before ``valid_since`` is revoked.

    ``last_refresh`` is when an ID token was issued last.
    """

    uid: str
    created: float
    last_login: float
    last_refresh: float | None = None
    custom: bool = False
    email: str | None = None
    password: str | None = field(default=None, repr=False)
    disabled: bool = False
    valid_since: int | None = None
    wrong_passwords: int = 0
    closed_until: float = 0.0

    def check(self) -> None:
        """Raise `SignInError` where the user may not sign in at all."""
        if self.disabled:
            raise SignInError("USER_DISABLED")

    def check_issued(self, issued_at: float) -> None:
        """Raise `SignInError` where what was issued then is good no more."""
        self.check()
        if issued_at < (self.valid_since or 0):
            raise SignInError("TOKEN_EXPIRED")


class Users:
    """All users of the project, by uid and by e-mail.

    ``on_revoked`` is told a uid and the wall time before which nothing that was issued to it is good any more; infinite
    where nothing ever is.
    """

    def __init__(self, limit: int = LIMIT, on_revoked: Callable[[str, float], None] = lambda uid, before: None) -> None:
        self._limit = limit
        self._on_revoked = on_revoked
        self._by_uid: dict[str, User] = {}
        self._by_email: dict[str, User] = {}
        self._deleted: set[str] = set()
        #: Whether it is hidden which of e-mail and password was wrong.
        self.private = True

    def sign_up(self, email: object, password: object, now: float, uid: str | None = None) -> User:
        """A new user: with e-mail and password, or with neither. Raises `SignInError`."""
        if uid in self._by_uid:
            raise SignInError("DUPLICATE_LOCAL_ID")
        made = User(uid=uid or _new_uid(), created=now, last_login=now)
        if email is None and password is None:
            return self._kept(made)
        if not email:
            raise SignInError("MISSING_EMAIL")
        if not isinstance(password, str) or not password:
            raise SignInError("MISSING_PASSWORD")
        made.email = _email(email)
        if made.email in self._by_email:
            raise SignInError("EMAIL_EXISTS")
        if len(password) < _PASSWORD_MIN:
            raise SignInError(f"WEAK_PASSWORD : Password should be at least {_PASSWORD_MIN} characters")
        made.password = password
        made.valid_since = int(now)
        return self._kept(made)

    def sign_in(self, email: object, password: object, now: float) -> User:
        """The user of that e-mail and password. Raises `SignInError`."""
        if email is None:
            raise SignInError("MISSING_EMAIL")
        address = _email(email)
        if not isinstance(password, str) or not password:
            raise SignInError("MISSING_PASSWORD")
        user = self._by_email.get(address)
        if user is None or user.password is None:
            raise SignInError("INVALID_LOGIN_CREDENTIALS" if self.private else "EMAIL_NOT_FOUND")
        user.check()
        if now < user.closed_until:
            raise SignInError(_TOO_MANY)
        if not secrets.compare_digest(_bytes(user.password), _bytes(password)):
            user.wrong_passwords += 1
            if user.wrong_passwords >= _WRONG_LIMIT:
                user.wrong_passwords, user.closed_until = 0, now + _CLOSED_S
            raise SignInError("INVALID_LOGIN_CREDENTIALS" if self.private else "INVALID_PASSWORD")
        user.wrong_passwords, user.last_login = 0, now
        return user

    def by_custom_token(self, uid: str, now: float) -> tuple[User, bool]:
        """The user of that uid, and whether it is new: a custom token makes one that does not exist."""
        user = self._by_uid.get(uid)
        if user is None:
            return self._kept(User(uid=uid, custom=True, created=now, last_login=now)), True
        user.check()
        user.custom, user.last_login = True, now
        return user, False

    def find(self, uid: str) -> User | None:
        """The user of that uid, where there is one."""
        return self._by_uid.get(uid)

    def get(self, uid: str) -> User:
        """The user of that uid. Raises `SignInError`."""
        user = self.find(uid)
        if user is None:
            raise SignInError("USER_NOT_FOUND")
        return user

    def update(self, uid: str, *, disabled: bool | None = None, valid_since: int | None = None) -> User:
        """Close or open the account, or revoke what was issued before ``valid_since``. Raises `SignInError`."""
        user = self.get(uid)
        if disabled is not None:
            user.disabled = disabled
        if valid_since is not None:
            user.valid_since = valid_since
        self._on_revoked(uid, math.inf if user.disabled else float(user.valid_since or 0))
        return user

    def delete(self, uid: str) -> None:
        """Forget the user, who can come again by a custom token. Raises `SignInError`."""
        self._forget(self.get(uid))
        self._deleted.add(uid)
        self._on_revoked(uid, math.inf)

    def _kept(self, user: User) -> User:
        self._by_uid[user.uid] = user
        if user.email is not None:
            self._by_email[user.email] = user
        if user.uid in self._deleted:
            self._deleted.remove(user.uid)
            self._on_revoked(user.uid, float(int(user.created)))
        if len(self._by_uid) > self._limit:
            self._forget(next(iter(self._by_uid.values())))
        return user

    def _forget(self, user: User) -> None:
        del self._by_uid[user.uid]
        self._by_email.pop(user.email or "", None)


def _email(email: object) -> str:
    if not isinstance(email, str) or not _EMAIL.fullmatch(email):
        raise SignInError("INVALID_EMAIL")
    return email.lower()


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")  # JSON can hold half a character


def _new_uid() -> str:
    return secrets.token_urlsafe(21)  # 28 characters, as Google's
