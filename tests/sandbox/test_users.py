"""The sign-in double's users: who may be made, who may sign in."""

from __future__ import annotations

import pytest

from pytest_syncload.sandbox.signinerror import SignInError
from pytest_syncload.sandbox.users import Users

NOW = 1_800_000_000.0
EMAIL = "ann@toy.example"
PASSWORD = "correct horse"


def test_user_signs_in_by_any_case_of_the_address() -> None:
    users = Users()
    made = users.sign_up(EMAIL, PASSWORD, NOW)
    assert users.sign_in(EMAIL.upper(), PASSWORD, NOW + 9) is made
    assert (made.created, made.last_login) == (NOW, NOW + 9)
    assert PASSWORD not in repr(made)


def test_any_text_may_be_a_password() -> None:
    users = Users()
    made = users.sign_up(EMAIL, "half a \ud800 horse", NOW)
    assert users.sign_in(EMAIL, "half a \ud800 horse", NOW) is made
    with pytest.raises(SignInError, match="INVALID_LOGIN_CREDENTIALS"):
        users.sign_in(EMAIL, "half a \ud801 horse", NOW)


def test_two_anonymous_users_are_two() -> None:
    users = Users()
    one, two = users.sign_up(None, None, NOW), users.sign_up(None, None, NOW)
    assert one.uid != two.uid
    assert users.get(one.uid) is users.find(one.uid) is one
    assert users.find("nobody") is None
    with pytest.raises(SignInError, match="USER_NOT_FOUND"):
        users.get("nobody")


def test_custom_token_makes_a_user_once() -> None:
    users = Users()
    made, new = users.by_custom_token("ann", NOW)
    assert new
    assert users.by_custom_token("ann", NOW + 9) == (made, False)
    assert made.last_login == NOW + 9


@pytest.mark.parametrize(
    ("email", "password", "reason"),
    [
        (EMAIL, PASSWORD, "EMAIL_EXISTS"),
        (EMAIL.upper(), PASSWORD, "EMAIL_EXISTS"),
        ("bob@toy.example", None, "MISSING_PASSWORD"),
        ("bob@toy.example", "12345", "WEAK_PASSWORD : Password should be at least 6 characters"),
        ("bob", PASSWORD, "INVALID_EMAIL"),
        (None, PASSWORD, "MISSING_EMAIL"),
        ("", PASSWORD, "MISSING_EMAIL"),
        (7, PASSWORD, "INVALID_EMAIL"),
    ],
)
def test_sign_up_that_is_refused(email: object, password: object, reason: str) -> None:
    users = Users()
    users.sign_up(EMAIL, PASSWORD, NOW)
    with pytest.raises(SignInError) as refused:
        users.sign_up(email, password, NOW)
    assert str(refused.value) == reason


@pytest.mark.parametrize(
    ("email", "password", "reason"),
    [
        (EMAIL, "wrong horse", "INVALID_LOGIN_CREDENTIALS"),
        ("bob@toy.example", PASSWORD, "INVALID_LOGIN_CREDENTIALS"),
        (EMAIL, "", "MISSING_PASSWORD"),
        ("ann@", PASSWORD, "INVALID_EMAIL"),
        ("", PASSWORD, "INVALID_EMAIL"),
        (["x"], PASSWORD, "INVALID_EMAIL"),
        (None, None, "MISSING_EMAIL"),
    ],
)
def test_sign_in_that_is_refused(email: object, password: object, reason: str) -> None:
    users = Users()
    users.sign_up(EMAIL, PASSWORD, NOW)
    with pytest.raises(SignInError) as refused:
        users.sign_in(email, password, NOW)
    assert str(refused.value) == reason


def test_oldest_user_is_forgotten_beyond_the_limit() -> None:
    users = Users(limit=1)
    first = users.sign_up(EMAIL, PASSWORD, NOW)
    users.by_custom_token("bob", NOW)
    assert users.find(first.uid) is None
    with pytest.raises(SignInError):
        users.sign_in(EMAIL, PASSWORD, NOW)
    users.by_custom_token("eve", NOW)
    assert users.find("bob") is None


def test_what_was_issued_before_is_revoked() -> None:
    users = Users()
    user, _ = users.by_custom_token("ann", NOW)
    user.check_issued(0.0)
    users.update("ann", valid_since=int(NOW))
    user.check_issued(NOW)
    with pytest.raises(SignInError, match="TOKEN_EXPIRED"):
        user.check_issued(NOW - 1)
    users.update("ann", disabled=True)
    with pytest.raises(SignInError, match="USER_DISABLED"):
        user.check_issued(NOW)
    with pytest.raises(SignInError, match="USER_DISABLED"):
        users.by_custom_token("ann", NOW)


def test_what_was_issued_before_a_user_came_again_stays_revoked() -> None:
    told: list[tuple[str, float]] = []
    users = Users(on_revoked=lambda uid, before: told.append((uid, before)))
    users.by_custom_token("ann", NOW)
    users.delete("ann")
    users.by_custom_token("ann", NOW + 9)
    users.by_custom_token("ann", NOW + 10)
    assert told == [("ann", float("inf")), ("ann", NOW + 9)]


def wrong(users: Users, password: str, now: float) -> str:
    with pytest.raises(SignInError) as refused:
        users.sign_in(EMAIL, password, now)
    return str(refused.value).partition(" : ")[0]


def test_an_account_that_is_guessed_at_is_closed_for_a_while() -> None:
    users = Users()
    users.sign_up(EMAIL, PASSWORD, NOW)
    assert [wrong(users, "wrong horse", NOW) for _ in range(9)] == ["INVALID_LOGIN_CREDENTIALS"] * 9
    users.sign_in(EMAIL, PASSWORD, NOW)
    assert [wrong(users, "wrong horse", NOW) for _ in range(10)] == ["INVALID_LOGIN_CREDENTIALS"] * 10
    assert wrong(users, PASSWORD, NOW + 59) == "TOO_MANY_ATTEMPTS_TRY_LATER"
    users.sign_in(EMAIL, PASSWORD, NOW + 60)


def test_project_without_enumeration_protection_tells_which_was_wrong() -> None:
    users = Users()
    users.private = False
    users.sign_up(EMAIL, PASSWORD, NOW)
    assert wrong(users, "wrong horse", NOW) == "INVALID_PASSWORD"
    with pytest.raises(SignInError, match="EMAIL_NOT_FOUND"):
        users.sign_in("bob@toy.example", PASSWORD, NOW)
