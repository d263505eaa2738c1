from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.result import Outcome, Tally, Window

tallies = st.builds(
    Tally,
    outcomes=st.dictionaries(st.sampled_from(list(Outcome)), st.integers(0, 1000)),
    throttled=st.integers(0, 10),
    dropped_late=st.integers(0, 10),
)


def test_failed_counts_what_the_target_failed_and_nothing_else() -> None:
    tally = Tally(
        outcomes={
            Outcome.OK: 100,
            Outcome.SERVER_ERROR: 1,
            Outcome.TIMEOUT: 2,
            Outcome.CONNECT_ERROR: 3,
            Outcome.PROTOCOL_ERROR: 4,
            Outcome.DROPPED: 10,
            Outcome.UNEXPECTED_STATUS: 20,
            Outcome.WRONG_BODY: 5,
        },
        throttled=7,
        dropped_late=4,
    )
    assert tally.failed == 1 + 2 + 3 + 4 + (10 - 4) + 7
    assert tally.wrong_answers == (20 - 7) + 5
    assert tally.arrivals == 145
    assert tally.on_wire == 145 - 10 - 3
    assert tally.failed_percent == 100 * tally.failed / 145


def test_of_no_arrivals_there_is_no_share() -> None:
    assert Tally().failed_percent is None


@given(tallies, tallies)
def test_adding_adds_everything(a: Tally, b: Tally) -> None:
    both = a + b
    assert all(both[outcome] == a[outcome] + b[outcome] for outcome in Outcome)
    assert both.failed == a.failed + b.failed
    assert both.wrong_answers == a.wrong_answers + b.wrong_answers


def test_a_window_knows_its_minutes() -> None:
    assert Window(start=120.0, end=300.0).minutes == (120.0, 180.0, 240.0)
