"""Users who sign in by the team's own code."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

import jwt
import pytest

from pytest_syncload.auth.errors import NotUnderstood, Rejected, SignInError
from pytest_syncload.auth.own import OwnSignIn
from pytest_syncload.auth.session import MARGIN_S, Session
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.override import Override

SECRET = "a secret that is long enough for HS256"


def timed(user: int) -> tuple[str, float]:
    return f"token-of-{user}", 60.0


async def awaited(user: int) -> str:
    await asyncio.sleep(0)
    return jwt.encode({"sub": str(user), "exp": int(time.time()) + 100}, SECRET)


def opaque(user: int) -> str:
    return f"opaque-{user}"


def leaking(user: int) -> str:
    raise ValueError("password s3cret is wrong")


class Counting:
    """Can be pickled, and knows how many users there are."""

    users = 3

    def __call__(self, user: int) -> tuple[str, int]:
        return f"token-{user}", 60


class Endless(Counting):
    users = 0


def odd(user: int) -> Any:
    return [None, ("t", 0), ("t", -1.0), ("t", math.nan), ("t", "60"), ("t", True), ("a b", 60), 5, ("t",)][user]


def own(given: object) -> OwnSignIn:
    return OwnSignIn(Override.of("syncload_identities", given), 50)


def session(given: object, user: int = 7) -> Session:
    return asyncio.run(own(given).sign_in(user))


@pytest.mark.parametrize("given", [timed, f"{__name__}:timed"], ids=["pickled", "by name"])
def test_a_function_gives_a_token_and_how_long_it_is_good(given: object) -> None:
    before = time.monotonic()
    made = session(given)
    assert (made.token, made.subject) == ("token-of-7", "user 7")
    assert before + 60 - MARGIN_S <= made.expires_at <= time.monotonic() + 60 - MARGIN_S
    assert own(given).users == 50


def test_a_jwt_alone_says_itself_how_long_it_is_good() -> None:
    assert session(awaited).expires_at - time.monotonic() == pytest.approx(100 - MARGIN_S, abs=60)
    assert session(opaque).expires_at == math.inf


def test_an_object_may_say_how_many_users_there_are() -> None:
    assert own(Counting()).users == 3
    assert session(Counting(), 2).token == "token-2"
    with pytest.raises(Rejected, match="its attribute users is no whole number from 1"):
        own(Endless())


def test_it_is_called_again_to_renew() -> None:
    async def scenario() -> Session:
        source = own(timed)
        renewed = await source.renew(4, await source.sign_in(4))
        await source.aclose()
        return renewed

    assert asyncio.run(scenario()).token == "token-of-4"


def test_what_it_raises_is_named_and_not_quoted() -> None:
    with pytest.raises(Rejected, match="syncload_identities raised ValueError for user 7") as caught:
        session(leaking)
    assert "s3cret" not in f"{caught.value}{caught.value.__cause__}"


@pytest.mark.parametrize("user", range(9))
def test_what_is_no_token_is_refused(user: int) -> None:
    with pytest.raises(SignInError, match=f"user {user}") as caught:
        session(odd, user)
    assert isinstance(caught.value, NotUnderstood)


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(Rejected, match="names no function, but a int"):
        own(5)
    with pytest.raises(Refused, match="cannot import nowhere:function"):
        own("nowhere:function")
