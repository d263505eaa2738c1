"""One pytest session with a slo.yaml: ties collection, selection, the run folder and the conductor together.

The conductor, and boto3 and httpx with it, is imported only once a phase is asked for: `pytest tests` in a repository
with a slo.yaml must not pay for it.
"""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_syncload.facts.errors import Refused, SpecError
from pytest_syncload.facts.events import Event
from pytest_syncload.facts.plan import Spec
from pytest_syncload.report.progress import told
from pytest_syncload.report.text import describe, describe_phase
from pytest_syncload.shell.check import CheckOnly
from pytest_syncload.shell.collect import SLO_MARK, SloFile
from pytest_syncload.shell.compare import compared_run
from pytest_syncload.shell.ending import Ending
from pytest_syncload.shell.fixtures import phase_fixtures
from pytest_syncload.shell.k6_script import ScriptOnly
from pytest_syncload.shell.live import Follower, Live, Teller
from pytest_syncload.shell.overrides import overridden, refuse_late
from pytest_syncload.shell.rejudge import Rejudging, rejudging
from pytest_syncload.shell.rows import Judge, RowRules
from pytest_syncload.shell.select import Selected, Selection
from pytest_syncload.shell.settings import Settings

if TYPE_CHECKING:
    from pytest_syncload.conductor.conductor import Conductor
    from pytest_syncload.conductor.earlier import EarlierRun
    from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder

_SELECTED = "selected.json"
#: What a worker of pytest-xdist gives its controller beside: why it could not begin.
_REFUSED = "syncload_refused"


def begin(config: pytest.Config, file: Path) -> None:
    """Read slo.yaml and register what the session needs. Raises `pytest.UsageError` with every problem of the file."""
    settings = Settings.from_pytest_config(config, file, os.environ)
    if settings.check_only and settings.script_only:
        raise pytest.UsageError("--syncload-check looks and --syncload-k6-script prints; ask for one at a time")
    again = rejudging(settings)
    try:
        spec = again.read(file, settings.named_environment, os.environ)
    except SpecError as error:
        raise pytest.UsageError(str(error)) from error  # pytest shows its own message only
    compared = compared_run(settings, again.earlier)
    spec = overridden(replace(spec, compared=None if compared is None else compared.rejudged), config)
    config.addinivalue_line("markers", f"{SLO_MARK}: a row of slo.yaml (pytest-syncload)")
    for phase in spec.phases:
        config.addinivalue_line("markers", f"{phase.name}: load phase of slo.yaml (pytest-syncload)")
    if settings.offers_nothing and not any("::" in argument for argument in config.args):
        config.args[:] = [str(file)]  # nothing but rows is looked at, so no test needs to be imported
    elif spec.items and not settings.is_worker and config.args_source is not pytest.Config.ArgsSource.ARGS:
        # Collected even where `testpaths` leaves it out; pytest drops the duplicate where it does not.
        config.args.append(str(file))
    session = SyncloadSession(config, settings, spec, again, compared)
    manager = config.pluginmanager
    manager.register(session.selection, "syncload-selection")
    manager.register(session, "syncload-session")
    manager.register(RowRules(session.judge), "syncload-rows")
    manager.register(phase_fixtures([phase.name for phase in spec.phases], session.result), "syncload-phases")
    if not (settings.is_worker or settings.collect_only or settings.offers_nothing):
        manager.register(Ending(config, settings, spec, session.selection, session), "syncload-ending")
    if settings.check_only and not settings.collect_only:
        only = CheckOnly(config, settings, spec, lambda: session.folder, session.selection)
        manager.register(only, "syncload-check")
    if settings.script_only and not settings.collect_only:
        manager.register(ScriptOnly(config, spec, session.selection), "syncload-k6-script")


class SyncloadSession:
    """The hooks. In the controller it also holds what must live as long as pytest: the lock and the sandbox."""

    def __init__(
        self, config: pytest.Config, settings: Settings, spec: Spec, again: Rejudging, compared: EarlierRun | None
    ) -> None:
        self._config = config
        self._settings = settings
        self._spec = spec
        self._again = again
        self._compared = compared
        self.selection = Selection([phase.name for phase in spec.phases])
        self.judge = Judge(spec, self.conductor, lambda: self.folder.run_id)
        self._made_folder: RunFolder | None = None
        self._conductor: Conductor | None = None
        self._lock = ExitStack()
        self._sandbox = ExitStack()
        self._live = Live(config)
        self._follower: Follower | None = None
        self.begun = False
        self.said = Selected()

    @property
    def folder(self) -> RunFolder:
        """This run's folder, made when it is needed; a worker's is its controller's."""
        from pytest_syncload.conductor.run_folder import RunFolder  # noqa: PLC0415  # see the module's docstring

        if self._made_folder is None:
            worker_folder = self._settings.worker_folder
            self._made_folder = RunFolder(worker_folder) if worker_folder else RunFolder.named_now(self._settings.root)
        return self._made_folder

    # What items and fixtures ask for.

    def conductor(self) -> Conductor:
        """This process's conductor."""
        from pytest_syncload.conductor.comparing import Comparing  # noqa: PLC0415  # see the module's docstring
        from pytest_syncload.conductor.conductor import Conductor  # noqa: PLC0415

        if self._conductor is None:
            replay = self._again.replay(self._spec)
            comparing = None if self._compared is None else Comparing(self._compared, self._spec)
            self._conductor = Conductor(
                self._spec, self.folder, lambda: self.selection.selected, self._listen, replay, comparing
            )
        return self._conductor

    def result(self, phase: str) -> Any:
        """A phase's valid result, for its fixture."""
        return self.conductor().result(phase)

    def record(self, phase: str) -> PhaseRecord | None:
        """What was recorded of a phase, by whatever process, or by the run that is judged again."""
        replay = self._again.replay(self._spec)
        return self.folder.record(phase) if replay is None else replay.record(phase)

    def _listen(self, event: Event) -> None:
        (Teller(self.folder.path) if self._settings.is_worker else self._live).show(told(event))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self) -> None:
        """Somebody else writes next."""
        self._live.rest()

    # Collection.

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> SloFile | None:
        """slo.yaml in rootdir, and no other."""
        if file_path != self._settings.file:
            return None
        file = SloFile.from_parent(parent, path=file_path)
        file.judge = self.judge
        file.shown = self._spec.items or self._settings.offers_nothing
        return file

    def pytest_report_header(self) -> list[str]:
        """Where the run would go."""
        return describe(self._spec)

    def pytest_report_collectionfinish(self) -> list[str]:
        """What will be run, and what was left out."""
        if self._settings.offers_nothing:
            return []
        return self._said_of_selection(self.selection.said)

    def _said_of_selection(self, said: Selected) -> list[str]:
        lines = []
        if said.phases:
            lines.append("syncload: " + " · ".join(describe_phase(self._spec, name) for name in said.phases))
        if said.left_out:
            lines.append(
                f"syncload: {said.left_out} items that need load were left out; select a phase by -m or by node id"
            )
        return lines

    def pytest_collection_finish(self) -> None:
        """Without xdist, here the run begins; a worker tells the controller what was selected."""
        self.said = self.selection.said
        if (
            self._settings.collect_only
            or self._settings.offers_nothing
            or not (self.said.phases or self.said.taken_out)
        ):
            return
        if not self._settings.is_worker:
            self._begin()
            return
        try:
            refuse_late(self._spec, self._config)
            self._refuse_another_request()
            self.folder.make()
            self.folder.write(_SELECTED, asdict(self.said))
        except Refused as error:
            # A worker's own last words are shown by nobody.
            self._config.workeroutput[_REFUSED] = str(error)  # type: ignore[attr-defined]
            raise pytest.UsageError(f"syncload: {error}") from None

    def _refuse_another_request(self) -> None:
        """Raise `Refused` where this worker would send another request than the run's folder tells of."""
        theirs = self._config.workerinput["syncload_request"]  # type: ignore[attr-defined]
        if theirs != self._spec.request_digest:
            raise Refused(
                "the request is another in a worker of pytest-xdist than in its controller; let syncload_request make "
                "the same in every process"
            )

    # The run.

    def _begin(self) -> None:
        from pytest_syncload.conductor.ground import (  # noqa: PLC0415  # see the module's docstring
            prepare,
            refuse_production,
            refuse_unnamed,
        )

        if self.begun or not self.said.phases:
            return
        named = self._settings.named_environment is not None or self._settings.named_run is not None
        try:
            if self._again.refusal is not None:
                raise self._again.refusal
            refuse_production(self._spec, self._settings.production, typed=self._settings.production_typed)
            refuse_unnamed(self._spec, named=named, environ=os.environ)
            refuse_late(self._spec, self._config)
            self.folder.make()
            self.begun = True
            if self._config.pluginmanager.hasplugin("dsession"):
                self._follower = Follower(self.folder.path, self._live)
                self._follower.start()
            if (replay := self._again.replay(self._spec)) is not None:
                replay.begin(self.folder)
                return
            self._lock.enter_context(self.folder.controller_lock())
            self._terminate_like_interrupt()
            prepare(self._spec, self.folder, self._sandbox)
        except Refused as error:
            raise pytest.UsageError(f"syncload: {error}") from None

    def _terminate_like_interrupt(self) -> None:
        """SIGTERM, as a CI runner sends it, ends like Ctrl-C: load stops, what was measured is kept."""
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        self._lock.callback(signal.signal, signal.SIGTERM, before)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Let go of the lock: every generator of every worker stops."""
        self._lock.close()

    def pytest_unconfigure(self) -> None:
        """Let go of everything."""
        self._lock.close()
        self._sandbox.close()

    # pytest-xdist, whose hooks are there only where it is.

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker which run it belongs to."""
        earlier = self._again.earlier
        node.workerinput["syncload_folder"] = str(self.folder.path)
        node.workerinput["syncload_request"] = self._spec.request_digest
        node.workerinput["syncload_rejudged"] = None if earlier is None else str(earlier.path)
        node.workerinput["syncload_compared"] = None if self._compared is None else str(self._compared.path)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        """A worker has collected and nothing is scheduled yet: with xdist, here the run begins."""
        said = self.folder.read(_SELECTED) if self.folder.path.is_dir() else None
        if said is None or self.begun:
            return
        self.said = Selected.from_json(said)
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            if reporter.isatty:
                reporter.write("\n")  # pytest-xdist has drawn a line of its own there
            for line in self._said_of_selection(self.said):
                reporter.ensure_newline()
                reporter.write_line(line)
        self._begin()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Show the rest of what workers told before the summary is written."""
        if self._follower is not None:
            self._follower.stop()
            self._follower = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker that could not begin has said why."""
        why = getattr(node, "workeroutput", {}).get(_REFUSED)
        if why is not None:
            raise pytest.UsageError(f"syncload: {why}")

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """A worker that died under a row proves nothing about the target: an error, not a failure."""
        ids = [slo.id for phase in self._spec.phases for slo in phase.slos]
        if crashitem.startswith(f"{self._settings.file.name}::") or any(crashitem.endswith(f"[{row}]") for row in ids):
            report.when = "setup"
