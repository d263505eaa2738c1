"""httpx's timeouts, stage by stage, with the moments given: no clock is waited for."""

from __future__ import annotations

import math
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_syncload.load.connection import Exchange
from pytest_syncload.load.patience import Patience, Stage

LIMITS = {"connect": 1.0, "write": 2.0, "read": 4.0, "pool": 0.0}


def waiting(**connection: Any) -> Exchange:
    """An exchange; on a connection where something is said of one."""
    exchange = Exchange(b"", lambda _: None, math.inf, head=False)
    if connection:
        exchange.connection = cast(Any, SimpleNamespace(**{"unsent": 0, "received": 0, "choked": False} | connection))
    return exchange


@pytest.mark.parametrize(
    ("exchange", "stage", "limit_s"),
    [
        (waiting(), Stage.CONNECT, 1.0),
        (waiting(unsent=9), Stage.WRITE, 2.0),
        (waiting(choked=True), Stage.WRITE, 2.0),
        (waiting(received=9), Stage.READ, 4.0),
    ],
)
def test_each_stage_has_its_own_limit(exchange: Exchange, stage: Stage, limit_s: float) -> None:
    before = time.monotonic()
    patience = Patience(exchange, LIMITS)
    after = time.monotonic()
    patience.is_at_an_end(before)  # the first look sees how far it is
    assert not patience.is_at_an_end(before + limit_s - 0.001)
    assert patience.is_at_an_end(after + limit_s)
    exchange.connection = None  # closed by now
    assert patience.stage is stage


@pytest.mark.parametrize("moved", ["unsent", "received"])
def test_every_byte_that_moves_begins_the_stage_anew(moved: str) -> None:
    exchange = waiting(unsent=9)
    patience = Patience(exchange, LIMITS)
    now = time.monotonic()
    assert not patience.is_at_an_end(now)
    assert not patience.is_at_an_end(now + 1.9)
    setattr(exchange.connection, moved, 5)
    assert not patience.is_at_an_end(now + 3.8)
    assert not patience.is_at_an_end(now + 5.7)
    assert patience.is_at_an_end(now + 5.8)


def test_the_next_stage_begins_with_its_whole_time() -> None:
    exchange = waiting()
    patience = Patience(exchange, LIMITS)
    now = time.monotonic()
    exchange.connection = waiting(unsent=1).connection
    assert not patience.is_at_an_end(now + 10)
    assert not patience.is_at_an_end(now + 11.9)
    assert patience.is_at_an_end(now + 12)


@pytest.mark.parametrize("limits", [{}, {"connect": None, "read": 1.0}])
def test_a_stage_without_a_limit_may_take_for_ever(limits: dict[str, float | None]) -> None:
    assert not Patience(waiting(), limits).is_at_an_end(time.monotonic() + 1e9)
