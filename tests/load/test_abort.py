"""When a phase's rule stops its load, and when it must not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.plan import Abort
from pytest_syncload.facts.result import Outcome, Tally
from pytest_syncload.load.abort import tripped

RULE = Abort(failed_percent=20.0, for_s=3, text="failed > 20 % for 3s")


def second(failed: int, arrivals: int = 100) -> Tally:
    return Tally(outcomes={Outcome.OK: arrivals - failed, Outcome.SERVER_ERROR: failed})


def seconds(*failed: int) -> dict[int, Tally]:
    return {at: second(count) for at, count in enumerate(failed)}


def test_it_trips_once_every_second_of_the_stretch_is_over_and_above() -> None:
    seen = seconds(0, 21, 50, 30)
    assert tripped(RULE, seen, 3.9) is None
    assert tripped(RULE, seen, 4.0) == (
        "the abort rule 'failed > 20 % for 3s' tripped 4 s after the start: in each of 3 s in a row more than 20 % "
        "failed, up to 50 %; the load was stopped"
    )


def test_one_good_second_begins_the_stretch_anew_and_the_limit_itself_is_allowed() -> None:
    assert tripped(RULE, seconds(99, 99, 20, 99, 99), 5.0) is None


def test_a_second_of_which_nothing_is_known_does_not_trip_it() -> None:
    seen = seconds(99, 99, 99)
    assert tripped(RULE, {0: seen[0], 2: seen[2]}, 3.0) is None
    assert tripped(RULE, {**seen, 1: Tally()}, 3.0) is None
    assert tripped(RULE, {}, 9.0) is None


@given(failed=st.lists(st.integers(0, 100), max_size=12), now_s=st.floats(0, 14), length=st.integers(1, 5))
def test_it_trips_exactly_where_the_last_whole_seconds_all_failed(failed: list[int], now_s: float, length: int) -> None:
    rule = Abort(failed_percent=20.0, for_s=length, text="")
    last = int(now_s)
    stretch = failed[max(0, last - length) : last]
    expected = last >= length and len(failed) >= last and len(stretch) == length and min(stretch) > 20
    assert (tripped(rule, seconds(*failed), now_s) is not None) is expected
