"""`--syncload-check`: everything that a run needs is looked at, and no load is offered and no test run."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import Phase, Spec
from pytest_syncload.report.check import check_lines, closing_line
from pytest_syncload.shell.select import Selection
from pytest_syncload.shell.settings import Settings

if TYPE_CHECKING:
    from pytest_syncload.conductor.run_folder import RunFolder


class CheckOnly:
    """Stands in for the run of the tests, as a plugin. What is selected says which phases, and nothing means all."""

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        spec: Spec,
        folder: Callable[[], RunFolder],
        selection: Selection,
    ) -> None:
        self._config = config
        self._settings = settings
        self._spec = spec
        self._folder = folder
        self._selection = selection
        self._failed = True
        #: What was found, empty until then.
        self.checks: tuple[Check, ...] = ()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Check and say what was found; the loop over the tests is not reached."""
        names = self._selection.selected
        if not names and not self._selection.allowed(session):
            raise pytest.UsageError(
                f"syncload: -m {self._config.option.markexpr!r} selects no phase, so nothing was checked"
            )
        phases = [phase for phase in self._spec.phases if not names or phase.name in names]
        checks = self.checks = self._check(phases)
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.section(f"syncload: check of {', '.join(phase.name for phase in phases)}")
            for line in [*check_lines(checks), closing_line(checks)]:
                reporter.write_line(line)
        self._failed = any(check.failed for check in checks)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """That no test ran is no failure here; that a check failed is one."""
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED if self._failed else pytest.ExitCode.OK

    def _check(self, phases: Sequence[Phase]) -> tuple[Check, ...]:
        # The conductor, and boto3 and httpx with it, is loaded only where it is used.
        from pytest_syncload.conductor.ground import prepare, refuse_production, refuse_unnamed  # noqa: PLC0415
        from pytest_syncload.conductor.preflight import check  # noqa: PLC0415

        try:
            refuse_production(self._spec, self._settings.production, typed=self._settings.production_typed)
            refuse_unnamed(self._spec, named=self._settings.named_environment is not None, environ=os.environ)
        except Refused as error:
            raise pytest.UsageError(f"syncload: {error}") from None
        folder = self._folder()
        try:
            folder.make()
        except Refused as error:
            raise pytest.UsageError(f"syncload: {error}") from None
        with ExitStack() as stack:
            # The process that sends the one request ends where nobody holds it.
            stack.enter_context(folder.controller_lock())
            try:
                ground = prepare(self._spec, folder, stack)
            except Refused as error:
                return (Check(name="environment", finding=Finding.FAILED, says=str(error)),)
            return check(self._spec, ground, folder, phases, lambda: None)
