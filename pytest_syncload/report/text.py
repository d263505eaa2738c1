"""The words a person decides by: why a row failed or could not be judged; the header."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_syncload.facts.observation import Observation, Ruling, Series, Verdict
from pytest_syncload.facts.plan import Spec
from pytest_syncload.facts.result import PhaseResult
from pytest_syncload.facts.units import format_duration, format_number, format_quantity
from pytest_syncload.report.before import format_rejudged, was_before
from pytest_syncload.report.comparison import compared_in_words, format_compared
from pytest_syncload.report.progress import format_window, outcomes_in_words

_BARS = "▁▂▃▄▅▆▇█"


def explain(verdict: Verdict, spec: Spec) -> str:
    """All that a row was judged from: why it is a failure or an error, or what its pass stands on."""
    slo = verdict.slo
    head = "not proven" if verdict.ruling is Ruling.INCONCLUSIVE else verdict.ruling.value
    lines = [f"{slo.id}: {head}: {verdict.reason}", ""]
    if (was := was_before(verdict)) is not None:
        lines.append(f"  was       {was}")
    if verdict.compared is not None and spec.compared is not None and verdict.compared.problem is None:
        lines.append(f"  compared  {compared_in_words(verdict.compared, slo.target.kind)}")
        lines.append(f"            with {format_compared(spec.compared)}")
    seen = verdict.observation
    if seen is not None:
        observed = seen.in_words or "nothing"
        lines.append(f"  observed  {observed}" + (f" from {seen.samples} samples" if seen.samples else ""))
        lines.append(f"  target    {slo.target.text}")
        lines.append(f"  window    {format_window(seen.window)}")
        for number, source in enumerate(seen.sources):
            lines.append(f"  {'source' if number == 0 else '':<9} {source}")
        for name, value in seen.parts.items():
            lines.append(f"  of which  {name}: {part_in_words(name, value, seen)}")
        lines += [*_sparkline_lines(seen), *_after_lines(seen)]
        lines += [f"  note      {note}" for note in seen.notes]
    lines.append(f"  asked at  {spec.file.name}:{slo.line}")
    lines.append(f"  where     {_where(spec)}")
    return "\n".join(lines)


def explain_load(result: PhaseResult, reasons: Sequence[str]) -> str:
    """Why a phase's load proves nothing."""
    lines = [f"{result.phase}: the phase is invalid, so none of its rows is judged"]
    lines += [f"  - {reason}" for reason in reasons]
    lines += ["", f"  window    {format_window(result.window)}", f"  arrivals  {outcomes_in_words(result)}"]
    lines += [f"  example   {example}" for example in result.examples[:3]]
    return "\n".join(lines)


def sparkline(values: Sequence[float]) -> str:
    """One bar a value, from zero to the largest."""
    top = max((value for value in values if value > 0), default=0.0)
    if not top:
        return _BARS[0] * len(values)
    return "".join(_BARS[min(len(_BARS) - 1, int(max(0.0, value) / top * (len(_BARS) - 1) + 0.5))] for value in values)


def _sparkline_lines(seen: Observation) -> list[str]:
    series: Series = seen.series
    if not series.values:
        return []
    marks = "".join(" " if seen.slo.target.met_by(value) else "^" for value in series.values)
    worst = min(series.values) if seen.slo.target.op in (">", ">=") else max(series.values)
    lines = [f"  a minute  {sparkline(series.values)}  worst {format_quantity(worst, seen.kind)}"]
    return [*lines, f"            {marks}  beyond the target"] if marks.strip() else lines


def part_in_words(name: str, value: float, seen: Observation) -> str:
    """A part is in the row's unit, unless its name ends with another in brackets: ``growth (a minute)``."""
    return format_number(value) if name.endswith(")") else format_quantity(value, seen.kind)


def _after_lines(seen: Observation) -> list[str]:
    """The minutes behind the window, without marks: what must hold there is not the row's target."""
    if seen.after is None or not seen.after.values:
        return []
    values = seen.after.values
    return [f"  after     {sparkline(values)}  after the hold, last {format_quantity(values[-1], seen.kind)}"]


def _where(spec: Spec) -> str:
    environment = spec.environment
    again = "" if spec.rejudged is None else f"; no load was offered: {format_rejudged(spec.rejudged)}"
    if environment.sandbox is not None:
        return f"{environment.name} (SANDBOX: proves nothing about a real target){again}"
    region = environment.aws.region if environment.aws is not None else "?"
    return f"{environment.name}, {environment.base_url}, {region}{again}"


def describe(spec: Spec) -> list[str]:
    """The header: where the run goes and what is scaled, loudly where it is the sandbox or an earlier run."""
    environment = spec.environment
    again = (
        [] if spec.rejudged is None else [f"syncload: NO LOAD: {format_rejudged(spec.rejudged)}, in {environment.name}"]
    )
    if spec.request_from is not None:
        again.append(f"syncload: the request is {spec.request_from.name}'s, not that of {spec.file.name}")
    if environment.sandbox is None:
        region = environment.aws.region if environment.aws else "unknown region"
        mark = "PRODUCTION · " if environment.production else ""
        lines = [*again, f"syncload: {mark}{environment.name} · {environment.base_url} · {region} · {spec.file.name}"]
        if environment.generator_elsewhere is not None:
            lines.append(f"syncload: load may come from another region: {environment.generator_elsewhere}")
        return lines
    sandbox = environment.sandbox
    scaled = "" if sandbox.rate_scale == 1 else f" · rates × {format_number(sandbox.rate_scale)}"
    return [
        *again,
        f"syncload: SANDBOX (proves nothing about a real target) · {spec.file.name} · "
        f"clock × {format_number(sandbox.speed)}{scaled}",
    ]


def describe_phase(spec: Spec, name: str) -> str:
    """``peak 3000/s, ramp 5m, hold 15m``."""
    phase = spec.phase(name)
    if phase.climb is not None:
        return f"{name} climbs from {format_number(phase.climb.from_per_s)}/s"
    ramp = f", ramp {format_duration(phase.ramp_s)}" if phase.ramp_s else ""
    return f"{name} {format_number(phase.rate_per_s)}/s{ramp}, hold {format_duration(phase.hold_s)}"
