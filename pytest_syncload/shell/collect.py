"""slo.yaml as pytest sees it: a file of phases, a phase of one `load` item and its rows. A node id is a path in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

from pytest_syncload.facts.errors import Breach, Inconclusive, PhaseInvalid, Refused, SyncloadError
from pytest_syncload.facts.plan import Phase, Slo
from pytest_syncload.report.text import explain_load
from pytest_syncload.shell.junit import replace_properties, run_properties
from pytest_syncload.shell.rows import OWN_ROW, PHASE_SECONDS, Judge, exempt_from_timeout

#: The name of a phase's own item.
LOAD = "load"
#: The mark that every item of slo.yaml carries beside its phase's.
SLO_MARK = "slo"


class SloFile(pytest.File):
    """slo.yaml. ``shown`` False: its rows are judged by the user's own tests, and it has no items."""

    judge: Judge
    shown: bool

    def collect(self) -> Iterator[PhaseCollector]:
        """The phases, in order of the file."""
        for phase in self.judge.spec.phases if self.shown else ():
            collector = PhaseCollector.from_parent(self, name=phase.name)
            collector.phase = phase
            collector.add_marker(getattr(pytest.mark, phase.name))
            collector.add_marker(getattr(pytest.mark, SLO_MARK))
            yield collector


class PhaseCollector(pytest.Collector):
    """A phase."""

    phase: Phase

    def collect(self) -> Iterator[LoadItem | RowItem]:
        """`load` first, then the rows."""
        file = self.parent
        assert isinstance(file, SloFile)
        load = LoadItem.from_parent(self, name=LOAD, callobj=_body)
        load.ready(file, self.phase.line)
        load.phase = self.phase
        yield load
        for slo in self.phase.slos:
            row = RowItem.from_parent(self, name=slo.name, callobj=_body)
            row.ready_for(file, slo)
            yield row


def _body() -> None:
    """A row has no body: its verdict is raised by the item, where no `-O` and no plugin can take it out."""


def _not_proven(why: str) -> NoReturn:
    """Raise in set-up, which pytest shows as ERROR, in a form that it shows without a traceback."""
    pytest.fail(why, pytrace=False)


class SloItem(pytest.Function):
    """What `load` and rows share: where they stand, and how their errors read."""

    line: int
    file: SloFile

    def ready(self, file: SloFile, line: int) -> None:
        """Place the item at ``line`` of ``file``."""
        self.file = file
        self.line = line
        exempt_from_timeout(self)

    @property
    def only_planned(self) -> bool:
        """Whether `--setup-plan` asks what would be done, and nothing is to be done."""
        return bool(self.config.getoption("setupplan", False))

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """The line in slo.yaml."""
        return self.path, self.line - 1, "::".join(self.nodeid.split("::")[1:])

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Our own errors are written for people and need no traceback."""
        if isinstance(excinfo.value, SyncloadError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


class LoadItem(SloItem):
    """The phase's load: an error where the generator's side spoilt it, a failure where the target's answers did."""

    phase: Phase

    def setup(self) -> None:
        """Run the phase, if nobody has."""
        super().setup()
        if self.only_planned:
            return
        judge = self.file.judge
        replace_properties(self, run_properties(judge.spec, judge.run_id()))
        record, problem = None, None
        try:
            record = judge.conductor().record(self.phase.name)
        except (Inconclusive, Refused) as error:
            problem = str(error)
        if record is None or record.result is None:
            _not_proven(problem or (record and record.problem) or "the phase has no result")
        if judge.spec.rejudged is None:
            self.stash[PHASE_SECONDS] = record.result.wall_seconds
        if record.result.generator_faults:
            _not_proven(explain_load(record.result, record.result.generator_faults))

    def runtest(self) -> None:
        """Fail where the target's answers made the phase invalid."""
        super().runtest()
        result = self.file.judge.conductor().record(self.phase.name).result
        if result is None:
            raise PhaseInvalid("the phase has no result")
        if result.target_faults:
            raise Breach(explain_load(result, result.target_faults))


class RowItem(SloItem):
    """A row: an error where nothing was proven, a failure where the target was broken."""

    slo: Slo

    def ready_for(self, file: SloFile, slo: Slo) -> None:
        """Become the test of ``slo``."""
        self.ready(file, slo.line)
        self.slo = slo
        self.stash[OWN_ROW] = slo

    def setup(self) -> None:
        """Judge. Here and not in the body: what could not be measured is an ERROR."""
        super().setup()
        if not self.only_planned:
            self.file.judge.judge(self, self.slo)

    def runtest(self) -> None:
        """Fail on a breach. Anything but a verdict of pass is not a pass."""
        super().runtest()
        broken = self.file.judge.broken(self, self.slo)
        if broken is not None:
            raise Breach(broken)
