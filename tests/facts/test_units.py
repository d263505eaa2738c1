from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.units import (
    Kind,
    UnitError,
    format_duration,
    format_number,
    format_quantity,
    parse_duration_s,
    parse_percent,
    parse_quantity,
    parse_rate_per_s,
    split_target,
)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("500 ms", Kind.TIME, 500.0),
        ("1.5s", Kind.TIME, 1500.0),
        ("10m", Kind.TIME, 600_000.0),
        ("250 us", Kind.TIME, 0.25),
        ("0.1 %", Kind.SHARE, 0.1),
        ("3000/s", Kind.RATE, 3000.0),
        ("3000 /s", Kind.RATE, 3000.0),
        ("0", Kind.COUNT, 0.0),
    ],
)
def test_reads_what_people_write(text: str, kind: Kind, value: float) -> None:
    assert parse_quantity(text, kind).value == value


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("500", Kind.TIME, "no unit; write a time such as '500 ms'"),
        ("500 ms", Kind.SHARE, "is a time, and this takes a share"),
        ("5 parsecs", Kind.TIME, "'parsecs'"),
        ("1,000/s", Kind.RATE, "not a rate"),
        ("-5 ms", Kind.TIME, "not a time"),
        ("", Kind.TIME, "not a time"),
        ("nan", Kind.COUNT, "not a count"),
        ("5 x", Kind.COUNT, "write a bare number"),
        ("٣ ms", Kind.TIME, "not a time"),
    ],
)
def test_never_guesses(text: str, kind: Kind, says: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_quantity(text, kind)
    assert says in str(caught.value)


@given(st.decimals(min_value=0, max_value=10**6, places=4, allow_nan=False))
def test_converts_exactly(number: Decimal) -> None:
    assert parse_quantity(f"{number:f} %", Kind.SHARE).value == float(number)
    assert parse_quantity(f"{number:f} s", Kind.TIME).value == float(number * 1000)


def test_durations_are_seconds_and_rates_per_second() -> None:
    assert parse_duration_s("10m") == 600.0
    assert parse_duration_s("0.3 s") == 0.3
    assert parse_rate_per_s("3000/s") == 3000.0
    assert parse_percent("0.1 %") == 0.1


@pytest.mark.parametrize("op", ["<", "<=", "==", ">=", ">"])
def test_target_is_a_sign_and_a_quantity(op: str) -> None:
    assert split_target(f"{op} 500 ms") == (op, "500 ms")


@pytest.mark.parametrize("text", ["500 ms", "= 5", "!= 5", ""])
def test_target_without_a_sign_is_none(text: str) -> None:
    with pytest.raises(UnitError, match="starts with one of"):
        split_target(text)


def test_formats_for_people() -> None:
    assert format_quantity(612.0, Kind.TIME) == "612 ms"
    assert format_quantity(61_200.0, Kind.TIME) == "61.2 s"
    assert format_quantity(0.04, Kind.SHARE) == "0.04 %"
    assert format_quantity(3000.0, Kind.RATE) == "3000/s"
    assert format_quantity(17.0, Kind.COUNT) == "17"
    assert format_number(float("nan")) == "nan"
    assert format_number(0.00001) == "1.00e-05"
    assert format_number(1234.5) == "1234"
    assert format_number(612.53) == "612.5"
    assert [format_duration(s) for s in (0.25, 1.5, 90, 3600)] == ["250ms", "1.5s", "1m30s", "1h"]
