"""When a rule on the target's metric stops a load, and when it must not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.plan import Alarm, Slo, Target
from pytest_syncload.facts.units import Kind
from pytest_syncload.verdict.alarm import tripped

ROW = Slo(
    name="abort",
    phase="peak",
    target=Target(op="<=", value=95.0, kind=Kind.SHARE, text="<= 95 %"),
    line=1,
    metric="ecs.cpu",
)
RULE = Alarm(row=ROW, minutes=2, text="ecs.cpu > 95 % for 2m")
BEGAN = 1_700_000_040.0


def minutes(*values: float | None) -> dict[float, float]:
    return {BEGAN + 60 * at: value for at, value in enumerate(values) if value is not None}


def test_it_trips_where_every_minute_of_a_stretch_is_above() -> None:
    assert tripped(RULE, {"CPU": minutes(20, 96, 99.5)}, BEGAN) == (
        "the abort rule 'ecs.cpu > 95 % for 2m' tripped in minutes 2 to 3 of the load: up to 99.5 %, as CloudWatch "
        "says of CPU; the load was stopped"
    )
    one = Alarm(row=ROW, minutes=1, text="ecs.cpu > 95 % for 1m")
    assert "tripped in minute 2 of the load" in (tripped(one, {"CPU": minutes(95, 95.1)}, BEGAN) or "")


def test_the_limit_itself_a_gap_and_another_series_do_not_trip_it() -> None:
    assert tripped(RULE, {"CPU": minutes(99, 95, 99)}, BEGAN) is None
    assert tripped(RULE, {"CPU": minutes(99, None, 99)}, BEGAN) is None
    assert tripped(RULE, {"one": minutes(99, 20), "other": minutes(20, 99)}, BEGAN) is None
    assert tripped(RULE, {}, BEGAN) is None


@given(
    values=st.lists(st.none() | st.floats(0, 200), max_size=12),
    length=st.integers(1, 4),
)
def test_it_trips_exactly_where_some_stretch_is_known_and_above(values: list[float | None], length: int) -> None:
    rule = Alarm(row=ROW, minutes=length, text="")
    stretches = [values[first : first + length] for first in range(len(values) - length + 1)]
    expected = any(all(value is not None and value > 95 for value in stretch) for stretch in stretches)
    assert (tripped(rule, {"CPU": minutes(*values)}, BEGAN) is not None) is expected


@given(values=st.lists(st.none() | st.floats(0, 200), max_size=12), late=st.integers(0, 11))
def test_what_is_published_later_takes_no_stop_back(values: list[float | None], late: int) -> None:
    """A minute more is known: what tripped before trips still."""
    known = [None if at == late else value for at, value in enumerate(values)]
    if tripped(RULE, {"CPU": minutes(*known)}, BEGAN) is not None:
        assert tripped(RULE, {"CPU": minutes(*values)}, BEGAN) is not None
