"""The form of `request.idempotency`. What it must agree with, in the request and in rows, is `idempotency_check`'s."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from pytest_syncload.facts.presets.idempotency import VIOLATIONS
from pytest_syncload.facts.units import Kind, format_number
from pytest_syncload.spec import fields, forms
from pytest_syncload.spec.fields import Given, Text, wrong
from pytest_syncload.spec.schema import Strict

#: More than this would be load of another kind than the plan's.
MOST_PERCENT = 10.0


def _a_sample(percent: float) -> float:
    if percent > MOST_PERCENT:
        takes = f"a share of {format_number(MOST_PERCENT)} % or less"
        raise wrong(f"this is more than a sample: each check sends requests of its own; write {takes}", takes)
    return percent


class IdempotencyModel(Strict):
    """How requests carry their Idempotency-Key, and how much of what it promises is checked under load."""

    header: fields.KeyHeaderName = Field(
        default="Idempotency-Key", description="The header of the key. Default: Idempotency-Key."
    )
    key: Literal["bare", "sf-string"] = Field(
        default="bare", description="`sf-string`: the key stands in quotes (RFC 8941). Default: bare."
    )
    verify: Annotated[fields.Share, AfterValidator(_a_sample), forms.quantity(Kind.SHARE, "0.1 %")] = Field(
        default=0.0,
        description="Share of the hold's arrivals that check a rule of the key: replay, concurrent, payload, "
        f"missing-key, user, unauthorized, in turn. At most 10 %. Judged by a row of `{VIOLATIONS}`. Default: 0 %.",
    )
    job_id: Annotated[Text | None, Given] = Field(
        default=None,
        description="The member of the answer that names the job, with its way from the top: `id`, `job/id`. Default: "
        "the `unique` one of expect.",
    )
    changed: Annotated[dict[str, Any], WithJsonSchema({"type": "object", "minProperties": 1})] = Field(
        default={},
        description="Top-level members of the JSON body and other values for them, which the target accepts too: "
        "what the check of another payload sends.",
    )
