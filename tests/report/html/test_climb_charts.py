"""What a climb found, drawn: series that left their normal range, and the law."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_syncload.bottleneck import fit_usl, rank
from pytest_syncload.facts.bottleneck import Climbed, Departure, Estimate, How, NoFit, Place, Track, Usl, Worse
from pytest_syncload.facts.events import ClimbRanked
from pytest_syncload.facts.units import Kind
from pytest_syncload.report.html.climb_charts import evidence_charts, law_chart, scaled
from tests.bottleneck.seen import climbing, step, track
from tests.report.reports import stress

LAW = Usl(
    rate_per_s=Estimate(value=50.0, low=40.0, high=60.0),
    contention=Estimate(value=0.0, low=0.0, high=0.1),
    coherency=Estimate(value=0.0, low=0.0, high=0.1),
    ceiling_per_s=Estimate(value=1200.0, low=1100.0, high=1300.0),
)


def ranked(climbed: Climbed, *tracks: Track) -> ClimbRanked:
    return ClimbRanked(phase="stress", climbed=climbed, ranking=rank(climbed, tracks), law=fit_usl(climbed), speed=60.0)


def test_what_broke_first_is_drawn_with_its_moment_and_limit() -> None:
    climb = stress().climb
    assert climb is not None
    (chart,) = evidence_charts(climb, "phase-2")
    assert chart.heading == "sync-jobs WriteThrottleEvents"
    assert chart.says.startswith("Broke first: counted more than ever before at ")
    assert [mark.label for mark in chart.marks] == ["left its range"]
    assert chart.limit is not None
    assert chart.limit.beyond == (10, 11, 12, 13, 14)
    assert [band.label for band in chart.bands] == ["broke"]


def test_what_the_client_saw_is_marked_beside_what_broke() -> None:
    p95 = track(
        [40.0] * 13 + [900.0] * 2, "p95", place=Place.CLIENT, kind=Kind.TIME, limit=500.0, worse=Worse.UP
    )  # fmt: skip
    found = ranked(climbing(), p95, track([0.0] * 10 + [70.0] * 5, "table events"))
    table, client = evidence_charts(found, "phase-1")
    assert [mark.label for mark in table.marks] == ["left its range", "p95 left its"]
    assert table.marks[0].at < table.marks[1].at
    assert [mark.label for mark in client.marks] == ["left its range"]
    assert client.limit is not None
    assert client.limit.label == "limit 500 ms"


def test_what_falls_is_beyond_its_limit_below_it() -> None:
    hits = track([0.0] * 10 + [70.0] * 5, "hits", worse=Worse.DOWN, limit=10.0)
    climb = ranked(climbing(), hits)
    gone = replace(climb.ranking.findings[0], departure=departure(at=hits.timestamps[10]))
    (chart,) = evidence_charts(replace(climb, ranking=replace(climb.ranking, findings=(gone,))), "phase-1")
    assert chart.limit is not None
    assert chart.limit.beyond == tuple(range(10))


def departure(at: float) -> Departure:
    return Departure(
        at=at, after=at - 60, by=at + 60, how=How.COUNTED, confidence=0.99, value=70.0, expected=0.0
    )  # fmt: skip


def test_no_more_series_than_somebody_looks_at() -> None:
    gone = [track([0.0] * 10 + [70.0] * 5, f"table-{number} events") for number in range(12)]
    assert len(list(evidence_charts(ranked(climbing(), *gone), "phase-1"))) == 8


def test_the_law_is_drawn_over_its_steps() -> None:
    climbed = Climbed(steps=tuple(step(50.0 * n, n, latency_ms=20.0 + n) for n in range(10, 20)))
    chart = law_chart(replace(ranked(climbed), law=LAW), "phase-1")
    assert chart is not None
    steps, law = chart.lines
    seen = {at: value for at, value in zip(chart.x, steps.values, strict=True) if value is not None}
    assert seen == {one.concurrency: one.throughput_per_s for one in climbed.steps}
    assert all(value == pytest.approx(50 * at) for at, value in zip(chart.x, law.values, strict=True))
    assert chart.limit is not None
    assert chart.limit.label == "ceiling 1,200/s"
    assert "its ceiling is 1,200/s (95 % between 1,100 and 1,300/s)" in chart.says


def test_one_request_alone_gets_the_law_s_own_rate() -> None:
    contended = replace(
        LAW, contention=Estimate(value=0.1, low=0, high=1), coherency=Estimate(value=0.01, low=0, high=1)
    )
    assert scaled(contended, 1.0) == 50.0
    assert scaled(contended, 10.0) == pytest.approx(500 / (1 + 0.9 + 0.9))


def test_without_a_fit_the_steps_stand_alone() -> None:
    climbed = climbing(6)
    chart = law_chart(replace(ranked(climbed), law=NoFit(why="it is too flat")), "phase-1")
    assert chart is not None
    assert len(chart.lines) == 1
    assert chart.limit is None
    assert "was not fitted: it is too flat" in chart.says


def test_too_few_steps_are_no_picture() -> None:
    assert law_chart(ranked(climbing(2)), "phase-1") is None
