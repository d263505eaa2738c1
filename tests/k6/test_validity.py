"""Each rule on both of its sides, and what k6 recorded as a phase's result."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pytest

from pytest_syncload.conductor.phase import sum_up
from pytest_syncload.facts.plan import Phase, RequestTemplate
from pytest_syncload.facts.result import Figure, Invalidity, Outcome, Side, Tally, Window
from pytest_syncload.k6.points import Points
from pytest_syncload.k6.validity import NOT_MEASURED, Offered, k6_invalidities
from pytest_syncload.load.fleet import Fared
from pytest_syncload.load.job import REPORT
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.sameness import Sameness
from pytest_syncload.load.shard import ShardReport
from pytest_syncload.load.snapshot import Merged
from pytest_syncload.load.validity import Evidence
from tests.k6.lines import START, recorded

PACER = Pacer(rate_per_s=100.0, ramp_s=2.0, hold_s=10.0)
OFFERED = Offered(pacer=PACER, vus=50, cores=2)
REPORT_OF_K6 = ShardReport(
    index=0, sent=1100, interrupted=False, cpu_percent=120.0, lag_p99_ms=0.0, peak_in_flight=0, engine="k6 v2.2.0"
)


def on_time(pacer: Pacer = PACER) -> dict[int, Tally]:
    """What begins in each second, where all begins when it is due."""
    return {at: begun(pacer.scheduled(at, at + 1)) for at in range(int(pacer.ends_s))}


def begun(count: int) -> Tally:
    return Tally(outcomes={Outcome.OK: count})


def reasons(
    *,
    hold: Tally | None = None,
    report: ShardReport | None = REPORT_OF_K6,
    seconds: Mapping[int, Tally] | None = None,
    scheduled: int = 1000,
) -> tuple[Invalidity, ...]:
    evidence = Evidence(
        scheduled=scheduled,
        hold=begun(1000) if hold is None else hold,
        reports=[] if report is None else [report],
        shards=1,
        lag_p99_ms=None,
        statuses={202: 1000},
        examples=(),
        sameness=Sameness(),
    )
    return k6_invalidities(OFFERED, evidence, on_time() if seconds is None else seconds)


def test_a_good_phase_is_valid() -> None:
    assert reasons() == ()


def test_one_dropped_iteration_is_one_too_many() -> None:
    hold = Tally(outcomes={Outcome.OK: 999, Outcome.DROPPED: 1}, dropped_late=1)
    (reason,) = reasons(hold=hold)
    assert reason.side is Side.GENERATOR
    assert "dropped 1 iterations of the hold, as all of its 50 virtual users were busy" in reason.what
    assert "room for answers of 500 ms at 100/s" in reason.what
    assert "raise load.vus" in reason.what
    assert hold.failed == 0, "the target is not blamed for what nobody knows"


def test_too_few_begun() -> None:
    assert reasons(hold=begun(990)) == ()
    (reason,) = reasons(hold=begun(989))
    assert "k6 began 989 of 1000 arrivals (98.9 %, needed 99 %)" in reason.what


@pytest.mark.parametrize(("missing", "is_late"), [(11, False), (14, True)])
def test_a_stall_that_is_made_up_for_shows_as_a_second_ends(missing: int, is_late: bool) -> None:
    # Of 100/s, 12 arrivals behind are 120 ms; two are k6's own way to count, so 10 of them are 100 ms.
    seconds = on_time()
    seconds[5], seconds[6] = begun(100 - missing), begun(100 + missing)
    found = reasons(seconds=seconds)
    assert bool(found) is is_late
    if found:
        assert found[0].side is Side.GENERATOR
        assert "k6 fell behind its schedule by 120 ms or more (limit 100 ms), as 1 of the hold's 10" in found[0].what


def test_a_second_without_any_is_behind() -> None:
    seconds = on_time()
    del seconds[7]
    assert "fell behind" in reasons(seconds=seconds)[0].what


def test_in_the_ramp_nobody_looks_at_its_pace() -> None:
    seconds = on_time()
    seconds[0], seconds[1] = begun(0), begun(200)
    assert reasons(seconds=seconds) == ()


def test_one_second_in_a_hundred_may_end_late() -> None:
    pacer = Pacer(rate_per_s=100.0, ramp_s=0.0, hold_s=100.0)
    seconds = on_time(pacer)
    seconds[5], seconds[6] = begun(50), begun(150)
    evidence = Evidence(
        scheduled=10_000, hold=begun(10_000), reports=[REPORT_OF_K6], shards=1, lag_p99_ms=None,
        statuses={}, examples=(), sameness=Sameness(),
    )  # fmt: skip
    assert k6_invalidities(replace(OFFERED, pacer=pacer), evidence, seconds) == ()
    seconds[8], seconds[9] = begun(50), begun(150)
    assert len(k6_invalidities(replace(OFFERED, pacer=pacer), evidence, seconds)) == 1


def test_cpu_is_held_against_all_cores() -> None:
    assert reasons(report=replace(REPORT_OF_K6, cpu_percent=180.0)) == ()
    (reason,) = reasons(report=replace(REPORT_OF_K6, cpu_percent=181.0))
    assert "k6 used 90.5 % of this machine's 2 cores (limit 90 %)" in reason.what
    assert reasons(report=replace(REPORT_OF_K6, cpu_percent=math.nan)) == (), "where it is not known it is no reason"


def test_what_explains_all_stands_alone() -> None:
    cut = replace(REPORT_OF_K6, interrupted=True)
    (reason,) = reasons(report=cut, hold=begun(500))
    assert "the hold was cut short: 500 of its 1000" in reason.what
    (reason,) = reasons(report=replace(cut, gave_up=True), hold=Tally(outcomes={Outcome.CONNECT_ERROR: 10}))
    assert reason.side is Side.TARGET
    (reason,) = reasons(scheduled=0, hold=Tally())
    assert "no arrival was due" in reason.what
    assert reasons(report=None, hold=Tally()) == (), "what became of k6 is told by whoever lost it"


def test_the_target_is_judged_by_the_same_rules() -> None:
    (reason,) = reasons(hold=Tally(outcomes={Outcome.OK: 900, Outcome.WRONG_BODY: 100}))
    assert reason.side is Side.TARGET


def test_what_a_real_k6_recorded_is_a_phase_with_what_it_cannot_say() -> None:
    reader, merged = Points(start_at=START, hold_s=(2.0, 6.0), expected=(202,), timeout_s=2.0), Merged(NOT_MEASURED)
    for line in recorded():
        reader.take(line)
    merged.add(reader.drain())
    pacer = Pacer(rate_per_s=40.0, ramp_s=2.0, hold_s=4.0)
    report = replace(REPORT_OF_K6, sent=reader.requests)
    offered = Offered(pacer=pacer, vus=5, cores=2)
    result = sum_up(
        Phase(name="peak", slos=(), line=1, rate_per_s=40.0),
        RequestTemplate(expect_status=202),
        pacer,
        Window(start=0.0, end=240.0),
        merged,
        Fared(reports=(REPORT.dump_python(report),), lost=(), stopped=None),
        0.0,
        1,
        judge=lambda evidence, seconds: k6_invalidities(offered, evidence, seconds),
        not_measured=NOT_MEASURED,
    )
    both = result.ramp + result.hold
    assert {outcome: both[outcome] for outcome in Outcome if both[outcome]} == {
        Outcome.OK: 194,
        Outcome.SERVER_ERROR: 9,
        Outcome.TIMEOUT: 6,
        Outcome.DROPPED: 1,
    }
    assert result.latency.count == result.lag.count == 0
    assert result.service_time.count == 160
    assert result.not_measured == NOT_MEASURED
    assert set(NOT_MEASURED) == set(Figure)
    (generator,) = result.generators
    assert (generator.engine, generator.lag_p99_ms, generator.peak_in_flight) == ("k6 v2.2.0", None, None)
    (reason,) = result.invalid
    assert "k6 dropped 1 iterations of the hold" in reason.what


def test_a_snapshot_that_was_lost_is_noticed_as_with_our_own() -> None:
    report = replace(REPORT_OF_K6, sent=5)
    merged = Merged(NOT_MEASURED)
    result = sum_up(
        Phase(name="peak", slos=(), line=1, rate_per_s=100.0),
        RequestTemplate(),
        PACER,
        Window(start=0.0, end=60.0),
        merged,
        Fared(reports=(REPORT.dump_python(report),), lost=(), stopped=None),
        0.0,
        1,
        judge=lambda evidence, seconds: (),
        not_measured=NOT_MEASURED,
    )
    assert "5 requests and 0 were counted" in result.invalid[0].what
