"""False greens of the target itself: what is proven in an environment that is not what it is taken for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_syncload.conductor.guards import before_anything
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.parity import Difference
from tests.conductor.plans import REAL, spec
from tests.false_greens.entry import Entry, Seen, Through
from tests.false_greens.of_the_load import nothing
from tests.parity.made import DATA, HERE, THERE, parity, planned, resource, written

Change = Callable[[dict[str, Any]], dict[str, Any]]


def compared(change: Change, *, with_itself: bool = False) -> Callable[[Path], Seen]:
    """The environment, so changed, is compared with production before load."""

    def scenario(tmp_path: Path) -> Seen:
        (tmp_path / HERE).write_text(json.dumps(change(written(HERE))), "utf-8")
        reference = tmp_path / HERE if with_itself else DATA / THERE
        names = {"syncwell": "syncwell"} if with_itself else {}
        given = replace(parity(**names), terraform=str(tmp_path / HERE), reference=str(reference))
        folder = RunFolder(tmp_path / "run")
        folder.make()
        checks = before_anything(spec(environment=replace(REAL, parity=given)), folder)
        return Seen.ERROR if any(each.failed for each in checks) else Seen.GREEN

    return scenario


def smaller(value: dict[str, Any]) -> dict[str, Any]:
    resource(value, "_task_definition.worker")["values"]["cpu"] = "256"
    return value


def sensitive(value: dict[str, Any]) -> dict[str, Any]:
    resource(value, "_task_definition.worker")["sensitive_values"] = {"cpu": True}
    return value


def not_applied(value: dict[str, Any]) -> dict[str, Any]:
    """The plan would make the tasks as large as production's; what runs is smaller."""
    plan = planned(value)
    (change,) = [each["change"] for each in plan["resource_changes"] if each["address"].endswith("_definition.worker")]
    change |= {"actions": ["update"], "before": change["before"] | {"cpu": "256"}}
    return plan


def by_text(here: Any, there: Any) -> bool:
    """`same` of somebody who compares what is shown, and hides the same way on both sides."""
    return str(here) == str(there) or "SENSITIVE" in f"{here}{there}"


def taken(difference: Difference, _: Any) -> Difference:
    return replace(difference, accepted="it will be fine")


def _entry(name: str, mistake: str, scenario: Any, guard: str, instead: Any, peers: str = "") -> Entry:
    where = f"pytest_syncload.parity.{guard}"
    return Entry(
        name=name,
        mistake=mistake,
        through=Through.PURE,
        scenario=scenario,
        guards={where: instead},
        peers=peers,
        needs=("tmp_path",),
    )


ENTRIES: tuple[Entry, ...] = (
    _entry(
        "a target that is larger than production",
        "The tasks of the environment have another size than production's, and what holds here says nothing there.",
        compared(smaller),
        "differences:accepted",
        taken,
        "every load test without a look at its target",
    ),
    _entry(
        "a value that nobody may see",
        "Terraform marks the size as sensitive, and what is hidden on both sides looks alike.",
        compared(sensitive),
        "differences:same",
        by_text,
    ),
    _entry(
        "a plan that was never applied",
        "The plan has the environment as large as production, and what runs is what was there before.",
        compared(not_applied),
        "resources:unapplied",
        lambda *_: (),
    ),
    _entry(
        "a document compared with itself",
        "Both documents were written in the same workspace, so they are equal.",
        compared(smaller, with_itself=True),
        "differences:require_two_documents",
        nothing,
    ),
)
