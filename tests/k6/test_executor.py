"""The schedule as k6's executors, and how many virtual users carry it."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import Arrivals
from pytest_syncload.k6.executor import even, scenario
from pytest_syncload.k6.users import virtual_users
from pytest_syncload.load.pacer import Pacer


def test_a_ramp_and_a_hold_share_their_users() -> None:
    made = scenario(Pacer(rate_per_s=3000.0, ramp_s=300.0, hold_s=900.0), 3001, 10.0)
    assert made == {
        "executor": "ramping-arrival-rate",
        "startRate": 0,
        "stages": [{"target": 3000, "duration": "300000ms"}, {"target": 3000, "duration": "900000ms"}],
        "timeUnit": "1s",
        "preAllocatedVUs": 3001,
        "maxVUs": 3001,
        "gracefulStop": "12000ms",
    }


def test_a_hold_alone() -> None:
    made = scenario(Pacer(rate_per_s=0.5, ramp_s=0.0, hold_s=60.0), 10, 2.0)
    assert (made["executor"], made["rate"], made["timeUnit"], made["duration"]) == (
        "constant-arrival-rate",
        1,
        "2s",
        "60000ms",
    )


@pytest.mark.parametrize(
    ("pacer", "says"),
    [
        (Pacer(rate_per_s=10, ramp_s=0, hold_s=5, arrivals=Arrivals.POISSON), "knows no arrivals: poisson"),
        (
            Pacer(rate_per_s=10, ramp_s=0, hold_s=0.5),
            "holds a rate for 1 s of wall time at least, and this hold is 0.5",
        ),
        (Pacer(rate_per_s=3.14159265, ramp_s=0, hold_s=5), "whole arrivals in a whole number of seconds"),
    ],
)
def test_what_k6_cannot_offer(pacer: Pacer, says: str) -> None:
    with pytest.raises(Refused, match=says):
        scenario(pacer, 10, 2.0)


@given(st.integers(1, 20_000), st.integers(1, 1000))
def test_every_rate_of_whole_arrivals_is_met_exactly(arrivals: int, seconds: int) -> None:
    assert even(arrivals / seconds) == Fraction(arrivals, seconds)


def test_no_rate_is_none() -> None:
    with pytest.raises(Refused):
        even(0.0)


def test_users() -> None:
    assert virtual_users(100.0, 10.0).value == 101
    assert virtual_users(100.0, 0.2).value == 21
    assert "megabytes" in virtual_users(100.0, 10.0).reason
    assert (virtual_users(100.0, 10.0, 700).value, virtual_users(100.0, 10.0, 700).reason) == (
        700,
        "load.vus of slo.yaml",
    )
    assert virtual_users(10_000_000.0, 10.0).value < 10_000_000, "never more than this machine can open"
