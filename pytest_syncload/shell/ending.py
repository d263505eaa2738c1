"""How a session ends: what was asked for and not proven, the exit status, and the closing table.

The exit status is decided last, after every other plugin and conftest.py, and never by what they have made of it: what
was asked for and not proven ends non-zero. Must not raise, or what pytest prints at the end would be lost.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from pytest_syncload.facts.errors import PhaseInvalid, Refused
from pytest_syncload.facts.observation import Ruling
from pytest_syncload.facts.plan import Slo, Spec
from pytest_syncload.report.table import closing_table
from pytest_syncload.shell.junit import suite_properties, tell_suite
from pytest_syncload.shell.select import Selected, Selection
from pytest_syncload.shell.settings import Settings
from pytest_syncload.shell.surfaces import leave, not_left

if TYPE_CHECKING:
    from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
    from pytest_syncload.facts.report import RunReport

_ENDED = "the run ended before this row was judged"
_TAKEN_OUT = "a plugin or a conftest.py took this row out of the run, without -k, --deselect or a node id"
_NEVER_BEGUN = "pytest ended before any load was offered, so nothing was proven; its log says why"
#: Statuses at which a missing row has no other cause that pytest tells.
_UNTROUBLED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
#: What the system keeps of an exit status.
_BYTE = 256


class Run(Protocol):
    """What the session knows of its run. ``begun`` is whether anything may have been measured or judged."""

    begun: bool
    said: Selected

    @property
    def folder(self) -> RunFolder:
        """The run's folder."""

    def record(self, phase: str) -> PhaseRecord | None:
        """What was recorded of a phase, None where nothing was. Raises `PhaseInvalid` where it cannot be read."""


def unjudged_phases(asked: Collection[str], judged: Collection[str]) -> list[str]:
    """The phases that were asked for and of which no row was judged."""
    return [name for name in asked if name not in judged]


def unproven_rows(passed: Mapping[str, bool]) -> list[str]:
    """The rows that were asked for and did not pass, by id.

    The second wall behind the items' own outcomes: `--setup-only`, say, never comes to a row's body.
    """
    return [row for row, proven in passed.items() if not proven]


def judged_nothing(settings: Settings, *, begun: bool) -> bool:
    """Whether an earlier run was to be judged again, by name, and no phase was selected."""
    return settings.named_run is not None and not begun


def last_word(status: object, least: pytest.ExitCode) -> Any:
    """The exit status, where it must be ``least`` and others have made it ``status``: green is never theirs to give."""
    if least is pytest.ExitCode.OK:
        return status
    if least is pytest.ExitCode.INTERRUPTED and status == pytest.ExitCode.TESTS_FAILED:
        return least
    worse = isinstance(status, int) and status % _BYTE not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    return status if worse else least


def command_of(config: pytest.Config, environment: str) -> str:
    """What would run the same again. Not the command line itself, in which somebody may have written a secret."""
    earlier = config.getoption("--syncload-run")
    words = ["-m", config.option.markexpr] if config.option.markexpr else []
    words += [argument for argument in config.args if "::" in argument]
    words += ["--syncload-env", environment] if earlier is None else ["--syncload-run", earlier]
    if (compared := config.getoption("--syncload-compare")) is not None:
        words += ["--syncload-compare", compared]
    return shlex.join(["pytest", *words])


class Ending:
    """The hooks, as a plugin of the controller."""

    def __init__(self, config: pytest.Config, settings: Settings, spec: Spec, selection: Selection, run: Run) -> None:
        self._config = config
        self._settings = settings
        self._spec = spec
        self._selection = selection
        self._run = run
        self._session: pytest.Session | None = None
        self._least: pytest.ExitCode | None = None
        self._advice: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """From now on there is a status to decide."""
        self._session = session

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """Sum up before reports are written; decide when all others have had their say."""
        self._decide(session)
        try:
            yield
        finally:
            self._decide(session)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_unconfigure(self) -> Iterator[None]:
        """Once more: where a hook called `pytest.exit`, pytest takes its status after `pytest_sessionfinish`."""
        try:
            yield
        finally:
            if self._session is not None:
                if self._least is None:
                    # A hook ended pytest before anything was collected, and pytest cannot be asked about `-m` any more.
                    asked = self._selection.mentioned(self._config) or judged_nothing(self._settings, begun=False)
                    self._least = pytest.ExitCode.TESTS_FAILED if asked else pytest.ExitCode.OK
                self._decide(self._session)

    def _decide(self, session: pytest.Session) -> None:
        if self._least is None:
            self._least = self._sum_up(session)
        session.exitstatus = last_word(session.exitstatus, self._least)

    def _sum_up(self, session: pytest.Session) -> pytest.ExitCode:
        """The least status that the session may end with."""
        run, said = self._run, self._run.said
        judgeable = said.phases if run.begun else ()
        unheard = [name for name in self._asked(session) if name not in judgeable]
        if session.exitstatus in _UNTROUBLED:
            self._advice += [self._why_unheard(name, session) for name in unheard]
            self._advice += self._unused_options(session)
        failed = bool(unheard) or judged_nothing(self._settings, begun=run.begun) or self._nothing_at_all(session)
        if not run.begun:
            return pytest.ExitCode.TESTS_FAILED if failed or said.taken_out else pytest.ExitCode.OK
        self._advice += [f"syncload: {row} is not proven: {_TAKEN_OUT}" for row in said.taken_out]
        rows = self._rows()
        self._keep_unjudged(rows)
        judged = {slo.phase for slo in rows if self._was_judged(slo)}
        passed = {slo.id: self._passed(slo) for slo in rows}
        properties = suite_properties(self._spec, run.folder.run_id, self._ground(), run.folder.account())
        tell_suite(self._config.pluginmanager.get_plugins(), properties)
        if any(self._was_ended(name) for name in said.phases):
            return pytest.ExitCode.INTERRUPTED
        unproven = unjudged_phases(said.phases, judged) or unproven_rows(passed)
        return pytest.ExitCode.TESTS_FAILED if failed or unproven else pytest.ExitCode.OK

    def _asked(self, session: pytest.Session) -> list[str]:
        taken_out = {row.partition("::")[0] for row in self._run.said.taken_out}
        try:
            asked = self._selection.asked(session)
        except pytest.UsageError:
            asked = ()  # an expression that pytest has refused already
        return [phase.name for phase in self._spec.phases if phase.name in taken_out or phase.name in asked]

    def _rows(self) -> list[Slo]:
        """The rows that were asked for, those taken out too, in order of the file."""
        said = {*self._run.said.rows, *self._run.said.taken_out}
        return [slo for phase in self._spec.phases for slo in phase.slos if slo.id in said]

    def _keep_unjudged(self, rows: Collection[Slo]) -> None:
        from pytest_syncload.conductor.conductor import unjudged  # noqa: PLC0415  # boto3: only where a phase was asked for

        taken_out = set(self._run.said.taken_out)
        try:
            unjudged(self._run.folder, {slo.id: slo for slo in rows if slo.id in taken_out}, _TAKEN_OUT)
            unjudged(self._run.folder, {slo.id: slo for slo in rows}, _ENDED)
        except Refused as error:
            self._advice.append(f"syncload: {error}")

    def _ground(self) -> Mapping[str, Any]:
        try:
            return self._run.folder.read("environment.json") or {}
        except (OSError, ValueError):
            return {}  # damaged meanwhile; the rows tell it

    def _was_ended(self, phase: str) -> bool:
        """Whether the checks before the phase's load let none of it begin, or its own rule stopped it."""
        try:
            record = self._run.folder.record(phase)
        except PhaseInvalid:
            return False
        if record is None:
            return False
        return record.refused or (record.result is not None and record.result.aborted is not None)

    def _was_judged(self, slo: Slo) -> bool:
        verdict = self._run.folder.verdict(slo.phase, slo.name)
        return verdict is not None and verdict.reason not in (_ENDED, _TAKEN_OUT)

    def _passed(self, slo: Slo) -> bool:
        verdict = self._run.folder.verdict(slo.phase, slo.name)
        return verdict is not None and verdict.ruling is Ruling.PASS

    def _nothing_at_all(self, session: pytest.Session) -> bool:
        """Whether an environment was named on the command line and no test of any kind was left to run."""
        return bool(self._config.getoption("--syncload-env")) and not self._run.begun and not session.testscollected

    # What is said of it.

    def _why_unheard(self, phase: str, session: pytest.Session) -> str:
        option = self._config.option
        proven = "so nothing was proven of it"
        if any(row.startswith(f"{phase}::") for row in self._run.said.taken_out):
            return (
                f"syncload: phase {phase} was asked for, but {_TAKEN_OUT.replace('this row', 'all its rows')}, {proven}"
            )
        if option.markexpr and self._selection.true_anyway(session):
            return (
                f"syncload: -m {option.markexpr!r} names phase {phase}, but is true without its mark too and so starts "
                f"no load, {proven}; select it by -m {phase} or by node id"
            )
        selects = f"syncload: {'-m' if option.markexpr else 'a node id'} selects phase {phase}, but"
        if option.keyword or self._config.getoption("deselect"):
            return f"{selects} none of its rows was left by -k or --deselect, {proven}"
        to_do = "add slo.yaml to the arguments" if self._spec.items else "add a test that takes the fixture slo"
        return f"{selects} none of its rows was collected, {proven}; {to_do}"

    def _unused_options(self, session: pytest.Session) -> list[str]:
        select = f"select a phase by -m, such as -m {self._spec.phases[0].name}, or by node id"
        if judged_nothing(self._settings, begun=self._run.begun):
            return [f"syncload: --syncload-run {self._settings.named_run} has judged nothing: {select}"]
        return [f"syncload: --syncload-env was given, and nothing was run: {select}"] * self._nothing_at_all(session)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The closing table."""
        for line in self._advice:
            terminalreporter.write_line(line)
        if not self._run.begun:
            for line in not_left(self._config.getoption):
                terminalreporter.write_line(line)
            return
        report = self._report()
        terminalreporter.section("syncload")
        for line in closing_table(report):
            terminalreporter.write_line(line)
        terminalreporter.write_line(f"run folder: {report.folder}")
        asked = self._config.getoption
        for line in leave(report, self._run.folder.path, asked, self._settings.here):
            terminalreporter.write_line(line)

    def told(self, status: object) -> tuple[RunReport | None, tuple[str, ...]]:
        """The run, None where nothing was begun; and what was said of it beside its rows, each line a reason.

        ``status`` is what pytest ended with.
        """
        advice = tuple(line.removeprefix("syncload: ") for line in self._advice)
        if self._run.begun:
            return self._report(), advice
        unsaid = status != pytest.ExitCode.OK and not advice and self._selection.mentioned(self._config)
        return None, (_NEVER_BEGUN,) if unsaid else advice

    def _report(self) -> RunReport:
        from pytest_syncload.conductor.reporting import report_of  # noqa: PLC0415  # boto3: only where a phase was asked for

        return report_of(
            self._spec,
            self._run.folder,
            self._run.record,
            self._run.said.phases,
            {slo.id for slo in self._rows()},
            root=self._settings.root,
            command=command_of(self._config, self._spec.environment.name),
        )
