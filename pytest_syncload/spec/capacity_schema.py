"""The form of the sandbox's `capacity:`: what its resources bear, and how they come back from a collapse."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from pytest_syncload.facts.capacity import Recovery
from pytest_syncload.facts.units import Kind
from pytest_syncload.spec import fields, forms
from pytest_syncload.spec.fields import Given, amount, wrong
from pytest_syncload.spec.schema import Strict

# Of little load, until what comes back slowly begins to, and how long it takes to be whole: some steps of a climb.
_SLOWLY = Recovery(after_s=1.0, over_s=30.0)


def _recovery(value: Any) -> Recovery:
    takes = "'after 5s', 'slowly' or 'never'"
    words = value.split() if isinstance(value, str) else []
    match words:
        case ["after", *time] if time:
            return Recovery(after_s=amount(" ".join(time), Kind.TIME) / 1000)
        case ["slowly"]:
            return _SLOWLY
        case ["never"]:
            return Recovery(after_s=None)
    raise wrong(f"{value!r} is not {takes}" if isinstance(value, str) else f"this is not {takes}", takes)


class CapacityModel(Strict):
    """What the sandbox's resources bear, in jobs a wall second; the least is the bottleneck. Default: no limit."""

    table: Annotated[fields.Rate | None, Given] = Field(default=None, description="Writes of the table.")
    index: Annotated[fields.Rate | None, Given] = Field(default=None, description="Writes of the table's index.")
    workers: Annotated[fields.Rate | None, Given] = Field(
        default=None, description="Messages that the workers handle before the queue is full."
    )
    cache: Annotated[fields.Rate | None, Given] = Field(
        default=None, description="Jobs at which the cache's engine has no time left."
    )
    concurrency: Annotated[fields.Whole | None, Given] = Field(
        default=None, description="Requests that the service works on at a time; one takes 20 ms."
    )
    third_party: Annotated[fields.Rate | None, Given] = Field(
        default=None, description="The limit of the third party's API that a job calls."
    )
    recovers: Annotated[Recovery | None, BeforeValidator(_recovery), forms.RECOVERS] = Field(
        default=None,
        description="A resource that is overloaded for two seconds collapses to a tenth of its capacity, and recovers"
        " after so long below 60 % of it (wall time), or slowly, or never. Default: it does not collapse.",
    )
