"""The load of a phase as charts: what was offered and what came of it, by the second, and how latencies were spread.

Seconds are drawn at their service time, so that they stand above the minutes that CloudWatch tells of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from pytest_syncload.facts.histogram import GROWTH, Histogram
from pytest_syncload.facts.report import PhaseReport, Where
from pytest_syncload.facts.result import Figure, Outcome, PhaseResult, Second, Tally
from pytest_syncload.facts.units import Kind, format_number, format_quantity
from pytest_syncload.report.html.chart import Axis, Band, Chart, Fold, Line, Look, Mark, moment
from pytest_syncload.report.unmeasured import latency_name

#: Bars of a distribution at most, and the fewest of the recording's buckets (0.5 % wide each) that make one: in
#: narrower ones chance is seen before shape.
_MOST_BARS, _FEWEST_BUCKETS = 60, 4
_DECADES = math.log10(GROWTH)
#: From here on a line is drawn over a logarithmic axis: the smallest would lie on the floor of a linear one.
_FAR_APART = 20.0
#: Seconds that are each drawn as long as they are; of more only the line is seen.
_FEW = 120
#: What is not ok, in the order of its stack: name, colour, count.
_NOT_OK: tuple[tuple[str, str, str, Callable[[Tally], int]], ...] = (
    ("5xx", "c4", "solid", lambda tally: tally[Outcome.SERVER_ERROR]),
    ("429", "c3", "dashed", lambda tally: tally.throttled),
    ("timeout", "c5", "dotted", lambda tally: tally[Outcome.TIMEOUT]),
    ("connect error", "c1", "dashed", lambda tally: tally[Outcome.CONNECT_ERROR]),
    ("protocol error", "c6", "dotted", lambda tally: tally[Outcome.PROTOCOL_ERROR]),
    ("dropped at the cap", "c2", "solid", lambda tally: tally[Outcome.DROPPED] - tally.dropped_late),
    ("dropped by the generator", "c7", "dashed", lambda tally: tally.dropped_late),
    ("other unexpected status", "c8", "solid", lambda tally: tally[Outcome.UNEXPECTED_STATUS] - tally.throttled),
    ("wrong body", "c7", "dotted", lambda tally: tally[Outcome.WRONG_BODY]),
)


def load_charts(phase: PhaseReport, where: Where, anchor: str) -> Iterator[Chart]:
    """Those of a phase that was measured; none where no second of it was. ``anchor`` is the phase's id in the page."""
    result = phase.result
    if result is None:
        return
    if result.timeline:
        seconds = _regular(result.timeline)
        over_time = _OverTime(phase, result, where, seconds, anchor)
        yield over_time.latency()
        yield over_time.rate()
        outcomes = over_time.outcomes()
        if outcomes is not None:
            yield outcomes
        in_flight = over_time.in_flight()
        if in_flight is not None:
            yield in_flight
    name = latency_name(result.not_measured)
    times = result.service_time if Figure.LATENCY in result.not_measured else result.latency
    if times.count:
        yield distribution(times, anchor, name)


def outcome_rows(result: PhaseResult) -> list[tuple[str, int, int]]:
    """What became of the arrivals: name, how many in the hold, how many outside it. ok first; others where any were."""
    rows = [("ok", result.hold[Outcome.OK], result.ramp[Outcome.OK])]
    rows += [(name, count(result.hold), count(result.ramp)) for name, _, _, count in _NOT_OK]
    return [row for row in rows if row[0] == "ok" or row[1] or row[2]]


def begins_at(phase: PhaseReport, result: PhaseResult) -> float:
    """The service time (epoch seconds) at which the phase's second 0 began."""
    if result.climb is not None and result.climb.begins_at:
        return result.climb.begins_at
    return result.window.start - phase.plan.ramp_s


def distribution(latency: Histogram, anchor: str, name: str = "latency") -> Chart:
    """How many arrivals had which latency, by equal steps of its logarithm. ``name`` is what it is called."""
    called = name.capitalize()
    lowest, highest = min(latency.buckets), max(latency.buckets)
    wide = max(_FEWEST_BUCKETS, math.ceil((highest - lowest + 1) / _MOST_BARS))
    counts = [0] * ((highest - lowest) // wide + 1)
    for bucket, count in latency.buckets.items():
        counts[(bucket - lowest) // wide] += count
    shown = {percent: latency.percentile(percent) or 0.0 for percent in (50, 95, 99)}
    words = ", ".join(f"p{percent} {format_quantity(value, Kind.TIME)}" for percent, value in shown.items())
    return Chart(
        id=f"{anchor}-distribution",
        heading=f"{called} distribution",
        says=(
            f"Of {latency.count:,} arrivals in the judged window: {words}, at most "
            f"{format_quantity(latency.max_ms, Kind.TIME)}. {called} runs along a logarithmic axis; a bar that is not "
            "empty is never lower than it can be seen."
        ),
        # A bucket i ends at GROWTH ** i; a bar stands in the middle of its buckets.
        x=[(lowest - 1 + (number + 0.5) * wide) * _DECADES for number in range(len(counts))],
        lines=(
            Line(
                label="share of arrivals",
                values=[100 * count / latency.count if count else None for count in counts],
                colour="c1",
                look=Look.BARS,
            ),
        ),
        kind=Kind.SHARE,
        axis=Axis.LOG_MS,
        x_label=name,
        marks=tuple(Mark(at=math.log10(value), label=f"p{percent}") for percent, value in shown.items() if value > 0),
    )


class _OverTime:
    """The charts along service time, which share their x."""

    def __init__(
        self,
        phase: PhaseReport,
        result: PhaseResult,
        where: Where,
        seconds: list[tuple[int, Second | None]],
        anchor: str,
    ) -> None:
        self._anchor = anchor
        self._result = result
        self._begins = begins_at(phase, result)
        self._speed = where.speed
        self._seconds = seconds
        self._there = [second for _, second in seconds if second is not None]
        self._is_climb = result.climb is not None
        self._judged = "the judged step" if self._is_climb else "the hold"

    def latency(self) -> Chart:
        """Percentiles of each second's arrivals, by their intended time."""
        named = (
            ("max", "c8", "dotted", lambda second: second.max_ms),
            ("p99", "c4", "dashed", lambda second: second.p99_ms),
            ("p95", "c2", "solid", lambda second: second.p95_ms),
            ("p50", "c1", "solid", lambda second: second.p50_ms),
        )  # fmt: skip
        lines = tuple(
            Line(label=label, values=self._values(value), colour=colour, dash=dash)
            for label, colour, dash, value in named
        )
        seen = [value for line in lines for value in line.values if value is not None and value > 0]
        return self._chart(
            "latency",
            f"{latency_name(self._result.not_measured).capitalize()} over time",
            self._latency_says(),
            lines,
            Kind.TIME,
            logarithmic=bool(seen) and max(seen) > _FAR_APART * min(seen),
        )

    def rate(self) -> Chart:
        """What was due, what went out, and what came back right, each second."""
        hold = self._result.hold
        wall_s = self._result.window.seconds / self._speed or 1.0  # where nothing was judged, nothing arrived either
        mean = {
            "offered": hold.arrivals / wall_s,
            "sent": hold.on_wire / wall_s,
            "answered ok": hold[Outcome.OK] / wall_s,
        }
        words = ", ".join(f"{name} {format_number(round(value, 1))}/s" for name, value in mean.items())
        lines = (
            Line(
                label="offered",
                values=self._values(lambda second: second.tally.arrivals),
                colour="c8",
                dash="dotted",
                fold=Fold.MEAN,
            ),
            Line(
                label="sent",
                values=self._values(lambda second: second.tally.on_wire),
                colour="c1",
                dash="dashed",
                fold=Fold.MEAN,
            ),
            Line(
                label="answered ok",
                values=self._values(lambda second: second.tally[Outcome.OK]),
                colour="c5",
                fold=Fold.MEAN,
            ),
        )
        due = format_number(self._result.rate_per_s)
        says = f"On average over {self._judged}: {words}, where {due}/s was to be offered."
        return self._chart("rate", "Rate, offered and achieved", says, lines, Kind.RATE)

    def outcomes(self) -> Chart | None:
        """The share of each second's arrivals that were not ok; None where all were."""
        lines = tuple(
            Line(label=name, values=values, colour=colour, dash=dash)
            for name, colour, dash, count in _NOT_OK
            for values in [self._values(_share_of(count))]
            if any(values)
        )
        if not lines:
            return None
        worst = max(self._there, key=_wrong_percent)
        says = (
            f"Stacked, in percent of each second's arrivals. The worst second was {self._at(worst)}: "
            f"{format_number(_wrong_percent(worst))} % of {worst.tally.arrivals:,} arrivals."
        )
        return self._chart("outcomes", "Outcomes other than ok", says, lines, Kind.SHARE, stacked=True)

    def in_flight(self) -> Chart | None:
        """How many requests were open at once; None where that was not measured."""
        if Figure.IN_FLIGHT in self._result.not_measured:
            return None
        most = max(self._there, key=lambda second: second.in_flight or 0)
        top, many = most.in_flight or 0, len(self._result.generators)
        whose = "" if many == 1 else f" of any one of {many} generators"
        return self._chart(
            "in-flight",
            "Requests in flight",
            f"The most that were open at once in each second{whose}: at most {top:,}, at {self._at(most)}.",
            (Line(label="in flight", values=self._values(lambda second: second.in_flight), colour="c6"),),
            Kind.COUNT,
        )

    def _latency_says(self) -> str:
        result = self._result
        unsaid = result.not_measured
        times = result.service_time if Figure.LATENCY in unsaid else result.latency
        shown = [(f"p{percent}", times.percentile(percent)) for percent in (50, 95, 99)]
        words = ", ".join(f"{name} {format_quantity(value, Kind.TIME)}" for name, value in shown if value is not None)
        slow = max(self._there, key=lambda second: second.p95_ms or 0.0)
        says = f"Over {self._judged}: {words or 'no latencies'}."
        if slow.p95_ms is not None:
            says += f" The second with the highest p95 was {self._at(slow)}: {format_quantity(slow.p95_ms, Kind.TIME)}."
        if Figure.LATENCY in unsaid:
            return f"{says} It counts from when a request was sent: a wait before that is in no figure."
        return f"{says} Latency counts from the intended time of an arrival."

    def _chart(
        self,
        name: str,
        heading: str,
        says: str,
        lines: tuple[Line, ...],
        kind: Kind,
        *,
        logarithmic: bool = False,
        stacked: bool = False,
    ) -> Chart:
        if len(self._seconds) <= _FEW:
            lines = tuple(replace(line, look=Look.STEPS) for line in lines)
        return Chart(
            id=f"{self._anchor}-{name}",
            heading=heading,
            says=says,
            x=[self._begins + at * self._speed for at, _ in self._seconds],
            lines=lines,
            kind=kind,
            period_s=self._speed,
            group=self._anchor,
            logarithmic=logarithmic,
            stacked=stacked,
            bands=judged_bands(self._result),
        )

    def _values(self, value: Callable[[Second], float | None]) -> list[float | None]:
        return [None if second is None else value(second) for _, second in self._seconds]

    def _at(self, second: Second) -> str:
        return moment(self._begins + second.at_s * self._speed, seconds=self._speed < 60)


def judged_bands(result: PhaseResult) -> tuple[Band, ...]:
    """The hold; of a climb its steps, by what became of them."""
    if result.climb is None:
        return (Band(start=result.window.start, end=result.window.end, label="hold"),)
    return tuple(
        Band(
            start=step.starts_at,
            end=step.ends_at,
            label=step.finding.value,
            colour="broke" if step.finding.value == "broke" else "band" if number % 2 else "other",
        )
        for number, step in enumerate(result.climb.steps)
    )


def _regular(timeline: tuple[Second, ...]) -> list[tuple[int, Second | None]]:
    """Every second from the first to the last, with None where no arrival was due."""
    known = {second.at_s: second for second in timeline}
    return [(at, known.get(at)) for at in range(min(known), max(known) + 1)]


def _share_of(count: Callable[[Tally], int]) -> Callable[[Second], float | None]:
    return lambda second: _percent(count(second.tally), second.tally)


def _wrong_percent(second: Second) -> float:
    tally = second.tally
    return _percent(tally.arrivals - tally[Outcome.OK], tally) or 0.0


def _percent(count: int, tally: Tally) -> float | None:
    return 100 * count / tally.arrivals if tally.arrivals else None
