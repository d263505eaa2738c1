"""The form of slo.yaml, as pydantic models: which keys exist where, and of which type. Unknown keys are refused.

A phase, a row and an environment are each validated as a piece of their own, so that a mistake in one hides none in
another; their models stand in `environment_schema`, `phase_schema` and `row_schema`. Docstrings and descriptions are
what an editor shows, by `json_schema`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator

from pytest_syncload.facts.plan import UNIQUE
from pytest_syncload.spec import fields, forms
from pytest_syncload.spec.fields import Text, wrong


class Strict(BaseModel):
    """No unknown key, no conversion between types, no empty value in place of a default."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class FileModel(Strict):
    """Load phases and the SLO rows that each must hold. `pytest -m <phase>` proves them."""

    service: Text = Field(description="The name of what is under load, for headers and reports.")
    items: bool = Field(
        default=True,
        description="Whether pytest shows each phase and row as an item of this file. With `false` the rows are judged"
        " by your own tests that take the `slo` fixture. Default: true.",
    )
    environments: dict[str, Any] = Field(
        default={}, description="Where a run can go, by name; `--syncload-env` chooses. Without any: the sandbox."
    )
    load: Any = {}
    request: Any
    phases: dict[str, Any] = Field(
        description="Load phases in the order they run. Each name becomes a marker and a fixture of pytest."
    )


class LoadModel(Strict):
    """How load is offered, in every phase."""

    arrivals: Literal["constant", "poisson"] = Field(
        default="constant", description="How arrivals are spaced: evenly, or at random (Poisson). Default: constant."
    )
    timeout: fields.Seconds = Field(default=10.0, description="When an arrival counts as timed out. Default: 10s.")
    generators: Annotated[
        int,
        BeforeValidator(fields.generators),
        WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 1024}, *forms.words("auto")["anyOf"]]}),
    ] = Field(default=0, description="Processes that offer the load; `auto`: as many as the rate needs. Default: auto.")
    transport: Literal["built-in", "httpx"] = Field(
        default="built-in",
        description="What carries the arrivals. `httpx` follows the environment's proxies and speaks HTTP/2 where the "
        "extra http2 is installed, at some hundreds of requests/s a core. Default: built-in.",
    )
    seed: Annotated[int, AfterValidator(fields.seed), WithJsonSchema({"type": "integer", "minimum": 0})] = Field(
        default=1, description="Makes Poisson arrivals the same in every run. Default: 1."
    )


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

    @field_validator("headers")
    @classmethod
    def _each_once(cls, headers: dict[str, str]) -> dict[str, str]:
        lowered = [name.lower() for name in headers]
        twice = sorted({name for name in lowered if lowered.count(name) > 1})
        if twice:
            raise wrong(f"{', '.join(twice)} is there twice, as headers know no case; keep one", "each header once")
        return headers
