"""Progress on the terminal: a line that is drawn again and again where it can be, else a calm one now and then.

Under pytest-xdist a phase runs in a worker, which has no terminal: it writes what there is to tell into the run's
folder, and the controller reads it there.
"""

from __future__ import annotations

import json
import shutil
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.report.progress import Told

#: What workers tell, a line of JSON each.
TOLD = "told.jsonl"
_LOOK_S = 0.2
#: Below this verbosity (-qq) only lines that stay are shown.
_QUIET = -2


class Live:
    """The terminal. Everything is written whole and under one lock, so that two threads never tear a line."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._is_drawn = False

    def show(self, said: Told) -> None:
        """Show it as this terminal can."""
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None:
            return
        quiet = self._config.get_verbosity() <= _QUIET
        # With pytest-xdist other tests print meanwhile, over what would be drawn.
        draws = bool(reporter.isatty) and not quiet and not self._config.pluginmanager.hasplugin("dsession")
        line = said.stays or (None if draws or quiet else said.calm)
        if line is None and not (draws and said.passing):
            return
        # A phase runs in an item's set-up, where pytest captures output.
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        with self._lock, capture.global_and_fixture_disabled() if capture is not None else nullcontext():
            if line is not None:
                self._wipe(reporter)
                reporter.write_line(line)
                return
            if not self._is_drawn:
                reporter.ensure_newline()
            reporter.rewrite((said.passing or "")[: shutil.get_terminal_size().columns - 1], erase=True)
            reporter.flush()
            self._is_drawn = True

    def rest(self) -> None:
        """Take away what is drawn: somebody else writes next."""
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            with self._lock:
                self._wipe(reporter)

    def _wipe(self, reporter: Any) -> None:
        if self._is_drawn:
            reporter.rewrite("", erase=True)
            reporter.rewrite("")
            self._is_drawn = False


class Teller:
    """A worker's end: what it has to tell goes into the run's folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / TOLD

    def show(self, said: Told) -> None:
        """Add it. What cannot be written is not told; the verdicts do not need it."""
        line = json.dumps([said.stays, said.passing, said.calm])
        try:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError:
            pass


class Follower:
    """The controller's end: shows what workers tell, from `start` until `stop`."""

    def __init__(self, folder: Path, live: Live) -> None:
        self._file = folder / TOLD
        self._live = live
        self._read = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> None:
        """From now on."""
        self._thread.start()

    def stop(self) -> None:
        """Show what is left, and no more."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _follow(self) -> None:
        while not self._over.wait(_LOOK_S):
            self._show_new()
        self._show_new()

    def _show_new(self) -> None:
        try:
            with self._file.open("rb") as file:
                file.seek(self._read)
                new = file.read()
        except OSError:
            return
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            try:
                stays, passing, calm = json.loads(line)
            except ValueError:
                continue
            self._live.show(Told(stays=stays, passing=passing, calm=calm))
