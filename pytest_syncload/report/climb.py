"""A climb and its ranking → the sentence a person decides by, and the table it stands on."""

from __future__ import annotations

from pytest_syncload.facts.bottleneck import Departure, Finding, How, NoFit, Ranking, Usl
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.events import ClimbRanked
from pytest_syncload.facts.units import format_duration, format_number, format_quantity


def climb_sentence(ranked: ClimbRanked) -> str:
    """``held 4,200/s, broke at 4,410/s; first: sync-jobs WriteThrottleEvents, 38 s before p95``."""
    climbed = ranked.climbed
    held, broke = climbed.held_per_s, climbed.broke_per_s
    if held is None and broke is None:
        return "no step of the climb was measured"
    if climbed.generator_fault is not None:
        most = "nothing" if held is None else f"at least {_rate(held)}"
        return f"held {most}; how much more is not known: {ranked.ranking.undetermined}"
    if broke is None:
        return f"held {_rate(held or 0.0)}, the most that was offered, and did not break"
    if held is None:
        head = f"broke at {_rate(broke)}, the lowest rate that was offered"
    else:
        head = f"held {_rate(held)}, broke at {_rate(broke)}"
    return f"{head}; {first_words(ranked)}"


def first_words(ranked: ClimbRanked) -> str:
    """``first: sync-jobs WriteThrottleEvents, 38 s before p95``, or why none can be named."""
    ranking = ranked.ranking
    if ranked.climbed.broke_per_s is None and ranked.climbed.generator_fault is None:
        return "nothing broke"
    if ranking.first is None:
        return f"what broke first is not determined: {ranking.undetermined}"
    when = _relative(ranking.first, ranking.seen, _clock(ranked))
    return f"first: {ranking.first.track.name}" + (f", {when}" if when else "")


def climb_table(ranked: ClimbRanked) -> list[str]:
    """What the sentence stands on: steps, every series that left its normal range or could not be judged, the law."""
    ranking = ranked.ranking
    rows = departure_rows(ranked)
    lines = [f"  {line}" for line in _aligned([DEPARTURE_HEADS, *rows])]
    if not rows:
        lines = ["  nothing left its normal range"]
    if ranking.first is not None and ranking.because is not None:
        lines.append(f"  first     {ranking.first.track.name}: {ranking.because}")
    else:
        lines.append(f"  first     not determined: {ranking.undetermined}")
    lines += [f"  unknown   {line}" for line in unknown_words(ranking)]
    if stayed := stayed_words(ranked):
        lines.append(f"  normal    {'; '.join(stayed)}")
    lines.append(f"  steps     {', '.join(_step(step.rate_per_s, step.held) for step in ranked.climbed.steps)}")
    lines.append(f"  law       {law_words(ranked.law)}")
    return lines


#: What `departure_rows` has in its columns.
DEPARTURE_HEADS = ("left its normal range", "when", "how", "sure", "of its limit")


def departure_rows(ranked: ClimbRanked) -> list[tuple[str, ...]]:
    """Every series that left its normal range, in order of time, in words."""
    ranking, clock = ranked.ranking, _clock(ranked)
    gone = [found for found in ranking.findings if found.departure is not None]
    return [(found.track.name, *_row(found, ranking, clock)) for found in gone]


def stayed_words(ranked: ClimbRanked) -> list[str]:
    """Every series that stayed in its normal range, with how near its limit it came."""
    ranking, clock = ranked.ranking, _clock(ranked)
    stayed = [found for found in ranking.findings if found.departure is None and found.problem is None]
    return [_stayed(found, ranking, clock) for found in stayed]


def _clock(ranked: ClimbRanked) -> ServiceClock:
    return ServiceClock(origin=0.0, monotonic_origin=0.0, speed=ranked.speed)


def unknown_words(ranking: Ranking) -> list[str]:
    """What could not be judged, and why: each reason once, because a climb that breaks early has one for all."""
    names: dict[str, list[str]] = {}
    for found in ranking.findings:
        if found.problem is not None:
            names.setdefault(found.problem, []).append(found.track.name)
    return [
        f"{'all series' if len(those) == len(ranking.findings) > 1 else ', '.join(those)}: {problem}"
        for problem, those in names.items()
    ]


def _row(found: Finding, ranking: Ranking, clock: ServiceClock) -> tuple[str, str, str, str]:
    left = found.departure
    if left is None:
        return ("", "", "", "")
    when = "what the client saw first" if found == ranking.seen else _relative(found, ranking.seen, clock) or "–"
    return (when, _how(found, left, ranking, clock), _sure(left.confidence), _percent(found.utilisation))


def _how(found: Finding, left: Departure, ranking: Ranking, clock: ServiceClock) -> str:
    kind = found.track.kind
    words = format_quantity(left.value, kind)
    match left.how:
        case How.CHANGED:
            words += f" where its load explains {format_quantity(left.expected, kind)}"
        case How.COUNTED:
            words += ", until then " + (f"at most {format_quantity(left.expected, kind)}" if left.expected else "zero")
        case How.SATURATED:
            words += ", its ceiling"
    if (over := _over_limit(found, ranking, clock)) is not None:
        words += f"; {over}"
    if found.confirmable:
        words += "; again in the second approach" if found.again is not None else "; not in the second approach"
    return words


def _over_limit(found: Finding, ranking: Ranking, clock: ServiceClock) -> str | None:
    if found.over_limit_at is None:
        return None
    seen, at = ranking.seen, found.over_limit_at
    if seen is None or seen.departure is None:
        return "went beyond its limit"
    lead = seen.departure.at - at
    if not lead:
        return f"beyond its limit with {seen.track.name}"
    return f"beyond its limit {_wall(abs(lead), clock)} {'before' if lead > 0 else 'after'} {seen.track.name}"


def _relative(found: Finding, seen: Finding | None, clock: ServiceClock) -> str:
    """``38 s before p95``; empty where the client saw nothing to count from."""
    left, reference = found.departure, seen.departure if seen is not None else None
    if left is None or reference is None or seen is None:
        return ""
    if left.after < reference.by and reference.after < left.by:
        apart = max(left.by - left.after, reference.by - reference.after)
        return f"within {_wall(apart, clock)} of {seen.track.name}"
    lead = reference.at - left.at
    return f"{_wall(abs(lead), clock)} {'before' if lead > 0 else 'after'} {seen.track.name}"


def _wall(service_s: float, clock: ServiceClock) -> str:
    """Wall time, because that is what a reader waited: ``38 s``, ``4m``."""
    seconds = clock.wall_seconds(service_s)
    return f"{format_number(seconds)} s" if seconds < 60 else format_duration(seconds)


def _sure(confidence: float) -> str:
    return "> 99.9 %" if confidence > 0.999 else f"{100 * confidence:.1f} %"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _rate(per_s: float) -> str:
    return f"{per_s:,.0f}/s"


def _step(rate_per_s: float, held: bool) -> str:
    return f"{_rate(rate_per_s)} {'held' if held else 'broke'}"


def _stayed(found: Finding, ranking: Ranking, clock: ServiceClock) -> str:
    share = [f"{_percent(found.utilisation)} of its limit"] if found.utilisation is not None else []
    over = _over_limit(found, ranking, clock)
    notes = share + ([over] if over is not None else [])
    return found.track.name + (f" ({', '.join(notes)})" if notes else "")


def law_words(usl: Usl | NoFit) -> str:
    if isinstance(usl, NoFit):
        return f"universal scalability law: no fit: {usl.why}"
    ceiling, contention, coherency = usl.ceiling_per_s, usl.contention, usl.coherency
    return (
        f"universal scalability law: ceiling {_rate(ceiling.value)}, "
        f"95 % from {_rate(ceiling.low)} to {_rate(ceiling.high)}; "
        f"contention {format_number(contention.value)}, coherency {format_number(coherency.value)}"
    )


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
