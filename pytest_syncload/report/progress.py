"""Events → what a person sees while a run goes on: lines that stay, and one that a terminal draws again and again."""

from __future__ import annotations

from dataclasses import dataclass
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
from pytest_syncload.facts.result import Figure, Outcome, PhaseResult, Window
from pytest_syncload.facts.units import format_duration, format_number
from pytest_syncload.report.check import progress_lines
from pytest_syncload.report.climb import climb_sentence
from pytest_syncload.report.unmeasured import NOT_MEASURED, counts_from

#: Characters of a bar that shows how far something is.
_BAR = 22
#: Lines of progress a person reads in a CI log: one in ten seconds.
_PROGRESS_EVERY_S = 10
#: Polls of CloudWatch between two lines that say it is not settled.
_POLLS = 5


@dataclass(frozen=True, slots=True)
class Told:
    """An event in words. ``stays`` is for every log; ``passing`` is only for a terminal, in place of the last one, and
    ``calm`` for a log in which nothing can be drawn again."""

    stays: str | None = None
    passing: str | None = None
    calm: str | None = None


def told(event: Event) -> Told:
    """What is said of an event; a pre-flight that found something has several lines."""
    name = event.phase
    match event:
        case Checked():
            return Told(stays="\n".join(progress_lines(name, event.checks)))
        case Waiting():
            return Told(stays=f"{name}: waiting for {event.waiting_for}")
        case Warming():
            line = f"{name}: {bar(event.done / max(event.of, 1))} {event.done} of {event.of} users signed in"
            return Told(stays=line) if event.done >= event.of else Told(passing=line, calm=line)
        case PhaseStarted():
            rate, wall = format_number(event.rate_per_s), format_duration(event.wall_s)
            many = event.engine or ("1 generator" if event.generators == 1 else f"{event.generators} generators")
            return Told(stays=f"{name}: offering {rate}/s for {wall} from {many}, hold {format_window(event.window)}")
        case PhaseProgress():
            return _progress(event)
        case PhaseMeasured():
            result = event.result
            return Told(stays=f"{name}: {outcomes_in_words(result)} · {_times(result)}{_refreshed(result)}")
        case ClimbRanked():
            return Told(stays=f"{name}: {climb_sentence(event)}")
        case Settling():
            line = f"{name}: CloudWatch has not settled: {event.waiting_for}"
            return Told(passing=line, calm=None if event.attempt % _POLLS else line)
        case Settled():
            return Told(stays=f"{name}: " + (event.problem or f"CloudWatch settled after {event.attempts} polls"))


def _times(result: PhaseResult) -> str:
    if Figure.LATENCY in result.not_measured:
        p95_ms = result.service_time.percentile(95)
        shown = "no answers" if p95_ms is None else f"service time p95 {format_number(p95_ms)} ms"
        return f"{shown} · {_unsaid(result)} {NOT_MEASURED}"
    p95_ms, lag_ms = result.latency.percentile(95), result.lag.percentile(99)
    if p95_ms is None or lag_ms is None:
        return "no latencies"
    return f"p95 {format_number(p95_ms)} ms · lag p99 {format_number(lag_ms)} ms"


def _unsaid(result: PhaseResult) -> str:
    return ", ".join(figure.value for figure in (Figure.LATENCY, Figure.LAG) if figure in result.not_measured)


def bar(done: float) -> str:
    """How far something is, from 0 to 1."""
    full = int(min(max(done, 0.0), 1.0) * _BAR)
    return "━" * full + "╌" * (_BAR - full)


def outcomes_in_words(result: PhaseResult) -> str:
    """``1800 of 1800 in the hold: 1798 ok, 2 timeout``."""
    counts = [f"{result.hold[outcome]} {outcome.value}" for outcome in Outcome if result.hold[outcome]]
    return f"{result.hold.arrivals} of {result.scheduled_in_hold} in the hold: " + (", ".join(counts) or "none")


def format_window(window: Window) -> str:
    """``2026-11-24 09:00–09:15 UTC (15m)``."""
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in (window.start, window.end))
    until = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{start:%Y-%m-%d %H:%M}–{until} UTC ({format_duration(window.seconds)})"


def _progress(event: PhaseProgress) -> Told:
    second = event.second
    p95 = "?" if second.p95_ms is None else f"{format_number(second.p95_ms)} ms"
    if Figure.LATENCY in event.not_measured:
        p95 = f"{p95} from {counts_from(event.not_measured)}"
    seen = (
        f"{second.tally.arrivals}/s of {event.intended:.0f}/s · p95 {p95} · "
        f"failed {format_number(second.tally.failed_percent or 0.0)} %"
    )
    if Figure.IN_FLIGHT not in event.not_measured:
        seen += f" · in flight {second.in_flight}"
    if Figure.LAG in event.not_measured:
        seen += f" · lag {NOT_MEASURED}"
    else:
        seen += " · lag " + ("?" if event.lag_p99_ms is None else f"{format_number(event.lag_p99_ms)} ms")
    done = event.elapsed_s / max(event.wall_s, 1e-9)
    left = format_duration(max(0.0, round(event.wall_s - event.elapsed_s)))
    passing = f"{event.phase}: {bar(done)} {min(done, 1):.0%}, {left} left · {seen}"
    is_due = second.at_s and not second.at_s % _PROGRESS_EVERY_S
    went = f"{format_duration(event.elapsed_s)} of {format_duration(event.wall_s)}"
    return Told(passing=passing, calm=f"{event.phase}: {went} · {seen}" if is_due else None)


def _refreshed(result: PhaseResult) -> str:
    count, failed = (sum(getattr(each.refreshes, what) for each in result.generators) for what in ("count", "failed"))
    if not (count or failed):
        return ""
    return f" · {count} tokens refreshed" + (f", {failed} refreshes failed" if failed else "")
