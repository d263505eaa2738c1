"""Which answer of Firebase means which error, and that no message holds a secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.auth.errors import (
    QuotaExceeded,
    Rejected,
    SessionEnded,
    SignInError,
    Unavailable,
    masked,
    refusal,
)
from pytest_syncload.facts.errors import Refused

WHERE = "https://identitytoolkit.example/v1/accounts:signIn"


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "QUOTA_EXCEEDED : Exceeded quota for verifying custom tokens.", QuotaExceeded),
        (400, "TOO_MANY_ATTEMPTS_TRY_LATER : Access to this account has been disabled.", QuotaExceeded),
        (429, "slow down", QuotaExceeded),
        (503, "busy", Unavailable),
        (500, "", Unavailable),
        (400, "TOKEN_EXPIRED", SessionEnded),
        (400, "INVALID_REFRESH_TOKEN", SessionEnded),
        (400, "USER_DISABLED", Rejected),
        (400, "INVALID_CUSTOM_TOKEN : Invalid assertion format.", Rejected),
        (400, "API key not valid. Please pass a valid API key.", Rejected),
        (403, "PERMISSION_DENIED", Rejected),
        (401, "", Rejected),
        (302, "", Rejected),
    ],
)
def test_each_answer_is_one_error(status: int, message: str, kind: type[SignInError]) -> None:
    error = refusal(status, message, WHERE)
    assert type(error) is kind
    assert isinstance(error, Refused), "the phase is refused, with this text"
    assert f"HTTP {status} {message}" in str(error)
    assert WHERE in str(error)


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("API key not valid. Please pass a valid API key.", "firebase.api_key"),
        ("CREDENTIAL_MISMATCH", "of another project"),
        ("INVALID_LOGIN_CREDENTIALS", "firebase.password"),
        ("USER_DISABLED", "disabled this user"),
    ],
)
def test_a_refusal_says_what_to_do(message: str, advice: str) -> None:
    assert advice in str(refusal(400, message, WHERE))


@given(st.text(alphabet="abcdefgh", min_size=4, max_size=40), st.text(max_size=250), st.text(max_size=40))
def test_no_part_of_a_secret_is_quoted(secret: str, before: str, after: str) -> None:
    shown = masked(f"{before}{secret}{after}", (secret, None, ""))
    assert secret not in shown
    assert len(shown) <= 200


def test_a_secret_that_begins_another_leaves_nothing_of_it() -> None:
    assert masked("key abcd-and-more", ("abcd", "abcd-and-more")) == "key <secret>"
