"""slo.yaml as pytest sees it: a file of phases, a phase of one `load` item and its rows. A node id is a path in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_syncload.facts.errors import Breach, Inconclusive, PhaseInvalid, SyncloadError
from pytest_syncload.facts.observation import Ruling, Verdict
from pytest_syncload.facts.plan import Phase, Slo, Spec
from pytest_syncload.report.text import explain, explain_load

if TYPE_CHECKING:
    from pytest_syncload.conductor.conductor import Conductor

#: The name of a phase's own item.
LOAD = "load"
#: The mark that every item of slo.yaml carries beside its phase's.
SLO_MARK = "slo"


class SloFile(pytest.File):
    """slo.yaml."""

    spec: Spec
    conductor: Callable[[], Conductor]

    def collect(self) -> Iterator[PhaseCollector]:
        """The phases, in order of the file."""
        for phase in self.spec.phases:
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
            row.ready(file, slo.line)
            row.slo = slo
            yield row


def _body(record_testsuite_property: object) -> None:
    """A row has no body: its verdict is raised by the item, where no `-O` and no plugin can take it out."""


def _not_proven(why: str) -> None:
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
        self.user_properties.append(("environment", file.spec.environment.name))
        self.user_properties.append(("sandbox", str(file.spec.environment.sandbox is not None).lower()))
        if self.config.pluginmanager.hasplugin("timeout"):
            # pytest-timeout would kill a phase that is longer than a unit test may be.
            self.add_marker(pytest.mark.timeout(0))

    def setup(self) -> None:
        """Say in JUnit's suite where this ran, loudly where it was the sandbox."""
        super().setup()
        record = cast(Callable[[str, object], None], self.funcargs["record_testsuite_property"])
        environment = self.file.spec.environment
        record("syncload environment", environment.name)
        if environment.sandbox is not None:
            record("syncload SANDBOX", "proves nothing about a real target")

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
        record = self.file.conductor().record(self.phase.name)
        if record.result is None:
            _not_proven(record.problem or "the phase has no result")
        elif record.result.generator_faults:
            _not_proven(explain_load(record.result, record.result.generator_faults))

    def runtest(self) -> None:
        """Fail where the target's answers made the phase invalid."""
        super().runtest()
        result = self.file.conductor().record(self.phase.name).result
        if result is None:
            raise PhaseInvalid("the phase has no result")
        if result.target_faults:
            raise Breach(explain_load(result, result.target_faults))


class RowItem(SloItem):
    """A row: an error where nothing was proven, a failure where the target was broken."""

    slo: Slo
    verdict: Verdict | None = None

    def setup(self) -> None:
        """Judge. Here and not in the body: what could not be measured is an ERROR."""
        super().setup()
        self.verdict = self.file.conductor().verdict(self.slo)
        if self.verdict.ruling is Ruling.INCONCLUSIVE:
            _not_proven(explain(self.verdict, self.file.spec))

    def runtest(self) -> None:
        """Fail on a breach. Anything but a verdict of pass is not a pass."""
        super().runtest()
        verdict = self.verdict
        if verdict is not None and verdict.ruling is Ruling.PASS:
            return
        if verdict is None:
            raise Inconclusive(f"{self.slo.id} was not judged")
        raise Breach(explain(verdict, self.file.spec))
