"""False greens of pytest itself: what a test's body, a mark, an option or an expression could turn green.

Each run is pytest in this process, so that it meets the guards as they are replaced here. Load costs seconds: entries
whose guards are the same share a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.spec import read
from tests.conductor.plans import keep_run
from tests.false_greens.entry import Entry, Seen, Through

PLAN = """\
service: syncwell
{items}
environments:
  sandbox: {{sandbox: {{speed: 120}}}}
load: {{timeout: 2s}}
request:
  method: POST
  path: /v1/sync-jobs
  json: {{source: drive, destination: vault}}
  expect: {{status: 202, json: {{job_id: any}}}}
phases:
  peak:
    rate: 50/s
    hold: 1m
    slos:
      api-latency-p95: {{metric: apigateway.latency, statistic: p95, target: "< {limit}", min_samples: 10}}
{more}
"""
#: Of a run that was measured before, with 120 ms and nothing failed. Judging it again needs no load.
RUN = "20260101T000000Z-aaaaaa"

#: The sandbox's service takes 20 ms.
BROKEN = {"limit": "1 ms", "items": "", "more": ""}
WELL = {"limit": "500 ms", "items": "", "more": ""}
NO_ITEMS = {"limit": "1 ms", "items": "items: false", "more": ""}
#: The run of before broke it, and the sandbox would not.
BROKEN_BEFORE = {"limit": "100 ms", "items": "", "more": ""}
ONE_BROKEN = BROKEN | {"more": '      api-5xx-rate: {metric: apigateway.5xx, target: "< 0.1 %"}'}

#: What a user may write in good faith. The second is compiled as `python -O` does, without its assert.
BODIES = """
import pytest

def test_empty(slo): pass

exec(compile("def test_stripped(slo):\\n    assert slo.met", __file__, "exec", optimize=1))

def test_skips(slo): pytest.skip("not today")

def test_xfails(slo): pytest.xfail("known")

@pytest.mark.xfail(reason="known")
def test_marked(slo): pass
"""

REPLACED = """
import pytest

@pytest.fixture
def syncload_row(): return 1

def test_replaced(slo): pass
"""

SKIPPED = """
import pytest

@pytest.mark.skip
def test_slo(slo): pass
"""

MERELY_MARKED = """
import pytest

@pytest.mark.peak
def test_mine(): pass
"""


UNIT = """
def test_mine(): pass
"""

#: Widespread where a CI job shall not fail because a folder has no tests.
NO_TESTS_ARE_FINE = """
def pytest_sessionfinish(session, exitstatus):
    if exitstatus == 5:
        session.exitstatus = 0
"""

NEVER_FAILS = """
def pytest_sessionfinish(session, exitstatus):
    session.exitstatus = 0
"""

DROPS_A_ROW = """
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if item.name != "api-latency-p95"]
"""

DROPS_ALL_ROWS = """
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if item.path.name != "slo.yaml"]
"""


class Runs:
    """The outcomes of runs that were made: by their plan, arguments and replaced guards. Made once a module."""

    def __init__(self) -> None:
        self.without: frozenset[str] = frozenset()
        self._made: dict[object, tuple[int, dict[str, str]]] = {}

    def outcome(
        self, pytester: pytest.Pytester, plan: Mapping[str, str], files: Mapping[str, str], *args: str
    ) -> tuple[int, dict[str, str]]:
        """The exit status, and test → word."""
        key = (tuple(plan.items()), tuple(files.items()), args, self.without)
        if key not in self._made:
            (pytester.path / "slo.yaml").write_text(PLAN.format(**plan), "utf-8")
            if {"--syncload-run", "--stepwise"} & set(args):
                spec = read(pytester.path / "slo.yaml", environment="sandbox", environ={})
                keep_run(RunFolder(pytester.path / ".syncload" / RUN), spec, *spec.phase("peak").slos)
            for name, text in files.items():
                (pytester.path / f"{name}.py").write_text(text, "utf-8")
            plugins = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:xdist")
            ended = pytester.runpytest_inprocess(*plugins, "-rA", *args)
            words = [line.split(" ") for line in ended.outlines if "::" in line]
            self._made[key] = (
                int(ended.ret),
                {node.rpartition("::test_")[2].partition("[")[0]: word for word, node, *_ in words if word.isupper()},
            )
        return self._made[key]


def of_test(name: str) -> Any:
    """A user's own test of a row that is broken."""

    def scenario(pytester: pytest.Pytester, runs: Runs) -> Seen:
        files = {"test_rows_mine": BODIES, "test_rows_replaced": REPLACED}
        status, words = runs.outcome(pytester, NO_ITEMS, files, "-m", "peak")
        if status == pytest.ExitCode.OK:
            return Seen.GREEN
        return Seen.ERROR if words.get(name) == "ERROR" else Seen.RED

    return scenario


def of_run(plan: Mapping[str, str], *args: str, files: Mapping[str, str] | None = None, ci: bool = False) -> Any:
    """A whole run. One in which nothing was selected is not green: its status says so."""

    def scenario(pytester: pytest.Pytester, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> Seen:
        if ci:
            monkeypatch.setenv("CI", "true")
        status, _ = runs.outcome(pytester, plan, files or {}, *args)
        return {0: Seen.GREEN, 1: Seen.RED}.get(status, Seen.ERROR)

    return scenario


def of_a_folder_below(pytester: pytest.Pytester, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """pytest where there is no slo.yaml, though there is one above."""
    (pytester.path / "svc" / "tests").mkdir(parents=True, exist_ok=True)
    (pytester.path / "svc" / "tests" / "test_mine.py").write_text(MERELY_MARKED, "utf-8")
    monkeypatch.chdir(pytester.path / "svc")
    monkeypatch.setenv("SYNCLOAD_ENV", "sandbox")
    status, _ = runs.outcome(pytester, WELL, {}, "-m", "peak", "-W", "ignore::pytest.PytestUnknownMarkWarning", "tests")
    return Seen.GREEN if status == pytest.ExitCode.OK else Seen.ERROR


_ENDING = "pytest_syncload.shell.ending"
_SELECTION = "pytest_syncload.shell.select:Selection"
UNPROVEN: dict[str, Any] = {f"{_ENDING}:unproven_rows": lambda _: []}
LAST: dict[str, Any] = {f"{_ENDING}:last_word": lambda status, _: status}
BODY: dict[str, Any] = {"pytest_syncload.shell.rows:Judge.broken": lambda *_: None} | UNPROVEN


def _entry(name: str, mistake: str, scenario: Any, guards: dict[str, Any], *needs: str) -> Entry:
    given = needs or ("pytester", "runs")
    return Entry(name=name, mistake=mistake, scenario=scenario, guards=guards, through=Through.PYTEST, needs=given)


_RUN = ("pytester", "runs", "monkeypatch")

ENTRIES: tuple[Entry, ...] = (
    _entry(
        "an empty body",
        "def test_slo(slo): pass asserts nothing, and a test that asserts nothing passes.",
        of_test("empty"),
        BODY,
    ),
    _entry(
        "stripped asserts",
        "python -O takes the assert out of the user's test.",
        of_test("stripped"),
        BODY,
    ),
    _entry("a row's test that skips", "The body calls pytest.skip, and pytest ends with 0.", of_test("skips"), BODY),
    _entry("a row's test that expects to fail", "The body calls pytest.xfail.", of_test("xfails"), BODY),
    _entry("a row marked xfail", "A mark makes the broken row an expected failure.", of_test("marked"), BODY),
    _entry(
        "a row that was never judged",
        "A conftest.py replaces the fixture that judges, and the tests pass with what it gives.",
        of_test("replaced"),
        BODY,
    ),
    _entry(
        "every row skipped",
        "The phase is asked for, all its tests carry a skip mark, and pytest ends with 0.",
        of_run(NO_ITEMS, "-m", "peak", files={"test_rows_mine": SKIPPED}),
        UNPROVEN | {f"{_ENDING}:unjudged_phases": lambda *_: []},
        *_RUN,
    ),
    _entry(
        "a phase whose rows were not collected",
        "-m peak finds a test of the user's own that is marked so, but no row, and pytest ends with 0.",
        of_run(NO_ITEMS, "-m", "peak", files={"test_rows_mine": MERELY_MARKED}),
        {f"{_SELECTION}.asked": lambda *_: ()},
        *_RUN,
    ),
    _entry(
        "set-up only",
        "With --setup-only no body runs, so the broken row never fails.",
        of_run(BROKEN, "-m", "peak", "--setup-only"),
        UNPROVEN,
        *_RUN,
    ),
    _entry(
        "the sandbox by default in CI",
        "A required check names no environment, and stays green against a toy for ever.",
        of_run(WELL, "-m", "peak", ci=True),
        {"pytest_syncload.conductor.ground:refuse_unnamed": lambda *_, **__: None},
        *_RUN,
    ),
    _entry(
        "load by accident",
        'pytest -m "not slow" selects the rows of every phase, and a run of unit tests ends in a green gate.',
        of_run(WELL, "-m", "not slow"),
        {f"{_SELECTION}.true_without_marks": lambda *_: []},
        *_RUN,
    ),
    _entry(
        "an exit status that a hook overwrites",
        "A conftest.py writes 0 when the session ends, beside a row that is shown as broken.",
        of_run(BROKEN, "-m", "peak", "--syncload-run", RUN, files={"conftest": NEVER_FAILS}),
        LAST,
        *_RUN,
    ),
    _entry(
        "no tests are no failure",
        "A conftest.py turns exit status 5 into 0, also where the phase that was asked for has lost all its rows.",
        of_run(WELL, "-m", "peak", "--deselect", "slo.yaml::peak", files={"conftest": NO_TESTS_ARE_FINE}),
        LAST,
        *_RUN,
    ),
    _entry(
        "an expression that is true of anything else too",
        'pytest -m "peak or not slow" names the phase, starts no load, passes the unit tests and ends with 0.',
        of_run(WELL, "-m", "peak or not slow", files={"test_mine": UNIT}),
        {f"{_SELECTION}.asks_for": lambda *_: False},
        *_RUN,
    ),
    _entry(
        "a row that a hook takes out",
        "A conftest.py drops the broken row after collection, and the others pass.",
        of_run(ONE_BROKEN, "-m", "peak", "--syncload-run", RUN, files={"conftest": DROPS_A_ROW}),
        {f"{_SELECTION}.taken_out": lambda *_: ()},
        *_RUN,
    ),
    _entry(
        "a phase named by node id that a hook takes out",
        "All rows of the phase are dropped, the unit tests named beside it pass, and no -m tells what was asked for.",
        of_run(WELL, "slo.yaml::peak", "test_mine.py", files={"test_mine": UNIT, "conftest": DROPS_ALL_ROWS}),
        {f"{_SELECTION}.taken_out": lambda *_: (), f"{_SELECTION}.asked": lambda *_: ()},
        *_RUN,
    ),
    _entry(
        "dice re-rolled row by row",
        "--stepwise begins at the row that failed, under new load: no single load was ever good in all rows.",
        of_run(BROKEN_BEFORE, "-m", "peak", "-p", "cacheprovider", "-p", "stepwise", "--stepwise"),
        {"pytest_syncload.shell.settings:repeats": lambda _: ""},
        *_RUN,
    ),
    _entry(
        "an earlier run that nothing is judged of",
        "--syncload-run names the run, but no -m selects a phase, and the unit tests pass.",
        of_run(WELL, "--syncload-run", RUN, "test_mine.py", files={"test_mine": UNIT}),
        {f"{_ENDING}:judged_nothing": lambda *_, **__: False},
        *_RUN,
    ),
    _entry(
        "an environment named by an unset variable",
        'A job says --syncload-env "$TARGET", nobody set TARGET, and the sandbox is what passes.',
        of_run(WELL, "-m", "peak", "--syncload-env", "", "--syncload-run", RUN),
        {"pytest_syncload.plugin:refuse_empty": lambda _: None},
        *_RUN,
    ),
    _entry(
        "a folder below slo.yaml",
        "pytest runs where no slo.yaml is, SYNCLOAD_ENV is set, and -m peak finds a test of the user's own.",
        of_a_folder_below,
        {"pytest_syncload.plugin:refuse_without_file": lambda *_: None},
        *_RUN,
    ),
)
