"""The form of `request:` of slo.yaml: what is sent, what it draws, and which answer is the right one.

Feeders are pieces of their own. Whether what a request draws is there, and fits where it stands, `request_check` says.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from pytest_syncload.facts.member import marked
from pytest_syncload.facts.plan import UNIQUE
from pytest_syncload.spec import fields
from pytest_syncload.spec.fields import Given, Text, wrong
from pytest_syncload.spec.idempotency_schema import IdempotencyModel
from pytest_syncload.spec.schema import Strict


def can_be_right(status: int) -> bool:
    """Whether an answer of this status may be the expected one: overload and failures never are."""
    return 200 <= status < 500 and status != 429


def _statuses(value: Any) -> tuple[int, ...]:
    listed = value if isinstance(value, list) else [value]
    if not listed:
        raise wrong("no status is right then; name one, or leave it out", "a status, or a list of them")
    for status in listed:
        if isinstance(status, bool) or not isinstance(status, int):
            shown = f", not {status!r}" if isinstance(status, str) else ""
            raise wrong(f"this takes a whole number{shown}", "a whole number")
        if not can_be_right(status):
            raise wrong(
                f"{status} cannot be the right answer: 429 and 5xx are failures, and the final ones begin at 200",
                "a status from 200 to 499 other than 429",
            )
    return tuple(dict.fromkeys(listed))


_STATUS = {"type": "integer", "minimum": 200, "maximum": 499, "not": {"const": 429}}


class ExpectModel(Strict):
    """Which answer is the right one. Every answer is held against all of it."""

    status: Annotated[
        tuple[int, ...],
        BeforeValidator(_statuses),
        WithJsonSchema({"anyOf": [_STATUS, {"type": "array", "minItems": 1, "items": _STATUS}]}),
    ] = Field(default=(200,), description="Its status, or a list of those that are right. Default: 200.")
    headers: dict[fields.AnyHeaderName, fields.HeaderValue] = Field(
        default={}, description="Headers that it must have, and the value of each; `any`: there."
    )
    json_members: dict[str, Any] = Field(
        default={},
        alias="json",
        description="Top-level members of its JSON body and the value of each; `any`, at any depth: there, and not "
        "null; `unique`, once: and another for each Idempotency-Key.",
    )

    @field_validator("headers")
    @classmethod
    def _each_once(cls, headers: dict[str, str]) -> dict[str, str]:
        return once(headers)

    @field_validator("json_members")
    @classmethod
    def _told_apart_by_one(cls, members: dict[str, Any]) -> dict[str, Any]:
        unique = list(marked(members, UNIQUE))
        if len(unique) > 1:
            raise wrong(
                f"{' and '.join(unique)} are each unique; one member tells the answers apart: expect any of the others",
                "one unique member",
            )
        return members


class FeederModel(Strict):
    """Values that arrivals draw: rows of a list or a file, or what a function makes."""

    rows: Annotated[list[Any] | None, Given] = Field(
        default=None, alias="list", description="The rows themselves: mappings of fields, or single values."
    )
    csv: Annotated[Text | None, Given] = Field(
        default=None,
        description="A CSV file beside slo.yaml; its first line names the fields, and all values are text.",
    )
    jsonl: Annotated[Text | None, Given] = Field(
        default=None, description="A file beside slo.yaml with a row of JSON on each line (JSON Lines)."
    )
    function: Annotated[fields.Reference | None, Given] = Field(
        default=None,
        description="A function of a module beside slo.yaml, `module:function`: called with the number of the arrival "
        "and the seed, it returns a row. Every generator imports it.",
    )
    order: Annotated[Literal["cycle", "random"] | None, Given] = Field(
        default=None, description="Which row an arrival draws: each in turn, or one at random. Default: cycle."
    )
    seed: Annotated[int, AfterValidator(fields.seed), WithJsonSchema({"type": "integer", "minimum": 0})] = Field(
        default=1, description="Makes what is drawn at random the same in every run. Default: 1."
    )

    @model_validator(mode="after")
    def _of_one_source(self) -> FeederModel:
        sources = {"list": self.rows, "csv": self.csv, "jsonl": self.jsonl, "function": self.function}
        given = [name for name, source in sources.items() if source is not None]
        if len(given) != 1:
            there = " and ".join(given) or "none of them"
            raise wrong(f"a feeder has one of {', '.join(sources)}, and there is {there}", "one source of rows")
        if self.function is not None and self.order is not None:
            raise wrong("order chooses among rows, and a function makes each; leave it out", "no order")
        if self.rows == []:
            raise wrong("list has no row; add one", "a row")
        return self


class RequestModel(Strict):
    """The request of every arrival, and the answer that is right."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] = Field(
        default="POST", description="Default: POST."
    )
    path: fields.UrlPath = Field(
        description="Path and query, below the environment's base_url. `{{feeder.field}}` is drawn for each arrival."
    )
    headers: dict[fields.HeaderName, fields.HeaderValue] = Field(
        default={},
        description="Sent beside Authorization and Idempotency-Key, which syncload sets itself. `{{feeder.field}}` in "
        "a value is drawn for each arrival.",
    )
    json_body: Any = Field(
        default=None,
        alias="json",
        description="The JSON body; left out: none. `{{feeder.field}}` in a text is drawn for each arrival; alone, it "
        "keeps its type.",
    )
    feeders: dict[str, Any] = Field(
        default={}, description="What arrivals draw from, by name; `{{name.field}}` stands for a value."
    )
    expect: ExpectModel = ExpectModel()
    idempotency: IdempotencyModel = IdempotencyModel()

    @field_validator("headers")
    @classmethod
    def _each_once(cls, headers: dict[str, str]) -> dict[str, str]:
        return once(headers)


def once(headers: dict[str, str]) -> dict[str, str]:
    """The headers, if each is there once. Raises `PydanticCustomError`."""
    lowered = [name.lower() for name in headers]
    twice = sorted({name for name in lowered if lowered.count(name) > 1})
    if twice:
        raise wrong(f"{', '.join(twice)} is there twice, as headers know no case; keep one", "each header once")
    return headers
