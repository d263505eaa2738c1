"""The quota's law: never more in a while than its rate times the while, and the burst of a second."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.sandbox.quota import Quota


def test_a_second_s_worth_at_once_then_its_rate() -> None:
    quota = Quota(5.0, 100.0)
    assert [quota.admit(100.0) for _ in range(6)] == [True] * 5 + [False]
    assert [quota.admit(100.2) for _ in range(2)] == [True, False]
    assert [quota.admit(900.0) for _ in range(6)] == [True] * 5 + [False]


def test_less_than_one_a_second_still_lets_one_through() -> None:
    quota = Quota(0.5, 0.0)
    assert [quota.admit(at) for at in (0.0, 1.0, 2.0, 2.0)] == [True, False, True, False]


def test_without_a_quota_everything_is_within() -> None:
    quota = Quota(None, 0.0)
    assert all(quota.admit(0.0) for _ in range(10_000))


@given(st.floats(0.1, 50), st.lists(st.floats(0, 2), max_size=200))
def test_never_more_than_the_rate_and_one_burst(per_s: float, pauses: list[float]) -> None:
    quota, now, admitted = Quota(per_s, 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        admitted += quota.admit(now)
    assert admitted <= max(1.0, per_s) + per_s * now + 1e-6
