"""How fast and how often an issuer is asked, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.auth.errors import NotUnderstood, QuotaExceeded, Rejected, SessionEnded, SignInError, Unavailable
from pytest_syncload.auth.pace import QUOTA_TRIES, TRIES, Pace, patiently
from pytest_syncload.auth.session import Session
from tests.load.virtual import run_virtually

SESSION = Session(subject="ann", token="t", since=0.0, expires_at=1.0)


class Issuer:
    """Raises ``errors`` one after the other, then answers; notes when it was asked."""

    def __init__(self, *errors: SignInError, until: Callable[[float], bool] = lambda now: False) -> None:
        self._errors = list(errors)
        self._refuses = until
        self.asked_at: list[float] = []

    async def ask(self) -> Session:
        now = asyncio.get_running_loop().time()
        self.asked_at.append(now)
        if self._errors:
            raise self._errors.pop(0)
        if self._refuses(now):
            raise QuotaExceeded("quota")
        return SESSION


@given(st.floats(0.5, 500), st.integers(2, 60))
def test_no_more_are_asked_a_second_than_the_rate(rate: float, users: int) -> None:
    issuer = Issuer()

    async def scenario() -> None:
        pace = Pace(rate)
        await asyncio.gather(*(patiently(issuer.ask, pace) for _ in range(users)))

    run_virtually(scenario())
    gaps = [later - sooner for sooner, later in zip(issuer.asked_at, issuer.asked_at[1:], strict=False)]
    assert min(gaps) >= 1 / rate - 1e-6
    assert issuer.asked_at[-1] == pytest.approx((users - 1) / rate, rel=0.01, abs=1e-3), "and no slower either"


def test_a_quota_that_is_used_up_makes_everybody_wait() -> None:
    issuer = Issuer(until=lambda now: 1.0 <= now < 20.0)

    async def scenario() -> Pace:
        pace = Pace(10.0)
        await asyncio.gather(*(patiently(issuer.ask, pace) for _ in range(40)))
        return pace

    pace = run_virtually(scenario())
    during = [at for at in issuer.asked_at if 1.0 <= at < 20.0]
    # Without a pause for all, each of the thirty would ask by itself, again and again.
    assert len(during) < 15
    assert pace.rate_per_s < 10.0, "what was refused is more than the quota allows"
    assert len(issuer.asked_at) - len(during) == 40, "all had their answer in the end"


def test_who_waits_for_a_turn_when_a_pause_begins_waits_for_its_end_too() -> None:
    async def scenario() -> float:
        pace = Pace(1.0)
        await pace.turn()
        waiting = asyncio.create_task(pace.turn())
        await asyncio.sleep(0.5)
        pace.pause(10.0)
        await waiting
        return asyncio.get_running_loop().time()

    assert run_virtually(scenario()) >= 10.5


@pytest.mark.parametrize("passing", [QuotaExceeded, Unavailable])
def test_what_passes_is_asked_again(passing: type[SignInError]) -> None:
    issuer = Issuer(passing("busy"), passing("busy"))
    assert run_virtually(patiently(issuer.ask, Pace(100.0))) == SESSION
    assert len(issuer.asked_at) == 3


@pytest.mark.parametrize("final", [Rejected, SessionEnded, NotUnderstood])
def test_what_asking_again_cannot_help_is_asked_once(final: type[SignInError]) -> None:
    issuer = Issuer(final("no"))
    with pytest.raises(final, match=r"^no$"):
        run_virtually(patiently(issuer.ask, Pace(100.0)))
    assert len(issuer.asked_at) == 1


@pytest.mark.parametrize(("error", "tries"), [(Unavailable, TRIES), (QuotaExceeded, QUOTA_TRIES)])
def test_patience_has_an_end(error: type[SignInError], tries: int) -> None:
    issuer = Issuer(*(error("down") for _ in range(50)))
    with pytest.raises(error, match=f"^down; asked {tries} times$"):
        run_virtually(patiently(issuer.ask, Pace(100.0)))
    assert len(issuer.asked_at) == tries
    if error is QuotaExceeded:
        assert issuer.asked_at[-1] > 60, "a quota is a minute's"
