"""metrics.txt: read back by the library's own strict parser, every second at its moment on the wall."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pytest_syncload.facts.plan import Rejudged
from pytest_syncload.facts.report import RunReport
from pytest_syncload.facts.result import Outcome, Second, Tally
from pytest_syncload.report.metrics import metrics_text
from tests.report.reports import REAL, TIMELINE, TOY, UNREAD, peak, refused, run_report, stress
from tests.rows import START, result

BEGAN = START + 0.25
HELD = peak(load_began_at=BEGAN)


def families(report: RunReport) -> dict[str, Metric]:
    """What a database reads. The parser refuses what goes back in time, counters that fall, and twice the same."""
    text = metrics_text(report)
    assert text.endswith("\n# EOF\n")
    read: Iterable[Metric] = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    return {family.name: family for family in read}


def samples(family: Metric, **labels: str) -> list[tuple[float, float | None]]:
    """Values and moments of what carries these labels."""
    return [
        (each.value, None if each.timestamp is None else float(each.timestamp))
        for each in family.samples
        if labels.items() <= each.labels.items()
    ]


@pytest.mark.parametrize(
    "report",
    [
        run_report(HELD),
        run_report(HELD, replace(stress(), load_began_at=BEGAN + 400)),
        run_report(refused()),
        run_report(peak(UNREAD), begun_at=0.0),
        run_report(HELD, where=TOY, service='quo"te\\ and\nline'),
    ],
    ids=["hold", "two", "refused", "undated", "odd-name"],
)
def test_the_librarys_own_parser_reads_it(report: RunReport) -> None:
    found = families(report)
    assert {sample.labels["run_id"] for family in found.values() for sample in family.samples} == {report.run_id}
    assert {sample.labels["service"] for family in found.values() for sample in family.samples} == {report.service}
    assert len(found["syncload_slo_verdict"].samples) == 3 * len(report.verdicts)


def test_counters_begin_at_zero_and_grow_by_the_second() -> None:
    arrivals = families(run_report(HELD))["syncload_arrivals"]
    assert arrivals.type == "counter"
    good = samples(arrivals, phase="peak", outcome="ok")
    assert good[:3] == [(0.0, BEGAN), (600.0, BEGAN + 1), (1199.0, BEGAN + 2)]
    assert len(good) == 1 + len(TIMELINE)
    last = (0 + 1 + 2 + 3 + 4 + 5, BEGAN + 6)
    assert samples(arrivals, outcome="5xx")[-1:] == [last]
    # What never came is no series.
    assert not samples(arrivals, outcome="timeout")
    assert samples(families(run_report(HELD))["syncload_failed_arrivals"])[-1:] == [last]


def test_latencies_are_seconds_and_a_silent_second_is_a_gap() -> None:
    silent = Second(at_s=1, tally=Tally(), in_flight=0, p50_ms=None, p95_ms=None, p99_ms=None, max_ms=None)
    timeline = (TIMELINE[0], silent, TIMELINE[2])
    found = families(run_report(peak(result=result(timeline=timeline), load_began_at=BEGAN)))
    assert found["syncload_latency_seconds"].unit == "seconds"
    p95 = samples(found["syncload_latency_seconds"], quantile="0.95")
    assert p95 == [(0.038, BEGAN + 1), (0.04, BEGAN + 3)]
    assert samples(found["syncload_in_flight"]) == [(3, BEGAN + 1), (0, BEGAN + 2), (5, BEGAN + 3)]


def test_a_phase_without_arrivals_still_says_zero() -> None:
    nothing = peak(result=result(timeline=()), load_began_at=BEGAN)
    assert samples(families(run_report(nothing))["syncload_arrivals"]) == [(0.0, BEGAN)]


def test_seconds_whose_moment_is_not_known_are_left_out() -> None:
    found = families(run_report(peak(load_began_at=None)))
    assert not found["syncload_arrivals"].samples
    assert not found["syncload_latency_seconds"].samples
    assert samples(found["syncload_slo_value"], row="api-5xx-rate") == [(0.02, run_report().begun_at)]


def test_load_that_is_judged_again_is_not_told_twice() -> None:
    found = families(run_report(HELD, rejudged=Rejudged(run_id="20261123T090000Z-bbbbbb", begun_at=START - 86_400)))
    assert not found["syncload_arrivals"].samples
    assert samples(found["syncload_slo_value"], row="api-5xx-rate") == [(0.02, BEGAN + 180)]
    assert [each.labels["rejudged_from"] for each in found["syncload_run"].samples] == ["20261123T090000Z-bbbbbb"]


def test_rows_have_value_target_and_verdict_where_the_load_ended() -> None:
    found = families(run_report(HELD))
    ended = BEGAN + 180
    assert samples(found["syncload_slo_value"], row="api-latency-p95", unit="ms") == [(612.0, ended)]
    assert samples(found["syncload_slo_target"], row="api-latency-p95", op="<") == [(500.0, ended)]
    # Nothing was observed, and zero is something.
    assert not samples(found["syncload_slo_value"], row="dynamodb-throttles")
    ruled = {
        (each.labels["row"], each.labels["verdict"]) for each in found["syncload_slo_verdict"].samples if each.value
    }
    assert ruled == {
        ("api-latency-p95", "breach"),
        ("api-5xx-rate", "pass"),
        ("dynamodb-throttles", "inconclusive"),
    }


@pytest.mark.parametrize(("where", "sandbox"), [(REAL, "false"), (TOY, "true")])
def test_every_sample_says_whether_it_was_the_sandbox(where: object, sandbox: str) -> None:
    found = families(run_report(HELD, where=where))
    assert {sample.labels["sandbox"] for family in found.values() for sample in family.samples} == {sandbox}
    assert "wall time" in found["syncload_latency_seconds"].documentation


def test_the_sum_of_the_outcomes_is_all_arrivals() -> None:
    arrivals = families(run_report(HELD))["syncload_arrivals"]
    last = [samples(arrivals, outcome=outcome.value)[-1][0] for outcome in (Outcome.OK, Outcome.SERVER_ERROR)]
    assert sum(last) == sum(second.tally.arrivals for second in TIMELINE)
