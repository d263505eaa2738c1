"""What a climb found → a row's value, pure. A breaking point that is only known to lie higher proves no upper bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_syncload.facts.climb import ClimbFound, Finding
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.plan import Slo
from pytest_syncload.facts.presets.load import HEADROOM
from pytest_syncload.facts.result import PhaseResult
from pytest_syncload.facts.units import format_number


@dataclass(frozen=True, slots=True, kw_only=True)
class Climbed:
    """A row's value in its canonical unit, and what stands beside it."""

    value: float
    notes: tuple[str, ...]


def fold_climb(slo: Slo, result: PhaseResult) -> Climbed:
    """The row's value. Raises `Inconclusive` where the climb does not say enough for its target."""
    what = result.climb
    if what is None:
        raise Inconclusive(f"{slo.metric} is what a climb finds, and phase {result.phase!r} does not climb")
    value_of = _headroom(what) if slo.metric == HEADROOM else _itself
    notes = (found_in_words(what),)
    if what.held_per_s is not None:
        value = value_of(what.held_per_s)
        if what.at_least and not satisfied_from(slo, value):
            raise Inconclusive(
                f"the breaking point is at least {format_number(what.held_per_s)}/s, and not known: {what.why}; the "
                f"target {slo.target.text} needs more than that"
            )
        require_undoubted(slo, what, value_of)
        require_bounded(slo, what, value_of)
        return Climbed(value=value, notes=notes)
    # Nothing held, so the breaking point lies below the lowest rate that broke, if any did.
    below = what.broke_per_s
    if below is None or slo.target.op not in (">", ">=") or slo.target.met_by(value_of(below)):
        raise Inconclusive(f"no step of the climb held: {what.why}; let it begin lower")
    return Climbed(value=value_of(below), notes=notes)


def require_undoubted(slo: Slo, what: ClimbFound, value_of: Callable[[float], float]) -> None:
    """Raise `Inconclusive` where the target is met only by a rate that broke when it was repeated."""
    sure, held = what.undoubted_per_s, what.held_per_s
    if not what.broke_again or held is None or slo.target.op not in (">", ">="):
        return
    if slo.target.met_by(value_of(held)) and (sure is None or not slo.target.met_by(value_of(sure))):
        raise Inconclusive(
            f"{format_number(held)}/s held, and what had held broke {what.broke_again} × when it was repeated sooner: "
            "the target had not recovered, or bears that rate only on credit that a rest refills; make steps longer "
            "(every), or let it rest longer (recovers_within)"
        )


def require_bounded(slo: Slo, what: ClimbFound, value_of: Callable[[float], float]) -> None:
    """Raise `Inconclusive` where the target bounds the breaking point from above and lies inside its interval."""
    if slo.target.op not in ("<", "<=") or what.held_per_s is None or what.broke_per_s is None:
        return
    if slo.target.met_by(value_of(what.held_per_s)) and slo.target.value < value_of(what.broke_per_s):
        raise Inconclusive(
            f"the breaking point lies between {format_number(what.held_per_s)}/s and "
            f"{format_number(what.broke_per_s)}/s, and so does the target {slo.target.text}; take smaller steps"
        )


def found_in_words(what: ClimbFound) -> str:
    """The climb in a sentence: ``held 4,200/s, broke at 4,410/s``."""
    held = "no step held" if what.held_per_s is None else f"held {_shown(what.held_per_s)}/s"
    if what.broke_per_s is not None:
        held = f"{held}, broke at {_shown(what.broke_per_s)}/s"
    elif what.at_least:
        held = f"{held}, at least"
    recovered = what.recovered_after_s
    after = "" if recovered is None else f"; recovered {format_number(round(recovered, 1))} s after the load fell"
    if what.broke_again:
        after += f"; what had held broke {what.broke_again} × when it was repeated sooner"
    return f"{held} ({what.end.value}: {what.why}){after}"


def last_step_held(result: PhaseResult) -> str | None:
    """Why rows have no step to look at, None where one held."""
    what = result.climb
    if what is None or what.held_per_s is not None:
        return None
    broke = [step for step in what.steps if step.finding is Finding.BROKE]
    first = f", {_shown(broke[0].rate_per_s)}/s broke" if broke else ""
    return f"no step of the climb held{first}, so there is none to look at; let it begin lower"


def satisfied_from(slo: Slo, value: float) -> bool:
    """Whether the target is met by ``value`` and by anything above."""
    return slo.target.op in (">", ">=") and slo.target.met_by(value)


def _itself(rate_per_s: float) -> float:
    return rate_per_s


def _headroom(what: ClimbFound) -> Callable[[float], float]:
    peak = what.peak_per_s
    if not peak:
        raise Inconclusive("headroom is against the highest rate that another phase holds, and slo.yaml has none")
    return lambda rate_per_s: 100 * (rate_per_s / peak - 1)


def _shown(rate_per_s: float) -> str:
    return f"{rate_per_s:,.0f}"
