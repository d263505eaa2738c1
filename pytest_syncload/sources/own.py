"""What the load's own checks of the Idempotency-Key came to → a row's value, pure.

No violation is no proof where a rule was not looked at: a value below the target stands only on checks of every rule
that came to their ends. One that breaks the target stands by itself, as what was not checked could only add to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.idempotency import ENOUGH, MEANING, KeyRule, RuleCount
from pytest_syncload.facts.plan import Target
from pytest_syncload.facts.result import PhaseResult

#: Of the checks of a rule, so many may come to nothing, and one in any case: a target that loses one request in a
#: thousand is judged by its 5xx row.
UNFINISHED_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Violations, with a number for each rule that was broken, and sentences that name it."""

    value: float
    parts: dict[str, float]
    notes: tuple[str, ...]


def fold_own(result: PhaseResult, target: Target) -> Found:
    """The violations of the phase. Raises `Inconclusive` where there is no telling."""
    counts = result.idempotency
    require_checked(counts)
    broken = [count for count in counts if count.broken]
    value = sum(count.broken for count in broken)
    doubts = [*unchecked(counts), *unfinished(counts)]
    if doubts and not certainly_broken(target, value):
        raise Inconclusive("; ".join(doubts))
    ended = sum(count.finished for count in counts)
    notes = [
        *(broken_rule(count) for count in broken),
        f"{ended} of {sum(count.begun for count in counts)} checks came to an end: "
        + ", ".join(f"{count.rule} {count.finished}" for count in counts),
        *doubts,
    ]
    return Found(value=value, parts={count.rule.value: float(count.broken) for count in broken}, notes=tuple(notes))


def certainly_broken(target: Target, value: float) -> bool:
    """Whether the target is broken whatever else a check might have found: more violations never mend it."""
    if target.op == "==":
        return value > target.value
    return target.op in ("<", "<=") and not target.met_by(value)


def broken_rule(count: RuleCount) -> str:
    """A rule that was broken, how often, and one key to look for."""
    return (
        f"{count.rule} ({MEANING[count.rule]}) is broken in {count.broken} of {count.finished} checks; with key "
        f"{count.key}: {count.says}"
    )


def require_checked(counts: Sequence[RuleCount]) -> None:
    """Something was checked at all."""
    if not counts:
        raise Inconclusive(
            "no Idempotency-Key was checked in this phase; request.idempotency.verify of slo.yaml switches it on"
        )


def unchecked(counts: Sequence[RuleCount]) -> list[str]:
    """The rules that too few checks have looked at to their end."""
    ended = {count.rule: count.finished for count in counts}
    few = [f"{rule} ({ended.get(rule, 0)})" for rule in KeyRule if ended.get(rule, 0) < ENOUGH]
    if not few:
        return []
    whys = sorted({count.unfinished_because for count in counts if count.finished < ENOUGH} - {""})
    why = f"; {'; '.join(whys)}" if whys else ""
    return [f"each rule needs {ENOUGH} checks that come to an end, and these have fewer: {', '.join(few)}{why}"]


def unfinished(counts: Sequence[RuleCount]) -> list[str]:
    """The rules of which more checks came to nothing than a target loses in passing."""
    return [
        f"{count.unfinished} of {count.begun} checks of {count.rule} did not finish; {count.unfinished_because}"
        for count in counts
        if count.unfinished > max(1, UNFINISHED_SHARE * count.begun)
    ]
