"""The form of `scale:`: what the service must bear once it is launched, and which rows need to know it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import Field

from pytest_syncload.facts.plan import Phase
from pytest_syncload.facts.presets.cost import PER_MONTH
from pytest_syncload.spec import fields
from pytest_syncload.spec.schema import Strict


class ScaleModel(Strict):
    """How much the service is for. Costs of a month are said for it; a job is an accepted request of the hot path."""

    daily_users: fields.Whole = Field(description="Users who come in a day.")
    jobs_per_user: fields.Factor = Field(description="Jobs that one of them starts in a day.")


def without_scale(phases: Iterable[Phase]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The rows that need a scale where slo.yaml has none, each with what is wrong."""
    for phase in phases:
        for slo in phase.slos:
            if slo.metric == PER_MONTH:
                path = ("phases", phase.name, "slos", slo.name, "metric")
                yield path, f"{PER_MONTH} needs to know how many jobs a month has; add scale: to the file"
