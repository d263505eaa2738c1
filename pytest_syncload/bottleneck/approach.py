"""The parts of a climb in which the load only rises, and a series beside the rate that was offered in each period."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pytest_syncload.facts.bottleneck import Climbed, StepSeen, Track

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approach:
    """Steps of rising rate, of which none but the last broke."""

    steps: tuple[StepSeen, ...]

    @property
    def broke(self) -> bool:
        """Whether the target broke at its end."""
        return not self.steps[-1].held

    def rate_over(self, start: float, end: float) -> float | None:
        """The mean rate offered in ``[start, end)``; None where not all of it belongs to a step."""
        at = bisect_right(self.steps, start, key=lambda step: step.window.start) - 1
        requests = 0.0
        moment = start
        while moment < end:
            if not (0 <= at < len(self.steps) and self.steps[at].window.covers(moment)):
                return None
            until = min(end, self.steps[at].window.end)
            requests += (until - moment) * self.steps[at].rate_per_s
            moment, at = until, at + 1
        return requests / (end - start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A series' periods inside an approach: when each begins, the rate offered in it (1/s), the value."""

    times: Floats
    rates: Floats
    values: Floats

    def __len__(self) -> int:
        return len(self.times)


def approaches(climbed: Climbed) -> list[Approach]:
    """The climb's approaches in order of time: a new one begins behind a step that broke, and where the rate falls."""
    found: list[list[StepSeen]] = []
    for step in climbed.steps:
        last = found[-1][-1] if found else None
        if last is None or not last.held or step.rate_per_s < last.rate_per_s:
            found.append([])
        found[-1].append(step)
    return [Approach(steps=tuple(steps)) for steps in found]


def beside(track: Track, approach: Approach) -> Beside:
    """The periods of ``track`` that lie inside the approach and came back as finite numbers."""
    times, values = np.array(track.timestamps, dtype=np.float64), np.array(track.values, dtype=np.float64)
    begins, ends, offered = np.array(
        [(step.window.start, step.window.end, step.rate_per_s) for step in approach.steps]
    ).T
    at = np.maximum(np.searchsorted(begins, times, side="right") - 1, 0)
    rates = offered[at]
    # Nearly all lie inside one step; the others lie outside of the approach, or across its steps.
    rates[(times < begins[0]) | (times + track.period_s > ends[-1])] = np.nan
    for odd in np.flatnonzero(np.isfinite(rates) & (times + track.period_s > ends[at])):
        rates[odd] = approach.rate_over(float(times[odd]), float(times[odd]) + track.period_s) or np.nan
    there = np.isfinite(rates) & np.isfinite(values)
    return Beside(times=times[there], rates=rates[there], values=values[there])
