"""When a target counts as gone, to the arrival and the moment."""

from __future__ import annotations

import pytest

from pytest_syncload.facts.result import Outcome
from pytest_syncload.load.gone import GONE_ARRIVALS, GONE_SECONDS, Absence

CLOSED = (Outcome.CONNECT_ERROR, Outcome.PROTOCOL_ERROR)


def absence(arrivals: int, outcome: Outcome = Outcome.CONNECT_ERROR) -> Absence:
    """That many arrivals, all at the moment 100."""
    seen = Absence()
    for _ in range(arrivals):
        seen.note(outcome, 100.0)
    return seen


@pytest.mark.parametrize("outcome", CLOSED)
def test_it_takes_a_while_and_some_arrivals(outcome: Outcome) -> None:
    assert not Absence().is_certain(1e9)
    assert not absence(GONE_ARRIVALS - 1, outcome).is_certain(1e9)
    seen = absence(GONE_ARRIVALS, outcome)
    assert not seen.is_certain(100 + GONE_SECONDS - 0.01)
    assert seen.is_certain(100 + GONE_SECONDS + 0.01)


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - set(CLOSED)))
def test_anything_else_shows_that_somebody_is_there(outcome: Outcome) -> None:
    seen = absence(GONE_ARRIVALS)
    seen.note(outcome, 100.5)
    assert not seen.is_certain(200.0)
    for _ in range(GONE_ARRIVALS):
        seen.note(Outcome.PROTOCOL_ERROR, 101.0)
    assert not seen.is_certain(101 + GONE_SECONDS - 0.01)
    assert seen.is_certain(101 + GONE_SECONDS + 0.01)
