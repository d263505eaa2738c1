"""When a resource collapses, and what it takes to come back: virtual time, windows of half a second."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.capacity import Recovery
from pytest_syncload.sandbox.collapse import CALM, LEFT, Collapse

WHOLE = 100.0
SLOWLY = Recovery(after_s=1.0, over_s=30.0)


class Told:
    """A collapse that is told a steady load."""

    def __init__(self, recovery: Recovery) -> None:
        self.collapse = Collapse(WHOLE, recovery, 0.0)
        self.now = 0.0

    def offer(self, per_s: float, seconds: float, refused: float = 0.0) -> float:
        """What it bears at the end."""
        owed = 0.0
        for _ in range(round(per_s * seconds)):
            self.now += 1 / per_s
            owed += refused
            self.collapse.note(self.now, refused=owed >= 1)
            owed -= owed >= 1
        return self.collapse.per_s

    def collapsed(self) -> Told:
        assert self.offer(120, 3, refused=0.2) == LEFT * WHOLE
        return self


def test_two_seconds_of_overload_and_no_less_are_a_collapse() -> None:
    told = Told(Recovery(after_s=5.0))
    assert told.offer(120, 1.4, refused=0.2) == WHOLE
    assert told.offer(80, 1) == WHOLE  # the count begins again
    assert told.offer(120, 1.4, refused=0.2) == WHOLE
    assert told.offer(120, 0.7, refused=0.2) == LEFT * WHOLE


@given(per_s=st.floats(45, 300), refused=st.floats(0, 0.01))
def test_no_collapse_while_one_percent_or_less_is_refused(per_s: float, refused: float) -> None:
    # A window has at least 22 arrivals: one refused of them would be more than a percent, so none is.
    assert Told(Recovery(after_s=None)).offer(per_s, 6, refused if per_s > 250 else 0.0) == WHOLE


def test_some_requests_are_no_load_that_a_share_could_be_told_of() -> None:
    assert Told(Recovery(after_s=None)).offer(10, 20, refused=1.0) == WHOLE


def test_comes_back_whole_after_load_was_low_for_so_long_without_a_break() -> None:
    told = Told(Recovery(after_s=5.0)).collapsed()
    assert told.offer(CALM * WHOLE + 5, 20) == LEFT * WHOLE
    assert told.offer(CALM * WHOLE - 5, 4) == LEFT * WHOLE
    assert told.offer(CALM * WHOLE + 5, 2) == LEFT * WHOLE
    assert told.offer(CALM * WHOLE - 5, 4) == LEFT * WHOLE
    assert told.offer(CALM * WHOLE - 5, 2) == WHOLE


def test_no_load_at_all_is_low_load() -> None:
    told = Told(Recovery(after_s=5.0)).collapsed()
    told.now += 6
    assert told.offer(50, 0.1) == WHOLE


def test_comes_back_slowly_and_not_while_load_is_high() -> None:
    told = Told(SLOWLY).collapsed()
    levels = [told.offer(50, 5) for _ in range(3)]
    assert levels == sorted(set(levels))
    assert LEFT * WHOLE < levels[0] < levels[2] < 0.65 * WHOLE
    assert told.offer(90, 5) == pytest.approx(levels[2], abs=2)
    assert told.offer(50, 20) == WHOLE


def test_never_comes_back() -> None:
    told = Told(Recovery(after_s=None)).collapsed()
    told.now += 3_600
    assert told.offer(1, 600) == LEFT * WHOLE
