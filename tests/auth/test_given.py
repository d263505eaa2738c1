"""Tokens that somebody else made, from a file."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import jwt
import pytest

from pytest_syncload.auth.errors import Rejected
from pytest_syncload.auth.given import GivenTokens
from pytest_syncload.auth.session import MARGIN_S
from pytest_syncload.facts.plan import TokenFile

SECRET = "a secret that is long enough for HS256"


def given(folder: Path, text: str) -> GivenTokens:
    file = folder / "tokens.txt"
    file.write_text(text, "utf-8")
    return GivenTokens(TokenFile(path=str(file)))


def test_a_line_is_a_token_or_json_with_one(tmp_path: Path) -> None:
    ends = int(time.time()) + 1000
    token = jwt.encode({"exp": ends}, SECRET)
    source = given(tmp_path, f'opaque\n\n  {token}  \n{{"token": "third", "user": "ann"}}\n')
    first, second, third = (asyncio.run(source.sign_in(user)) for user in range(source.users))
    assert (first.token, first.subject) == ("opaque", "line 1")
    assert (second.token, second.subject) == (token, "line 3")
    assert (third.token, third.subject) == ("third", "ann")
    assert first.expires_at > 1e300
    assert second.expires_at - time.monotonic() == pytest.approx(1000 - MARGIN_S, abs=60)
    assert not source.renews
    with pytest.raises(Rejected, match="nobody here can refresh the token of line 1"):
        asyncio.run(source.renew(0, first))


def test_an_expired_token_is_refused_with_its_line(tmp_path: Path) -> None:
    source = given(tmp_path, "good\n" + jwt.encode({"exp": int(time.time()) - 60}, SECRET))
    with pytest.raises(Rejected, match=r"tokens\.txt:2: this token expired (59|60|61) s ago"):
        asyncio.run(source.sign_in(1))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds none"),
        ("\n \n", "holds none"),
        ("good\nBearer s3cret", r"tokens\.txt:2: this is no token: one word, without Bearer"),
        ("s3crét", "tokens.txt:1: this is no token"),
        ('{"tokn": "s3cret"}', 'tokens.txt:1: this is not JSON with a "token"'),
        ('{"token": "s3cret"', "tokens.txt:1: this is not JSON"),
        ('{"token": 5}', "tokens.txt:1: this is no token"),
    ],
)
def test_what_is_no_token_is_refused_with_its_line_and_unquoted(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Rejected, match=says) as caught:
        given(tmp_path, text)
    assert "s3cr" not in f"{caught.value}{caught.value.__cause__}"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"none\.txt cannot be read \(FileNotFoundError\)"):
        GivenTokens(TokenFile(path=str(tmp_path / "none.txt")))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(Rejected, match="UnicodeDecodeError"):
        GivenTokens(TokenFile(path=str(tmp_path / "binary")))
