"""A chart as numbers: what `charts.js` draws, and what it says to somebody who does not see it.

Every chart has a heading, a sentence, and a table of its numbers, so that the drawing adds speed and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pytest_syncload.facts.units import Kind, format_number, format_quantity
from pytest_syncload.report.html.markup import Html, lines, tag, text

#: Points of a line at most: more than a screen has columns. A phase of an hour in seconds is just below.
MOST_POINTS = 3600
#: Rows of a table at most: what somebody reads, or has read to them.
MOST_ROWS = 60
#: From here on whole numbers are shown (`format_number`), and written.
_WHOLE_FROM = 1000


class Axis(StrEnum):
    """What runs along x: service time in epoch seconds, the decimal logarithm of milliseconds, or a plain number."""

    TIME = "time"
    LOG_MS = "log ms"
    NUMBER = "number"


class Fold(StrEnum):
    """What stands for several neighbours where not all can be shown."""

    LARGEST = "largest"
    MEAN = "mean"


class Look(StrEnum):
    """How a line is drawn."""

    LINE = "line"
    #: A value holds for its whole period, as CloudWatch's minutes do.
    STEPS = "steps"
    POINTS = "points"
    BARS = "bars"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``values`` at the chart's x, None where there is none. ``colour`` is one of page.css's, ``dash`` a pattern."""

    label: str
    values: Sequence[float | None]
    colour: str
    dash: str = "solid"
    look: Look = Look.LINE
    fold: Fold = Fold.LARGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A line across the chart at ``at``, from bottom to top, with its name."""

    at: float
    label: str
    colour: str = "mark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A shaded stretch along x."""

    start: float
    end: float
    label: str
    colour: str = "band"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A line from left to right at ``value``. ``beyond`` are the points of the first line that break it, by number."""

    value: float
    label: str
    beyond: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """``id`` is unique in the page. ``x`` ascends. Charts of one ``group`` share their cursor and zoom.

    ``period_s`` is how long a point along time lasts (service seconds); None where points are moments.
    ``says`` is its text alternative: what somebody who looks at it would come away with.
    """

    id: str
    heading: str
    says: str
    x: Sequence[float]
    lines: tuple[Line, ...]
    kind: Kind
    axis: Axis = Axis.TIME
    x_label: str = "service time, UTC"
    period_s: float | None = None
    group: str | None = None
    stacked: bool = False
    logarithmic: bool = False
    limit: Limit | None = None
    marks: tuple[Mark, ...] = ()
    bands: tuple[Band, ...] = ()


def figure(chart: Chart, level: int = 4) -> Html:
    """The chart's place in the page: what is read, the place that is drawn in, and its numbers."""
    say = f"{chart.id}-says"
    rows, every = _rows(chart)
    numbers = "its numbers" if every == 1 else f"its numbers, {every} points a row"
    return tag(
        "figure",
        tag(
            "figcaption",
            tag(f"h{level}", chart.heading, id=f"{chart.id}-name"),
            tag("p", chart.says, id=say),
        ),
        tag("div", class_="plot", data_chart=chart.id),
        tag(
            "details",
            tag("summary", f"{chart.heading}: {numbers}"),
            wide(_table(chart, rows), f"{chart.heading}, its numbers"),
        ),
        class_="chart",
        aria_labelledby=f"{chart.id}-name",
    )  # fmt: skip


def wide(table: Html, name: str) -> Html:
    """A table that scrolls by itself where the page is too narrow, by keyboard too, and so has a name."""
    return tag("div", table, class_="wide", tabindex="0", role="group", aria_label=name)


def to_json(chart: Chart) -> dict[str, Any]:
    """What `charts.js` reads: x as offsets from the first, or as one step where it is regular; numbers as shown."""
    every = max(1, math.ceil(len(chart.x) / MOST_POINTS))
    x = list(chart.x[::every])
    return {
        "id": chart.id,
        "unit": {Kind.TIME: " ms", Kind.SHARE: " %", Kind.RATE: "/s", Kind.COUNT: "", Kind.MONEY: " USD"}[chart.kind],
        "axis": chart.axis.name.lower(),
        "xLabel": chart.x_label,
        **_along(x),
        "lines": [
            {
                "label": line.label,
                "colour": line.colour,
                "dash": line.dash,
                "look": line.look.value,
                "y": [short(value) for value in folded(line.values, every, line.fold)],
            }
            for line in chart.lines
        ],
        **({"period": chart.period_s} if chart.period_s else {}),
        **({"group": chart.group} if chart.group else {}),
        **({"stacked": True} if chart.stacked else {}),
        **({"log": True} if chart.logarithmic else {}),
        **({"limit": _limit(chart.limit, every)} if chart.limit is not None else {}),
        "marks": [{"at": mark.at, "label": mark.label, "colour": mark.colour} for mark in chart.marks],
        "bands": [
            {"from": band.start, "to": band.end, "label": band.label, "colour": band.colour} for band in chart.bands
        ],
    }


def folded(values: Sequence[float | None], every: int, fold: Fold) -> list[float | None]:
    """One value for each ``every`` neighbours; None only where all of them are."""
    if every == 1:
        return list(values)
    groups = ([value for value in values[at : at + every] if value is not None] for at in range(0, len(values), every))
    return [
        (max(there) if fold is Fold.LARGEST else sum(there) / len(there)) if there else None for there in groups
    ]  # fmt: skip


def short(value: float | None) -> float | int | None:
    """As many digits as are ever shown; JSON has no NaN and no infinity, which are no measurements either."""
    if value is None or not math.isfinite(value):
        return None
    rounded = float(f"{value:.4g}") if abs(value) < _WHOLE_FROM else round(value)
    return int(rounded) if rounded == int(rounded) else rounded


def moment(at: float, *, seconds: bool = False) -> str:
    """``09:01 UTC``'s clock part, of epoch seconds; whatever cannot be a date is shown as the number it is."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S" if seconds else "%H:%M")
    except (OverflowError, ValueError, OSError):
        return format_number(at)


def _limit(limit: Limit, every: int) -> dict[str, Any]:
    return {"value": limit.value, "label": limit.label, "beyond": [at // every for at in limit.beyond]}


def _along(x: list[float]) -> dict[str, Any]:
    if len(x) > 2:
        step = x[1] - x[0]
        if all(math.isclose(x[at], x[0] + at * step, abs_tol=1e-6) for at in range(len(x))):
            return {"x0": round(x[0], 4), "dx": round(step, 6), "n": len(x)}
    start = x[0] if x else 0.0
    return {"x0": round(start, 4), "xs": [round(each - start, 4) for each in x]}


def _rows(chart: Chart) -> tuple[list[tuple[str, ...]], int]:
    """The table's rows, and how many points each of them stands for."""
    every = max(1, math.ceil(len(chart.x) / MOST_ROWS))
    x_of = _x_words(chart)
    columns = [folded(line.values, every, line.fold) for line in chart.lines]
    return [
        (x_of(at), *("–" if value is None else format_quantity(value, chart.kind) for value in values))
        for at, values in zip(chart.x[::every], zip(*columns, strict=True), strict=True)
    ], every


def _x_words(chart: Chart) -> Callable[[float], str]:
    match chart.axis:
        case Axis.TIME:
            seconds = any(at % 60 for at in chart.x)
            return lambda at: moment(at, seconds=seconds)
        case Axis.LOG_MS:
            return lambda at: f"{format_number(10**at)} ms"
        case Axis.NUMBER:
            return format_number


def _table(chart: Chart, rows: list[tuple[str, ...]]) -> Html:
    every = max(1, math.ceil(len(chart.x) / MOST_ROWS))
    heads = [
        line.label if every == 1 else f"{line.label} ({'largest' if line.fold is Fold.LARGEST else 'mean'})"
        for line in chart.lines
    ]
    return tag(
        "table",
        tag("thead", tag("tr", *(tag("th", head, scope="col") for head in (chart.x_label, *heads)))),
        tag(
            "tbody",
            lines(
                tag("tr", tag("th", text(at), scope="row"), *(tag("td", value) for value in values))
                for at, *values in rows
            ),
        ),
        class_="numbers",
    )
