"""Limits that a busy test machine does not reach, for tests whose subject is something else.

Tests of the limits themselves go far beyond these, or replace them.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

#: By module: what of the generator's own slowness makes a phase invalid, and how long anybody is waited for.
_CALM: dict[str, dict[str, float]] = {
    "pytest_syncload.load.validity": {"LAG_P99_MS": 20_000.0, "CPU_PERCENT": 1_000.0},
    "pytest_syncload.load.fleet": {"FAREWELL_SECONDS": 20.0, "SILENCE_SECONDS": 60.0},
}
#: The same of what is loaded only where load is offered: a request must show in CloudWatch's last minutes, which are
#: wall seconds in the sandbox.
_CALM_LATER: dict[str, dict[str, float]] = {
    "pytest_syncload.conductor.probe": {"LONGEST_S": 60.0},
    "pytest_syncload.k6.validity": {"LAG_P99_MS": 20_000.0, "CPU_PERCENT": 1_000.0},
    "pytest_syncload.sources.awake": {"LONGEST_MINUTES": 60, "_RECENT_MINUTES": 60},
}
#: Fixtures of a test that may begin a phase, by the names of the tests' plans.
_ASKING = ("slo", "baseline", "peak", "stress", "smoke")
_PLUGIN = "calm_limits_of_this_test"


def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, which judges the load that it had offered."""
    for module, limits in (_CALM | _CALM_LATER).items():
        for name, value in limits.items():
            monkeypatch.setattr(import_module(module), name, value)


def calm_environment(folder: Path) -> dict[str, str]:
    """The same for every pytest with these variables: it finds the plugin in ``folder``."""
    calm_plugin(folder)
    return {"PYTHONPATH": str(folder), "PYTEST_PLUGINS": _PLUGIN}


def calm_plugin(folder: Path) -> tuple[str, str]:
    """The same for a pytest that is started in ``folder``, and for its workers: the options that load it."""
    text = f"""\
from importlib import import_module

def calm(modules):
    for module, limits in modules.items():
        for name, value in limits.items():
            setattr(import_module(module), name, value)

def pytest_runtest_setup(item):
    # A phase's fixture, or `slo`; no other test is to pay for what load needs.
    if item.path.suffix == ".yaml" or set({_ASKING!r}) & set(getattr(item, "fixturenames", ())):
        calm({_CALM_LATER!r})

calm({_CALM!r})
"""
    (folder / f"{_PLUGIN}.py").write_text(text, "utf-8")
    return "-p", _PLUGIN
