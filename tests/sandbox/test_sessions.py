"""Refresh tokens: opened by who sealed them, and by nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.sandbox.sessions import Session, Sessions
from pytest_syncload.sandbox.signinerror import SignInError

ANN = Session(uid="ann", provider="custom", signed_in_at=1_800_000_000, claims={"admin": True})


@given(st.text(), st.sampled_from(["custom", "password", "anonymous"]), st.integers(0, 2**40))
def test_a_session_comes_back_as_it_was(uid: str, provider: str, signed_in_at: int) -> None:
    session = Session(uid=uid, provider=provider, signed_in_at=signed_in_at)
    assert Sessions(b"s").open(Sessions(b"s").seal(session)) == session


def test_claims_come_back_too() -> None:
    token = Sessions(b"s").seal(ANN)
    assert Sessions(b"s").open(token) == ANN
    assert token.startswith("AMf-"), "as Google's begin"
    assert "ann" not in token


@pytest.mark.parametrize("other", ["", "x", "AMf-", "AMf-x", "AMf-\xff", "AMf-\ud800", "AMf-" + "A" * 200])
def test_what_was_never_sealed_is_refused(other: str) -> None:
    with pytest.raises(SignInError, match="INVALID_REFRESH_TOKEN"):
        Sessions(b"s").open(other)


def test_what_was_changed_or_sealed_by_another_is_refused() -> None:
    token = Sessions(b"s").seal(ANN)
    changed = [f"{token[:at]}{'B' if token[at] == 'A' else 'A'}{token[at + 1 :]}" for at in range(len(token))]
    for wrong in (*changed, token + "=", token + "!", token[:-1], token[4:], " " + token):
        with pytest.raises(SignInError):
            Sessions(b"s").open(wrong)
    with pytest.raises(SignInError):
        Sessions(b"other").open(token)
