"""Whether a phase's load proves anything, pure. Each limit has its reason; each reason says what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from pytest_syncload.facts.result import Invalidity, Outcome, Side, Tally
from pytest_syncload.facts.units import format_number
from pytest_syncload.load.engine import ShardReport

#: Latency counts from the intended time, so lag only ever makes it worse; beyond a fifth of the strictest target of the
#: plan (500 ms) the figure tells of the generator more than of the target.
LAG_P99_MS = 100.0
#: A rate is proven by offering it: of 100 arrivals that were due, 99 must have gone out.
ACHIEVED = 0.99
#: Rows on the target's own metrics speak of the rate that came to it. Up to a twentieth may fail on the way, which the
#: 5xx row counts; beyond that the target was never under the rate that the phase names.
REACHED = 0.95
#: A generator that is busier than this has no room for the burst that makes its figures late.
CPU_PERCENT = 90.0
#: More wrong answers than this show a wrong test: expired tokens, another path, another service.
WRONG_ANSWERS_PERCENT = 0.1


def invalidities(
    *,
    scheduled_in_hold: int,
    hold: Tally,
    reports: Sequence[ShardReport],
    shards: int,
    lag_p99_ms: float | None,
    statuses: Mapping[int, int],
    examples: Sequence[str],
) -> tuple[Invalidity, ...]:
    """Every reason why the phase is invalid; none where it is valid."""
    return (
        *(
            Invalidity(side=Side.GENERATOR, what=what)
            for what in _of_generator(scheduled_in_hold, hold, reports, shards, lag_p99_ms)
        ),
        *(Invalidity(side=Side.TARGET, what=what) for what in _of_target(hold, statuses, examples)),
    )


def sent_but_not_counted(reports: Sequence[ShardReport], all_arrivals: Tally) -> Invalidity | None:
    """Whether generators that ran to their end sent more than their snapshots tell of; None where the two agree.

    ``all_arrivals`` are ramp and hold. A lost snapshot may have held the failures.
    """
    sent = sum(report.sent for report in reports)
    counted = all_arrivals.arrivals - all_arrivals[Outcome.DROPPED]
    if sent == counted:
        return None
    what = f"the generators sent {sent} requests and {counted} were counted: a snapshot was lost; run the phase again"
    return Invalidity(side=Side.GENERATOR, what=what)


def _of_generator(
    scheduled: int, hold: Tally, reports: Sequence[ShardReport], shards: int, lag_p99_ms: float | None
) -> Iterator[str]:
    if not scheduled:
        yield "no arrival was due in the hold, so nothing was offered and nothing is proven"
        return
    if any(report.interrupted for report in reports):
        # Whatever else falls short then does so because of it.
        yield f"the hold was cut short: {hold.arrivals} of its {scheduled} arrivals ended; run the phase again"
        return
    if len(reports) < shards:
        yield f"{shards - len(reports)} of {shards} generators did not report how they fared; run the phase again"
        return
    if hold.dropped_late:
        yield (
            f"{hold.dropped_late} arrivals were dropped while the generator itself was late; {_more(shards)}, or give "
            "them a less busy machine"
        )
    offered = hold.arrivals - hold.dropped_late
    if offered < ACHIEVED * scheduled:
        yield (
            f"{offered} of {scheduled} arrivals were offered ({format_number(100 * offered / scheduled)} %, needed "
            f"{format_number(100 * ACHIEVED)} %); {_more(shards)}"
        )
    if lag_p99_ms is not None and lag_p99_ms > LAG_P99_MS:
        yield (
            f"the generator's own lag was {format_number(lag_p99_ms)} ms at p99 (limit {format_number(LAG_P99_MS)} "
            f"ms); {_more(shards)}, or give them a less busy machine"
        )
    busiest = max((report.cpu_percent for report in reports), default=0.0)
    if busiest > CPU_PERCENT:
        needed = math.ceil(shards * busiest / CPU_PERCENT)
        yield (
            f"a generator used {format_number(busiest)} % of a core (limit {format_number(CPU_PERCENT)} %); this rate "
            f"needs {needed} generators here: load.generators: {needed}"
        )


def _of_target(hold: Tally, statuses: Mapping[int, int], examples: Sequence[str]) -> Iterator[str]:
    if not hold.arrivals:
        return
    reached = hold.on_wire
    if reached < REACHED * hold.arrivals:
        yield (
            f"{reached} of {hold.arrivals} arrivals reached the target: {hold[Outcome.DROPPED]} found the in-flight "
            f"cap full (rate × timeout, open files or ports) and {hold[Outcome.CONNECT_ERROR]} no connection; what the "
            "rest met was not this rate"
        )
    share = 100 * hold.wrong_answers / hold.arrivals
    if share > WRONG_ANSWERS_PERCENT:
        seen = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
        wrong = hold[Outcome.WRONG_BODY]
        body = f", {wrong} with a wrong body" if wrong else ""
        of_these = (Outcome.UNEXPECTED_STATUS.value, Outcome.WRONG_BODY.value)
        example = next((f"; for example {one}" for one in examples if one.startswith(of_these)), "")
        yield (
            f"{format_number(share)} % of the answers are unexpected (limit {format_number(WRONG_ANSWERS_PERCENT)} %): "
            f"{seen}{body}{example}; the load did not do what request.expect of slo.yaml says"
        )


def _more(shards: int) -> str:
    return f"this rate needs more than {shards} generator{'s' if shards > 1 else ''} here: raise load.generators"
