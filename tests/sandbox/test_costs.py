"""Costs are such that what is limited is used up at its limit, and what is not stands in nobody's way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.capacity import Capacities
from pytest_syncload.sandbox.cache import COMMAND_S
from pytest_syncload.sandbox.capacity import EASY, EFFORT
from pytest_syncload.sandbox.costs import REQUEST_CPU_MS, command_s, request_cpu_ms, slots_per_s


def test_defaults_are_those_of_an_unlimited_sandbox() -> None:
    assert request_cpu_ms(Capacities(), 0.02, 4) == REQUEST_CPU_MS
    assert command_s(Capacities()) == COMMAND_S
    assert slots_per_s(Capacities(), 0.02) is None


def test_slots_bear_by_littles_law() -> None:
    assert slots_per_s(Capacities(concurrency=30), 0.02) == pytest.approx(1_500)
    assert slots_per_s(Capacities(concurrency=30), 0.72) == pytest.approx(41.67, abs=0.01)


@given(per_s=st.floats(10, 10_000))
def test_engine_has_no_time_left_at_the_caches_capacity(per_s: float) -> None:
    commands = per_s * EASY + per_s * (1 - EASY) * EFFORT
    assert commands * command_s(Capacities(cache_per_s=per_s)) == pytest.approx(1)


@given(concurrency=st.integers(1, 500))
def test_tasks_have_no_cpu_left_at_their_concurrency(concurrency: int) -> None:
    per_s = concurrency / 0.02
    requests = per_s * EASY + per_s * (1 - EASY) * EFFORT
    assert requests * request_cpu_ms(Capacities(concurrency=concurrency), 0.02, 4) / 1000 == pytest.approx(4)


@given(per_s=st.floats(10, 20_000))
def test_tasks_are_half_idle_where_something_else_is_at_its_end(per_s: float) -> None:
    for capacities in (Capacities(table_per_s=per_s), Capacities(third_party_per_s=per_s, cache_per_s=2 * per_s)):
        assert per_s * request_cpu_ms(capacities, 0.02, 4) / 1000 <= 2.000001
