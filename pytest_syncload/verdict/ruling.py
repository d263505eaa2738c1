"""Joins what a row's rules come to into its verdict, pure. Nothing but a proof of every rule is a pass."""

from __future__ import annotations

import math

from pytest_syncload.facts.comparison import Compared
from pytest_syncload.facts.observation import Observation, Ruling, Verdict
from pytest_syncload.facts.result import PhaseResult
from pytest_syncload.facts.units import format_quantity
from pytest_syncload.verdict.bounds import judge_bounds
from pytest_syncload.verdict.drain import judge_drain
from pytest_syncload.verdict.growth import judge_growth
from pytest_syncload.verdict.part import Part
from pytest_syncload.verdict.regression import judge_regression
from pytest_syncload.verdict.samples import min_samples


def judge(
    observation: Observation, result: PhaseResult, unsettled: str | None, compared: Compared | None = None
) -> Verdict:
    """The row's verdict. ``unsettled`` says why the source's answers are not final, None if they are; ``compared`` is
    the row beside an earlier run, None where none was named.

    What casts doubt on the measurement leaves the whole row inconclusive. After that every rule is judged for itself:
    one that is broken is a breach, whatever another could not see; the reason names all that are.
    """
    value, doubts = observation.value, _doubts(observation, result, unsettled)
    if value is None or doubts:
        return _verdict(observation, compared, Ruling.INCONCLUSIVE, "; ".join(doubts))
    parts = _parts(observation, value, compared)
    broken = [part.says for part in parts if part.ruling is Ruling.BREACH]
    unseen = [part.says for part in parts if part.ruling is Ruling.INCONCLUSIVE]
    if broken:
        return _verdict(observation, compared, Ruling.BREACH, "; ".join(["; and ".join(broken), *unseen]))
    if unseen:
        return _verdict(observation, compared, Ruling.INCONCLUSIVE, "; ".join(unseen))
    return _verdict(observation, compared, Ruling.PASS, "; ".join(part.says for part in parts))


def _verdict(observation: Observation, compared: Compared | None, ruling: Ruling, reason: str) -> Verdict:
    return Verdict(slo=observation.slo, ruling=ruling, reason=reason, observation=observation, compared=compared)


def _doubts(observation: Observation, result: PhaseResult, unsettled: str | None) -> list[str]:
    """All that keeps the value from being believed. An invalid phase explains all the others, so it stands alone."""
    if invalid := invalid_phase(result):
        return [invalid]
    # What concerns every row comes first: it is often the cause of the others.
    found = [not_final(unsettled), another_window(observation, result)]
    if observation.problem is not None:
        found.append(None if observation.problem == unsettled else observation.problem)
    else:
        found.append(no_number(observation) or too_few_samples(observation))
    return [doubt for doubt in found if doubt is not None]


def invalid_phase(result: PhaseResult) -> str | None:
    """Whether the load itself proves nothing."""
    return "the phase is invalid: " + "; ".join(reason.what for reason in result.invalid) if result.invalid else None


def not_final(unsettled: str | None) -> str | None:
    """Whether the source had not said its last word when it was read."""
    return unsettled


def another_window(observation: Observation, result: PhaseResult) -> str | None:
    """Whether the value was read of other minutes than the load's."""
    same = observation.window == result.window
    return None if same else "the observation is of another window than the phase's hold"


def no_number(observation: Observation) -> str | None:
    """Whether there is nothing that could be compared."""
    numbers = (observation.value, *(observation.bounds or ()))
    there = all(number is not None and math.isfinite(number) for number in numbers)
    return None if there else f"there is no value: {observation.value}"


def too_few_samples(observation: Observation) -> str | None:
    """Whether the statistic stands on fewer measurements than it needs to mean anything."""
    samples, needed = observation.samples or 0, min_samples(observation.slo)
    if samples >= needed:
        return None
    return f"{samples} samples stand behind the value, and this row needs {needed} (min_samples)"


def _parts(observation: Observation, value: float, compared: Compared | None) -> list[Part]:
    slo = observation.slo
    parts = [_compare(observation, value)]
    if slo.growth is not None:
        parts.append(judge_growth(observation))
    if slo.drains_within_s is not None:
        parts.append(judge_drain(observation, slo.drains_within_s))
    if slo.regression is not None:
        parts.append(judge_regression(slo.regression, compared))
    return parts


def _compare(observation: Observation, value: float) -> Part:
    if observation.bounds is not None:
        return judge_bounds(observation.slo.target, observation.bounds, observation.kind)
    target, seen = observation.slo.target, format_quantity(value, observation.kind)
    if target.met_by(value):
        return Part(ruling=Ruling.PASS, says=f"{seen} is {target.text}")
    return Part(ruling=Ruling.BREACH, says=f"{seen} is not {target.text}")
