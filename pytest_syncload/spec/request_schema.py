"""The form of `request:` of slo.yaml: what is sent, and which answer is the right one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, field_validator

from pytest_syncload.facts.plan import UNIQUE
from pytest_syncload.spec import fields
from pytest_syncload.spec.fields import wrong
from pytest_syncload.spec.idempotency_schema import IdempotencyModel
from pytest_syncload.spec.schema import Strict


def can_be_right(status: int) -> bool:
    """Whether an answer of this status may be the expected one: overload and failures never are."""
    return 200 <= status < 500 and status != 429


class ExpectModel(Strict):
    """Which answer is the right one."""

    status: Annotated[
        int, WithJsonSchema({"type": "integer", "minimum": 200, "maximum": 499, "not": {"const": 429}})
    ] = Field(default=200, description="Its status. Default: 200.")
    json_members: dict[str, Any] = Field(
        default={},
        alias="json",
        description="Top-level members of its JSON body and the value of each; `any`: there, and not null; `unique`, "
        "of one member: and another for each Idempotency-Key.",
    )

    @field_validator("json_members")
    @classmethod
    def _told_apart_by_one(cls, members: dict[str, Any]) -> dict[str, Any]:
        unique = [name for name, wanted in members.items() if wanted == UNIQUE]
        if len(unique) > 1:
            raise wrong(
                f"{' and '.join(unique)} are each unique; one member tells the answers apart: expect any of the others",
                "one unique member",
            )
        return members

    @field_validator("status")
    @classmethod
    def _an_answer_that_can_be_right(cls, status: int) -> int:
        if not can_be_right(status):
            raise wrong(
                f"{status} cannot be the right answer: 429 and 5xx are failures, and the final ones begin at 200",
                "a status from 200 to 499 other than 429",
            )
        return status


class RequestModel(Strict):
    """The request of every arrival, and the answer that is right."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] = Field(
        default="POST", description="Default: POST."
    )
    path: fields.UrlPath = Field(description="Path and query, below the environment's base_url.")
    headers: dict[fields.HeaderName, fields.HeaderValue] = Field(
        default={}, description="Sent beside Authorization and Idempotency-Key, which syncload sets itself."
    )
    json_body: Any = Field(default=None, alias="json", description="The JSON body; left out: none.")
    expect: ExpectModel = ExpectModel()
    idempotency: IdempotencyModel = IdempotencyModel()

    @field_validator("headers")
    @classmethod
    def _each_once(cls, headers: dict[str, str]) -> dict[str, str]:
        lowered = [name.lower() for name in headers]
        twice = sorted({name for name in lowered if lowered.count(name) > 1})
        if twice:
            raise wrong(f"{', '.join(twice)} is there twice, as headers know no case; keep one", "each header once")
        return headers
