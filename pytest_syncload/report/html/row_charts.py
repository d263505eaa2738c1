"""A row's series as a chart: the minutes it was judged from, its target, and those beyond it."""

from __future__ import annotations

from pytest_syncload.facts.clock import MINUTE
from pytest_syncload.facts.observation import Observation, Verdict
from pytest_syncload.facts.units import format_duration, format_quantity
from pytest_syncload.report.html.chart import Band, Chart, Limit, Line, Look, moment

#: Moments that a sentence names.
_NAMED = 5


def row_chart(verdict: Verdict, anchor: str, group: str) -> Chart | None:
    """None where there is no data point to draw. ``anchor`` is the row's id in the page, ``group`` its phase's."""
    seen = verdict.observation
    if seen is None or not (seen.series.values or (seen.after is not None and seen.after.values)):
        return None
    inside = dict(zip(seen.series.timestamps, seen.series.values, strict=True))
    after = {} if seen.after is None else dict(zip(seen.after.timestamps, seen.after.values, strict=True))
    minutes = _minutes(seen)
    x = sorted({*inside, *after, *minutes})
    target = verdict.slo.target
    beyond = tuple(at for at, stamp in enumerate(x) if stamp in inside and not target.met_by(inside[stamp]))
    lines = [Line(label=_label(verdict), values=[inside.get(at) for at in x], colour="c1", look=Look.STEPS)]
    if after:
        values = [after.get(at) for at in x]
        lines.append(Line(label="after the hold", values=values, colour="c8", dash="dashed", look=Look.STEPS))
    return Chart(
        id=f"{anchor}-series",
        heading=f"{verdict.slo.name} over time",
        says=_says(verdict, seen, [x[at] for at in beyond], len(minutes) - len(inside.keys() & set(minutes))),
        x=x,
        lines=tuple(lines),
        kind=seen.kind,
        period_s=float(seen.series.period_s),
        group=group,
        limit=Limit(value=target.value, label=f"target {target.text}", beyond=beyond),
        bands=(Band(start=seen.window.start, end=seen.window.end, label="judged"),),
    )


def _minutes(seen: Observation) -> tuple[float, ...]:
    """Those of the window, where the series has a point a minute: one that is missing is then a gap."""
    return seen.window.minutes if seen.series.period_s == MINUTE else ()


def _label(verdict: Verdict) -> str:
    return " ".join(filter(None, (verdict.slo.metric or verdict.slo.name, verdict.slo.statistic)))


def _says(verdict: Verdict, seen: Observation, beyond: list[float], missing: int) -> str:
    values, kind = seen.series.values, seen.kind
    many = len(values)
    every = format_duration(seen.series.period_s)
    if values:
        low, high = format_quantity(min(values), kind), format_quantity(max(values), kind)
        says = f"{many} data point{'s' * (many != 1)} of {every}, " + (
            f"all {low}" if low == high else f"from {low} to {high}"
        )
    else:
        says = "No data point in the judged window"
    if beyond:
        named = ", ".join(moment(at) for at in beyond[:_NAMED]) + (", …" if len(beyond) > _NAMED else "")
        says += f"; {len(beyond)} beyond the target {verdict.slo.target.text}: {named}"
    elif values:
        says += f"; none beyond the target {verdict.slo.target.text}"
    if missing > 0:
        says += f"; {missing} minute{'s' * (missing != 1)} of the window without one"
    return says if says.endswith("…") else f"{says}."
