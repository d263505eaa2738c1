"""`--syncload-k6-script`: what k6 would be given, for review. Nothing is started, and nobody is asked anything."""

from __future__ import annotations

import pytest

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import Spec
from pytest_syncload.shell.select import Selection


class ScriptOnly:
    """Stands in for the run of the tests, as a plugin. What is selected says which phases, and nothing means all."""

    def __init__(self, config: pytest.Config, spec: Spec, selection: Selection) -> None:
        self._config = config
        self._spec = spec
        self._selection = selection
        self._failed = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Print the scripts, each below its phase's name; the loop over the tests is not reached."""
        # The conductor, and boto3 and httpx with it, is loaded only where it is used.
        from pytest_syncload.conductor.by_k6 import script_for  # noqa: PLC0415

        names = self._selection.selected
        if not names and not self._selection.allowed(session):
            raise pytest.UsageError(
                f"syncload: -m {self._config.option.markexpr!r} selects no phase, so there is no script"
            )
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        for phase in (phase for phase in self._spec.phases if not names or phase.name in names):
            try:
                text = script_for(self._spec, phase).text
            except Refused as error:
                self._failed = True
                text = f"syncload: no script: {error}\n"
            if reporter is not None:
                reporter.section(f"syncload: k6 script of {phase.name}")
                for line in text.splitlines():
                    reporter.write_line(line)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """That no test ran is no failure here; that there is a phase without a script is one."""
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED if self._failed else pytest.ExitCode.OK
