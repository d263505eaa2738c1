"""What the engine must reach beside its peers, and whether these measurements show it. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.engine.clients import AIOHTTP_DOOR, FACADE, OURS, PROBE
from benchmarks.engine.table import HELD, STALL, Measured, cpu, figures, markdown, number, rate, ratios, told
from benchmarks.engine.truth import off_percent

#: By ratio of requests/s in the closed loop: this client, that one, at least, scheme.
_FASTER = (
    (OURS, "wrk", 0.5, "http"),
    (OURS, "k6", 3.0, "http"),
    (OURS, "Locust FastHttpUser", 5.0, "http"),
    (OURS, "httpx.AsyncClient", 60.0, "http"),
    (FACADE, AIOHTTP_DOOR, 3.0, "http"),
    (OURS, "wrk", 0.5, "https"),
)
#: By ratio of CPU a request in the open loop: at most.
_CHEAPER = (("Locust FastHttpUser", 0.5), ("k6", 0.7))
_LAG_P99_MS = 2.0
_P99_BEYOND_TRUTH_MS = 1.0
_HELD_PER_S = 15_000
_STALL_OFF_PERCENT = 3.0


def goals(measured: Sequence[Measured]) -> list[str]:
    """The table: goal, measured, whether it was met. What was not measured is no goal met, and says so."""
    rows = []
    for ours, theirs, least, scheme in _FASTER:
        found = ratios(_of(measured, "closed", scheme), ours, theirs, rate)
        rows.append(_row(f"{ours}: requests/s, {scheme}, ÷ {theirs}", found, least, at_least=True))
    opened = _of(measured, "open", "http")
    for theirs, most in _CHEAPER:
        rows.append(_row(f"CPU a request, open loop, ÷ {theirs}", ratios(opened, OURS, theirs, cpu), most))
    mine = [each for each in opened if each.client == OURS]
    rows.append(_row("send lag p99, ms", figures(mine, told("lag_p99_ms")), _LAG_P99_MS))
    rows.append(_row("service time p99 beyond one blocking socket's, ms", _beyond_truth(opened), _P99_BEYOND_TRUTH_MS))
    rows.append(_row("arrivals dropped", figures(mine, told("dropped")), 0))
    held = figures((each for each in _of(measured, HELD, "http") if each.client == OURS), rate)
    rows.append(_row("held in an open loop /s", held, _HELD_PER_S, at_least=True))
    rows.append(
        _row("off the truth about a standstill, %, the worst of p95, p99 and max", _off(measured), _STALL_OFF_PERCENT)
    )
    return markdown(["goal", "measured", "met"], rows)


def _of(measured: Sequence[Measured], part: str, scheme: str) -> list[Measured]:
    return [each for each in measured if (each.part, each.scheme) == (part, scheme)]


def _row(what: str, values: Sequence[float], bound: float, *, at_least: bool = False) -> list[str]:
    goal = f"{what}: {'≥' if at_least else '≤'} {number(bound)}"
    if not values:
        return [goal, "–", "not measured"]
    value = statistics.median(values)
    return [goal, number(value), "yes" if (value >= bound if at_least else value <= bound) else "no"]


def _beyond_truth(opened: Sequence[Measured]) -> list[float]:
    p99 = told("p99_ms")
    return [
        mine - true
        for one in opened
        for other in opened
        if (one.client, other.client) == (OURS, PROBE) and one.round == other.round
        if (mine := p99(one)) is not None and (true := p99(other)) is not None
    ]


def _off(measured: Sequence[Measured]) -> list[float]:
    worst = []
    for each in measured:
        if each.part == STALL and each.client == OURS and each.told is not None and each.truth is not None:
            offs = [
                off_percent(getattr(each.told, figure), getattr(each.truth, figure))
                for figure in ("p95_ms", "p99_ms", "max_ms")
            ]
            worst.append(max(abs(off) for off in offs if off is not None))
    return worst
