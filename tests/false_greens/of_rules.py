"""False greens by rules over a row's minutes: growth, drain and sustained levels that were seen too little of."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_syncload.facts.comparison import Change, Regression
from pytest_syncload.facts.observation import Ruling, Series, Verdict
from pytest_syncload.facts.plan import Rejudged, Slo, Target
from pytest_syncload.facts.units import Kind
from pytest_syncload.verdict import compare, judge
from pytest_syncload.verdict.part import Part
from pytest_syncload.verdict.regression import Level
from tests.false_greens.cloud import Cloud, Samples, seen
from tests.false_greens.entry import Entry, Seen, Through
from tests.false_greens.of_absence import REQUIRED, SETTLE, none_missing, nothing
from tests.rows import DEPTH, START

GROWTH = "pytest_syncload.verdict.growth"
DRAIN = "pytest_syncload.verdict.drain"
REGRESSION = "pytest_syncload.verdict.regression"
_TENTH = Target(op="<", value=10.0, kind=Kind.SHARE, text="< 10 %")
_RUN = Rejudged(run_id="20261123T090000Z-bbbbbb", begun_at=START)


def _depths(*values: float | None) -> dict[str, list[Samples]]:
    return {"ApproximateNumberOfMessagesVisible": [None if value is None else {value: 1} for value in values]}


def _short_sustained(cloud: Cloud) -> Seen:
    cloud.healthy(_depths(1400, 1400, 3))
    return seen(cloud.verdict(replace(DEPTH, sustained_s=240.0)), "needs a hold of as many minutes")


def _hole_in_sustained(cloud: Cloud) -> Seen:
    """The minute that would have made three in a row is missing."""
    cloud.fresh(minutes=5)
    cloud.healthy(_depths(3, 1400, None, 1400, 3))
    return seen(cloud.verdict(replace(DEPTH, sustained_s=180.0)), "4 of the window's 5 minutes")


def _short_growth(cloud: Cloud) -> Seen:
    cloud.healthy(_depths(3, 200, 230))
    return seen(cloud.verdict(replace(DEPTH, growth="none")), "cannot show whether it grows")


def _growth_with_a_hole(cloud: Cloud) -> Seen:
    cloud.fresh(minutes=10)
    cloud.healthy(_depths(3, 2, 3, 2, 3, 2, None, 400, 600, None))
    # What there is of the rise ranks behind seven level minutes only twice.
    row = replace(DEPTH, growth="none")
    return seen(cloud.verdict(row), "8 of the window's 10 minutes")


def _growth_with_nan(cloud: Cloud) -> Seen:
    """Nothing can be said of a rank that is NaN, so nothing is significant."""

    def blur(operation: str, request: Any, answer: Any) -> None:
        for result in answer.get("MetricDataResults", ()):
            result["Values"] = [math.nan if value == 800.0 else value for value in result["Values"]]

    cloud.fresh(minutes=8)
    cloud.healthy(_depths(3, 150, 300, 450, 600, 750, 900, 800))
    cloud.rewrite = blur
    return seen(cloud.verdict(replace(DEPTH, growth="none")), "came back as nan")


def _late_step(cloud: Cloud) -> Seen:
    cloud.fresh(minutes=10)
    cloud.healthy(_depths(3, 4, 3, 2, 3, 4, 3, 2, 3, 900))
    return seen(cloud.verdict(replace(DEPTH, growth="none")), "only a longer hold shows whether it grows on")


def _growing(cloud: Cloud) -> Seen:
    cloud.fresh(minutes=10)
    cloud.healthy(_depths(*range(0, 900, 90)))
    return seen(cloud.verdict(replace(DEPTH, growth="none")), "it grows by 90 a minute")


def _never_drained(cloud: Cloud) -> Seen:
    cloud.healthy(_depths(*[900] * 8))
    return seen(cloud.verdict(replace(DEPTH, drains_within_s=300.0)), "it did not drain within 5m")


def _full_again(cloud: Cloud) -> Seen:
    cloud.healthy(_depths(900, 900, 900, 900, 5, 900, 900, 900))
    return seen(cloud.verdict(replace(DEPTH, drains_within_s=300.0)), "it did not drain within 5m")


def _nothing_behind(cloud: Cloud) -> Seen:
    cloud.healthy(_depths(900, 900, 900, None, None, None, None, 5))
    return seen(cloud.verdict(replace(DEPTH, drains_within_s=300.0)), "4 of the window's 8 minutes")


def _beside(cloud: Cloud, then: Sequence[float], now: Sequence[float]) -> Verdict:
    """The queue's depth now beside what an earlier run saw of it; it may be deeper by less than a tenth."""
    observed = []
    for depths in (then, now):
        cloud.fresh(minutes=len(depths))
        cloud.healthy(_depths(*depths))
        observed.append(cloud.verdict(DEPTH).observation)
    before, after = observed
    assert before is not None
    assert after is not None
    after = replace(after, slo=replace(DEPTH, regression=_TENTH))
    return judge(after, cloud.load(), None, compare(after, before, _RUN, None))


def _never_compared(cloud: Cloud) -> Seen:
    cloud.healthy()
    return seen(cloud.verdict(replace(DEPTH, regression=_TENTH)), "needs a run to compare with")


def _within_the_noise(cloud: Cloud) -> Seen:
    verdict = _beside(cloud, (100, 40, 180, 60, 150, 90, 20, 160), (104, 30, 200, 60, 140, 110, 20, 168))
    return seen(verdict, "cannot be told")


def _alike_neighbours(cloud: Cloud) -> Seen:
    verdict = _beside(cloud, (100, 101, 99, 100, 101, 100, 99, 100), (96, 98, 100, 102, 104, 106, 108, 110))
    return seen(verdict, "cannot be told")


def _of_what_was_published(cloud: Cloud) -> Seen:
    """The earlier run's last minutes, in which the queue stood empty, were never published."""
    cloud.fresh(minutes=8)
    cloud.healthy(_depths(*[100] * 8))
    after = cloud.verdict(DEPTH).observation
    assert after is not None
    few = Series(timestamps=after.series.timestamps[:6], values=(100.0,) * 6, period_s=60)
    after = replace(after, slo=replace(DEPTH, regression=_TENTH))
    return seen(
        judge(after, cloud.load(), None, compare(after, replace(after, series=few), _RUN, None)),
        "6 of the hold's 8 minutes are there",
    )


def _by_the_means_alone(change: Change, slo: Slo) -> Regression:
    return Regression.NO_WORSE if change.percent < 10 else Regression.WORSE


def _every_minute_for_itself(values: Sequence[float]) -> Level:
    count = len(values)
    return Level(mean=statistics.fmean(values), variance=statistics.variance(values) / count, equivalent=count)


def _first_drained(minutes: Sequence[float], known: Mapping[float, float], limit: float) -> list[float]:
    return [stamp for stamp in minutes if known.get(stamp, limit + 1) <= limit]


def _entry(name: str, mistake: str, scenario: Any, guards: Mapping[str, Any], peers: str = "") -> Entry:
    return Entry(name=name, mistake=mistake, guards=guards, through=Through.BOTO3, scenario=scenario, peers=peers)


_HOLES = {f"{SETTLE}:missing_minutes": none_missing, f"{REQUIRED}:require_every_minute": nothing}

ENTRIES = (
    _entry(
        "sustained over a hold too short",
        "No four minutes in a row were bad, in a hold of three.",
        _short_sustained,
        {f"{REQUIRED}:runs_of_minutes": lambda values, seconds: [values]},
    ),
    _entry(
        "sustained over a hole",
        "The minutes on both sides of a missing one are taken for neighbours of others.",
        _hole_in_sustained,
        _HOLES,
    ),
    _entry(
        "growth below the limit",
        "The queue stays below its limit for as long as the hold lasts, and grows all the time.",
        _growing,
        {f"{GROWTH}:judge_growth": lambda observation: Part(ruling=Ruling.PASS, says="no growth")},
    ),
    _entry(
        "a backlog below the limit",
        "The queue stays below its limit, and nobody looks whether it is ever worked off.",
        _never_drained,
        {f"{DRAIN}:judge_drain": lambda observation, within_s: Part(ruling=Ruling.PASS, says="drained")},
    ),
    _entry(
        "growth not visible in a short hold",
        "Three minutes are too few for any trend to be significant.",
        _short_growth,
        {f"{GROWTH}:too_short": nothing},
    ),
    _entry(
        "growth with a hole",
        "The minutes in which the queue grew are the ones that are missing.",
        _growth_with_a_hole,
        {**_HOLES, f"{GROWTH}:minutes_missing": nothing, f"{GROWTH}:stepped_late": lambda *_: False},
    ),
    _entry(
        "growth with a minute that is no number",
        "A NaN among the minutes makes every comparison of the trend false.",
        _growth_with_nan,
        {f"{REQUIRED}:require_numbers": nothing, f"{GROWTH}:not_numbers": nothing},
    ),
    _entry(
        "a late step",
        "The queue jumps in the last minute, which moves no median.",
        _late_step,
        {f"{GROWTH}:stepped_late": lambda *_: False},
    ),
    _entry(
        "drained for one minute and full again",
        "One empty minute behind the hold is taken for the end of the backlog.",
        _full_again,
        {f"{DRAIN}:drained_for_good": _first_drained},
    ),
    _entry(
        "minutes behind the hold missing",
        "Of four minutes nothing is known, and the fifth is empty: it drained in one.",
        _nothing_behind,
        {f"{SETTLE}:missing_minutes": none_missing, f"{DRAIN}:unknown_minutes": lambda *_: 0},
    ),
    _entry(
        "a regression that nothing is compared with",
        "Where no earlier run is named, the rule is left out.",
        _never_compared,
        {f"{REGRESSION}:judge_regression": lambda limit, compared: Part(ruling=Ruling.PASS, says="no worse")},
    ),
    _entry(
        "a difference within the noise",
        "Two means that differ by less than the limit are taken for no regression, however much their minutes scatter.",
        _within_the_noise,
        {f"{REGRESSION}:_finding": _by_the_means_alone},
    ),
    _entry(
        "minutes that resemble their neighbours",
        "The interval of a difference takes each minute for a measurement of its own, and comes out too narrow.",
        _alike_neighbours,
        {f"{REGRESSION}:level": _every_minute_for_itself},
    ),
    _entry(
        "compared with what was published",
        "The earlier run lacks minutes, and the ones that are there are taken for all.",
        _of_what_was_published,
        {f"{REGRESSION}:_not_whole": lambda seen, when: None},
    ),
)
