"""The tables: medians with spread, ratios within a round, and nothing that a client claims without the server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.engine.clients import OURS
from benchmarks.engine.goals import goals
from benchmarks.engine.table import (
    HELD,
    STALL,
    Measured,
    accuracy,
    comparison,
    cpu,
    notes,
    number,
    rate,
    ratios,
    shared,
    spread,
    throughput,
)
from benchmarks.engine.told import Told


def closed(client: str, round_: int, rate_per_s: float, cpu_us: float = 10.0) -> Measured:
    return Measured(
        part="closed",
        scheme="http",
        client=client,
        round=round_,
        rate_per_s=rate_per_s,
        cpu_us=cpu_us,
        cpu_percent=99.0,
        told=Told(requests=1),
    )


def opened(client: str, rate_per_s: float = 2970.0, **told: float) -> Measured:
    each = replace(closed(client, 0, rate_per_s, 40.0), part="open", offered=3000)
    return replace(each, told=replace(Told(requests=1), **told))  # type: ignore[arg-type]


def cells(lines: list[str], first: str) -> list[str]:
    (line,) = [line for line in lines if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (121_612.0, "122,000"),
        (4200.4, "4,200"),
        (236.2, "236"),
        (23.45, "23.4"),
        (8.0, "8"),
        (0.254, "0.25"),
        (0.0, "0"),
    ],
)
def test_a_number_has_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_a_median_stands_with_the_least_and_the_most() -> None:
    assert spread([3.0, 1.0, 2.0]) == "2 (1–3)"
    assert spread([5.0]) == "5"
    assert spread([]) == "–"


def test_ratios_are_of_one_round() -> None:
    """The machine was half as fast in the second round: the ratios stay, where one of medians would not."""
    measured = [closed(OURS, 0, 60_000), closed("wrk", 0, 120_000), closed("wrk", 1, 50_000), closed(OURS, 1, 25_000)]
    assert ratios(measured, OURS, "wrk", rate) == [0.5, 0.5]
    assert ratios([*measured, closed(OURS, 2, 1.0)], OURS, "wrk", cpu) == [1.0, 1.0]


def test_a_client_that_failed_has_no_ratio() -> None:
    failed = Measured(part="closed", scheme="http", client="wrk", round=0, error="its tool is not here")
    assert ratios([closed(OURS, 0, 60_000), failed], OURS, "wrk", rate) == []


def test_the_throughput_table() -> None:
    held = Measured(part=HELD, scheme="http", client=OURS, round=0, offered=15_000, rate_per_s=15_000.0)
    elsewhere = replace(closed(OURS, 0, 1.0), scheme="https")
    measured = [
        *(closed(OURS, round_, value) for round_, value in enumerate((50_000, 60_000, 40_000))),
        opened(OURS, p95_ms=0.25, p99_ms=1.0, lag_p99_ms=1.28),
        held,
        elsewhere,
        closed("wrk", 0, 121_600, 8.0),
    ]
    lines = throughput(measured, "http", 3000)
    assert cells(lines, OURS) == ["50,000 (40,000–60,000)", "99", "10", "40", "0.25", "1", "1.28", "1", "15,000"]
    assert cells(lines, "wrk") == ["122,000", "99", "8", "–", "–", "–", "–", "–", "–"]


def test_the_comparison_leaves_us_out() -> None:
    lines = comparison([closed(OURS, 0, 60_000, 16.0), closed("wrk", 0, 120_000, 8.0)], "http")
    assert cells(lines, "wrk") == ["0.5", "2", "–"]
    assert len(lines) == 3


def test_accuracy_stands_beside_the_truth() -> None:
    truth = Told(p50_ms=0.0, p95_ms=500.0, p99_ms=900.0, max_ms=1000.0)
    mine = replace(opened(OURS, p50_ms=0.3, p95_ms=510.0, p99_ms=909.0, max_ms=1000.0), part=STALL, truth=truth)
    locust = replace(opened("Locust FastHttpUser", p50_ms=3.0, p95_ms=26.0, p99_ms=200.0), part=STALL, truth=truth)
    lines = accuracy([locust, mine], STALL)
    assert cells(lines, "truth") == ["0", "500", "900", "1,000"]
    assert cells(lines, OURS) == ["0.3", "510 (+2.0 %)", "909 (+1.0 %)", "1,000 (+0.0 %)"]
    assert cells(lines, "Locust FastHttpUser") == ["3", "26 (-94.8 %)", "200 (-77.8 %)", "–"]


def test_goals_are_met_only_by_what_was_measured() -> None:
    measured = [
        closed(OURS, 0, 60_000),
        closed("wrk", 0, 121_000),
        closed("Locust FastHttpUser", 0, 10_500),
        opened(OURS, p99_ms=1.2, lag_p99_ms=1.9, dropped=0),
        opened("one blocking socket", p99_ms=0.4),
        replace(closed(OURS, 0, 15_000), part=HELD),
        replace(
            opened(OURS, p95_ms=480.0, p99_ms=909.0, max_ms=1000.0),
            part=STALL,
            truth=Told(p95_ms=500.0, p99_ms=900.0, max_ms=1000.0),
        ),
    ]
    lines = goals(measured)
    assert cells(lines, f"{OURS}: requests/s, http, ÷ wrk: ≥ 0.5") == ["0.5", "no"]
    assert cells(lines, f"{OURS}: requests/s, http, ÷ Locust FastHttpUser: ≥ 5") == ["5.71", "yes"]
    assert cells(lines, f"{OURS}: requests/s, https, ÷ wrk: ≥ 0.5") == ["–", "not measured"]
    assert cells(lines, "send lag p99, ms: ≤ 2") == ["1.9", "yes"]
    assert cells(lines, "service time p99 beyond one blocking socket's, ms: ≤ 1") == ["0.8", "yes"]
    assert cells(lines, "arrivals dropped: ≤ 0") == ["0", "yes"]
    assert cells(lines, "held in an open loop /s: ≥ 15,000") == ["15,000", "yes"]
    (off,) = [line for line in lines if "standstill" in line]
    assert off.endswith("| 4 | no |")


def test_a_shared_core_is_told() -> None:
    alone = [replace(closed(OURS, round_, 1.0), others_percent=value) for round_, value in enumerate((0.0, 2.0, 60.0))]
    busy = [replace(each, others_percent=40.0) for each in alone]
    assert shared(alone) == []
    assert shared([closed(OURS, 0, 1.0)]) == []
    _, said = shared(busy)
    assert "Others used 40 %" in said


def test_what_the_server_never_had_is_told() -> None:
    claims = replace(closed("httpx.AsyncClient", 0, 500.0), never_had=8000)
    failed = replace(closed("hey", 0, 500.0), told=Told(requests=5, failed=3))
    broken = Measured(part="open", scheme="https", client="k6", round=0, error="ended with 107")
    said = notes([claims, failed, broken])
    assert "- httpx.AsyncClient, closed http: claims 8,000 requests that the server never had" in said
    assert "- hey, closed http: 3 failed" in said
    assert "- k6, open https: ended with 107" in said


def test_a_measurement_travels_as_a_line() -> None:
    each = replace(opened(OURS, p99_ms=1.0), truth=Told(p99_ms=0.9))
    assert Measured.parse(each.line()) == each
    assert Measured.parse(closed(OURS, 0, 1.0).line()) == closed(OURS, 0, 1.0)
