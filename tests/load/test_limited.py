"""What is the generators' limit and not the target's: each sign by itself, at its limit and beyond."""

from __future__ import annotations

import pytest

from pytest_syncload.load.limited import busy, dropped, fewer, lagged


def test_a_drop_while_late_is_theirs() -> None:
    assert dropped(0) is None
    assert dropped(3) == "3 arrivals were dropped while the generator itself was late"


@pytest.mark.parametrize(("lag_ms", "is_limit"), [(None, False), (100.0, False), (100.5, True)])
def test_lag_is_theirs_beyond_its_limit(lag_ms: float | None, is_limit: bool) -> None:
    assert (lagged(lag_ms) is not None) is is_limit


@pytest.mark.parametrize(
    ("percents", "leg_s", "is_limit"),
    [
        ((), 5.0, False),
        ((99.0,), 5.0, False),
        ((99.0, 98.0), 5.0, True),
        ((99.0,), 1.0, True),
        ((99.0,), 0.4, True),
        ((90.0, 90.0), 5.0, False),
        ((99.0, 60.0), 5.0, False),
    ],
)
def test_a_core_is_used_up_where_it_was_for_some_seconds(
    percents: tuple[float, ...], leg_s: float, is_limit: bool
) -> None:
    said = busy(percents, leg_s)
    assert (said is not None) is is_limit
    assert said is None or said.endswith("% of a core (limit 90 %)")


def test_what_was_not_offered_is_theirs() -> None:
    assert fewer(990, 1000) is None
    assert fewer(989, 1000) == "989 arrivals were offered, of 1000"
    assert fewer(0, 0) is None
