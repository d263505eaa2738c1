"""Each entry in both directions: stopped by its guards, and green without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from pytest_syncload.conductor.ground import prepare
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.plan import SandboxSettings
from pytest_syncload.k6 import validity as k6_validity
from pytest_syncload.load import engine
from tests.busy import calm as limits
from tests.conductor.plans import SANDBOX, spec
from tests.false_greens.entry import Entry, Seen, Through, without
from tests.false_greens.of_the_conductor import SPEED, Prepared
from tests.false_greens.of_the_run import ENTRIES, GUARDS
from tests.false_greens.of_the_session import Runs
from tests.nursery import born_in

#: As they are, before anything calms them.
_OF_K6 = {name: getattr(k6_validity, name) for name in ("LAG_P99_MS", "CPU_PERCENT")}

pytestmark = pytest.mark.usefixtures("unmeasured_module")


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a busy test machine does not reach; the entries about them go far beyond."""
    limits(monkeypatch)
    for name, value in _OF_K6.items():  # those entries make their own lines, which no machine delays
        monkeypatch.setattr(k6_validity, name, value)
    monkeypatch.setattr(engine, "LATE_SECONDS", 20.0)
    for name in ("CI", "SYNCLOAD_ENV", "PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, nursery: str | None) -> Iterator[Prepared]:
    """One sandbox, where all is well, for all entries that need one."""
    folder = RunFolder(tmp_path_factory.mktemp("sandbox") / "run")
    folder.make()
    plan = spec(environment=replace(SANDBOX, sandbox=SandboxSettings(speed=SPEED)))
    with ExitStack() as stack:
        stack.enter_context(folder.controller_lock())
        with born_in(nursery):
            prepared = prepare(plan, folder, stack)
        yield prepared, folder


@pytest.fixture(scope="module")
def runs() -> Runs:
    """The runs of pytest that entries share."""
    return Runs()


@contextmanager
def guardless(guards: Mapping[str, Callable[..., Any]], runs: Runs) -> Iterator[None]:
    """These guards replaced, here and in the runs of pytest that are begun meanwhile."""
    with without(guards):
        runs.without = frozenset(guards)
        yield
    runs.without = frozenset()


def seen(entry: Entry, request: pytest.FixtureRequest) -> Seen:
    given = {name: request.getfixturevalue(name) for name in entry.needs}
    # What an entry is about that goes through processes may be how they start and end.
    with born_in(None if entry.through is Through.PROCESSES else request.getfixturevalue("nursery")):
        return entry.scenario(**given)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name.replace(" ", "-"))
def test_is_green_only_without_its_guards(entry: Entry, runs: Runs, request: pytest.FixtureRequest) -> None:
    assert seen(entry, request) is not Seen.GREEN, "with its guards"
    with guardless(entry.guards, runs):
        assert seen(entry, request) is Seen.GREEN, "without them"


#: Of those that run pytest it is not asked: each would be another run with load.
SEVERAL = [
    (entry, guard)
    for entry in ENTRIES
    for guard in entry.guards
    if len(entry.guards) > 1 and entry.through is not Through.PYTEST
]


@pytest.mark.parametrize(("entry", "guard"), SEVERAL, ids=lambda part: getattr(part, "name", part))
def test_where_guards_overlap_each_is_enough(
    entry: Entry, guard: str, runs: Runs, request: pytest.FixtureRequest
) -> None:
    with guardless({name: instead for name, instead in entry.guards.items() if name != guard}, runs):
        assert seen(entry, request) is not Seen.GREEN


def test_every_guard_is_used_and_every_name_is_one_entry() -> None:
    assert set(GUARDS) == {guard for entry in ENTRIES for guard in entry.guards}
    assert len({*GUARDS}) == len(GUARDS)
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
