"""From measurements to the tables: medians with their spread, ratios of one round's pairs, accuracy. Pure."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.engine.clients import CLIENTS, OURS
from benchmarks.engine.told import Told
from benchmarks.engine.truth import off_percent

HELD, TAIL, STALL = "held", "tail", "stall"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One client's run in one round. ``part`` is a loop, `HELD`, `TAIL` or `STALL`; ``offered`` the rate to keep.

    ``rate_per_s`` and ``cpu_us`` (a request) are the server's count and the kernel's; of `HELD`, the most that was
    held. ``never_had`` are requests it claims without the server. ``error`` says why there are no figures.
    """

    part: str
    scheme: str
    client: str
    round: int
    offered: int | None = None
    rate_per_s: float | None = None
    cpu_us: float | None = None
    cpu_percent: float | None = None
    others_percent: float | None = None
    never_had: int = 0
    told: Told | None = None
    truth: Told | None = None
    error: str = ""

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, line: str) -> Measured:
        """What `line` gave."""
        known: dict[str, Any] = json.loads(line)
        for name in ("told", "truth"):
            known[name] = known[name] and Told(**known[name])
        return cls(**known)

    @property
    def missed_percent(self) -> float | None:
        """What the server did not get of the rate that was to be kept."""
        if self.offered is None or self.rate_per_s is None:
            return None
        return max(0.0, 100 * (1 - self.rate_per_s / self.offered))


Figure = Callable[[Measured], float | None]


def figures(measured: Iterable[Measured], figure: Figure) -> list[float]:
    """The figure of each, where it is known."""
    return [value for each in measured if (value := figure(each)) is not None]


def spread(values: Sequence[float]) -> str:
    """Median (least–most), or a dash for none."""
    if not values:
        return "–"
    middle = number(statistics.median(values))
    least, most = number(min(values)), number(max(values))
    return middle if least == most else f"{middle} ({least}–{most})"


def number(value: float) -> str:
    """Three digits that mean something, thousands with a comma."""
    if abs(value) >= 1000:
        rounded = round(value, 3 - len(str(int(abs(value)))))
        return f"{rounded:,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    text = f"{value:.2g}" if abs(value) < 1 else f"{value:.3g}"
    return "0" if float(text) == 0 else text


def ratios(measured: Sequence[Measured], over: str, under: str, figure: Figure) -> list[float]:
    """Client ``over``'s figure by client ``under``'s, for each round that has both: rounds are one moment's machine."""
    found = []
    for one in measured:
        for other in measured:
            if (one.client, other.client) == (over, under) and one.round == other.round:
                above, below = figure(one), figure(other)
                if above is not None and below:
                    found.append(above / below)
    return found


def rate(measured: Measured) -> float | None:
    """Requests a second."""
    return measured.rate_per_s


def cpu(measured: Measured) -> float | None:
    """CPU µs a request."""
    return measured.cpu_us


def told(name: str) -> Figure:
    """A figure that the client tells."""

    def figure(measured: Measured) -> float | None:
        return None if measured.told is None else getattr(measured.told, name)

    return figure


def shared(measured: Iterable[Measured]) -> list[str]:
    """A warning where the clients' core was not theirs alone."""
    others = figures(measured, lambda each: each.others_percent)
    if not others or statistics.median(others) <= _ALONE_PERCENT:
        return []
    return [
        "",
        f"**Others used {spread(others)} % of the clients' core: neither throughput nor latency of this run counts, "
        "and CPU a request only roughly.**",
    ]


#: What a quiet machine's own housekeeping may take of a core.
_ALONE_PERCENT = 3.0


def throughput(measured: Sequence[Measured], scheme: str, rate_per_s: int) -> list[str]:
    """The main table for one scheme."""
    mine = [each for each in measured if each.scheme == scheme]
    head = [
        "client",
        "closed loop: requests/s",
        "of its core %",
        "CPU µs a request",
        f"CPU µs at {rate_per_s:,}/s open",
    ]
    head += ["p95 ms it reports there", "p99 ms", "send lag p99 ms", "not sent %", "most held in an open loop /s"]
    rows = []
    for name in _names(mine):
        closed, opened, held = (
            [each for each in mine if each.client == name and each.part == part] for part in ("closed", "open", HELD)
        )
        row = [name, spread(figures(closed, rate)), spread(figures(closed, lambda each: each.cpu_percent))]
        row += [spread(figures(closed, cpu)), spread(figures(opened, cpu))]
        row += [spread(figures(opened, told(figure))) for figure in ("p95_ms", "p99_ms", "lag_p99_ms")]
        row += [spread(figures(opened, lambda each: each.missed_percent)), spread(figures(held, rate))]
        rows.append(row)
    return markdown(head, rows)


def comparison(measured: Sequence[Measured], scheme: str) -> list[str]:
    """How this project's client stands to each, by ratios within rounds."""
    mine = [each for each in measured if each.scheme == scheme]
    closed, opened = ([each for each in mine if each.part == part] for part in ("closed", "open"))
    head = [f"{OURS} beside", "its requests/s ×", "its CPU a request, closed ×", "its CPU a request, open ×"]
    rows = [
        [
            name,
            spread(ratios(closed, OURS, name, rate)),
            spread(ratios(closed, OURS, name, cpu)),
            spread(ratios(opened, OURS, name, cpu)),
        ]
        for name in _names(mine)
        if name != OURS
    ]
    return markdown(head, rows)


def accuracy(measured: Sequence[Measured], part: str) -> list[str]:
    """What each reports beside the truth, and how far off; the first row is the truth."""
    mine = [each for each in measured if each.part == part]
    rows = [
        [each.client, *(_beside(told(figure)(each), _true(each, figure)) for figure in _QUANTILES)]
        for name in _names(mine)
        for each in mine
        if each.client == name and each.told is not None
    ]
    truths = [spread([true for each in mine if (true := _true(each, figure)) is not None]) for figure in _QUANTILES]
    return markdown(["client", "p50 ms", "p95 ms", "p99 ms", "max ms"], [["truth", *truths], *rows])


_QUANTILES = ("p50_ms", "p95_ms", "p99_ms", "max_ms")
#: Below this a figure is a nearly idle loopback, which percents of it would only make look wrong.
_TELLING_MS = 5.0


def _true(measured: Measured, figure: str) -> float | None:
    return None if measured.truth is None else getattr(measured.truth, figure)


def _beside(said: float | None, truth: float | None) -> str:
    if said is None:
        return "–"
    off = off_percent(said, truth)
    return number(said) if off is None or truth is None or truth < _TELLING_MS else f"{number(said)} ({off:+.1f} %)"


def notes(measured: Iterable[Measured]) -> list[str]:
    """What the tables do not show: clients that failed, claims that the server knows nothing of, caveats."""
    said: dict[str, None] = {}
    for each in measured:
        where = f"- {each.client}, {each.part} {each.scheme}"
        if each.error:
            said[f"{where}: {each.error}"] = None
        elif each.never_had:
            said[f"{where}: claims {each.never_had:,} requests that the server never had"] = None
        elif each.told is not None and each.told.failed:
            said[f"{where}: {each.told.failed:,} failed"] = None
    return [*said, *(f"- {client.name}: {client.note}" for client in CLIENTS if client.note)]


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table's lines."""
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def _names(measured: Iterable[Measured]) -> list[str]:
    present = {each.client for each in measured if not each.error}
    return [client.name for client in CLIENTS if client.name in present]
