"""What the project's owner may do to users, as Firebase's Admin SDKs ask: make, look up, disable, revoke, delete.

Open to ``Authorization: Bearer owner`` as in Firebase's emulator, whose credential every Admin SDK has for one. So a
test disables a user or revokes tokens here as its owner would, in the middle of a run. (Identity Platform REST API,
projects.accounts.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pytest_syncload.sandbox.http import Request
from pytest_syncload.sandbox.signinerror import SignInError, no_such_operation
from pytest_syncload.sandbox.users import User, Users

_OWNER = "Bearer owner"


class Accounts:
    """Of ``project``. ``clock`` gives wall time, epoch seconds."""

    def __init__(self, users: Users, project: str, clock: Callable[[], float]) -> None:
        self._users = users
        self._clock = clock
        self._path = f"/identitytoolkit.googleapis.com/v1/projects/{project}/accounts"
        self._operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            self._path: self._made,
            f"{self._path}:lookup": self._looked_up,
            f"{self._path}:update": self._updated,
            f"{self._path}:delete": self._deleted,
        }

    def operation(self, request: Request) -> Callable[[Mapping[str, Any]], dict[str, Any]] | None:
        """What the owner asks for; None where it is nobody's question to an owner. Raises `SignInError`."""
        if not request.path.startswith("/identitytoolkit.googleapis.com/v1/projects/"):
            return None
        if request.header("authorization") != _OWNER:
            message = "Request had invalid authentication credentials."
            raise SignInError(message, code=401, reason="authError", status="UNAUTHENTICATED")
        operation = self._operations.get(request.path)
        if operation is None:
            raise no_such_operation()
        return operation

    def _made(self, given: Mapping[str, Any]) -> dict[str, Any]:
        known(given, {"localId", "email", "password", "disabled"})
        uid = _uid(given) if "localId" in given else None
        user = self._users.sign_up(given.get("email"), given.get("password"), self._clock(), uid)
        if given.get("disabled") is True:
            self._users.update(user.uid, disabled=True)
        return {"kind": "identitytoolkit#SignupNewUserResponse", "localId": user.uid}

    def _looked_up(self, given: Mapping[str, Any]) -> dict[str, Any]:
        known(given, {"localId"})
        uids = given.get("localId")
        if not isinstance(uids, list) or not all(isinstance(uid, str) for uid in uids):
            raise SignInError("MISSING_LOCAL_ID")
        answer: dict[str, Any] = {"kind": "identitytoolkit#GetAccountInfoResponse"}
        found = [user for uid in uids if (user := self._users.find(uid)) is not None]
        return answer | ({"users": [described(user) for user in found]} if found else {})

    def _updated(self, given: Mapping[str, Any]) -> dict[str, Any]:
        known(given, {"localId", "disableUser", "validSince"})
        # Google's int64 is a text, and the Admin SDKs send a number.
        since, disabled = str(given.get("validSince", "")), given.get("disableUser")
        if not re.fullmatch(r"\d*", since, re.ASCII) or disabled not in (None, True, False):
            raise SignInError("INVALID_REQUEST : validSince is whole seconds, disableUser true or false")
        user = self._users.update(_uid(given), disabled=disabled, valid_since=int(since) if since else None)
        return {"kind": "identitytoolkit#SetAccountInfoResponse", "localId": user.uid}

    def _deleted(self, given: Mapping[str, Any]) -> dict[str, Any]:
        known(given, {"localId"})
        self._users.delete(_uid(given))
        return {"kind": "identitytoolkit#DeleteAccountResponse"}


def _uid(given: Mapping[str, Any]) -> str:
    uid = given.get("localId")
    if not isinstance(uid, str) or not uid:
        raise SignInError("MISSING_LOCAL_ID")
    return uid


def known(given: Mapping[str, Any], members: set[str]) -> None:
    """Raise `SignInError` for a member that is not implemented: it must not be thought to work."""
    for member in given:
        if member not in members:
            raise SignInError(f"INVALID_REQUEST : the sandbox does not implement {member} here")


def described(user: User) -> dict[str, Any]:
    """A user of accounts:lookup. Times: milliseconds and seconds since the epoch as texts, as Google has them."""
    account: dict[str, Any] = {
        "localId": user.uid,
        "createdAt": str(int(user.created * 1000)),
        "lastLoginAt": str(int(user.last_login * 1000)),
        "disabled": user.disabled,
    }
    if user.last_refresh is not None:
        account["lastRefreshAt"] = datetime.fromtimestamp(user.last_refresh, UTC).isoformat().replace("+00:00", "Z")
    if user.valid_since is not None:
        account["validSince"] = str(user.valid_since)
    if user.custom:
        account["customAuth"] = True
    if user.email is not None:
        provider = {"providerId": "password", "rawId": user.email, "federatedId": user.email, "email": user.email}
        account |= {
            "email": user.email,
            "emailVerified": False,
            "providerUserInfo": [provider],
            "passwordUpdatedAt": int(user.created * 1000),
        }
    return account
