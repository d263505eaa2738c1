"""Which ID tokens the stand-in believes."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from pytest_syncload.sandbox import tokens
from pytest_syncload.sandbox.tokens import Verifier
from tests.sandbox.keys import PROJECT, id_token, key, other_key


@pytest.fixture
def verifier() -> Verifier:
    return Verifier(key().public_key(), PROJECT)


def test_good_token_names_its_user_again_and_again(verifier: Verifier) -> None:
    header = f"Bearer {id_token('ann')}".encode()
    assert [verifier.user(header), verifier.user(header)] == ["ann", "ann"]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "other"},
        {"iss": "https://securetoken.google.com/other"},
        {"sub": ""},
        {"sub": None},
        {"exp": None},
        {"exp": int(time.time()) - 1},
        {"signed_by": other_key()},
    ],
)
def test_bad_token_names_nobody(verifier: Verifier, claims: dict[str, Any]) -> None:
    assert verifier.user(f"Bearer {id_token(**claims)}".encode()) is None


def test_unsigned_token_and_other_schemes_name_nobody(verifier: Verifier) -> None:
    unsigned = jwt.encode({"sub": "ann", "aud": PROJECT}, "", algorithm="none")
    for header in (f"Bearer {unsigned}", f"Basic {id_token()}", "Bearer", "", "Bearer \xff"):
        assert verifier.user(header.encode("latin-1")) is None


def test_remembered_token_expires(verifier: Verifier) -> None:
    header = f"Bearer {id_token(exp=int(time.time()) + 1)}".encode()
    deadline = time.monotonic() + 10
    while verifier.user(header) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert verifier.user(header) is None


def test_memory_is_bounded(verifier: Verifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_LIMIT", 1)
    headers = [f"Bearer {id_token(user)}".encode() for user in ("ann", "bob")]
    assert [verifier.user(header) for header in headers * 2] == ["ann", "bob"] * 2
