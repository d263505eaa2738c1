"""What a person sees while a run goes on: what stays in every log, what a terminal draws, what a calm log has of it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.events import (
    Checked,
    Event,
    PhaseMeasured,
    PhaseProgress,
    PhaseStarted,
    Settled,
    Settling,
    Waiting,
    Warming,
)
from pytest_syncload.facts.histogram import Histogram
from pytest_syncload.facts.result import Outcome, Refreshes, Second, Tally, Window
from pytest_syncload.report.progress import Told, bar, format_window, told
from tests.report.reports import stress
from tests.rows import WINDOW, result


def second(at_s: int, **changes: object) -> Second:
    plain = Second(
        at_s=at_s,
        tally=Tally(outcomes={Outcome.OK: 95, Outcome.SERVER_ERROR: 5}),
        in_flight=7,
        p50_ms=10.0,
        p95_ms=41.0,
        p99_ms=90.0,
        max_ms=99.0,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def progressed(now: Second, lag_p99_ms: float | None = 0.3) -> Told:
    return told(
        PhaseProgress(phase="peak", second=now, intended=100.0, lag_p99_ms=lag_p99_ms, elapsed_s=10.0, wall_s=20.0)
    )


def progress(event: Event) -> str | None:
    """What every log has of it."""
    return told(event).stays


def test_the_start_says_what_is_offered_for_how_long() -> None:
    begun = PhaseStarted(phase="peak", rate_per_s=3000.0, generators=1, window=WINDOW, wall_s=20.0)
    assert progress(begun) == ("peak: offering 3000/s for 20s from 1 generator, hold 2023-11-14 22:14–22:17 UTC (3m)")
    assert "from 3 generators" in (progress(replace(begun, generators=3)) or "")


def test_checks_before_the_load_are_one_calm_line_unless_something_is_wrong() -> None:
    well = Check(name="region", finding=Finding.OK, says="us-east-1")
    assert progress(Checked(phase="peak", checks=(well,) * 14)) == "peak: 14 checks ok"
    account = Check(name="account", finding=Finding.OK, says="123456789012, as arn:aws:iam::123456789012:role/load")
    assert progress(Checked(phase="peak", checks=(well, account))) == (
        "peak: 2 checks ok · account 123456789012, as arn:aws:iam::123456789012:role/load"
    )
    wrong = Check(name="queue", finding=Finding.FAILED, says="there is none")
    told = progress(Checked(phase="peak", checks=(well, wrong)))
    assert told == "peak: 1 check ok\n  FAILED  queue  there is none"


def test_waiting_says_for_what() -> None:
    assert (
        progress(Waiting(phase="peak", waiting_for="the queue to publish")) == "peak: waiting for the queue to publish"
    )


def test_signing_in_has_a_bar() -> None:
    half = told(Warming(phase="peak", done=5000, of=10_000))
    assert half.passing == half.calm == "peak: ━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌ 5000 of 10000 users signed in"
    assert half.stays is None
    assert (progress(Warming(phase="peak", done=0, of=0)) or "").endswith(" 0 of 0 users signed in")
    assert "╌" not in (progress(Warming(phase="peak", done=3, of=3)) or "╌")


def test_progress_is_one_calm_line_in_ten_seconds_and_a_drawn_one_each() -> None:
    seen = "100/s of 100/s · p95 41 ms · failed 5 % · in flight 7 · lag 0.3 ms"
    assert progressed(second(10)) == Told(
        passing=f"peak: ━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌ 50%, 10s left · {seen}", calm=f"peak: 10s of 20s · {seen}"
    )
    assert [at for at in range(31) if progressed(second(at)).calm] == [10, 20, 30]
    assert all(progressed(second(at)).passing for at in range(31))


def test_a_second_without_answers_shows_no_number_for_them() -> None:
    nothing = progressed(second(20, tally=Tally(), p95_ms=None), lag_p99_ms=None)
    assert "· 0/s of 100/s · p95 ? · failed 0 % · in flight 7 · lag ?" in (nothing.calm or "")


@given(st.floats(-10, 1e6), st.floats(0, 1e6))
def test_no_bar_is_longer_or_shorter_than_another(done: float, of: float) -> None:
    assert len(bar(done / (of or 1))) == len(bar(0))


def test_the_end_of_the_load_says_what_was_measured() -> None:
    assert progress(PhaseMeasured(phase="peak", result=result())) == (
        "peak: 1800 of 1800 in the hold: 1800 ok · p95 20 ms · lag p99 0.5 ms · 7 tokens refreshed"
    )
    behind = replace(result().generators[0], refreshes=Refreshes(count=5, failed=2))
    two = PhaseMeasured(phase="peak", result=result(generators=(*result().generators, behind)))
    assert (progress(two) or "").endswith("· 12 tokens refreshed, 2 refreshes failed")
    behind = replace(behind, refreshes=Refreshes())
    assert "refreshed" not in (progress(PhaseMeasured(phase="peak", result=result(generators=(behind,)))) or "")
    empty = PhaseMeasured(phase="peak", result=result(latency=Histogram()))
    assert "· no latencies" in (progress(empty) or "")


def test_settling_is_said_now_and_then_and_its_end_always() -> None:
    seen = [told(Settling(phase="peak", attempt=attempt, waiting_for="late")) for attempt in range(1, 11)]
    assert [line.calm for line in seen if line.calm] == ["peak: CloudWatch has not settled: late"] * 2
    assert {line.passing for line in seen} == {"peak: CloudWatch has not settled: late"}
    done = Settled(phase="peak", attempts=4, problem=None)
    assert progress(done) == "peak: CloudWatch settled after 4 polls"
    assert progress(replace(done, problem="it did not settle")) == "peak: it did not settle"


def test_what_a_climb_found_is_its_sentence() -> None:
    climb = stress().climb
    assert climb is not None
    assert progress(climb) == "stress: held 1,150/s, broke at 1,200/s; first: sync-jobs WriteThrottleEvents"


def test_a_window_is_in_utc_and_says_the_other_day_where_it_ends_there() -> None:
    assert format_window(Window(start=0.0, end=900.0)) == "1970-01-01 00:00–00:15 UTC (15m)"
    assert format_window(Window(start=86_280.0, end=86_460.0)) == "1970-01-01 23:58–1970-01-02 00:01 UTC (3m)"
