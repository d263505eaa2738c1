"""What a token says of its own end, and which text can be one."""

from __future__ import annotations

import math
import time
from typing import Any

import jwt
import pytest

from pytest_syncload.auth.session import MARGIN_S, Session, seconds_left, sendable

SECRET = "a secret that is long enough for HS256"


def test_a_session_is_used_until_shortly_before_its_end() -> None:
    assert Session.lasting("ann", "t", 60.0, since=100.0).expires_at == 160.0 - MARGIN_S


def test_a_jwt_says_when_it_ends() -> None:
    left = seconds_left(jwt.encode({"exp": int(time.time()) + 100}, SECRET))
    assert 40 < left <= 100
    assert seconds_left(jwt.encode({"exp": 1}, SECRET)) < -1e9


@pytest.mark.parametrize("token", ["opaque", "a.b.c", jwt.encode({}, SECRET), jwt.encode({"exp": True}, SECRET)])
def test_what_does_not_say_it_ends_when_its_issuer_knows(token: str) -> None:
    assert seconds_left(token) == math.inf


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "ä", "a\0", None, 5])
def test_what_cannot_stand_in_a_header_is_no_token(token: Any) -> None:
    assert not sendable(token)
    assert sendable("eyJ.x-_~+/=")
