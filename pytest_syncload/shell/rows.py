"""A row as a test: judged in set-up, its verdict enforced after the body, its time without the phase's.

One set of rules for slo.yaml's own items and for the user's tests that take the fixture `slo`. Nothing in a test's
body, and no mark on it, may turn a row that was not proven green.
"""

from __future__ import annotations

import time
import unittest
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from pytest_syncload.facts.errors import Inconclusive, Refused
from pytest_syncload.facts.observation import Ruling, Verdict
from pytest_syncload.facts.plan import Slo, Spec
from pytest_syncload.facts.result import PhaseResult
from pytest_syncload.facts.units import CANONICAL
from pytest_syncload.report.text import explain
from pytest_syncload.shell.junit import replace_properties, row_properties

if TYPE_CHECKING:
    from pytest_syncload.conductor.conductor import Conductor

#: The fixture that carries the row. `slo` takes it, so a user's own fixture named `slo` that does not take it leaves
#: their tests as they are: it is then not among the test's fixture names.
ROW_FIXTURE = "syncload_row"

#: The row of one of slo.yaml's own items.
OWN_ROW = pytest.StashKey[Slo]()
_VERDICT = pytest.StashKey[Verdict]()
#: Seconds that the phase lasted, on its own item.
PHASE_SECONDS = pytest.StashKey[float]()
#: Seconds of the item's set-up that were spent until the phase had been run.
_WAITED = pytest.StashKey[float]()

#: What a body raises to say that it shall not count.
_NOT_COUNTED = (pytest.skip.Exception, pytest.xfail.Exception, unittest.SkipTest)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRow:
    """What the fixture `slo` gives: a row that was measured. ``observed`` and ``target`` are in ``unit``.

    ``unit`` is the canonical one of the metric: ``ms``, ``%``, ``/s``, or empty for a count. ``verdict`` is a pass or a
    breach; ``result`` is the phase's.
    """

    id: str
    name: str
    phase: str
    observed: float
    target: float
    unit: str
    verdict: Verdict = field(repr=False)
    result: PhaseResult = field(repr=False)

    @property
    def met(self) -> bool:
        """Whether the verdict is a pass. ``observed < target`` says the same only where the target is a ``<``."""
        return self.verdict.ruling is Ruling.PASS


def row_of(item: pytest.Item) -> Slo | None:
    """The row that the item is the test of, None where it is no row's."""
    own = item.stash.get(OWN_ROW, None)
    if own is not None:
        return own
    callspec = getattr(item, "callspec", None)
    row = None if callspec is None else callspec.params.get(ROW_FIXTURE)
    return row if isinstance(row, Slo) else None


def exempt_from_timeout(item: pytest.Item) -> None:
    """pytest-timeout would kill a phase that is longer than a unit test may be, whoever set the limit."""
    if item.config.pluginmanager.hasplugin("timeout"):
        item.add_marker(pytest.mark.timeout(0), append=False)


class Judge:
    """Judges rows and remembers on the item what it ruled. ``run_id`` names the run, where one has begun."""

    def __init__(self, spec: Spec, conductor: Callable[[], Conductor], run_id: Callable[[], str]) -> None:
        self.spec = spec
        self.conductor = conductor
        self.run_id = run_id

    def judge(self, item: pytest.Item, slo: Slo) -> Verdict:
        """The row's verdict, in the item's set-up: a pass or a breach. Fails the set-up where nothing was proven."""
        conductor = self.conductor()
        begun = time.perf_counter()
        with suppress(Inconclusive, Refused):  # the verdict says why
            conductor.record(slo.phase)
        item.stash[_WAITED] = time.perf_counter() - begun
        refused = None
        try:
            verdict = conductor.verdict(slo)
        except Refused as error:
            refused = str(error)
        if refused is not None:
            # Here, so that no cause is chained to a message for a person.
            pytest.fail(refused, pytrace=False)
        item.stash[_VERDICT] = verdict
        replace_properties(item, row_properties(verdict, self.spec, self.run_id()))
        if verdict.ruling is Ruling.INCONCLUSIVE:
            pytest.fail(explain(verdict, self.spec), pytrace=False)
        return verdict

    def broken(self, item: pytest.Item, slo: Slo) -> str | None:
        """Why the item is no pass, None where it is one. Nothing but a verdict of pass is."""
        verdict = item.stash.get(_VERDICT, None)
        if verdict is None:
            return f"{slo.id} was not judged, so nothing was proven"
        return None if verdict.ruling is Ruling.PASS else explain(verdict, self.spec)


class RowRules:
    """The hooks, as a plugin."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """A test that takes `slo` is one test a row."""
        if ROW_FIXTURE in metafunc.fixturenames:
            rows = [slo for phase in self._judge.spec.phases for slo in phase.slos]
            metafunc.parametrize(ROW_FIXTURE, rows, indirect=True, ids=[slo.id for slo in rows])

    @pytest.fixture(name=ROW_FIXTURE)
    def row(self, request: pytest.FixtureRequest) -> JudgedRow:
        """A row of slo.yaml, judged; what could not be proven is an error here."""
        item = request.node
        slo = row_of(item)
        if slo is None:
            pytest.fail(
                "the fixture slo gives one test a row, and this test cannot be repeated: take it as an argument of a "
                "plain test function or method, not of a unittest.TestCase and not by getfixturevalue",
                pytrace=False,
            )
        verdict = self._judge.judge(item, slo)
        seen = verdict.observation
        if seen is None or seen.value is None:
            raise Inconclusive(f"{slo.id} was ruled {verdict.ruling} without a value, a defect of pytest-syncload")
        return JudgedRow(
            id=slo.id,
            name=slo.name,
            phase=slo.phase,
            observed=float(seen.value),
            target=slo.target.value,
            unit=CANONICAL[slo.target.kind],
            verdict=verdict,
            result=self._judge.conductor().result(slo.phase),
        )

    @pytest.fixture
    def slo(self, syncload_row: JudgedRow) -> JudgedRow:
        """A row of slo.yaml, measured; its verdict holds whatever the test's body does."""
        return syncload_row

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Enforce the verdict after a user's body: an empty one, or one without its asserts, proves nothing."""
        slo = None if OWN_ROW in item.stash else row_of(item)
        broken = None if slo is None else self._judge.broken(item, slo)
        if broken is None:
            return (yield)
        try:
            yield
        except _NOT_COUNTED:
            pass  # a row is not taken back by the test that shows it
        except (Exception, pytest.fail.Exception) as error:
            error.add_note(broken)
            raise
        pytest.fail(broken, pytrace=False)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """A row's time is its own, a `load` item's the phase's; an `xfail` mark makes no unproven row expected."""
        report = yield
        if call.when == "setup":
            # Whoever came first has waited for the phase, which may have been another than its own item.
            report.duration = max(report.duration, item.stash.get(PHASE_SECONDS, 0.0))
        slo = row_of(item)
        if slo is None:
            return report
        if call.when == "setup":
            report.duration = max(0.0, report.duration - item.stash.get(_WAITED, 0.0))
        if report.skipped and hasattr(report, "wasxfail") and self._judge.broken(item, slo) is not None:
            del report.wasxfail
            report.outcome = "failed"
        return report
