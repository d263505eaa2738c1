"""The JSON Schema of slo.yaml, made of the models that read it, so that an editor helps while one is written.

    python -m pytest_syncload.spec.json_schema > slo.schema.json

It refuses nothing that the reader accepts. Draft 7, because that is what editors for YAML and `check-jsonschema` both
know fully; keywords that only editors know (`patternErrorMessage`, `enumDescriptions`) are ignored by the others.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from pytest_syncload.facts.catalogue import PRESETS, Preset, Rule
from pytest_syncload.facts.units import Kind
from pytest_syncload.spec import (
    environment_schema,
    fleet_schema,
    forms,
    phase_schema,
    request_schema,
    row_schema,
    scale_schema,
    schema,
)
from pytest_syncload.spec.names import LONGEST

DIALECT = "http://json-schema.org/draft-07/schema#"

_PIECES: tuple[type[BaseModel], ...] = (
    schema.FileModel,
    scale_schema.ScaleModel,
    schema.LoadModel,
    fleet_schema.FleetModel,
    request_schema.RequestModel,
    request_schema.FeederModel,
    environment_schema.SandboxEnvironmentModel,
    environment_schema.RealEnvironmentModel,
    phase_schema.HoldPhaseModel,
    phase_schema.ClimbPhaseModel,
    row_schema.PresetRowModel,
    row_schema.RawRowModel,
)
# An identifier, as far as a pattern can say it without knowing every alphabet; a row's and an environment's name.
_IDENTIFIER = r"^[^\s\d_-][^\s-]*$"
_SLUG = r"^[a-z0-9][a-z0-9_-]*$"
_SANDBOX = "Makes this environment the embedded sandbox, in place of a real one with base_url and region."
_CLIMB = "Makes this phase climb until its condition is met, in place of rate, ramp and hold."
_QUERY = "A CloudWatch metric written out, in place of a preset."


class _Generator(GenerateJsonSchema):
    """Pydantic's, but for what a person writes: no defaults in canonical units, no null, a variable for any word."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        return forms.words(*map(str, schema["expected"]))

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        names = self.generate_inner(schema["keys_schema"]) if "keys_schema" in schema else {}
        values = self.generate_inner(schema["values_schema"]) if "values_schema" in schema else {}
        return _named(values, names.get("pattern"))

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        said = super().model_schema(schema)
        name = schema["cls"].__name__.removesuffix("Model")
        return {**said, "title": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()}

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def json_schema() -> dict[str, Any]:
    """The schema of the whole file, as plain values."""
    _, generated = models_json_schema(
        [(model, "validation") for model in _PIECES], schema_generator=_Generator, ref_template="#/definitions/{model}"
    )
    pieces: dict[str, Any] = generated["$defs"]
    file = pieces.pop("FileModel")
    known = file["properties"]
    known["environments"] |= _named(
        _with("sandbox", _SANDBOX, "SandboxEnvironmentModel", "RealEnvironmentModel"), _SLUG
    )
    known["scale"] = _ref("ScaleModel")
    known["load"] = _ref("LoadModel")
    number = pieces["LoadModel"]["properties"]["generators"]
    number["anyOf"] = [*number["anyOf"], _ref("FleetModel")]
    known["request"] = _ref("RequestModel")
    pieces["RequestModel"]["properties"]["feeders"] |= _named(_ref("FeederModel"), _SLUG)
    known["phases"] |= _named(_with("climb", _CLIMB, "ClimbPhaseModel", "HoldPhaseModel"), _IDENTIFIER, least=1)
    for phase in ("HoldPhaseModel", "ClimbPhaseModel"):
        pieces[phase]["properties"]["slos"] |= _named(
            _with("query", _QUERY, "RawRowModel", "PresetRowModel"), _SLUG, least=1
        )
    pieces["PresetRowModel"]["allOf"] = _by_preset()
    pieces["RawRowModel"]["allOf"] = _by_kind()
    missing = pieces["RawRowModel"]["properties"]["missing"]
    missing |= {"if": {"type": "object"}, "then": {"$ref": missing.pop("$ref")}, "else": forms.words("inconclusive")}
    return {"$schema": DIALECT, **file, "title": "slo.yaml", "definitions": pieces}


def text() -> str:
    """`json_schema` as it is shipped."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _ref(model: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{model}"}


def _with(key: str, does: str, model: str, otherwise: str) -> dict[str, Any]:
    """``model`` where ``key`` stands, else ``otherwise``: as the reader decides, so that a mistake is told of the right
    one. ``key`` is named outside too, with what it ``does``: editors offer keys of the branch that is taken only."""
    offered = {key: {"description": does}}
    return {"properties": offered, "if": {"required": [key]}, "then": _ref(model), "else": _ref(otherwise)}


def _named(values: dict[str, Any], pattern: str | None = None, *, least: int = 0) -> dict[str, Any]:
    """A mapping of names of this pattern to values of this form."""
    said: dict[str, Any] = {"type": "object", "additionalProperties": values or True}
    if pattern is not None:
        said["propertyNames"] = {"pattern": pattern, "maxLength": LONGEST}
    if least:
        said["minProperties"] = least
    return said


def _by_preset() -> list[dict[str, Any]]:
    """What else a row may have, for each group of presets that take the same."""
    groups: dict[tuple[Kind, tuple[str, ...], frozenset[Rule]], list[Preset]] = defaultdict(list)
    for preset in PRESETS.values():
        groups[preset.kind, preset.statistics, preset.rules].append(preset)
    conditions = []
    for (kind, statistics, rules), presets in groups.items():
        takes: dict[str, Any] = {"target": forms.target(kind)}
        takes["statistic"] = forms.words(*statistics) if statistics else False
        takes |= {rule.value: False for rule in Rule if rule not in rules}
        conditions.append(_where("metric", [preset.name for preset in presets], takes))
    return conditions


def _by_kind() -> list[dict[str, Any]]:
    return [_where("kind", [kind.value], {"target": forms.target(kind)}) for kind in Kind if kind is not Kind.MONEY]


def _where(key: str, values: list[str], takes: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"properties": {key: {"enum": values}}, "required": [key]}, "then": {"properties": takes}}


if __name__ == "__main__":
    sys.stdout.write(text())
