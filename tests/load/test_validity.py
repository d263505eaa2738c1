"""Each limit on both of its sides, and messages that say what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from pytest_syncload.facts.result import Invalidity, Outcome, Side, Tally
from pytest_syncload.load.sameness import Sameness
from pytest_syncload.load.shard import ShardReport
from pytest_syncload.load.validity import invalidities, sent_but_not_counted


def report(cpu_percent: float = 40.0, *, interrupted: bool = False, index: int = 0) -> ShardReport:
    return ShardReport(
        index=index, sent=10, interrupted=interrupted, cpu_percent=cpu_percent, lag_p99_ms=1.0, peak_in_flight=3
    )


def reasons(
    *,
    scheduled: int = 10_000,
    hold: Tally | None = None,
    reports: Sequence[ShardReport] | None = None,
    shards: int = 1,
    lag_p99_ms: float | None = 1.0,
    statuses: Mapping[int, int] | None = None,
    examples: Sequence[str] = (),
) -> tuple[Invalidity, ...]:
    return invalidities(
        scheduled_in_hold=scheduled,
        hold=hold or Tally(outcomes={Outcome.OK: scheduled}),
        reports=[report(index=index) for index in range(shards)] if reports is None else reports,
        shards=shards,
        lag_p99_ms=lag_p99_ms,
        statuses=statuses or {202: scheduled},
        examples=examples,
    )


def test_a_good_phase_is_valid() -> None:
    assert reasons() == ()
    assert reasons(lag_p99_ms=None) == ()


@pytest.mark.parametrize(("cpu", "shards", "needed"), [(90.1, 1, 2), (95.0, 2, 3), (100.0, 9, 10), (180.0, 1, 2)])
def test_cpu(cpu: float, shards: int, needed: int) -> None:
    reports = [report(90.0, index=index) for index in range(shards)]
    assert reasons(reports=reports, shards=shards) == ()
    (reason,) = reasons(reports=[report(cpu), *reports[1:]], shards=shards)
    assert reason.side is Side.GENERATOR
    assert "limit 90 %" in reason.what
    assert f"this rate needs {needed} generators here: load.generators: {needed}" in reason.what


def test_expired_tokens() -> None:
    behind = replace(report(), expired=12, refreshes=40, failed_refreshes=3, refresh_problem="HTTP 503 busy at x")
    hold = Tally(outcomes={Outcome.OK: 9_988, Outcome.DROPPED: 12}, dropped_late=12)
    # What falls short beside it does so because of it.
    (reason,) = reasons(reports=[replace(report(), expired=0, index=1), behind], shards=2, hold=hold)
    assert reason.side is Side.GENERATOR
    assert reason.what == (
        "refreshing fell behind: 12 arrivals had only an expired token and were not sent (40 refreshes worked, 3 "
        "failed); the last failure: HTTP 503 busy at x"
    )
    (reason,) = reasons(reports=[replace(behind, refresh_problem=None)], hold=hold)
    assert "does the issuer answer in time" in reason.what
    assert reasons(reports=[replace(behind, expired=0)]) == (), "a failure that was mended in time is none"


def test_lag() -> None:
    assert reasons(lag_p99_ms=100.0) == ()
    (reason,) = reasons(lag_p99_ms=101.0)
    assert reason.side is Side.GENERATOR
    assert "101 ms at p99 (limit 100 ms)" in reason.what
    assert (
        "used at most 40 % of a core, so something else kept them from it: give them a less busy machine" in reason.what
    )


def test_a_busy_generator_that_lags_needs_others_beside_it() -> None:
    (reason,) = reasons(lag_p99_ms=101.0, reports=[report(85.0)])
    assert "this rate needs 2 generators here: load.generators: 2 (pytest --syncload-calibrate" in reason.what


def test_how_many_generators_follows_from_what_they_could_not_offer() -> None:
    (reason,) = reasons(
        hold=Tally(outcomes={Outcome.OK: 4000}), reports=[report(90.0), report(89.0, index=1)], shards=2
    )
    assert "4000 of 10000 arrivals were offered (40 %, needed 99 %); this rate needs 5 generators here" in reason.what


def test_achieved() -> None:
    assert reasons(hold=Tally(outcomes={Outcome.OK: 9900})) == ()
    (reason,) = reasons(hold=Tally(outcomes={Outcome.OK: 9899}), shards=2)
    assert reason.side is Side.GENERATOR
    assert "9899 of 10000 arrivals were offered (99" in reason.what
    assert "give them a less busy machine" in reason.what


def test_nothing_that_ended_is_nothing_offered() -> None:
    (reason,) = reasons(hold=Tally(outcomes={Outcome.DROPPED: 0}))
    assert "0 of 10000 arrivals were offered (0 %, needed 99 %)" in reason.what


def test_drops_are_the_generators_doing_only_when_it_was_late() -> None:
    outcomes = {Outcome.OK: 9999, Outcome.DROPPED: 1}
    assert reasons(hold=Tally(outcomes=outcomes)) == ()
    (reason,) = reasons(hold=Tally(outcomes=outcomes, dropped_late=1))
    assert reason.side is Side.GENERATOR
    assert "1 arrivals were dropped while the generator itself was late" in reason.what


def test_late_drops_are_not_offered() -> None:
    first, second = reasons(hold=Tally(outcomes={Outcome.OK: 9800, Outcome.DROPPED: 200}, dropped_late=200))
    assert "200 arrivals were dropped" in first.what
    assert "9800 of 10000" in second.what


def test_no_arrival_at_all() -> None:
    (reason,) = reasons(scheduled=0, hold=Tally())
    assert reason == Invalidity(
        side=Side.GENERATOR, what="no arrival was due in the hold, so nothing was offered and nothing is proven"
    )


def test_a_cut_hold_says_so_and_nothing_that_follows_from_it() -> None:
    hold = Tally(outcomes={Outcome.OK: 100})
    (reason,) = reasons(hold=hold, reports=[report(99.0, interrupted=True)], lag_p99_ms=999)
    assert reason == Invalidity(
        side=Side.GENERATOR, what="the hold was cut short: 100 of its 10000 arrivals ended; run the phase again"
    )


def test_a_target_that_closed_everything_is_the_targets_doing_and_explains_the_rest() -> None:
    hold = Tally(outcomes={Outcome.OK: 100, Outcome.CONNECT_ERROR: 80})
    reports = [replace(report(99.0, interrupted=True), gave_up=True), report(interrupted=True)]
    (reason,) = reasons(hold=hold, reports=reports, shards=2, lag_p99_ms=999)
    assert reason == Invalidity(
        side=Side.TARGET,
        what="the target refused, closed or broke every connection for 0.8 s, so the load was stopped: 180 of the "
        "hold's 10000 arrivals ended, 80 of them failed; look why it went away and run the phase again",
    )


def test_a_generator_that_did_not_report() -> None:
    (reason,) = reasons(reports=[report()], shards=3)
    assert reason.side is Side.GENERATOR
    assert reason.what.startswith("2 of 3 generators did not report")


def test_wrong_answers_are_the_targets_doing() -> None:
    assert reasons(hold=Tally(outcomes={Outcome.OK: 9990, Outcome.WRONG_BODY: 10})) == ()
    (reason,) = reasons(
        hold=Tally(outcomes={Outcome.OK: 9989, Outcome.WRONG_BODY: 3, Outcome.UNEXPECTED_STATUS: 8}),
        statuses={202: 9992, 401: 8},
        examples=["429: HTTP 429 slow", "timeout: while connecting", "unexpected_status: HTTP 401 who are you"],
    )
    assert reason.side is Side.TARGET
    assert "0.11 % of the answers are unexpected (limit 0.1 %)" in reason.what
    assert "9992 × 202, 8 × 401, 3 with a wrong body" in reason.what
    assert "for example unexpected_status: HTTP 401 who are you;" in reason.what


def test_429_is_load_and_not_a_wrong_answer() -> None:
    hold = Tally(outcomes={Outcome.OK: 5000, Outcome.UNEXPECTED_STATUS: 5000}, throttled=5000)
    assert reasons(hold=hold) == ()


def test_both_sides_are_told() -> None:
    hold = Tally(outcomes={Outcome.UNEXPECTED_STATUS: 10_000})
    first, second = reasons(hold=hold, statuses={404: 10_000}, lag_p99_ms=500)
    assert (first.side, second.side) == (Side.GENERATOR, Side.TARGET)
    assert "10000 × 404; request.expect of slo.yaml wants another answer" in second.what


@pytest.mark.parametrize("outcome", [Outcome.DROPPED, Outcome.CONNECT_ERROR])
def test_a_load_that_did_not_reach_the_target_proves_nothing_about_it(outcome: Outcome) -> None:
    (half,) = invalidities(
        scheduled_in_hold=1000,
        hold=Tally(outcomes={Outcome.OK: 500, outcome: 500}),
        reports=(),
        shards=0,
        lag_p99_ms=1.0,
        statuses={202: 500},
        examples=(),
    )
    assert half.side is Side.TARGET
    assert "500 of 1000 arrivals reached the target" in half.what


def test_every_request_that_was_sent_is_counted_or_the_phase_is_invalid() -> None:
    fared = [replace(report(index=0), sent=600), replace(report(index=1), sent=399)]
    everything = Tally(outcomes={Outcome.OK: 990, Outcome.TIMEOUT: 9, Outcome.DROPPED: 5})
    assert sent_but_not_counted(fared, everything) is None
    lost = sent_but_not_counted(fared, Tally(outcomes={Outcome.OK: 990, Outcome.DROPPED: 5}))
    assert lost is not None
    assert lost.side is Side.GENERATOR
    assert "sent 999 requests and 990 were counted" in lost.what


def test_answers_that_repeat_are_the_targets_doing() -> None:
    def found(repeated: int) -> tuple[Invalidity, ...]:
        return invalidities(
            scheduled_in_hold=1000,
            hold=Tally(outcomes={Outcome.OK: 1000}),
            reports=[report()],
            shards=1,
            lag_p99_ms=1.0,
            statuses={202: 1000},
            examples=(),
            sameness=Sameness(members=("job_id",), sampled=40, repeated=repeated),
        )

    assert found(0) == ()
    (reason,) = found(1)
    assert reason.side is Side.TARGET
    assert "1 of 40 sampled answers repeat job_id of an earlier one" in reason.what
    assert "leave these members out of request.expect.json" in reason.what
