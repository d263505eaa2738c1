"""A service account's file, and the custom tokens it signs."""

from __future__ import annotations

import json
import time
from pathlib import Path

import jwt
import pytest

from pytest_syncload.auth.account import ServiceAccount
from pytest_syncload.auth.errors import Rejected
from tests.auth.scripted import account, private_key


def test_a_service_account_is_read_from_its_file_or_from_the_text_itself(tmp_path: Path) -> None:
    file = account(tmp_path)
    for source in (str(file), file.read_text("utf-8")):
        assert ServiceAccount.read(source).client_email == "robot@toy.example"


def test_a_custom_token_is_what_firebase_asks_for(tmp_path: Path) -> None:
    token = ServiceAccount.read(str(account(tmp_path))).custom_token("ann")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["uid"], claims["iss"], claims["sub"]) == ("ann", "robot@toy.example", "robot@toy.example")
    assert claims["aud"].endswith("google.identity.identitytoolkit.v1.IdentityToolkit")
    assert claims["exp"] - claims["iat"] == 3600
    assert abs(claims["iat"] - time.time()) < 60
    assert jwt.get_unverified_header(token)["alg"] == "RS256"


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '{"client_email": "x"}',
        json.dumps({"client_email": "x", "private_key": 7}),
        json.dumps({"client_email": "x", "private_key": "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END"}),
        json.dumps({"private_key": private_key()}),
    ],
)
def test_what_is_no_service_account_is_refused_unquoted(tmp_path: Path, text: str) -> None:
    file = tmp_path / "account.json"
    file.write_text(text, "utf-8")
    for source in (str(file), text) if text.startswith("{") else (str(file),):
        with pytest.raises(Rejected) as caught:
            ServiceAccount.read(source)
        named = "account.json" if source == str(file) else "the given JSON"
        assert f"{named} is not a readable service-account JSON file" in str(caught.value)
        assert "c2VjcmV0" not in str(caught.value)
        assert "PRIVATE KEY" not in str(caught.value)


def test_a_missing_file_and_a_key_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="FileNotFoundError"):
        ServiceAccount.read(str(tmp_path / "none.json"))
    with pytest.raises(Rejected, match="not an RSA key"):
        ServiceAccount.read(str(account(tmp_path, "ec")))
