"""Observation and target → verdict, pure. Green is said only where every doubt was looked at and found empty."""

from __future__ import annotations

import math

from pytest_syncload.facts.catalogue import PRESETS
from pytest_syncload.facts.observation import Observation, Ruling, Verdict
from pytest_syncload.facts.plan import Slo
from pytest_syncload.facts.result import PhaseResult
from pytest_syncload.facts.units import format_quantity

#: A percentile needs samples beyond it: at least this many, so p95 needs 200 and p99 needs 1,000.
SAMPLES_BEYOND_PERCENTILE = 10
#: Trimmed means, ranks and the like describe a distribution; as many as p95 needs.
SAMPLES_OF_A_DISTRIBUTION = 200
_WHOLE_STATISTICS = ("", "Sum", "SampleCount", "Average", "Minimum", "Maximum")


def judge(observation: Observation, result: PhaseResult, unsettled: str | None) -> Verdict:
    """The row's verdict. ``unsettled`` says why the source's answers are not final, None if they are."""
    slo = observation.slo
    doubt = _doubt(observation, result, unsettled)
    if doubt is not None:
        return Verdict(slo=slo, ruling=Ruling.INCONCLUSIVE, reason=doubt, observation=observation)
    value = observation.value
    # `_doubt` has made sure that the value is a finite number.
    seen = format_quantity(value, observation.kind) if value is not None else "nothing"
    if value is not None and slo.target.met_by(value):
        return Verdict(slo=slo, ruling=Ruling.PASS, reason=f"{seen} is {slo.target.text}", observation=observation)
    return Verdict(slo=slo, ruling=Ruling.BREACH, reason=f"{seen} is not {slo.target.text}", observation=observation)


def _doubt(observation: Observation, result: PhaseResult, unsettled: str | None) -> str | None:
    slo = observation.slo
    if result.invalid:
        return "the phase is invalid: " + "; ".join(reason.what for reason in result.invalid)
    if observation.window != result.window:
        return "the observation is of another window than the phase's hold"
    if observation.problem is not None:
        return observation.problem
    if unsettled is not None:
        return unsettled
    if observation.value is None or not math.isfinite(observation.value):
        return f"there is no value: {observation.value}"
    if slo.sustained_s is not None or slo.growth is not None:
        return "sustained and growth are known but not judged by this version; nothing was proven"
    needed = min_samples(slo)
    if needed and (observation.samples or 0) < needed:
        return f"{observation.samples or 0} samples stand behind the value, and this row needs {needed} (min_samples)"
    return None


def min_samples(slo: Slo) -> int:
    """How many samples must stand behind the row's value: the row's own setting, or what its percentile needs."""
    if slo.min_samples is not None:
        return slo.min_samples
    preset = PRESETS.get(slo.metric or "")
    statistic = slo.statistic or (preset.statistics[0] if preset is not None and preset.statistics else "")
    if statistic in _WHOLE_STATISTICS:
        return 0
    if not statistic.startswith("p") or float(statistic[1:]) >= 100:
        return SAMPLES_OF_A_DISTRIBUTION
    return math.ceil(SAMPLES_BEYOND_PERCENTILE / (1 - float(statistic[1:]) / 100) - 1e-6)
