"""Whether a load that k6 offered proves anything, pure: our generators' rules as far as k6 can be held to them.

What k6 does not say, how late an arrival was and why no virtual user was free, cannot be told in its favour. So a
dropped iteration always makes the phase invalid, and instead of lag its pace is looked at, second by second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pytest_syncload.facts.result import Figure, Invalidity, Side, Tally
from pytest_syncload.facts.units import format_number
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.validity import (
    ACHIEVED,
    CPU_PERCENT,
    LAG_P99_MS,
    Evidence,
    closed_everything,
    hold_cut_short,
    nothing_was_due,
    of_target,
)

#: What k6 cannot say, and why.
NOT_MEASURED: Mapping[Figure, str] = {
    Figure.LATENCY: "k6 knows when it sent a request, and not when that was due; service time is what it knows",
    Figure.LAG: "k6 does not say how late it begins an iteration; its pace was looked at second by second",
    Figure.IN_FLIGHT: "k6 does not say how many requests were open at once",
}
#: k6 begins with the first arrival where our schedule has it behind it, and a millisecond of rounding is another.
_SLACK_ARRIVALS = 2
#: Of so many seconds in a row at most one may end behind the schedule, as of arrivals one in a hundred may be late.
_ONE_IN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What k6 was to offer: the schedule, by so many virtual users, on so many cores."""

    pacer: Pacer
    vus: int
    cores: int


def k6_invalidities(offered: Offered, evidence: Evidence, seconds: Mapping[int, Tally]) -> tuple[Invalidity, ...]:
    """Every reason why the phase is invalid; ``seconds`` has what began in each."""
    return (
        *(Invalidity(side=Side.GENERATOR, what=what) for what in _of_k6(offered, evidence, seconds)),
        *of_target(evidence),
    )


def _of_k6(offered: Offered, evidence: Evidence, seconds: Mapping[int, Tally]) -> Iterator[str]:
    # Whatever else falls short beside one of these does so because of it.
    if closed_everything(evidence) is not None or not evidence.reports:
        return  # the load was stopped for that alone, or k6 has given its own reason
    for explains_all in (nothing_was_due, hold_cut_short):
        if (what := explains_all(evidence)) is not None:
            yield what
            return
    dropped = ran_out_of_users(offered, evidence)
    if dropped is not None:
        yield dropped
    for what in (
        began_too_little(evidence),
        None if dropped is not None else fell_behind(offered, seconds),
        too_busy(offered, evidence),
    ):
        if what is not None:
            yield what


def ran_out_of_users(offered: Offered, evidence: Evidence) -> str | None:
    """Whether iterations were dropped: k6 had no free virtual user, and does not say whose doing that was."""
    dropped = evidence.hold.dropped_late
    if not dropped:
        return None
    rate = offered.pacer.rate_per_s
    room = format_number(round(1000 * offered.vus / rate)) if rate else "no"
    return (
        f"k6 dropped {dropped} iterations of the hold, as all of its {offered.vus} virtual users were busy: they have "
        f"room for answers of {room} ms at {format_number(rate)}/s. k6 does not say whether the target was so slow or "
        "k6 itself, so nothing is proven against either; raise load.vus of slo.yaml, give k6 a machine with more room, "
        "or use engine: built-in, which can tell"
    )


def began_too_little(evidence: Evidence) -> str | None:
    """Whether fewer arrivals were begun than the schedule has."""
    begun = evidence.hold.arrivals - evidence.hold.dropped_late
    if begun >= ACHIEVED * evidence.scheduled:
        return None
    share = format_number(100 * begun / evidence.scheduled)
    return (
        f"k6 began {begun} of {evidence.scheduled} arrivals ({share} %, needed {format_number(100 * ACHIEVED)} %); "
        f"{_REMEDY}"
    )


def fell_behind(offered: Offered, seconds: Mapping[int, Tally]) -> str | None:
    """Whether k6 began arrivals later than it may: by how far its count was behind the schedule as each second ended.

    That is the least that some arrival was late. What k6 made up for within a second is not seen.
    """
    pacer, begun = offered.pacer, 0
    lags: list[float] = []
    for second in range(int(pacer.ends_s)):
        begun += seconds[second].arrivals if second in seconds else 0
        if second >= pacer.ramp_s:
            lags.append(1000 * (second + 1 - pacer.due_at(begun + _SLACK_ARRIVALS)))
    late = [lag for lag in lags if lag > LAG_P99_MS]
    if len(late) * _ONE_IN <= len(lags):
        return None
    worst, limit = format_number(round(max(late))), format_number(LAG_P99_MS)
    return (
        f"k6 fell behind its schedule by {worst} ms or more (limit {limit} ms), as {len(late)} of the hold's "
        f"{len(lags)} seconds ended; {_REMEDY}"
    )


def too_busy(offered: Offered, evidence: Evidence) -> str | None:
    """Whether k6 was near the end of all cores; where its CPU was not measured, that is not known."""
    used = max((report.cpu_percent / offered.cores for report in evidence.reports), default=0.0)
    if not used > CPU_PERCENT:
        return None
    return (
        f"k6 used {format_number(used)} % of this machine's {offered.cores} cores (limit "
        f"{format_number(CPU_PERCENT)} %); {_REMEDY}"
    )


_REMEDY = "give k6 a machine with more room, or use engine: built-in, which costs a fraction of its CPU"
