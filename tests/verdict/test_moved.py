"""What moved beside a breach: only what stands out among its own minutes, the furthest first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.observation import Observation, Series
from pytest_syncload.facts.plan import Target
from pytest_syncload.facts.units import Kind
from pytest_syncload.verdict.moved import moved_at, moved_in_words, worst_minute
from tests.bottleneck.seen import START, track
from tests.rows import LATENCY, WINDOW

AT = START + 60 * 3


def seen(values: tuple[float, ...], op: str = "<") -> Observation:
    stamps = tuple(START + 60 * minute for minute in range(len(values)))
    target = Target(op=op, value=500.0, kind=Kind.TIME, text=f"{op} 500 ms")
    return Observation(
        slo=replace(LATENCY, target=target),
        window=WINDOW,
        kind=Kind.TIME,
        value=1.0,
        samples=None,
        series=Series(timestamps=stamps, values=values, period_s=60),
        sources=(),
        parts={},
    )


@pytest.mark.parametrize(
    ("values", "op", "minute"),
    [
        ((100.0, 600.0, 900.0, 700.0), "<", 2),
        ((900.0, 900.0), "<", 0),
        ((600.0, 400.0, 450.0), ">", 1),
        ((600.0, 500.0, 700.0), "==", 2),
    ],
)
def test_the_worst_minute_is_the_one_furthest_beyond_the_target(
    values: tuple[float, ...], op: str, minute: int
) -> None:
    assert worst_minute(seen(values, op)) == START + 60 * minute


def test_where_no_minute_was_beyond_there_is_no_moment() -> None:
    assert worst_minute(seen((100.0, 200.0))) is None
    assert worst_minute(seen(())) is None


def test_what_stands_out_is_named_the_furthest_first() -> None:
    found = moved_at(
        [
            track([50.0, 52.0, 51.0, 80.0, 50.0], "worker CPUUtilization", kind=Kind.SHARE),
            track([0.0, 0.0, 0.0, 84.0, 0.0], "sync-jobs WriteThrottleEvents"),
            track([50.0, 52.0, 51.0, 53.0, 50.0], "calm CPUUtilization", kind=Kind.SHARE),
            track([20.0, 21.0, 20.0, 900.0, 20.0], "drive Latency", kind=Kind.TIME),
            track([9.0, 9.0, 9.0, 4.0, 9.0], "consumed"),
        ],
        AT,
    )
    assert [moved.name for moved in found] == [
        "sync-jobs WriteThrottleEvents",
        "drive Latency",
        "worker CPUUtilization",
    ]
    assert moved_in_words(found, AT) == (
        "at 08:03 UTC moved too: sync-jobs WriteThrottleEvents 84 (usually 0), drive Latency 900 ms (usually 20 ms), "
        "worker CPUUtilization 80 % (usually 50.5 %)"
    )


def test_a_series_of_which_too_little_is_known_did_not_move() -> None:
    assert moved_at([track([None, None, 0.0, 84.0], "few")], AT) == ()
    assert moved_at([track([0.0, 0.0, 0.0, None, 0.0], "silent")], AT) == ()
    assert moved_in_words((), AT) is None


@given(
    level=st.floats(0.1, 1e6),
    scatter=st.lists(st.floats(-0.05, 0.05), min_size=6, max_size=20),
)
def test_what_scatters_by_a_twentieth_never_moves(level: float, scatter: list[float]) -> None:
    assert moved_at([track([level * (1 + share) for share in scatter])], AT) == ()


@given(values=st.lists(st.floats(0, 1e6), min_size=4, max_size=20), factor=st.floats(0.5, 100))
def test_the_unit_does_not_matter(values: list[float], factor: float) -> None:
    plain = moved_at([track(values)], AT)
    scaled = moved_at([track([value * factor for value in values])], AT)
    close = [abs(moved.far - 5) < 0.01 or abs(abs(moved.value - moved.usual) / (moved.usual or 1) - 0.25) < 0.01
             for moved in (*plain, *scaled)]  # fmt: skip
    assert len(plain) == len(scaled) or any(close)
