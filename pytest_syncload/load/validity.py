"""Whether a phase's load proves anything, pure. Each limit has its reason; each reason says what to do.

A check is a function of the evidence that says what is wrong, None where nothing is; no check knows of another.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_syncload.facts.result import Invalidity, Outcome, Side, Tally
from pytest_syncload.facts.units import format_number
from pytest_syncload.load.gone import GONE_SECONDS
from pytest_syncload.load.sameness import Sameness
from pytest_syncload.load.shard import ShardReport

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
#: A generator that was late and used less of a core than this was not late for want of another generator.
BUSY_PERCENT = 50.0
#: More wrong answers than this show a wrong test: expired tokens, another path, another service.
WRONG_ANSWERS_PERCENT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a phase's load. ``hold`` tallies the arrivals due in the hold, of which ``scheduled`` were due.

    ``reports`` are those of the generators that gave one, of ``shards``. ``lag_p99_ms`` is None where nothing was sent.
    """

    scheduled: int
    hold: Tally
    reports: Sequence[ShardReport]
    shards: int
    lag_p99_ms: float | None
    statuses: Mapping[int, int]
    examples: Sequence[str]
    sameness: Sameness


def invalidities(
    *,
    scheduled_in_hold: int,
    hold: Tally,
    reports: Sequence[ShardReport],
    shards: int,
    lag_p99_ms: float | None,
    statuses: Mapping[int, int],
    examples: Sequence[str],
    sameness: Sameness = Sameness(),  # noqa: B008  # frozen
) -> tuple[Invalidity, ...]:
    """Every reason why the phase is invalid; none where it is valid."""
    evidence = Evidence(
        scheduled=scheduled_in_hold,
        hold=hold,
        reports=reports,
        shards=shards,
        lag_p99_ms=lag_p99_ms,
        statuses=statuses,
        examples=examples,
        sameness=sameness,
    )
    return judged(evidence)


def judged(evidence: Evidence) -> tuple[Invalidity, ...]:
    """The same, of all that is known."""
    return (
        *(Invalidity(side=Side.GENERATOR, what=what) for what in _of_generator(evidence)),
        *of_target(evidence),
    )


def of_target(evidence: Evidence) -> Iterator[Invalidity]:
    """Every reason that is the target's doing."""
    return (Invalidity(side=Side.TARGET, what=what) for what in _of_target(evidence))


def _of_generator(evidence: Evidence) -> Iterator[str]:
    if closed_everything(evidence) is not None:
        return  # the load was stopped for that alone
    # Whatever else falls short beside one of these does so because of it.
    for explains_all in (nothing_was_due, hold_cut_short, generators_without_report, tokens_expired):
        if (what := explains_all(evidence)) is not None:
            yield what
            return
    for check in (dropped_while_late, offered_too_little, lagged, too_busy):
        if (what := check(evidence)) is not None:
            yield what


def _of_target(evidence: Evidence) -> Iterator[str]:
    if (what := closed_everything(evidence)) is not None:
        yield what
    elif evidence.hold.arrivals:
        for check in (not_reached, wrong_answers, same_answers):
            if (what := check(evidence)) is not None:
                yield what


def nothing_was_due(evidence: Evidence) -> str | None:
    """Whether the hold's schedule was empty."""
    if evidence.scheduled:
        return None
    return "no arrival was due in the hold, so nothing was offered and nothing is proven"


def hold_cut_short(evidence: Evidence) -> str | None:
    """Whether a generator was stopped before its schedule, or the wait for its last answers, was over."""
    if not any(report.interrupted for report in evidence.reports):
        return None
    return (
        f"the hold was cut short: {evidence.hold.arrivals} of its {evidence.scheduled} arrivals ended; run the phase "
        "again"
    )


def closed_everything(evidence: Evidence) -> str | None:
    """Whether a generator stopped because the target was gone; the others were then stopped too."""
    if not any(report.gave_up for report in evidence.reports):
        return None
    return (
        f"the target refused, closed or broke every connection for {format_number(GONE_SECONDS)} s, so the load was "
        f"stopped: {evidence.hold.arrivals} of the hold's {evidence.scheduled} arrivals ended, {evidence.hold.failed} "
        "of them failed; look why it went away and run the phase again"
    )


def generators_without_report(evidence: Evidence) -> str | None:
    """Whether a generator did not come to its report."""
    silent = evidence.shards - len(evidence.reports)
    if silent <= 0:
        return None
    return f"{silent} of {evidence.shards} generators did not report how they fared; run the phase again"


def tokens_expired(evidence: Evidence) -> str | None:
    """Whether arrivals could not be sent because their users' tokens had not been renewed in time."""
    expired = sum(report.expired for report in evidence.reports)
    if not expired:
        return None
    worked = sum(report.refreshes for report in evidence.reports)
    failed = sum(report.failed_refreshes for report in evidence.reports)
    problem = next((report.refresh_problem for report in evidence.reports if report.refresh_problem), None)
    why = (
        f"; the last failure: {problem}"
        if problem
        else "; does the issuer answer in time, or are there too many users?"
    )
    return (
        f"refreshing fell behind: {expired} arrivals had only an expired token and were not sent ({worked} refreshes "
        f"worked, {failed} failed){why}"
    )


def dropped_while_late(evidence: Evidence) -> str | None:
    """Whether arrivals were dropped by the generator's own doing."""
    if not evidence.hold.dropped_late:
        return None
    return f"{evidence.hold.dropped_late} arrivals were dropped while the generator itself was late; {remedy(evidence)}"


def offered_too_little(evidence: Evidence) -> str | None:
    """Whether the achieved rate fell short of the schedule's."""
    scheduled = evidence.scheduled
    offered = evidence.hold.arrivals - evidence.hold.dropped_late
    if offered >= ACHIEVED * scheduled:
        return None
    return (
        f"{offered} of {scheduled} arrivals were offered ({format_number(100 * offered / scheduled)} %, needed "
        f"{format_number(100 * ACHIEVED)} %); {remedy(evidence)}"
    )


def lagged(evidence: Evidence) -> str | None:
    """Whether the generator handed arrivals over too late."""
    if evidence.lag_p99_ms is None:
        return None
    # The worst one speaks: of two hundred, one that is late for all of its arrivals does not move their p99.
    lag_ms = max(evidence.lag_p99_ms, *(report.lag_p99_ms for report in evidence.reports), 0.0)
    if lag_ms <= LAG_P99_MS:
        return None
    return (
        f"the generator's own lag was {format_number(lag_ms)} ms at p99 (limit {format_number(LAG_P99_MS)} "
        f"ms); {remedy(evidence)}"
    )


def too_busy(evidence: Evidence) -> str | None:
    """Whether a generator was near the end of its core."""
    busiest = _busiest(evidence)
    if busiest <= CPU_PERCENT:
        return None
    limit = format_number(CPU_PERCENT)
    return f"a generator used {format_number(busiest)} % of a core (limit {limit} %); {remedy(evidence)}"


def not_reached(evidence: Evidence) -> str | None:
    """Whether the target was never under the phase's rate."""
    hold = evidence.hold
    reached = hold.on_wire
    if reached >= REACHED * hold.arrivals:
        return None
    return (
        f"{reached} of {hold.arrivals} arrivals reached the target: {hold[Outcome.DROPPED] - hold.dropped_late} found "
        f"the in-flight cap full (rate × timeout, open files or ports), {hold[Outcome.CONNECT_ERROR]} no connection, "
        f"{hold.dropped_late} were not sent by the generator's own doing; what the rest met was not this rate"
    )


def wrong_answers(evidence: Evidence) -> str | None:
    """Whether the answers show a wrong test."""
    hold = evidence.hold
    share = 100 * hold.wrong_answers / hold.arrivals
    if share <= WRONG_ANSWERS_PERCENT:
        return None
    seen = ", ".join(f"{count} × {status}" for status, count in sorted(evidence.statuses.items()))
    wrong = hold[Outcome.WRONG_BODY]
    body = f", {wrong} with a wrong body" if wrong else ""
    of_these = (Outcome.UNEXPECTED_STATUS.value, Outcome.WRONG_BODY.value)
    example = next((f"; for example {one}" for one in evidence.examples if one.startswith(of_these)), "")
    return (
        f"{format_number(share)} % of the answers are unexpected (limit {format_number(WRONG_ANSWERS_PERCENT)} %): "
        f"{seen}{body}{example}; request.expect of slo.yaml wants another answer: mend the request, the target, or "
        "what is expected"
    )


def same_answers(evidence: Evidence) -> str | None:
    """Whether different Idempotency-Keys got the same answer: then no work was done for all but one of them."""
    sameness = evidence.sameness
    if not sameness.repeated:
        return None
    return (
        f"{sameness.repeated} of {sameness.sampled} sampled answers repeat {', '.join(sameness.members)} of an earlier "
        "one, though each request had an Idempotency-Key of its own: the target did no work for them; where an answer "
        "may repeat, leave these members out of request.expect.json of slo.yaml"
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


def remedy(evidence: Evidence) -> str:
    """What lets the generators keep up: as many as their CPU asks for, or, where that was not used, the CPU itself."""
    busiest = _busiest(evidence)
    if busiest < BUSY_PERCENT:
        used = f"its generators used at most {format_number(busiest)} % of a core, so something else kept them from it"
        return f"{used}: give them a less busy machine"
    offered = evidence.hold.arrivals - evidence.hold.dropped_late
    short = max(1.0, evidence.scheduled / max(offered, 1))
    needed = max(evidence.shards + 1, math.ceil(evidence.shards * short * busiest / CPU_PERCENT))
    return (
        f"this rate needs {needed} generators here: load.generators: {needed} (pytest --syncload-calibrate measures it)"
    )


def _busiest(evidence: Evidence) -> float:
    return max((report.cpu_percent for report in evidence.reports), default=0.0)
