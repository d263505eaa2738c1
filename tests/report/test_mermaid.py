"""The pictures: what was recorded, in a bounded number of points, in words that Mermaid reads."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.result import Outcome, Second, Tally
from pytest_syncload.report.mermaid import POINTS, Picture, pictures_of_climb, pictures_of_seconds
from tests.report.reports import TIMELINE, stress


def points(picture: Picture) -> list[list[float]]:
    """The values of its lines."""
    return [[float(value) for value in line[8:-1].split(", ")] for line in picture.lines if line.startswith("  line [")]


def axis(picture: Picture, name: str) -> tuple[float, float]:
    """From where to where."""
    (line,) = [line for line in picture.lines if line.startswith(f"  {name}-axis")]
    low, high = re.fullmatch(r".* (\S+) --> (\S+)", line).groups()  # type: ignore[union-attr]
    return float(low), float(high)


def second(at_s: int, ok: int = 10, p95_ms: float | None = 20.0) -> Second:
    return Second(
        at_s=at_s,
        tally=Tally(outcomes={Outcome.OK: ok}),
        in_flight=1,
        p50_ms=p95_ms,
        p95_ms=p95_ms,
        p99_ms=p95_ms,
        max_ms=p95_ms,
    )


def test_a_short_phase_is_drawn_second_by_second() -> None:
    rate, latency = pictures_of_seconds(TIMELINE)
    assert points(rate) == [[600.0] * 6, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]
    assert axis(rate, "x") == (0.0, 6.0)
    assert axis(rate, "y") == (0.0, 660.0)
    assert points(latency) == [[38.0, 39.0, 40.0, 41.0, 42.0, 43.0]]
    assert rate.caption == "Arrivals and failures a second, of 6 s of load."


def test_a_long_phase_is_drawn_by_its_worst_seconds_and_the_caption_says_so() -> None:
    timeline = [second(at, p95_ms=900.0 if at == 599 else 20.0) for at in range(1200)]
    rate, latency = pictures_of_seconds(timeline)
    assert [len(line) for line in points(rate)] == [POINTS, POINTS]
    assert points(latency)[0][29] == 900.0
    assert sorted(points(latency)[0])[-2] == 20.0
    assert "the worst second of 20" in latency.caption


def test_a_last_point_of_fewer_seconds_is_no_fall_of_the_load() -> None:
    timeline = [second(at) for at in range(121)]
    rate, _ = pictures_of_seconds(timeline)
    assert set(points(rate)[0]) == {10.0}


def test_seconds_without_an_answer_are_told() -> None:
    _, latency = pictures_of_seconds([second(0), second(1, p95_ms=None), second(2)])
    assert points(latency) == [[20.0, 0.0, 20.0]]
    assert "Nothing was answered in 1 of 3 points" in latency.caption


@pytest.mark.parametrize("timeline", [(), TIMELINE[:1]])
def test_of_less_than_two_seconds_there_is_no_picture(timeline: tuple[Second, ...]) -> None:
    assert pictures_of_seconds(timeline) == []


@given(st.lists(st.tuples(st.integers(0, 10**6), st.none() | st.floats(0, 1e9)), max_size=500))
def test_whatever_was_recorded_is_drawn_within_its_axes(recorded: list[tuple[int, float | None]]) -> None:
    timeline = [second(at, ok=ok, p95_ms=p95_ms) for at, (ok, p95_ms) in enumerate(recorded)]
    for picture in pictures_of_seconds(timeline):
        low, high = axis(picture, "y")
        for line in points(picture):
            assert 2 <= len(line) <= POINTS
            assert all(low <= value <= high + 0.01 for value in line)
        assert not re.search(r"\d[eE][+-]?\d|nan|inf", " ".join(picture.lines[3:]))


def test_a_climb_is_drawn_by_what_was_offered_and_what_did_not_fail() -> None:
    result = stress().result
    assert result is not None
    assert result.climb is not None
    (picture,) = pictures_of_climb(result.climb)
    offered, good = points(picture)
    assert offered[-1] == 1200.0
    assert good == [*offered[:-1], 1140.0]
    assert axis(picture, "x") == (1.0, len(offered))
    assert pictures_of_climb(replace(result.climb, steps=result.climb.steps[:1])) == []


def test_of_a_long_climb_the_end_is_drawn() -> None:
    result = stress().result
    assert result is not None
    assert result.climb is not None
    step = result.climb.steps[0]
    steps = tuple(replace(step, number=number) for number in range(100))
    (picture,) = pictures_of_climb(replace(result.climb, steps=steps))
    assert axis(picture, "x") == (41.0, 100.0)
    assert "The first 40 are left out" in picture.caption
