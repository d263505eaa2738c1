"""The words a person decides by: everything a row was judged from is on the screen, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.observation import Observation, Ruling, Series, Verdict
from pytest_syncload.facts.override import Override
from pytest_syncload.facts.plan import (
    AwsAccess,
    Climb,
    Environment,
    LoadSettings,
    Phase,
    RequestTemplate,
    SandboxSettings,
    Slo,
    Spec,
    Target,
)
from pytest_syncload.facts.result import Outcome, Tally
from pytest_syncload.facts.units import Kind
from pytest_syncload.report.text import (
    describe,
    describe_phase,
    explain,
    explain_load,
    sparkline,
)
from tests.rows import ERRORS, LATENCY, MINUTES, THROTTLES, WINDOW, result

REAL = Environment(
    name="load-testing", line=2, base_url="https://api.toy.example", aws=AwsAccess(region="eu-central-1")
)
SANDBOX = Environment(name="sandbox", line=2, sandbox=SandboxSettings(speed=60.0, rate_scale=0.4))
PEAK = Phase(name="peak", slos=(LATENCY, ERRORS), line=20, rate_per_s=3000.0, ramp_s=300.0, hold_s=900.0)


def spec(environment: Environment = REAL) -> Spec:
    phases = (
        PEAK,
        Phase(name="baseline", slos=(), line=10, rate_per_s=100.0, hold_s=600.0),
        Phase(
            name="stress",
            slos=(),
            line=40,
            climb=Climb(
                from_per_s=3000.0,
                step_percent=10.0,
                every_s=60.0,
                until="failed > 1 %",
                failed_percent=1.0,
                at_most_per_s=20_000.0,
            ),
        ),
    )
    return Spec(
        file=Path("/somewhere/slo.yaml"),
        service="toy",
        environment=environment,
        load=LoadSettings(),
        request=RequestTemplate(),
        phases=phases,
    )


def observation(slo: Slo = LATENCY, **changes: object) -> Observation:
    plain = Observation(
        slo=slo,
        window=WINDOW,
        kind=Kind.TIME,
        value=612.0,
        samples=1800,
        series=Series(timestamps=MINUTES, values=(120.0, 612.0, 480.0), period_s=60),
        sources=("AWS/ApiGateway Latency p95 {ApiName=syncwell}",),
        parts={},
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def verdict(ruling: Ruling = Ruling.BREACH, seen: Observation | None = None, **changes: object) -> Verdict:
    plain = Verdict(slo=LATENCY, ruling=ruling, reason="612 ms is not < 500 ms", observation=seen or observation())
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_the_header_says_whose_request_it_is() -> None:
    made = replace(spec(), request_from=Override(name="syncload_request (conftest.py:3)"))
    assert describe(made)[0] == "syncload: the request is syncload_request (conftest.py:3)'s, not that of slo.yaml"
    assert not any("request" in line for line in describe(spec()))


def test_a_breach_is_explained_on_one_screen() -> None:
    assert explain(verdict(), spec()).splitlines() == [
        "peak::api-latency-p95: breach: 612 ms is not < 500 ms",
        "",
        "  observed  612 ms from 1800 samples",
        "  target    < 500 ms",
        "  window    2023-11-14 22:14–22:17 UTC (3m)",
        "  source    AWS/ApiGateway Latency p95 {ApiName=syncwell}",
        "  a minute  ▂█▆  worst 612 ms",
        "             ^   beyond the target",
        "  asked at  slo.yaml:30",
        "  where     load-testing, https://api.toy.example, eu-central-1",
    ]


def test_what_the_value_was_made_of_is_shown_and_every_source() -> None:
    seen = observation(ERRORS, kind=Kind.SHARE, value=0.2, samples=None, sources=("one", "two"), parts={"client": 0.2})
    text = explain(verdict(seen=seen, slo=ERRORS), spec())
    assert "  observed  0.2 %\n" in text
    assert "  source    one\n            two\n" in text
    assert "  of which  client: 0.2 %" in text


def test_a_part_in_another_unit_says_so_and_is_not_called_a_share() -> None:
    seen = observation(ERRORS, kind=Kind.SHARE, value=0.2, parts={"tasks (stopped)": 3.0, "client": 0.2})
    text = explain(verdict(seen=seen, slo=ERRORS), spec())
    assert "  of which  tasks (stopped): 3\n" in text
    assert "  of which  client: 0.2 %\n" in text


def test_the_minutes_behind_the_hold_and_the_notes_are_shown() -> None:
    after = Series(timestamps=MINUTES, values=(400.0, 100.0, 0.0), period_s=60)
    seen = observation(THROTTLES, kind=Kind.COUNT, value=400.0, after=after, notes=("one", "two"))
    text = explain(verdict(seen=seen, slo=THROTTLES), spec())
    assert "  after     █▃▁  after the hold, last 0\n  note      one\n  note      two\n  asked at" in text
    nothing = replace(seen, after=Series(timestamps=(), values=(), period_s=60), notes=())
    assert "after the hold" not in explain(verdict(seen=nothing, slo=THROTTLES), spec())


def test_what_ecs_told_needs_no_series() -> None:
    empty = Series(timestamps=(), values=(), period_s=60)
    source = "ECS ListTasks and DescribeTasks {cluster=a, serviceName=b}"
    seen = observation(ERRORS, kind=Kind.SHARE, value=25.0, samples=4, series=empty, sources=(source,))
    text = explain(verdict(seen=seen, slo=ERRORS), spec())
    assert "  observed  25 % from 4 samples\n" in text
    assert f"  source    {source}\n  asked at" in text


def test_what_was_not_proven_is_no_breach_and_says_what_is_missing() -> None:
    empty = Series(timestamps=(), values=(), period_s=60)
    seen = observation(value=None, samples=None, series=empty, problem="no data point")
    text = explain(verdict(Ruling.INCONCLUSIVE, seen, reason="no data point"), spec(SANDBOX))
    assert text.startswith("peak::api-latency-p95: not proven: no data point\n")
    assert "  observed  nothing\n" in text
    assert "breach" not in text
    assert "a minute" not in text
    assert text.endswith("  where     sandbox (SANDBOX: proves nothing about a real target)")


def test_where_nothing_could_be_asked_only_the_row_and_the_reason_are_shown() -> None:
    nothing = Verdict(slo=LATENCY, ruling=Ruling.INCONCLUSIVE, reason="not selected")
    assert explain(nothing, spec()).splitlines() == [
        "peak::api-latency-p95: not proven: not selected",
        "",
        "  asked at  slo.yaml:30",
        "  where     load-testing, https://api.toy.example, eu-central-1",
    ]


def test_a_pass_is_not_called_a_breach_and_marks_no_minute() -> None:
    calm = Series(timestamps=MINUTES, values=(120.0, 130.0, 110.0), period_s=60)
    text = explain(verdict(Ruling.PASS, observation(value=130.0, series=calm), reason="130 ms is < 500 ms"), spec())
    assert text.startswith("peak::api-latency-p95: pass: 130 ms is < 500 ms\n")
    assert "observed  130 ms" in text
    assert "^" not in text


@pytest.mark.parametrize(
    ("op", "marks", "worst"),
    [("<", " ^^", "3"), ("<=", "  ^", "3"), ("==", "^ ^", "3"), (">=", "^  ", "1"), (">", "^^ ", "1")],
)
def test_the_minutes_beyond_the_target_are_marked(op: str, marks: str, worst: str) -> None:
    slo = replace(THROTTLES, target=Target(op=op, value=2.0, kind=Kind.COUNT, text=f"{op} 2"))
    series = Series(timestamps=MINUTES, values=(1.0, 2.0, 3.0), period_s=60)
    text = explain(verdict(seen=observation(slo, kind=Kind.COUNT, series=series), slo=slo), spec())
    assert f"worst {worst}\n            {marks}  beyond the target" in text


def test_a_real_environment_without_access_has_no_region_to_show() -> None:
    assert "load-testing, https://api.toy.example, ?" in explain(verdict(), spec(replace(REAL, aws=None)))
    assert "unknown region" in describe(spec(replace(REAL, aws=None)))[0]


def test_an_invalid_phase_shows_reasons_arrivals_and_three_examples() -> None:
    broken = result(hold=Tally(outcomes={Outcome.OK: 1700, Outcome.TIMEOUT: 50}), examples=("a", "b", "c", "d"))
    assert explain_load(broken, ["too late", "too few"]).splitlines() == [
        "peak: the phase is invalid, so none of its rows is judged",
        "  - too late",
        "  - too few",
        "",
        "  window    2023-11-14 22:14–22:17 UTC (3m)",
        "  arrivals  1750 of 1800 in the hold: 50 timeout, 1700 ok",
        "  example   a",
        "  example   b",
        "  example   c",
    ]
    assert "0 of 1800 in the hold: none" in explain_load(result(hold=Tally()), [])


def test_bars_stand_from_zero_to_the_largest() -> None:
    assert sparkline([0.0, 1.0, 2.0, 4.0, 7.0]) == "▁▂▃▅█"
    assert sparkline([]) == ""
    assert sparkline([0.0, 0.0]) == "▁▁"
    assert sparkline([-1.0, 1.0]) == "▁█"


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=50))
def test_a_higher_value_never_has_a_lower_bar(values: list[float]) -> None:
    bars = sparkline(values)
    assert len(bars) == len(values)
    assert sorted(bars) == [bar for _, bar in sorted(zip(values, bars, strict=True))]


def test_the_header_is_loud_about_the_sandbox() -> None:
    assert describe(spec(SANDBOX)) == [
        "syncload: SANDBOX (proves nothing about a real target) · slo.yaml · clock × 60 · rates × 0.4"
    ]
    unscaled = replace(SANDBOX, sandbox=SandboxSettings(speed=1.0))
    assert "rates" not in describe(spec(unscaled))[0]
    assert describe(spec()) == ["syncload: load-testing · https://api.toy.example · eu-central-1 · slo.yaml"]


def test_the_header_says_production_and_that_load_may_come_from_elsewhere() -> None:
    marked = replace(REAL, production=True, generator_elsewhere="a laptop")
    assert describe(spec(marked)) == [
        "syncload: PRODUCTION · load-testing · https://api.toy.example · eu-central-1 · slo.yaml",
        "syncload: load may come from another region: a laptop",
    ]


def test_a_phase_is_described_as_it_was_written() -> None:
    assert describe_phase(spec(), "peak") == "peak 3000/s, ramp 5m, hold 15m"
    assert describe_phase(spec(), "baseline") == "baseline 100/s, hold 10m"
    assert describe_phase(spec(), "stress") == "stress climbs from 3000/s"
