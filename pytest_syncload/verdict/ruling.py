"""Joins what a row's rules come to into its verdict, pure. Nothing but a proof of every rule is a pass."""

from __future__ import annotations

import math

from pytest_syncload.facts.observation import Observation, Ruling, Verdict
from pytest_syncload.facts.result import PhaseResult
from pytest_syncload.facts.units import format_quantity
from pytest_syncload.verdict.drain import judge_drain
from pytest_syncload.verdict.growth import judge_growth
from pytest_syncload.verdict.part import Part
from pytest_syncload.verdict.samples import min_samples


def judge(observation: Observation, result: PhaseResult, unsettled: str | None) -> Verdict:
    """The row's verdict. ``unsettled`` says why the source's answers are not final, None if they are.

    What casts doubt on the measurement leaves the whole row inconclusive. After that every rule is judged for itself:
    one that is broken is a breach, whatever another could not see; the reason names all that are.
    """
    value, doubts = observation.value, _doubts(observation, result, unsettled)
    if value is None or doubts:
        return _verdict(observation, Ruling.INCONCLUSIVE, "; ".join(doubts))
    parts = _parts(observation, value)
    broken = [part.says for part in parts if part.ruling is Ruling.BREACH]
    unseen = [part.says for part in parts if part.ruling is Ruling.INCONCLUSIVE]
    if broken:
        return _verdict(observation, Ruling.BREACH, "; ".join(["; and ".join(broken), *unseen]))
    if unseen:
        return _verdict(observation, Ruling.INCONCLUSIVE, "; ".join(unseen))
    return _verdict(observation, Ruling.PASS, "; ".join(part.says for part in parts))


def _verdict(observation: Observation, ruling: Ruling, reason: str) -> Verdict:
    return Verdict(slo=observation.slo, ruling=ruling, reason=reason, observation=observation)


def _doubts(observation: Observation, result: PhaseResult, unsettled: str | None) -> list[str]:
    """All that keeps the value from being believed. An invalid phase explains all the others, so it stands alone."""
    if result.invalid:
        return ["the phase is invalid: " + "; ".join(reason.what for reason in result.invalid)]
    # What concerns every row comes first: it is often the cause of the others.
    doubts = [] if unsettled is None else [unsettled]
    if observation.window != result.window:
        doubts.append("the observation is of another window than the phase's hold")
    if observation.problem is not None:
        if observation.problem != unsettled:
            doubts.append(observation.problem)
    elif observation.value is None or not math.isfinite(observation.value):
        doubts.append(f"there is no value: {observation.value}")
    elif (observation.samples or 0) < (needed := min_samples(observation.slo)):
        doubts.append(
            f"{observation.samples or 0} samples stand behind the value, and this row needs {needed} (min_samples)"
        )
    return doubts


def _parts(observation: Observation, value: float) -> list[Part]:
    slo = observation.slo
    parts = [_compare(observation, value)]
    if slo.growth is not None:
        parts.append(judge_growth(observation))
    if slo.drains_within_s is not None:
        parts.append(judge_drain(observation, slo.drains_within_s))
    return parts


def _compare(observation: Observation, value: float) -> Part:
    target, seen = observation.slo.target, format_quantity(value, observation.kind)
    if target.met_by(value):
        return Part(ruling=Ruling.PASS, says=f"{seen} is {target.text}")
    return Part(ruling=Ruling.BREACH, says=f"{seen} is not {target.text}")
