"""What the whole suite costs: which processes coverage follows, and what runs beside what."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from itertools import groupby

import pytest
from hypothesis import HealthCheck, settings

from tests.emulator import absent, running
from tests.nursery import opened

#: How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

#: By these, coverage follows into a process that is started.
_FOLLOWED = ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")


@pytest.fixture(scope="session", autouse=True)
def nowhere_but_here() -> Iterator[None]:
    """The pytests that tests start are no steps of the CI that runs the tests: its page must not tell of them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
            patch.delenv(name, raising=False)
        # Nor does it matter where the tests run.
        patch.delenv("ECS_CONTAINER_METADATA_URI_V4", raising=False)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that this test starts run without coverage, which doubles what they cost.

    For runs whose subject is what they say in the end: each of their parts is measured by tests of its own.
    """
    for name in _FOLLOWED:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def unmeasured_module() -> Iterator[None]:
    """The same for all of a module, and for what its tests share."""
    with pytest.MonkeyPatch.context() as patch:
        for name in _FOLLOWED:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of Firebase's own Auth emulator; where there is none, the test is skipped and says why."""
    why = absent()
    if why is not None:
        pytest.skip(why)
    with running(tmp_path_factory.mktemp("emulator")) as host:
        yield host


@pytest.fixture(scope="session")
def nursery() -> Iterator[str | None]:
    """Where processes are born (see `tests/nursery.py`); None where they are started as ever."""
    if sys.platform != "linux":
        yield None
        return
    with opened() as path:
        yield path


#: Looks through everything that were answered by keeping the collector from it.
_looks = -1
# What is collected stays to the end, so the collector has nothing to find until then.
gc.disable()


def pytest_collection_finish() -> None:
    """All is collected."""
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Keep the collector from all that lives as long as the session: thousands of tests and what they import.

    To look through it takes a third of a second, and the engine has the collector do so before each load; behind it, it
    lets go of what is kept here. That somebody did is seen by the collector's count of such looks, as counting what is
    kept takes as long as one.
    """
    global _looks
    if _looks != (looks := gc.get_stats()[2]["collections"]):
        gc.collect(1)
        gc.freeze()
        _looks = looks


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each worker's share the same part of what waits, spread between its modules.

    xdist cuts the list into as many pieces as there are workers. As collected, one worker would have all the runs of
    pytest, and in the end all would wait for them with idle processors.
    """
    workers = int(getattr(config, "workerinput", {}).get("workercount", 0))
    if not workers:
        return
    waiting = [item for item in items if "project" in getattr(item, "fixturenames", ())]
    others = [item for item in items if "project" not in getattr(item, "fixturenames", ())]
    dealt: list[pytest.Item] = []
    for worker in range(workers):
        mine = others[len(others) * worker // workers : len(others) * (worker + 1) // workers]
        # A module's tests stay together: they share fixtures.
        modules = [list(tests) for _, tests in groupby(mine, lambda item: item.path)]
        waits = waiting[worker::workers]
        for number, module in enumerate(modules):
            dealt += waits[len(waits) * number // len(modules) : len(waits) * (number + 1) // len(modules)]
            dealt += module
        if not modules:
            dealt += waits
    assert sorted(map(id, dealt)) == sorted(map(id, items)), "a test was lost"
    items[:] = dealt
