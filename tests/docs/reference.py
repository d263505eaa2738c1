"""Writes docs/reference.md from the JSON Schema that ships and the plugin's options: `python -m tests.docs.reference`.

The page says what the models say and nothing else; a test insists that it is current.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

import pytest

from pytest_syncload.plugin import pytest_addoption
from pytest_syncload.spec.json_schema import json_schema
from tests.docs.blocks import ROOT

PAGE = ROOT / "docs" / "reference.md"
_HEAD = """\
# Reference

Every key of slo.yaml and every option of the command line. [Writing slo.yaml](slo-yaml.md) says how they belong
together, [Presets](presets.md) what a row can look at.

<!-- Written by `python -m tests.docs.reference`; do not edit. -->

Wherever text stands, `${VARIABLE}` may stand in it. A key that is not listed is refused, with the nearest one that is.
**Bold** keys must be there.
"""
#: Where a piece of the schema stands in the file, by the name of its model. A piece that is missing here is an error.
PLACES = {
    "SandboxEnvironmentModel": "environments.<name>, a sandbox",
    "SandboxModel": "environments.<name>.sandbox",
    "FaultsModel": "environments.<name>.sandbox.faults",
    "CapacityModel": "environments.<name>.sandbox.capacity",
    "RealEnvironmentModel": "environments.<name>, a real one",
    "FirebaseModel": "environments.<name>.firebase",
    "ResourcesModel": "environments.<name>.resources",
    "ApiModel": "environments.<name>.resources.api",
    "EcsModel": "environments.<name>.resources.ecs",
    "GuardModel": "environments.<name>.guard",
    "GeneratorRegionModel": "environments.<name>.generator_region",
    "ParityModel": "environments.<name>.parity",
    "AcceptModel": "environments.<name>.parity.accept[]",
    "ScaleModel": "scale",
    "LoadModel": "load",
    "FleetModel": "load.generators, a fleet",
    "DaskModel": "load.generators.dask",
    "RequestModel": "request",
    "FeederModel": "request.feeders.<name>",
    "ExpectModel": "request.expect",
    "IdempotencyModel": "request.idempotency",
    "HoldPhaseModel": "phases.<name>, one that holds a rate",
    "ClimbPhaseModel": "phases.<name>, one that climbs",
    "ClimbModel": "phases.<name>.climb",
    "PresetRowModel": "phases.<name>.slos.<name>, a preset",
    "RawRowModel": "phases.<name>.slos.<name>, a metric written out",
    "QueryModel": "phases.<name>.slos.<name>.query",
    "ZeroWhileModel": "phases.<name>.slos.<name>.missing",
}


def page() -> str:
    """The page, Markdown."""
    schema = json_schema()
    pieces = schema.pop("definitions")
    unplaced = sorted({*pieces} - {*PLACES})
    assert not unplaced, f"say in PLACES where these stand in slo.yaml: {', '.join(unplaced)}"
    parts = [_HEAD.rstrip(), "## The file", *_section(schema, pieces)]
    for model, place in PLACES.items():
        parts += [f"## {_heading(place)}", *_section(pieces[model], pieces)]
    return "\n\n".join([*parts, "## Options of pytest", *_options()]) + "\n"


def _heading(place: str) -> str:
    path, comma, rest = place.partition(",")
    return f"`{path}`{comma}{rest}"


def _section(piece: dict[str, Any], pieces: dict[str, Any]) -> Iterator[str]:
    yield _cell(str(piece["description"]))
    required = piece.get("required", ())
    rows = ["| key | takes | what |", "|---|---|---|"]
    for key, said in piece["properties"].items():
        name = f"**`{key}`**" if key in required else f"`{key}`"
        inside = pieces.get(said.get("$ref", "").rpartition("/")[2], {})
        what = said.get("description") or inside.get("description", "")
        rows.append(f"| {name} | {_cell(takes(said))} | {_cell(what)} |")
    yield "\n".join(rows)


def takes(said: dict[str, Any]) -> str:
    """What may be written for a key, for a person."""
    if "$ref" in said:
        place = PLACES[said["$ref"].rpartition("/")[2]]
        return f"[a mapping](#{anchor(place)})"
    if "patternErrorMessage" in said:
        told = re.sub(r"'([^']+)'", r"`\1`", str(said["patternErrorMessage"]).removeprefix("this takes "))
        examples = ", ".join(f"`{example}`" for example in said.get("examples", ()))
        if not examples or " or " in told:
            return told
        return f"{told.partition(' such as ')[0]} such as {examples}"
    if "if" in said:
        return f"{takes(said['then'])} or {takes(said['else'])}"
    if "anyOf" in said:
        return " or ".join(filter(None, map(takes, said["anyOf"])))
    if "enum" in said:
        known = said["enum"]
        return "[a preset](presets.md)" if "apigateway.latency" in known else ", ".join(f"`{word}`" for word in known)
    return _of_type(said)


def _of_type(said: dict[str, Any]) -> str:
    match said.get("type"):
        case "boolean":
            return "`true` or `false`"
        case "integer":
            least, most = said.get("minimum"), said.get("maximum")
            return "a whole number" + (f" from {least}" if least is not None else "") + (f" to {most}" if most else "")
        case "number":
            return "a number"
        case "array":
            return "a list" + (f" of {inside}" if (inside := takes(said.get("items", {}))) else "")
        case "object":
            return "a mapping" + _of_named(said.get("additionalProperties"))
        case "string" if said.get("pattern") == r"\$\{":
            return ""  # said once for all keys
        case "string":
            return "text"
    return "anything that JSON has"


def _of_named(values: Any) -> str:
    """What stands below each name of a mapping, where that is a piece of its own, or one of two."""
    if not isinstance(values, dict):
        return ""
    pieces = [one for one in (values.get("then"), values.get("else"), values) if one and "$ref" in one]
    places = [PLACES[one["$ref"].rpartition("/")[2]] for one in pieces]
    links = [f"[{place.partition(', ')[2] or 'these'}](#{anchor(place)})" for place in places]
    return f" of names: {' or '.join(links)}" if links else ""


def anchor(place: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", place.lower()).replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


class _Options:
    """In place of pytest's parser: what the plugin asks for."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def getgroup(self, *_: str) -> _Options:
        return self

    def addoption(self, name: str, **said: Any) -> None:
        takes = said.get("metavar") or (said["dest"].upper() if "dest" in said else "")
        flag = said.get("action") in ("store_true", "store_false", "store_const")
        self.told.append((name if flag else f"{name} {takes or 'VALUE'}", said["help"]))


class _Plugins:
    """In place of pytest's plugin manager: has what would be added for the place where this runs, such as GitHub."""

    def has_plugin(self, _: str) -> bool:
        return True


def options() -> list[tuple[str, str]]:
    """Each option of the plugin as it is written, and what it does."""
    parser = _Options()
    pytest_addoption(cast(pytest.Parser, parser), cast(pytest.PytestPluginManager, _Plugins()))
    return parser.told


def _options() -> Iterator[str]:
    yield "Everything else is in slo.yaml. pytest's own `-m`, `-k`, `-n`, `--lf` and `--junitxml` work as for any test."
    yield "\n".join(["| option | what |", "|---|---|", *(f"| `{name}` | {_cell(what)} |" for name, what in options())])


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
