"""Progress on a terminal: drawn where it can be, calm elsewhere, and told by workers through the run's folder."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.report.progress import Told
from pytest_syncload.shell.live import TOLD, Follower, Live, Teller
from tests.shell.conftest import Project, outcomes

PASSING = Told(passing="peak: 10 %", calm="peak: calm")
STAYS = Told(stays="peak: it stays")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal

    @property
    def screen(self) -> list[str]:
        """The lines as they are read: what is behind a carriage return is written over what was there."""
        lines = []
        for line in self.getvalue().split("\n"):
            shown = ""
            for part in line.split("\r"):
                shown = part + shown[len(part) :]
            lines.append(shown.rstrip())
        return [line for line in lines if line]


def shown(pytester: pytest.Pytester, *args: str, is_terminal: bool) -> tuple[Live, Terminal]:
    config = pytester.parseconfigure(*args)
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    config.pluginmanager.unregister(reporter)
    stream = Terminal(is_terminal=is_terminal)
    config.pluginmanager.register(pytest.TerminalReporter(config, stream), "terminalreporter")
    return Live(config), stream


def test_a_terminal_draws_one_line_again_and_again(pytester: pytest.Pytester) -> None:
    live, terminal = shown(pytester, is_terminal=True)
    live.show(STAYS)
    live.show(PASSING)
    live.show(Told(passing="peak: 100 %", calm="peak: calm"))
    assert terminal.screen == ["peak: it stays", "peak: 100 %"]
    live.show(Told(stays="peak: over"))
    assert terminal.screen == ["peak: it stays", "peak: over"]
    live.show(PASSING)
    live.rest()
    assert terminal.screen == ["peak: it stays", "peak: over"]


def test_a_line_is_never_longer_than_the_terminal(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    live, terminal = shown(pytester, is_terminal=True)
    live.show(Told(passing="x" * 200))
    assert terminal.screen == ["x" * 39]


def test_a_log_has_calm_lines_only(pytester: pytest.Pytester) -> None:
    live, log = shown(pytester, is_terminal=False)
    for said in (STAYS, PASSING, Told(passing="peak: 20 %")):
        live.show(said)
    live.rest()
    assert log.getvalue().splitlines() == ["peak: it stays", "peak: calm"]


def test_a_quiet_log_has_what_stays(pytester: pytest.Pytester) -> None:
    for is_terminal in (True, False):
        live, log = shown(pytester, "-qq", is_terminal=is_terminal)
        live.show(STAYS)
        live.show(PASSING)
        assert log.getvalue().splitlines() == ["peak: it stays"]


def test_what_a_worker_tells_is_shown_by_its_controller(tmp_path: Path, pytester: pytest.Pytester) -> None:
    live, log = shown(pytester, is_terminal=False)
    teller, follower = Teller(tmp_path), Follower(tmp_path, live)
    teller.show(STAYS)
    follower.start()
    teller.show(PASSING)
    with (tmp_path / TOLD).open("a", encoding="utf-8") as file:
        file.write("{torn\n")
    teller.show(Told(passing="peak: 20 %"))
    teller.show(Told(stays="peak: ü"))
    with (tmp_path / TOLD).open("a", encoding="utf-8") as file:
        file.write('["half')
    follower.stop()
    assert log.getvalue().splitlines() == ["peak: it stays", "peak: calm", "peak: ü"]


def test_who_has_nothing_to_follow_stops(tmp_path: Path, pytester: pytest.Pytester) -> None:
    live, log = shown(pytester, is_terminal=False)
    follower = Follower(tmp_path / "nowhere", live)
    follower.start()
    Teller(tmp_path / "nowhere").show(STAYS)  # no room: not told
    follower.stop()
    assert log.getvalue() == ""


def test_with_workers_the_controller_tells_how_the_load_goes(project: Project) -> None:
    result = project.run("-m", "baseline", "-n", "1", "-rA")
    assert set(outcomes(result).values()) == {"PASSED"}
    text = result.stdout.str()
    order = [r"baseline: \d+ checks ok", r"baseline: offering 50/s", r"baseline: 50 of 50 in the hold", "settled after"]
    places = [re.search(line, text) for line in order]
    assert all(places), text
    assert places == sorted(places, key=lambda place: place.start() if place else -1)
