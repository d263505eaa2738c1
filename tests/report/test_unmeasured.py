"""What an engine could not say stands in every surface as that: no zero, no dash, and no other figure in its place."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_syncload.facts.events import PhaseMeasured, PhaseProgress
from pytest_syncload.facts.histogram import Histogram
from pytest_syncload.facts.report import PhaseReport
from pytest_syncload.facts.result import Figure, GeneratorReport, PhaseResult
from pytest_syncload.report.github_summary import summary_of
from pytest_syncload.report.html.page import html_of
from pytest_syncload.report.metrics import metrics_text
from pytest_syncload.report.progress import told
from pytest_syncload.report.summary import summary_text
from pytest_syncload.report.unmeasured import counts_from, latency_name, unmeasured_words
from tests.report.reports import TIMELINE, peak, run_report
from tests.rows import result

WHY = {Figure.LATENCY: "it knows the send only", Figure.LAG: "it does not say", Figure.IN_FLIGHT: "nor that"}


def by_another_engine() -> PhaseResult:
    return result(
        latency=Histogram(),
        lag=Histogram(),
        service_time=Histogram.of([31.0] * 100),
        timeline=tuple(replace(second, in_flight=None) for second in TIMELINE),
        generators=(
            GeneratorReport(index=0, cpu_percent=None, lag_p99_ms=None, peak_in_flight=None, engine="k6 v2.2.0"),
        ),
        not_measured=WHY,
    )


@pytest.fixture
def phase() -> PhaseReport:
    return peak(result=by_another_engine())


def test_words() -> None:
    assert latency_name(()) == "latency"
    assert latency_name(WHY) == "service time"
    assert (counts_from(()), counts_from(WHY)) == ("the intended time", "the send")
    assert dict(unmeasured_words(result())) == {}
    assert dict(unmeasured_words(by_another_engine()))["requests in flight"] == "not measured: nor that"


def test_terminal() -> None:
    line = told(PhaseMeasured(phase="peak", result=by_another_engine())).stays or ""
    assert "service time p95 31 ms · latency, lag not measured" in line
    silent = replace(by_another_engine(), service_time=Histogram())
    assert "no answers · latency, lag not measured" in (told(PhaseMeasured(phase="peak", result=silent)).stays or "")


def test_progress() -> None:
    event = PhaseProgress(
        phase="peak",
        second=by_another_engine().timeline[1],
        intended=600.0,
        lag_p99_ms=None,
        elapsed_s=2.0,
        wall_s=6.0,
        not_measured=frozenset(WHY),
    )
    passing = told(event).passing or ""
    assert "p95 39 ms from the send" in passing
    assert passing.endswith("lag not measured")
    assert "in flight" not in passing


def test_page(phase: PhaseReport) -> None:
    page = html_of(run_report(phase))
    assert "k6 v2.2.0: CPU not measured, lag not measured" in page
    assert "not measured: it knows the send only" in page
    assert "Service time over time" in page
    assert "It counts from when a request was sent" in page
    assert "Service time distribution" in page
    assert "Latency counts from the intended time" not in page
    assert "Requests in flight" not in page
    assert page.count("<td>not measured</td>") == 14, "seven lines of latency and of lag"


def test_summary(phase: PhaseReport) -> None:
    said = json.loads(summary_text(run_report(phase)))["phases"][0]["measured"]
    assert said["not_measured"] == {
        "latency": "it knows the send only",
        "lag": "it does not say",
        "in_flight": "nor that",
    }
    assert (said["latency"]["samples"], said["latency"]["p95_ms"]) == (0, None)
    assert said["service_time"]["p95_ms"] == pytest.approx(31.0, rel=0.005)
    (generator,) = said["generators"]
    assert (generator["cpu_percent"], generator["lag_p99_ms"], generator["peak_in_flight"]) == (None, None, None)
    assert generator["engine"] == "k6 v2.2.0"


def test_metrics(phase: PhaseReport) -> None:
    text = metrics_text(run_report(replace(phase, load_began_at=1_800_000_000.0)))
    assert "syncload_arrivals_total{" in text
    assert "syncload_latency_seconds{" not in text
    assert "syncload_in_flight{" not in text


def test_github(phase: PhaseReport) -> None:
    text = summary_of(run_report(phase))
    assert "service time from the send: p50 31 ms" in text
    assert "k6 v2.2.0" in text
    assert "not measured: it does not say" in text
    assert "p95 service time of each second" in text
