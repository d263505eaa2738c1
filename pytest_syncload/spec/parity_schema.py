"""The form of `parity:` of an environment: what it is compared with, which differences are accepted, and why."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from pytest_syncload.spec.fields import Given, Text, wrong
from pytest_syncload.spec.schema import Strict

#: What an environment most often stands for.
STANDS_FOR = "production"


def _as_shown(value: Any) -> Any:
    """A value as messages show it, whatever YAML took it for."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise wrong("this is no value; write it as the message shows it", "a value as the message shows it")
    return value


AsShown = Annotated[
    str,
    BeforeValidator(_as_shown),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}),
]


class AcceptModel(Strict):
    """One difference that is accepted, as its message names it."""

    address: Text = Field(description="The address, as the message shows it.")
    attribute: Text = Field(description="The attribute, as the message shows it.")
    why: Text = Field(description="Why the results hold all the same. It stands in every report of the run.")
    here: Annotated[AsShown | None, Given] = Field(
        default=None, description="Only while the value of this environment is this one. Default: whatever it is."
    )
    reference: Annotated[AsShown | None, Given] = Field(
        default=None, description="Only while the value of the reference is this one. Default: whatever it is."
    )


class ParityModel(Strict):
    """What this environment must be like, by two documents of `terraform show -json`, each of a state or a plan."""

    terraform: Text = Field(description="The document of this environment: a path from slo.yaml's folder.")
    reference: Text = Field(description="The document of the environment that it stands for, production say.")
    names: Annotated[dict[Text, Text] | None, Given] = Field(
        default=None,
        description="Which name of this environment in Terraform's addresses stands for which name of the reference. "
        f"Default: its own name for `{STANDS_FOR}`.",
    )
    accept: list[AcceptModel] = Field(default=[], description="The differences that are accepted, each with its why.")
