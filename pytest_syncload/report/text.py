"""The words a person decides by: why a row failed or could not be judged; the header; progress."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pytest_syncload.facts.events import (
    Checked,
    ClimbRanked,
    Event,
    PhaseMeasured,
    PhaseProgress,
    PhaseStarted,
    Settled,
    Settling,
    Waiting,
    Warming,
)
from pytest_syncload.facts.observation import Observation, Ruling, Series, Verdict
from pytest_syncload.facts.plan import Spec
from pytest_syncload.facts.result import Outcome, PhaseResult, Window
from pytest_syncload.facts.units import format_duration, format_number, format_quantity
from pytest_syncload.report.before import format_rejudged, was_before
from pytest_syncload.report.check import progress_lines
from pytest_syncload.report.climb import climb_sentence

_BARS = "▁▂▃▄▅▆▇█"
#: Characters of a bar that shows how far something is.
_BAR = 22
#: Lines of progress a person reads in a CI log: one in ten seconds.
_PROGRESS_EVERY_S = 10


def explain(verdict: Verdict, spec: Spec) -> str:
    """All that a row was judged from: why it is a failure or an error, or what its pass stands on."""
    slo = verdict.slo
    head = "not proven" if verdict.ruling is Ruling.INCONCLUSIVE else verdict.ruling.value
    lines = [f"{slo.id}: {head}: {verdict.reason}", ""]
    if (was := was_before(verdict)) is not None:
        lines.append(f"  was       {was}")
    seen = verdict.observation
    if seen is not None:
        observed = "nothing" if seen.value is None else format_quantity(seen.value, seen.kind)
        lines.append(f"  observed  {observed}" + (f" from {seen.samples} samples" if seen.samples else ""))
        lines.append(f"  target    {slo.target.text}")
        lines.append(f"  window    {format_window(seen.window)}")
        for number, source in enumerate(seen.sources):
            lines.append(f"  {'source' if number == 0 else '':<9} {source}")
        for name, value in seen.parts.items():
            lines.append(f"  of which  {name}: {_part(name, value, seen)}")
        lines += [*_sparkline_lines(seen), *_after_lines(seen)]
        lines += [f"  note      {note}" for note in seen.notes]
    lines.append(f"  asked at  {spec.file.name}:{slo.line}")
    lines.append(f"  where     {_where(spec)}")
    return "\n".join(lines)


def explain_load(result: PhaseResult, reasons: Sequence[str]) -> str:
    """Why a phase's load proves nothing."""
    lines = [f"{result.phase}: the phase is invalid, so none of its rows is judged"]
    lines += [f"  - {reason}" for reason in reasons]
    lines += ["", f"  window    {format_window(result.window)}", f"  arrivals  {_outcomes(result)}"]
    lines += [f"  example   {example}" for example in result.examples[:3]]
    return "\n".join(lines)


def format_window(window: Window) -> str:
    """``2026-11-24 09:00–09:15 UTC (15m)``."""
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in (window.start, window.end))
    until = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{start:%Y-%m-%d %H:%M}–{until} UTC ({format_duration(window.seconds)})"


def sparkline(values: Sequence[float]) -> str:
    """One bar a value, from zero to the largest."""
    top = max((value for value in values if value > 0), default=0.0)
    if not top:
        return _BARS[0] * len(values)
    return "".join(_BARS[min(len(_BARS) - 1, int(max(0.0, value) / top * (len(_BARS) - 1) + 0.5))] for value in values)


def bar(done: float) -> str:
    """How far something is, from 0 to 1."""
    full = int(done * _BAR)
    return "━" * full + "╌" * (_BAR - full)


def _sparkline_lines(seen: Observation) -> list[str]:
    series: Series = seen.series
    if not series.values:
        return []
    marks = "".join(" " if seen.slo.target.met_by(value) else "^" for value in series.values)
    worst = min(series.values) if seen.slo.target.op in (">", ">=") else max(series.values)
    lines = [f"  a minute  {sparkline(series.values)}  worst {format_quantity(worst, seen.kind)}"]
    return [*lines, f"            {marks}  beyond the target"] if marks.strip() else lines


def _part(name: str, value: float, seen: Observation) -> str:
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


def _outcomes(result: PhaseResult) -> str:
    counts = [f"{result.hold[outcome]} {outcome.value}" for outcome in Outcome if result.hold[outcome]]
    return f"{result.hold.arrivals} of {result.scheduled_in_hold} in the hold: " + (", ".join(counts) or "none")


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
        return [*again, f"syncload: {environment.name} · {environment.base_url} · {region} · {spec.file.name}"]
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


def progress(event: Event) -> str | None:
    """A line for an event, None where it is not worth one; a pre-flight that found something has several."""
    match event:
        case Checked():
            return "\n".join(progress_lines(event.phase, event.checks))
        case Waiting():
            return f"{event.phase}: waiting for {event.waiting_for}"
        case Warming():
            done = event.done / max(event.of, 1)
            return f"{event.phase}: {bar(done)} {event.done} of {event.of} users signed in"
        case PhaseStarted():
            rate, wall = format_number(event.rate_per_s), format_duration(event.wall_s)
            many = "1 generator" if event.generators == 1 else f"{event.generators} generators"
            return f"{event.phase}: offering {rate}/s for {wall} from {many}, hold {format_window(event.window)}"
        case PhaseProgress():
            second = event.second
            if second.at_s % _PROGRESS_EVERY_S or not second.at_s:
                return None
            failed = second.tally.failed_percent
            p95 = "?" if second.p95_ms is None else f"{format_number(second.p95_ms)} ms"
            return (
                f"{event.phase}: {format_duration(event.elapsed_s)} of {format_duration(event.wall_s)} · "
                f"{second.tally.arrivals}/s · p95 {p95} · failed {format_number(failed or 0.0)} % · "
                f"in flight {second.in_flight}"
            )
        case PhaseMeasured():
            result = event.result
            p95_ms, lag_ms = result.latency.percentile(95), result.lag.percentile(99)
            shown = "no latencies"
            if p95_ms is not None and lag_ms is not None:
                shown = f"p95 {format_number(p95_ms)} ms · lag p99 {format_number(lag_ms)} ms"
            return f"{event.phase}: {_outcomes(result)} · {shown}{_refreshed(result)}"
        case ClimbRanked():
            return f"{event.phase}: {climb_sentence(event)}"
        case Settling():
            return f"{event.phase}: CloudWatch has not settled: {event.waiting_for}" if event.attempt % 5 == 0 else None
        case Settled():
            return f"{event.phase}: " + (event.problem or f"CloudWatch settled after {event.attempts} polls")


def _refreshed(result: PhaseResult) -> str:
    count, failed = (sum(getattr(each.refreshes, what) for each in result.generators) for what in ("count", "failed"))
    if not (count or failed):
        return ""
    return f" · {count} tokens refreshed" + (f", {failed} refreshes failed" if failed else "")
