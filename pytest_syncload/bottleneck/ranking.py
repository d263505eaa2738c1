"""Which series broke first. Findings are ordered by time; one is named where time or other evidence tells it apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from pytest_syncload.bottleneck.approach import Approach, approaches, beside
from pytest_syncload.bottleneck.departure import Unknown, departure, left_again
from pytest_syncload.facts.bottleneck import Climbed, Departure, Finding, Place, Ranking, Track, Worse


def rank(climbed: Climbed, tracks: Iterable[Track]) -> Ranking:
    """Every series of the climb, and the one that broke first.

    The longest approach that broke is looked at; later ones that broke confirm it. Candidates are the series behind the
    client that left their normal range before all that the client saw had. Those of the API contain what is behind it,
    so they are candidates only where nothing behind it is, and they left before anything that the client saw.
    """
    parts = approaches(climbed)
    broke = [part for part in parts if part.broke]
    if not parts:
        return Ranking(findings=(), undetermined="no step of the climb was measured")
    first = max(broke or parts, key=lambda part: part.steps[-1].window.end - part.steps[0].window.start)
    again = [part for part in broke if part.steps[0].window.start > first.steps[0].window.start]
    findings = sorted((_find(track, first, again, climbed) for track in tracks), key=_order)
    seen = next((found for found in findings if found.departure and found.track.place is Place.CLIENT), None)
    ranking = Ranking(findings=tuple(findings), seen=seen)
    if climbed.generator_fault is not None:
        return replace(ranking, undetermined=f"the generator was the limit: {climbed.generator_fault}")
    if not broke:
        return replace(ranking, undetermined="nothing broke")
    return _name_first(ranking)


def _find(track: Track, first: Approach, again: Sequence[Approach], climbed: Climbed) -> Finding:
    if track.unread is not None:
        return Finding(track=track, problem=track.unread)
    left = departure(track, first)
    finding = Finding(track=track, over_limit_at=_over_limit(track, first), utilisation=_utilisation(track, climbed))
    if isinstance(left, Unknown):
        return replace(finding, problem=left.why, counted_early=left.counted_early)
    if left is None:
        return finding
    looks = [left_again(track, part, left) for part in again]
    return replace(
        finding,
        departure=left.departure,
        confirmable=any(could for could, _ in looks),
        again=next((at for _, at in looks if at is not None), None),
    )


def _order(finding: Finding) -> tuple[float, float, int, str]:
    """By time; in the same period the deeper first, then by name, so that the order of the series means nothing."""
    track, left = finding.track, finding.departure
    at, by = (left.at, left.by) if left is not None else (np.inf, np.inf)
    return (at, by, -track.place, track.name)


def _over_limit(track: Track, approach: Approach) -> float | None:
    if track.limit is None:
        return None
    seen = beside(track, approach)
    over = seen.values > track.limit if track.worse is Worse.UP else seen.values < track.limit
    return float(seen.times[over.argmax()]) if over.any() else None


def _utilisation(track: Track, climbed: Climbed) -> float | None:
    """Value ÷ limit at the last good step; of what gets worse downwards, limit ÷ value."""
    good = climbed.last_good
    if not track.limit or good is None:
        return None
    values = beside(track, Approach(steps=(good,))).values
    if not len(values):
        return None
    value = float(values.mean())
    if track.worse is Worse.UP:
        return value / track.limit
    return track.limit / value if value > 0 else None


def _name_first(ranking: Ranking) -> Ranking:
    early = [f.track.name for f in ranking.findings if f.counted_early and f.track.place is not Place.CLIENT]
    if early:
        return replace(
            ranking, undetermined=f"{' and '.join(sorted(early))} counted from the beginning on; start lower"
        )
    candidates = _candidates(ranking.findings)
    if not candidates:
        return replace(ranking, undetermined=_why_none(ranking.findings))
    return _decide(ranking, candidates)


def _why_none(findings: Sequence[Finding]) -> str:
    if not findings:
        return "no series was looked at"
    if all(found.track.place is Place.CLIENT or found.track.unread is not None for found in findings):
        return "no series behind the client could be read"
    problems = [found.problem for found in findings if found.problem is not None]
    if len(problems) == len(findings):
        return problems[0]
    behind = [found.track.place for found in findings if found.departure and found.track.place is not Place.CLIENT]
    if behind and set(behind) == {Place.API}:
        why = "nothing behind the API left its normal range, and the API no sooner than what the client saw"
    elif behind:
        why = "nothing behind the client left its normal range before all that the client saw had"
    else:
        why = "nothing behind the client left its normal range"
    over = sorted(f.track.name for f in findings if f.over_limit_at is not None and f.track.place is not Place.CLIENT)
    return why + (f"; beyond its limit: {', '.join(over)}" if over else "")


def _candidates(findings: Sequence[Finding]) -> list[tuple[Finding, Departure]]:
    left = [(found, found.departure) for found in findings if found.departure is not None]
    by_client = [gone for found, gone in left if found.track.place is Place.CLIENT]
    seen_by = max((gone.by for gone in by_client), default=np.inf)
    saw_at = min((gone.at for gone in by_client), default=np.inf)
    left = [(found, gone) for found, gone in left if found.track.place is not Place.CLIENT and gone.after < seen_by]
    behind = [pair for pair in left if pair[0].track.place is not Place.API]
    # In the minute in which the client met failures the API counts the same, which says nothing of where they began.
    candidates = behind or [(found, gone) for found, gone in left if gone.at < saw_at]
    # What did not happen a second time, where it could have been seen, was no cause of the first.
    confirmed = [pair for pair in candidates if pair[0].again is not None or not pair[0].confirmable]
    return confirmed or candidates


def _decide(ranking: Ranking, candidates: list[tuple[Finding, Departure]]) -> Ranking:
    """Those that may have been first, told apart by what else speaks for one of them."""
    earliest_by = min(gone.by for _, gone in candidates)
    tied = _one_of_each_resource([found for found, gone in candidates if gone.after < earliest_by])
    if len(tied) == 1:
        unread = any(found.track.unread is not None for found in ranking.findings)
        others = "all others that could be read" if unread else "all others"
        return replace(ranking, first=tied[0], because=f"it left its normal range before {others}")
    repeats = [found.again for found in tied if found.again is not None]
    evidence = (
        (
            "in the second approach it did so before the others",
            [found for found in tied if repeats and found.again == min(repeats)],
        ),
        ("it stands behind the others, which left in the same period", _deepest(tied)),
        (
            "of those that left in the same period only it was beyond its limit",
            [found for found in tied if found.over_limit_at is not None],
        ),
    )
    for because, those in evidence:
        if len(those) == 1:
            return replace(ranking, first=those[0], because=because)
    names = " and ".join(sorted(found.track.name for found in tied))
    return replace(ranking, undetermined=f"{names} left their normal ranges in the same period")


def _one_of_each_resource(findings: Sequence[Finding]) -> list[Finding]:
    """Of each resource the series that changed most surely, then most."""
    best: dict[str, Finding] = {}
    for found in sorted(findings, key=lambda found: found.track.name):
        other = best.setdefault(found.track.resource, found)
        if _strength(found) > _strength(other):
            best[found.track.resource] = found
    return list(best.values())


def _strength(finding: Finding) -> tuple[bool, float, float]:
    left = finding.departure
    if left is None:
        return (False, 0.0, 0.0)
    return (finding.again is not None, left.confidence, abs(left.value - left.expected) / (abs(left.expected) or 1.0))


def _deepest(findings: Sequence[Finding]) -> list[Finding]:
    deepest = max(found.track.place for found in findings)
    return [found for found in findings if found.track.place is deepest]
