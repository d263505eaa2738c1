"""`scale:`, and the rows that need it or take only some targets."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from pytest_syncload.facts.plan import Scale
from pytest_syncload.facts.units import Kind
from tests.spec.plans import SMALL, problems, read_text

HEAD = SMALL.partition("phases:")[0]
SCALE = "scale: {daily_users: 1000000, jobs_per_user: 0.1}\n"


def plan(metric: str = "cost.per_month", target: str = "< 4 USD", scale: str = SCALE, more: str = "") -> str:
    row = f'{{metric: {metric}, target: "{target}"{more}}}'
    return f"{HEAD}{scale}phases:\n  peak: {{rate: 10/s, hold: 1m, slos: {{cost: {row}}}}}\n"


def test_a_tenth_is_a_tenth(tmp_path: Path) -> None:
    spec = read_text(tmp_path, plan())
    assert spec.scale == Scale(daily_users=1_000_000, jobs_per_user=Fraction(1, 10), line=3)
    assert spec.scale.jobs_a_month == 3_000_000
    target = spec.phase("peak").slos[0].target
    assert (target.value, target.kind, target.op) == (4.0, Kind.MONEY, "<")


def test_part_of_a_job_is_a_job() -> None:
    assert Scale(daily_users=1, jobs_per_user=Fraction(1, 7), line=1).jobs_a_month == 5


def test_without_a_scale_only_a_million_jobs_can_be_judged(tmp_path: Path) -> None:
    assert read_text(tmp_path, plan("cost.per_million_jobs", scale="")).scale is None
    (problem,) = problems(tmp_path, plan(scale=""))
    assert problem.endswith(
        "phases.peak.slos.cost.metric: cost.per_month needs to know how many jobs a month has; add scale: to the file"
    )


@pytest.mark.parametrize(
    ("scale", "says"),
    [
        ("scale: {daily_users: 1000000}\n", "scale: jobs_per_user is missing; add it"),
        ("scale: {daily_users: 1.5, jobs_per_user: 1}\n", "scale.daily_users: 1.5 is not a whole number from 1"),
        ("scale: {daily_users: 5, jobs_per_user: 0}\n", "scale.jobs_per_user: 0 is not a plain number of more than 0"),
        ("scale: {daily_users: 5, jobs_per_user: 3/s}\n", "scale.jobs_per_user: '3/s' is not a plain number"),
        ("scale: {daily_user: 5, jobs_per_user: 3}\n", "scale: unknown key 'daily_user'; did you mean 'daily_users'?"),
        ("scale: 5\n", "scale: this takes a mapping, not 5"),
        ("scale:\n", "scale: this takes a mapping, not nothing"),
    ],
)
def test_a_scale_that_is_none(tmp_path: Path, scale: str, says: str) -> None:
    found = problems(tmp_path, plan(scale=scale))
    assert any(says in problem for problem in found)
    assert not any("add scale" in problem for problem in found)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("< 4", "'4' has no unit; write a cost such as '4 USD'"),
        ("< 4 EUR", "'EUR' in '4 EUR' is no unit of a cost; known: 'USD'"),
        ("< 4 ms", "'4 ms' is a time, and this takes a cost such as '4 USD'"),
        ("> 4 USD", "a cost is bounded from above, and '> 4 USD' is no such bound"),
        ("== 4 USD", "write a target with < or <=, such as '< 4 USD'"),
    ],
)
def test_a_target_that_does_not_fit(tmp_path: Path, target: str, says: str) -> None:
    assert any(says in problem for problem in problems(tmp_path, plan(target=target)))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (", sustained: 1m", "cost.per_month takes no sustained"),
        (", min_samples: 5", "cost.per_month has no samples behind it"),
        (", statistic: p95", "cost.per_month has no statistic 'p95'"),
    ],
)
def test_a_rule_that_does_not_fit(tmp_path: Path, more: str, says: str) -> None:
    assert any(says in problem for problem in problems(tmp_path, plan(more=more)))
