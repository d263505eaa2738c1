"""One session fixture for each phase: a user's own test takes `peak` and gets its `PhaseResult`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType

import pytest

from pytest_syncload.facts.errors import Inconclusive, Refused
from pytest_syncload.facts.result import PhaseResult


def phase_fixtures(phases: Iterable[str], result: Callable[[str], PhaseResult]) -> ModuleType:
    """A plugin module with the fixtures. pytest scans modules for fixtures, and these names are known only now."""
    module = ModuleType("pytest_syncload_phases")
    for name in phases:
        setattr(module, name, _fixture(name, result))
    return module


def _fixture(name: str, result: Callable[[str], PhaseResult]) -> object:
    @pytest.fixture(scope="session", name=name)
    def phase() -> PhaseResult:
        try:
            return result(name)
        except (Inconclusive, Refused) as error:
            why = str(error)
        # Here, so that no cause is chained to a message for a person; in set-up it is an error.
        pytest.fail(why, pytrace=False)

    phase.__doc__ = f"The result of load phase {name!r} of slo.yaml; an invalid phase is an error."
    return phase
