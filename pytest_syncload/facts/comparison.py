"""What a row came to beside an earlier run's row of that name: how much its level changed, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Regression(StrEnum):
    """Whether a row got worse, by more than its rule allows; without a rule, at all."""

    NO_WORSE = "no worse"
    WORSE = "worse"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """By how many percent the mean of the minutes changed, with the 95 % interval of that.

    Above zero the level rose, whether or not that is worse. The interval knows the noise within both holds; what two
    runs of the same thing differ by, hour and machines, is in none of them.
    """

    percent: float
    low_percent: float
    high_percent: float
    minutes_then: int
    minutes_now: int

    def __str__(self) -> str:
        low, high = _signed(self.low_percent), _signed(self.high_percent)
        return f"{_signed(self.percent)} (95 % from {low} to {high})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A row beside run ``run_id``, begun at ``begun_at`` (wall time, epoch seconds).

    ``value`` is the row's then, in the canonical unit of its target, None where it had none. Either ``change`` is known
    or ``problem`` says why it is not.
    """

    run_id: str
    begun_at: float
    finding: Regression
    value: float | None = None
    change: Change | None = None
    problem: str | None = None


def _signed(percent: float) -> str:
    if percent > 1000:
        return "more than +1000 %"
    return f"{percent:+.0f} %" if abs(percent) >= 100 else f"{percent:+.1f} %"
