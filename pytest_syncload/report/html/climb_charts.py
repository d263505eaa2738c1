"""What a climb found as charts: the series that left their normal range, and how throughput scales."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_syncload.facts.bottleneck import Finding, NoFit, Usl, Worse
from pytest_syncload.facts.events import ClimbRanked
from pytest_syncload.facts.units import Kind, format_number, format_quantity
from pytest_syncload.report.html.chart import Axis, Band, Chart, Limit, Line, Look, Mark, moment

#: Series that are drawn: what left its normal range later than this many others broke nothing first.
_MOST_TRACKS = 8
#: Points of the fitted curve, and how far beyond the last step it is drawn.
_CURVE_POINTS, _BEYOND = 60, 1.15


def evidence_charts(ranked: ClimbRanked, anchor: str) -> Iterator[Chart]:
    """The series that left their normal range, in order of time."""
    gone = [found for found in ranked.ranking.findings if found.departure is not None]
    for number, found in enumerate(gone[:_MOST_TRACKS]):
        chart = _track(ranked, found, f"{anchor}-series-{number}", anchor)
        if chart is not None:
            yield chart


def law_chart(ranked: ClimbRanked, anchor: str) -> Chart | None:
    """Throughput over concurrency: each step, and the law that was fitted. None where too few steps have both."""
    seen = sorted(
        {
            step.concurrency: step.throughput_per_s
            for step in ranked.climbed.steps
            if step.concurrency is not None and step.concurrency > 0
        }.items()
    )
    if len(seen) < 3:
        return None
    law = ranked.law
    steps = dict(seen)
    curve: dict[float, float] = {}
    if isinstance(law, Usl):
        far = seen[-1][0] * _BEYOND
        curve = {n: scaled(law, n) for n in (far * number / _CURVE_POINTS for number in range(1, _CURVE_POINTS + 1))}
    x = sorted({*steps, *curve})
    lines = [Line(label="steps of the climb", values=[steps.get(at) for at in x], colour="c2", look=Look.POINTS)]
    limit = None
    if isinstance(law, Usl):
        lines.append(Line(label="the law", values=[scaled(law, at) for at in x], colour="c1"))
        ceiling = law.ceiling_per_s.value
        limit = Limit(value=ceiling, label=f"ceiling {ceiling:,.0f}/s")
    return Chart(
        id=f"{anchor}-law",
        heading="Throughput over concurrency",
        says=_law_says(law, len(seen)),
        x=x,
        lines=tuple(lines),
        kind=Kind.RATE,
        axis=Axis.NUMBER,
        x_label="requests in flight (offered rate × mean time in the system)",
        limit=limit,
    )


def scaled(law: Usl, concurrency: float) -> float:
    """Throughput by the universal scalability law, see `Usl`."""
    n = concurrency
    return law.rate_per_s.value * n / (1 + law.contention.value * (n - 1) + law.coherency.value * n * (n - 1))


def _law_says(law: Usl | NoFit, steps: int) -> str:
    if isinstance(law, NoFit):
        return f"Good answers a second of {steps} steps; the universal scalability law was not fitted: {law.why}."
    ceiling = law.ceiling_per_s
    return (
        f"Good answers a second of {steps} steps, and the universal scalability law fitted to them: its ceiling is "
        f"{ceiling.value:,.0f}/s (95 % between {ceiling.low:,.0f} and {ceiling.high:,.0f}/s), contention "
        f"{format_number(law.contention.value)}, coherency {format_number(law.coherency.value)}."
    )


def _track(ranked: ClimbRanked, found: Finding, name: str, group: str) -> Chart | None:
    track, left = found.track, found.departure
    if left is None or not track.values:
        return None
    seen = ranked.ranking.seen
    marks = [Mark(at=left.at, label="left its range")]
    if seen is not None and seen != found and seen.departure is not None:
        marks.append(Mark(at=seen.departure.at, label=f"{seen.track.name} left its", colour="c8"))
    limit = None
    if track.limit is not None:
        sign = 1 if track.worse is Worse.UP else -1
        beyond = tuple(at for at, value in enumerate(track.values) if sign * (value - track.limit) > 0)
        limit = Limit(value=track.limit, label=f"limit {format_quantity(track.limit, track.kind)}", beyond=beyond)
    first = "Broke first: " if found == ranked.ranking.first else ""
    return Chart(
        id=name,
        heading=track.name,
        says=(
            f"{first}{left.how.value} at {moment(left.at)}: {format_quantity(left.value, track.kind)}, where "
            f"{format_quantity(left.expected, track.kind)} was expected."
        ),
        x=track.timestamps,
        lines=(Line(label=track.name, values=track.values, colour="c1", look=Look.STEPS),),
        kind=track.kind,
        period_s=track.period_s,
        group=group,
        limit=limit,
        marks=tuple(marks),
        bands=tuple(
            Band(start=step.window.start, end=step.window.end, label="broke", colour="broke")
            for step in ranked.climbed.steps
            if not step.held
        ),
    )
