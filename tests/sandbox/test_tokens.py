"""Which ID tokens the stand-in believes."""

from __future__ import annotations

import base64
import json
import math
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pytest_syncload.sandbox import tokens
from pytest_syncload.sandbox.tokens import Verifier
from tests.sandbox import keys
from tests.sandbox.keys import PROJECT, id_token, key, other_key, part, unsigned, with_hmac


@pytest.fixture
def verifier() -> Verifier:
    return keys.verifier()


def test_good_token_names_its_user_again_and_again(verifier: Verifier) -> None:
    header = f"Bearer {id_token('ann')}".encode()
    assert [verifier.user(header), verifier.user(header)] == ["ann", "ann"]


def tomorrow() -> int:
    # It is computed when the tests are collected, and must not be over when they run.
    return int(time.time()) + 86_400


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "other"},
        {"aud": [PROJECT, "other"]},
        {"iss": "https://securetoken.google.com/other"},
        {"sub": ""},
        {"sub": None},
        {"sub": 7},
        {"sub": "x" * 129},
        {"exp": None},
        {"exp": int(time.time()) - 1},
        {"iat": None},
        {"iat": tomorrow()},
        {"nbf": tomorrow()},
        {"auth_time": None},
        {"auth_time": tomorrow()},
        {"auth_time": "now"},
        {"auth_time": math.nan},
        {"key_id": None},
        {"key_id": "another"},
        {"signed_by": other_key()},
    ],
)
def test_bad_token_names_nobody(verifier: Verifier, claims: dict[str, Any]) -> None:
    assert verifier.user(f"Bearer {id_token(**claims)}".encode()) is None


def signed_with_the_public_key(good: str) -> str:
    """With the certificate's key, which everybody has, as the secret."""
    return with_hmac(good, key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def with_other_claims(good: str) -> str:
    """A signature that belongs to something else."""
    head, _, signature = good.split(".")
    return f"{head}.{id_token('eve').split('.')[1]}.{signature}"


def without_signature(good: str) -> str:
    return good.rpartition(".")[0] + "."


def with_a_number_as_key_id(good: str) -> str:
    return f"{part({'alg': 'RS256', 'kid': 7})}.{good.split('.', 1)[1]}"


@pytest.mark.parametrize(
    "forge",
    [unsigned, signed_with_the_public_key, with_other_claims, without_signature, with_a_number_as_key_id],
)
def test_forged_token_names_nobody(verifier: Verifier, forge: Callable[[str], str]) -> None:
    forged = forge(id_token())
    assert json.loads(base64.urlsafe_b64decode(forged.split(".")[1] + "=="))["aud"] == PROJECT
    assert verifier.user(f"Bearer {forged}".encode()) is None


def test_other_schemes_and_what_is_no_token_name_nobody(verifier: Verifier) -> None:
    for header in (f"Basic {id_token()}", id_token(), "Bearer", "", "Bearer \xff", "Bearer a.b.c"):
        assert verifier.user(header.encode("latin-1")) is None


def test_remembered_token_expires(verifier: Verifier) -> None:
    header = f"Bearer {id_token(exp=int(time.time()) + 1)}".encode()
    deadline = time.monotonic() + 60
    while verifier.user(header) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert verifier.user(header) is None


def test_revoked_token_names_nobody_also_where_it_was_remembered(verifier: Verifier) -> None:
    now = int(time.time())
    old, new, other = (f"Bearer {id_token(*of)}".encode() for of in (("ann",), ("ann",), ("bob",)))
    old = f"Bearer {id_token('ann', iat=now - 10, auth_time=now - 10)}".encode()
    assert [verifier.user(header) for header in (old, new, other)] == ["ann", "ann", "bob"]
    verifier.revoke("ann", float(now))
    assert [verifier.user(header) for header in (old, new, other)] == [None, "ann", "bob"]
    verifier.revoke("ann", math.inf)
    assert [verifier.user(header) for header in (old, new, other)] == [None, None, "bob"]
    verifier.revoke("ann", 0.0)
    assert verifier.user(old) == "ann"


def test_memory_is_bounded(verifier: Verifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_LIMIT", 2)
    decoded: list[str] = []
    whole = Verifier.proven

    def proven(self: Verifier, token: bytes) -> Any:
        found = whole(self, token)
        assert found is not None
        decoded.append(found.user)
        return found

    monkeypatch.setattr(Verifier, "proven", proven)
    headers = {user: f"Bearer {id_token(user)}".encode() for user in ("ann", "bob", "eve")}
    for user in ("ann", "bob", "ann", "eve", "bob", "ann"):
        assert verifier.user(headers[user]) == user
    assert decoded == ["ann", "bob", "eve", "ann"], "the one that came first went first"
