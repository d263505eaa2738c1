"""The form of one phase of slo.yaml: a rate that is held, or a climb. Its rows are pieces of their own, in
`row_schema`.

What an environment may be offered comes in through the validation context.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from pytest_syncload.spec import abort_rule, fields, forms
from pytest_syncload.spec.fields import Given, wrong
from pytest_syncload.spec.schema import Strict

_ABORT = (
    "When load must stop within a second, whatever the plan says: more than this share `failed` in each of so many "
    "seconds in a row, as the client sees it and on the wall's clock; or a preset lies above this in each of so many "
    "minutes in a row, as CloudWatch publishes it. One rule, or a list of them."
)
#: A climb of so many steps lasts a working day at least, and a slip of the pen a year.
_MOST_STEPS = 500
_ROWS = "What must hold, by name; each row is a test. At least one."


class Limit(Strict):
    """The validation context of phases: what the chosen environment may be offered."""

    environment: str
    max_rate: float
    rate_scale: float
    shown: str

    def hold(self, rate: float) -> float:
        """``rate``, if it may be offered. Raises `PydanticCustomError`."""
        if rate * self.rate_scale > self.max_rate:
            scaled = "" if self.rate_scale == 1 else f", even × rate_scale {self.rate_scale:g}"
            raise wrong(
                f"{rate:g}/s{scaled} is more than environment {self.environment!r} may be offered"
                f" (max_rate {self.shown})",
                f"a rate within max_rate {self.shown} of environment {self.environment!r}",
            )
        return rate


def _within_limit(rate: float, info: ValidationInfo) -> float:
    return info.context.hold(rate) if isinstance(info.context, Limit) else rate


class HoldPhaseModel(Strict):
    """A phase that ramps to a rate and holds it."""

    rate: Annotated[fields.Rate, AfterValidator(_within_limit)] = Field(description="Arrivals a second in the hold.")
    ramp: fields.SecondsOrNone = Field(
        default=0.0, description="How long the rate climbs from zero before the hold; not judged. Default: 0s."
    )
    hold: fields.Seconds = Field(description="How long the rate is held and judged, in service time.")
    abort: abort_rule.Rules = Field(default=[], description=_ABORT)
    slos: dict[str, Any] = Field(description=_ROWS)

    @property
    def judged_s(self) -> float:
        """Service seconds that rows look at."""
        return self.hold

    @property
    def load_s(self) -> float:
        """Service seconds that the load lasts at most."""
        return self.ramp + self.hold


class ClimbModel(Strict):
    """A climb in steps, until its condition is met."""

    start: Annotated[fields.Rate, AfterValidator(_within_limit)] = Field(alias="from", description="The first rate.")
    step: fields.Percent = Field(description="How much a step adds to the rate, in percent of it.")
    every: fields.Minutes = Field(description="How long a step lasts, in service time.")
    until: Annotated[str, AfterValidator(fields.failed_share), forms.UNTIL] = Field(
        description="What ends the climb: a share of failed arrivals."
    )
    at_most: Annotated[fields.Rate, AfterValidator(_within_limit)] = Field(description="The last rate, in any case.")
    recovers_within: Annotated[fields.Seconds | None, Given] = Field(
        default=None,
        description="How long the target may take to hold half the load again once it broke, in service time, before"
        " the climb ends there. Default: ten steps.",
    )

    @field_validator("at_most")
    @classmethod
    def _upwards(cls, at_most: float, info: ValidationInfo) -> float:
        start, step = info.data.get("start", at_most), info.data.get("step", 100.0)
        if at_most < start:
            raise wrong("at_most lies below from, so there is nothing to climb", "a rate above from")
        steps = math.log(at_most / start) / max(math.log1p(step / 100), 1e-9)
        if steps > _MOST_STEPS:
            raise wrong(
                f"from {start:g}/s by {step:g} % these are {steps:,.0f} steps, and {_MOST_STEPS} are the most; make "
                "step larger, or begin higher",
                "a rate that fewer steps come to",
            )
        return at_most


class ClimbPhaseModel(Strict):
    """A phase that climbs until its condition is met."""

    climb: ClimbModel
    abort: abort_rule.Rules = Field(default=[], description=_ABORT)
    slos: dict[str, Any] = Field(description=_ROWS)

    @property
    def judged_s(self) -> float:
        """Service seconds that rows look at: those of one step."""
        return self.climb.every

    @property
    def load_s(self) -> float:
        """Service seconds that the load lasts at most: nobody knows beforehand."""
        return math.inf
