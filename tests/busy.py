"""Limits of the generator that a busy test machine does not reach, for tests whose subject is something else.

Tests of the limits themselves go far beyond these.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_syncload.load import fleet, validity

_CALM = {"LAG_P99_MS": 20_000.0, "CPU_PERCENT": 1_000.0}
_PLUGIN = "calm_limits_of_this_test"


def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, which judges the load that it had offered."""
    for name, value in _CALM.items():
        monkeypatch.setattr(validity, name, value)
    monkeypatch.setattr(fleet, "FAREWELL_SECONDS", 20.0)


def calm_plugin(folder: Path) -> tuple[str, str]:
    """The same for a pytest that is started in ``folder``, and for its workers: the options that load it."""
    lines = [f"validity.{name} = {value}" for name, value in _CALM.items()]
    text = "\n".join(["from pytest_syncload.load import validity", *lines, ""])
    (folder / f"{_PLUGIN}.py").write_text(text, "utf-8")
    return "-p", _PLUGIN
