"""False greens of the target itself: what is proven in an environment that is not what it is taken for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from pytest_syncload.conductor import ground, guards
from pytest_syncload.conductor.guards import before_anything
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.guard import Guard
from pytest_syncload.facts.parity import Difference
from pytest_syncload.facts.place import Place
from pytest_syncload.facts.plan import Environment
from pytest_syncload.sources import placement
from tests.conductor.plans import REAL, spec
from tests.false_greens.entry import Entry, Seen, Through
from tests.false_greens.of_the_conductor import Prepared, looked
from tests.false_greens.of_the_load import nothing
from tests.parity.made import DATA, HERE, THERE, parity, planned, resource, written
from tests.rows import ERRORS

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
        checks = before_anything(spec(), replace(REAL, parity=given, generator_elsewhere="a test"), folder)
        return Seen.ERROR if any(each.failed for each in checks) else Seen.GREEN

    return scenario


def larger(value: dict[str, Any]) -> dict[str, Any]:
    resource(value, "_task_definition.worker")["values"]["cpu"] = "4096"
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


def from_afar(place: Place) -> Callable[[Path], Seen]:
    """The machine is there, and the target elsewhere."""

    def scenario(tmp_path: Path) -> Seen:
        folder = RunFolder(tmp_path / "run")
        folder.make()
        with mock.patch.object(placement, "placed", return_value=place):
            checks = guards.before_anything(spec(), REAL, folder)
        return Seen.ERROR if any(each.failed for each in checks) else Seen.GREEN

    return scenario


def elsewhere(sandbox: Prepared, guard: Guard) -> Seen:
    """The target is looked at with what the environment may be."""
    return looked(sandbox, ERRORS, guard=guard)


def production(spec_of: Environment) -> Callable[[], Seen]:
    """The run goes there, and nobody typed its name."""

    def scenario() -> Seen:
        try:
            ground.refuse_production(spec(environment=spec_of), None)
        except Refused:
            return Seen.ERROR
        return Seen.GREEN

    return scenario


def _entry(name: str, mistake: str, scenario: Any, guard: str, instead: Any, **more: Any) -> Entry:
    given: dict[str, Any] = {"needs": ("tmp_path",), "through": Through.PURE} | more
    return Entry(name=name, mistake=mistake, scenario=scenario, guards={f"pytest_syncload.{guard}": instead}, **given)


ENTRIES: tuple[Entry, ...] = (
    _entry(
        "a target that is larger than production",
        "The tasks of the environment have another size than production's, and what holds here says nothing there.",
        compared(larger),
        "parity.differences:accepted",
        taken,
        peers="every load test without a look at its target",
    ),
    _entry(
        "a value that nobody may see",
        "Terraform marks the size as sensitive, and what is hidden on both sides looks alike.",
        compared(sensitive),
        "parity.differences:same",
        by_text,
    ),
    _entry(
        "a plan that was never applied",
        "The plan has the environment as large as production, and what runs is what was there before.",
        compared(not_applied),
        "parity.resources:unapplied",
        lambda *_: (),
    ),
    _entry(
        "a document compared with itself",
        "Both documents were written in the same workspace, so they are equal.",
        compared(larger, with_itself=True),
        "parity.differences:require_two_documents",
        nothing,
    ),
    _entry(
        "somebody else's host",
        "A variable of base_url was left from another job, and the load proves a target that nobody asked about.",
        lambda sandbox: elsewhere(sandbox, Guard(hosts=("api.toy.example",))),
        "conductor.guards:is_host",
        lambda *_: True,
        through=Through.BOTO3,
        needs=("sandbox",),
    ),
    _entry(
        "somebody else's account",
        "The credentials are another account's, which has resources of the same names, and CloudWatch there is calm.",
        lambda sandbox: elsewhere(sandbox, Guard(accounts=("999988887777",))),
        "conductor.guards:account_check",
        lambda *_: [],
        through=Through.BOTO3,
        needs=("sandbox",),
    ),
    _entry(
        "a generator on another continent",
        "The way there spreads arrivals that were due together, and the service never meets their burst.",
        from_afar(Place(region="ap-southeast-2", known_by="EC2 instance metadata")),
        "facts.place:Placed.is_there",
        lambda _: True,
    ),
    _entry(
        "a generator that is nobody knows where",
        "Nobody says where this machine is, and what is not known to differ is taken for equal.",
        from_afar(Place(region=None, known_by="nobody says")),
        "facts.place:Placed.is_there",
        lambda placed: placed.place.region in (None, placed.target),
    ),
    _entry(
        "production by its name in a variable",
        "SYNCLOAD_ENV was copied with a CI file, and the load goes to what users depend on.",
        production(replace(REAL, production=True)),
        "conductor.ground:refuse_production",
        nothing,
        needs=(),
    ),
)
