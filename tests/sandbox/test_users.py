"""The sign-in double's users: who may be made, who may sign in."""

from __future__ import annotations

import pytest

from pytest_syncload.sandbox.users import SignInError, Users

NOW = 1_800_000_000.0
EMAIL = "ann@toy.example"
PASSWORD = "correct horse"


def test_user_signs_in_by_any_case_of_the_address() -> None:
    users = Users()
    made = users.sign_up(EMAIL, PASSWORD, NOW)
    assert users.sign_in(EMAIL.upper(), PASSWORD, NOW + 9) is made
    assert (made.created, made.last_login) == (NOW, NOW + 9)
    assert PASSWORD not in repr(made)


def test_two_anonymous_users_are_two() -> None:
    users = Users()
    one, two = users.sign_up(None, None, NOW), users.sign_up(None, None, NOW)
    assert one.uid != two.uid
    assert users.get(one.uid) is one
    assert users.get("nobody") is None


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
        (7, PASSWORD, "MISSING_EMAIL"),
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
    assert users.get(first.uid) is None
    with pytest.raises(SignInError):
        users.sign_in(EMAIL, PASSWORD, NOW)
    users.by_custom_token("eve", NOW)
    assert users.get("bob") is None
