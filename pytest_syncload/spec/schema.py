"""The form of slo.yaml, as pydantic models: which keys exist where, and of which type. Unknown keys are refused.

A phase, a row, an environment and a feeder are each validated as a piece of their own, so that a mistake in one hides
none in another; their models stand in `environment_schema`, `phase_schema`, `request_schema` and `row_schema`.
Docstrings and descriptions are what an editor shows, by `json_schema`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from pytest_syncload.spec import fields, forms
from pytest_syncload.spec.fields import Given, Text


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
    scale: Any = {}
    load: Any = {}
    request: Any
    phases: dict[str, Any] = Field(
        description="Load phases in the order they run. Each name becomes a marker and a fixture of pytest."
    )


class LoadModel(Strict):
    """How load is offered, in every phase."""

    engine: Literal["built-in", "k6"] = Field(
        default="built-in",
        description="What offers it. `k6` runs the k6 on PATH with a script of this plan, and what it cannot say is "
        "marked as not measured. Default: built-in.",
    )
    vus: Annotated[fields.Whole | None, Given] = Field(
        default=None,
        description="Of engine k6: how many virtual users there are, each with one request open at most. Default: the "
        "rate × 1s, and never more than can be open before the timeout.",
    )
    arrivals: Literal["constant", "poisson"] = Field(
        default="constant", description="How arrivals are spaced: evenly, or at random (Poisson). Default: constant."
    )
    timeout: fields.Seconds = Field(default=10.0, description="When an arrival counts as timed out. Default: 10s.")
    generators: Annotated[
        int,
        BeforeValidator(fields.generators),
        WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 1024}, *forms.words("auto")["anyOf"]]}),
    ] = Field(
        default=0,
        description="Processes that offer the load; `auto`: as many as the rate needs; or a fleet. Default: auto.",
    )
    transport: Literal["built-in", "httpx"] = Field(
        default="built-in",
        description="What carries the arrivals. `httpx` follows the environment's proxies and speaks HTTP/2 where the "
        "extra http2 is installed, at some hundreds of requests/s a core. Default: built-in.",
    )
    seed: Annotated[int, AfterValidator(fields.seed), WithJsonSchema({"type": "integer", "minimum": 0})] = Field(
        default=1, description="Makes Poisson arrivals the same in every run. Default: 1."
    )
