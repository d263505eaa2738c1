"""The truth about a server that stands still is the arithmetic of the schedule."""

from __future__ import annotations

import pytest

from benchmarks.engine.truth import of_stall, off_percent


def test_a_tenth_of_the_arrivals_wait_for_the_rest_of_the_stall() -> None:
    """Of 1,000 at 100/s, the 100 of one second wait 1000, 990, … 10 ms; 5 % of all wait longer than 500."""
    truth = of_stall(rate_per_s=100, seconds=10, stall_from_s=4, stall_s=1)
    assert (truth.requests, truth.p50_ms) == (1000, 0.0)
    assert (truth.p95_ms, truth.p99_ms, truth.max_ms) == pytest.approx((500, 900, 1000))


def test_what_the_server_always_takes_comes_on_top() -> None:
    truth = of_stall(rate_per_s=100, seconds=10, stall_from_s=4, stall_s=1, base_ms=20)
    assert (truth.p50_ms, truth.max_ms) == pytest.approx((20, 1020))


def test_without_a_stall_nobody_waits() -> None:
    assert of_stall(rate_per_s=100, seconds=2, stall_from_s=4, stall_s=1).max_ms == 0.0


@pytest.mark.parametrize(
    ("said", "truth", "off"),
    [(515.0, 500.0, 3.0), (26.0, 520.0, -95.0), (None, 500.0, None), (1.0, 0.0, None), (1.0, None, None)],
)
def test_off_is_in_percent_of_the_truth(said: float | None, truth: float | None, off: float | None) -> None:
    assert off_percent(said, truth) == pytest.approx(off)
