"""Documents for the tests.

`data/terraform-*` were made by Terraform 1.11.4 with its built-in resource. load-testing.json and production.json were
written by hand in the same form: no AWS provider could be had to make them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_syncload.facts.parity import Accepted, Parity, ParityFound
from pytest_syncload.parity import Document, compare, read

DATA = Path(__file__).parent / "data"
HERE, THERE = "load-testing.json", "production.json"
#: What no output may have: values that Terraform marks as sensitive, and one in a text that it does not mark.
SECRETS = ("swordfish", "hunter22")
_NAMES = {"load-testing": "production"}


def written(name: str) -> dict[str, Any]:
    """A document as plain values, to be changed."""
    value: dict[str, Any] = json.loads((DATA / name).read_text("utf-8"))
    return value


def document(value: Any, name: str = HERE) -> Document:
    """The document that these values are."""
    return read(json.dumps(value).encode(), name)


def resource(value: Any, address: str) -> dict[str, Any]:
    """One resource of a state, by the end of its address."""
    left = [value["values"]["root_module"]]
    while left:
        module = left.pop()
        left += module.get("child_modules", [])
        for each in module["resources"]:
            if each["address"].endswith(address):
                found: dict[str, Any] = each
                return found
    raise KeyError(address)


def every(value: Any) -> list[list[dict[str, Any]]]:
    """The lists of resources of all modules of a state."""
    left, found = [value["values"]["root_module"]], []
    while left:
        module = left.pop()
        left += module.get("child_modules", [])
        found.append(module["resources"])
    return found


def parity(*accept: Accepted, **names: str) -> Parity:
    return Parity(terraform=HERE, reference=THERE, names=names or _NAMES, accept=accept, line=4)


def accept(address: str, attribute: str, **more: Any) -> Accepted:
    return Accepted(address=address, attribute=attribute, why="it is meant so", line=9, **more)


def found(
    change: Callable[[dict[str, Any]], object] = lambda _: None,
    there: Callable[[dict[str, Any]], object] = lambda _: None,
    given: Parity | None = None,
) -> ParityFound:
    """What differs where ``change`` was made to the environment, and ``there`` to the reference."""
    one, other = written(HERE), written(THERE)
    change(one)
    there(other)
    return compare(document(one), document(other, THERE), given or parity())


def told(what: ParityFound) -> list[tuple[str, str, str, str]]:
    """Its differences, as they are shown."""
    return [(each.address, each.attribute, each.here, each.reference) for each in what.differences]


def planned(value: dict[str, Any]) -> dict[str, Any]:
    """A plan that finds everything as this state has it."""
    resources = [each for some in every(value) for each in some]
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": copy.deepcopy(value["values"]),
        "resource_changes": [
            {
                "address": each["address"],
                "mode": each["mode"],
                "type": each["type"],
                "change": {
                    "actions": ["no-op"],
                    "before": each["values"],
                    "after": copy.deepcopy(each["values"]),
                    "after_unknown": {},
                    "before_sensitive": each["sensitive_values"],
                    "after_sensitive": each["sensitive_values"],
                },
            }
            for each in resources
            if each["mode"] == "managed"
        ],
        "errored": False,
    }


def change_of(plan: dict[str, Any], address: str) -> dict[str, Any]:
    """What a plan does to one resource, to be changed."""
    (one,) = [each["change"] for each in plan["resource_changes"] if each["address"].endswith(address)]
    found: dict[str, Any] = one
    return found
