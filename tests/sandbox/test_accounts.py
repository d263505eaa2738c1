"""What the project's owner may do to users, and nobody else."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from pytest_syncload.sandbox.accounts import Accounts
from pytest_syncload.sandbox.http import Request
from pytest_syncload.sandbox.signinerror import SignInError
from pytest_syncload.sandbox.users import Users

NOW = 1_800_000_000.5
PATH = "/identitytoolkit.googleapis.com/v1/projects/toy/accounts"
OWNER = {"authorization": "Bearer owner"}


class Owner:
    """Asks as an Admin SDK does."""

    def __init__(self) -> None:
        self.revoked: list[tuple[str, float]] = []
        self.users = Users(on_revoked=lambda uid, before: self.revoked.append((uid, before)))
        self.accounts = Accounts(self.users, "toy", lambda: NOW)

    def __call__(self, operation: str, **members: Any) -> dict[str, Any]:
        asked = self.accounts.operation(Request(method="POST", path=PATH + operation, body=b"", headers=OWNER))
        assert asked is not None
        return asked(members)


@pytest.fixture
def owner() -> Owner:
    return Owner()


def test_owner_makes_a_user_who_can_sign_in(owner: Owner) -> None:
    made = owner("", localId="ann", email="ann@toy.example", password="correct horse")
    assert made["localId"] == "ann"
    assert owner.users.sign_in("ann@toy.example", "correct horse", NOW).uid == "ann"
    with pytest.raises(SignInError, match="DUPLICATE_LOCAL_ID"):
        owner("", localId="ann")
    assert owner("", disabled=True)["localId"] != owner("")["localId"]


def test_owner_sees_what_is_known_of_a_user(owner: Owner) -> None:
    owner("", localId="ann", email="ann@toy.example", password="correct horse", disabled=True)
    owner.users.by_custom_token("bob", NOW)
    ann, bob = owner(":lookup", localId=["ann", "nobody", "bob"])["users"]
    assert (ann["disabled"], ann["validSince"], ann["createdAt"]) == (True, "1800000000", "1800000000500")
    assert ann["lastLoginAt"] == "1800000000500"
    assert "lastRefreshAt" not in ann
    owner.users.get("ann").last_refresh = NOW
    assert owner(":lookup", localId=["ann"])["users"][0]["lastRefreshAt"] == "2027-01-15T08:00:00.500000Z"
    assert (bob["disabled"], bob["customAuth"]) == (False, True)
    assert "validSince" not in bob
    assert "horse" not in json.dumps([ann, bob])
    assert "users" not in owner(":lookup", localId=["nobody"])


def test_owner_disables_revokes_and_deletes(owner: Owner) -> None:
    owner.users.by_custom_token("ann", NOW)
    owner(":update", localId="ann", validSince="1800000100")
    owner(":update", localId="ann", disableUser=True)
    owner(":update", localId="ann", disableUser=False)
    owner(":delete", localId="ann")
    assert owner.revoked == [("ann", 1800000100.0), ("ann", math.inf), ("ann", 1800000100.0), ("ann", math.inf)]
    with pytest.raises(SignInError, match="USER_NOT_FOUND"):
        owner(":update", localId="ann", disableUser=True)


@pytest.mark.parametrize(
    ("operation", "members", "reason"),
    [
        ("", {"phoneNumber": "1"}, "INVALID_REQUEST"),
        ("", {"localId": 7}, "MISSING_LOCAL_ID"),
        (":lookup", {}, "MISSING_LOCAL_ID"),
        (":lookup", {"localId": "ann"}, "MISSING_LOCAL_ID"),
        (":lookup", {"localId": [["ann"]]}, "MISSING_LOCAL_ID"),
        (":lookup", {"email": ["x"]}, "INVALID_REQUEST"),
        (":update", {"disableUser": True}, "MISSING_LOCAL_ID"),
        (":update", {"localId": "ann", "validSince": "soon"}, "INVALID_REQUEST"),
        (":update", {"localId": "ann", "validSince": 1.5}, "INVALID_REQUEST"),
        (":update", {"localId": "ann", "disableUser": "yes"}, "INVALID_REQUEST"),
        (":update", {"localId": "ann", "password": "another horse"}, "INVALID_REQUEST"),
        (":delete", {"localId": ["ann"]}, "MISSING_LOCAL_ID"),
        (":delete", {"localId": "nobody"}, "USER_NOT_FOUND"),
    ],
)
def test_what_an_owner_may_not_ask(owner: Owner, operation: str, members: dict[str, Any], reason: str) -> None:
    owner.users.by_custom_token("ann", NOW)
    with pytest.raises(SignInError) as refused:
        owner(operation, **members)
    assert str(refused.value).partition(" : ")[0] == reason
    assert owner.revoked == []


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        (f"{PATH}:lookup", {}, 401),
        (f"{PATH}:lookup", {"authorization": "Bearer eve"}, 401),
        (f"{PATH}:batchGet", OWNER, 404),
        ("/identitytoolkit.googleapis.com/v1/projects/other/accounts:lookup", OWNER, 404),
    ],
)
def test_others_and_other_projects_are_refused(owner: Owner, path: str, headers: dict[str, str], code: int) -> None:
    with pytest.raises(SignInError) as refused:
        owner.accounts.operation(Request(method="POST", path=path, body=b"", headers=headers))
    assert refused.value.code == code


def test_other_paths_are_no_question_to_an_owner(owner: Owner) -> None:
    path = "/identitytoolkit.googleapis.com/v1/accounts:signUp"
    assert owner.accounts.operation(Request(method="POST", path=path, body=b"")) is None
