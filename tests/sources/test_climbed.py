"""What a climb found → a row's ruling: a bound proves what lies below it, and nothing above."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_syncload.facts.climb import ClimbFound, End, Finding, Part, Step
from pytest_syncload.facts.observation import Ruling
from pytest_syncload.facts.plan import Slo, Target
from pytest_syncload.facts.units import Kind, parse_quantity, split_target
from pytest_syncload.sources.observe import observe
from pytest_syncload.verdict import judge
from tests.rows import LATENCY, RESOURCES, reading, result


def step(number: int, rate: float, finding: Finding, part: Part = Part.STEP) -> Step:
    return Step(
        number=number, part=part, rate_per_s=rate, starts_at=60.0 * number, ends_at=60.0 * number + 60, finding=finding,
        arrivals=100, failed=0, p95_ms=1.0, lag_p99_ms=1.0,
    )  # fmt: skip


FOUND = ClimbFound(
    end=End.FOUND,
    why="4,410/s did not hold",
    held_per_s=4200.0,
    broke_per_s=4410.0,
    judged=3,
    steps=(step(2, 4000, Finding.HELD), step(3, 4200, Finding.HELD, Part.FINE), step(4, 4410, Finding.BROKE)),
    recovered_after_s=4.04,
    peak_per_s=3000.0,
)
AT_LEAST = replace(FOUND, end=End.GENERATOR, why="at 4,410/s the generator was late", broke_per_s=None)
REPEATED = replace(
    FOUND,
    broke_again=2,
    repeated_per_s=4100.0,
    steps=(
        step(2, 4000, Finding.HELD),
        step(3, 4100, Finding.HELD),
        step(4, 4510, Finding.BROKE),
        step(9, 4100, Finding.HELD, Part.FINE),
        step(10, 4200, Finding.HELD, Part.FINE),
        step(11, 4410, Finding.BROKE, Part.FINE),
    ),
)
NONE_HELD = replace(FOUND, end=End.NOTHING_HELD, why="3,000/s did not hold", held_per_s=None, broke_per_s=3000.0)


def row(metric: str, target: str) -> Slo:
    kind = Kind.RATE if metric == "load.breaking_point" else Kind.SHARE
    sign, rest = split_target(target)
    wanted = Target(op=sign, value=parse_quantity(rest, kind).value, kind=kind, text=target)
    return Slo(name="row", phase="peak", target=wanted, line=9, metric=metric)


def ruled(slo: Slo, what: ClimbFound | None) -> tuple[Ruling, str]:
    measured = replace(result(), climb=what)
    verdict = judge(observe(slo, reading({}), RESOURCES, measured), measured, None)
    return verdict.ruling, verdict.reason


@pytest.mark.parametrize(
    ("metric", "target", "what", "ruling"),
    [
        ("load.breaking_point", "> 3000/s", FOUND, Ruling.PASS),
        ("load.breaking_point", "> 4200/s", FOUND, Ruling.BREACH),
        # It lies between 4,200/s and 4,410/s.
        ("load.breaking_point", "< 4300/s", FOUND, Ruling.INCONCLUSIVE),
        ("load.breaking_point", "< 4410/s", FOUND, Ruling.PASS),
        ("load.breaking_point", "< 4100/s", FOUND, Ruling.BREACH),
        ("load.headroom", "< 45 %", FOUND, Ruling.INCONCLUSIVE),
        # 4,100/s broke when it was repeated, and more held after a longer rest; 4,000/s never broke.
        ("load.breaking_point", "> 3900/s", REPEATED, Ruling.PASS),
        ("load.breaking_point", "> 4050/s", REPEATED, Ruling.INCONCLUSIVE),
        ("load.breaking_point", "> 4300/s", REPEATED, Ruling.BREACH),
        ("load.headroom", "> 35 %", REPEATED, Ruling.INCONCLUSIVE),
        ("load.headroom", "> 30 %", REPEATED, Ruling.PASS),
        ("load.breaking_point", "> 3900/s", replace(REPEATED, steps=REPEATED.steps[1:]), Ruling.INCONCLUSIVE),
        ("load.breaking_point", "> 4100/s", AT_LEAST, Ruling.PASS),
        ("load.breaking_point", "> 4300/s", AT_LEAST, Ruling.INCONCLUSIVE),
        ("load.breaking_point", "< 4300/s", AT_LEAST, Ruling.INCONCLUSIVE),
        ("load.breaking_point", "== 4200/s", AT_LEAST, Ruling.INCONCLUSIVE),
        ("load.breaking_point", "> 3000/s", NONE_HELD, Ruling.BREACH),
        ("load.breaking_point", "> 2000/s", NONE_HELD, Ruling.INCONCLUSIVE),
        ("load.breaking_point", "< 9000/s", NONE_HELD, Ruling.INCONCLUSIVE),
        ("load.breaking_point", "> 3000/s", None, Ruling.INCONCLUSIVE),
        ("load.headroom", "> 20 %", FOUND, Ruling.PASS),
        ("load.headroom", "> 50 %", FOUND, Ruling.BREACH),
        ("load.headroom", "> 50 %", AT_LEAST, Ruling.INCONCLUSIVE),
        ("load.headroom", "> 0 %", NONE_HELD, Ruling.BREACH),
        ("load.headroom", "> 20 %", replace(FOUND, peak_per_s=None), Ruling.INCONCLUSIVE),
    ],
)
def test_a_row_on_what_the_climb_found(metric: str, target: str, what: ClimbFound | None, ruling: Ruling) -> None:
    assert ruled(row(metric, target), what)[0] is ruling


def test_the_note_is_the_climb_in_a_sentence() -> None:
    def said(what: ClimbFound) -> tuple[str, ...]:
        slo = row("load.breaking_point", "> 3000/s")
        return observe(slo, reading({}), RESOURCES, replace(result(), climb=what)).notes

    assert said(FOUND) == (
        "held 4,200/s, broke at 4,410/s (the breaking point was found: 4,410/s did not hold); recovered 4 s after the "
        "load fell",
    )
    assert said(replace(FOUND, broke_again=2))[0].endswith(
        "recovered 4 s after the load fell; what had held broke 2 × when it was repeated sooner"
    )
    assert said(AT_LEAST)[0].startswith("held 4,200/s, at least (the generator was at its own limit: at 4,410/s")
    assert said(NONE_HELD)[0].startswith("no step held, broke at 3,000/s (the first step did not hold")


def test_a_metrics_row_without_a_step_that_held_has_nothing_to_look_at() -> None:
    steps = (step(2, 3000, Finding.BROKE),)
    ruling, reason = ruled(LATENCY, replace(NONE_HELD, steps=steps))
    assert ruling is Ruling.INCONCLUSIVE
    assert "no step of the climb held, 3,000/s broke, so there is none to look at; let it begin lower" in reason
