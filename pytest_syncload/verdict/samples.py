"""How many samples a statistic needs before its value means anything. Knows statistics, never values."""

from __future__ import annotations

import math

from pytest_syncload.facts.catalogue import Fold, preset_of, statistic_of
from pytest_syncload.facts.plan import Slo

#: A percentile needs samples beyond it: at least this many, so p95 needs 200 and p99 needs 1,000.
SAMPLES_BEYOND_PERCENTILE = 10
#: Trimmed means, ranks and the like describe a distribution; as many as p95 needs.
SAMPLES_OF_A_DISTRIBUTION = 200
_WHOLE_STATISTICS = ("", "Sum", "SampleCount", "Average", "Minimum", "Maximum")


def min_samples(slo: Slo) -> int:
    """How many samples must stand behind the row's value: the row's own setting, or what its statistic needs.

    A share of requests that must stay below 0.1 % needs 1,000 of them: of fewer, one alone would be more than that, so
    that none failed says nothing about the share.
    """
    if slo.min_samples is not None:
        return slo.min_samples
    if preset_of(slo).fold is Fold.RATIO and slo.target.op in ("<", "<=") and slo.target.value > 0:
        return math.ceil(100 / slo.target.value - 1e-6)
    statistic = statistic_of(slo)
    if statistic in _WHOLE_STATISTICS:
        return 0
    if not statistic.startswith("p") or float(statistic[1:]) >= 100:
        return SAMPLES_OF_A_DISTRIBUTION
    return math.ceil(SAMPLES_BEYOND_PERCENTILE / (1 - float(statistic[1:]) / 100) - 1e-6)
