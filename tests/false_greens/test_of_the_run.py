"""Each entry in both directions: stopped by its guards, and green without them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pkgutil import resolve_name
from typing import Any

import pytest

from pytest_syncload.conductor.ground import prepare
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.plan import SandboxSettings
from pytest_syncload.load import engine, fleet, validity
from tests.conductor.plans import SANDBOX, spec
from tests.false_greens.entry import Entry, Seen
from tests.false_greens.of_the_phase import SPEED, Prepared
from tests.false_greens.of_the_run import ENTRIES


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a busy test machine does not reach; the entries about them go far beyond."""
    monkeypatch.setattr(validity, "LAG_P99_MS", 20_000.0)
    monkeypatch.setattr(engine, "LATE_SECONDS", 20.0)
    monkeypatch.setattr(fleet, "FAREWELL_SECONDS", 20.0)
    for name in ("CI", "SYNCLOAD_ENV", "PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    """One sandbox, where all is well, for all entries that need one."""
    folder = RunFolder(tmp_path_factory.mktemp("sandbox") / "run")
    folder.make()
    plan = spec(environment=replace(SANDBOX, sandbox=SandboxSettings(speed=SPEED)))
    with ExitStack() as stack:
        stack.enter_context(folder.controller_lock())
        yield prepare(plan, folder, stack), folder


def without(guards: Any, patch: pytest.MonkeyPatch) -> None:
    """Replace each guard where it stands."""
    for where, instead in guards.items():
        owner, _, name = where.replace(":", ".").rpartition(".")
        holder = resolve_name(owner)
        is_property = isinstance(getattr(holder, name), property)
        patch.setattr(holder, name, property(instead) if is_property else instead)


def seen(entry: Entry, request: pytest.FixtureRequest) -> Seen:
    return entry.scenario(**{name: request.getfixturevalue(name) for name in entry.needs})


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name.replace(" ", "-"))
def test_is_green_only_without_its_guards(entry: Entry, request: pytest.FixtureRequest) -> None:
    assert seen(entry, request) is not Seen.GREEN, "with its guards"
    with pytest.MonkeyPatch.context() as patch:
        without(entry.guards, patch)
        assert seen(entry, request) is Seen.GREEN, "without them"
