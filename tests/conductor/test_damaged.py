"""A run folder that somebody has damaged: every row ends in a verdict or in one message, never in a traceback."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_syncload.conductor.conductor import Conductor
from pytest_syncload.conductor.earlier import find_run
from pytest_syncload.conductor.replay import Replay
from pytest_syncload.conductor.reporting import report_of
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.errors import PhaseInvalid, Refused
from pytest_syncload.facts.observation import Ruling
from pytest_syncload.report.table import closing_table
from pytest_syncload.report.text import describe, explain, explain_load
from tests.conductor.plans import keep_run, phase, spec
from tests.rows import DEPTH, ERRORS, LATENCY, START, TASKS, THROTTLES, WINDOW
from tests.sources.test_tasks import census, stopped, task

RUN = "20261124T090000Z-aaaaaa"
ROWS = (LATENCY, ERRORS, THROTTLES, replace(DEPTH, sustained_s=60.0, growth="none"), TASKS)
PLAN = spec(phase("peak", *ROWS))
FILES = ("peak.result.json", "peak.answers.json", "peak.tasks.json", "plan.json", "environment.json", "account.json")
#: What may stand where something else stood.
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        [math.nan, math.inf, -math.inf, -1, 0, 1e308, 10**400, START + 1, "", "x", "NaN", [], {}, [1], {"a": 1}]
    ),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("root") / ".syncload" / RUN)
    keep_run(folder, PLAN, *ROWS)
    folder.keep_account("111122223333")
    record = folder.record("peak")
    assert record is not None
    polls = (START - 30, START + 90, WINDOW.end + 90)
    folder.keep("peak", replace(record, census=census(task(), stopped(1), polls=polls)))
    return folder


def paths(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in the document."""
    yield at
    below = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, child in below:
        yield from paths(child, (*at, key))


def put(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = deepcopy(data)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    if value is DELETED:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return changed


DELETED = object()


def judge_all(root: Path) -> list[Ruling]:
    """Judge every row and say everything about it, as the shell does."""
    folder = RunFolder(root / ".syncload" / "again")
    folder.make()
    earlier = find_run(root, RUN, root)
    plan = replace(PLAN, environment=earlier.environment, rejudged=earlier.rejudged)
    replay = Replay(earlier, plan)
    replay.begin(folder)
    mine = Conductor(plan, folder, lambda: ["peak"], lambda _: None, replay)
    verdicts = [mine.verdict(slo) for slo in ROWS]
    assert all(explain(verdict, plan) for verdict in verdicts)
    told = report_of(
        plan, folder, replay.record, ["peak"], [slo.id for slo in ROWS], root=root, command="pytest -m peak"
    )
    assert told.verdicts == tuple(verdicts)
    assert closing_table(told)
    assert describe(plan)
    record = None
    try:
        record = mine.record("peak")
    except PhaseInvalid:
        assert {verdict.ruling for verdict in verdicts} == {Ruling.INCONCLUSIVE}
    if record is not None and record.result is not None:
        assert explain_load(record.result, ["x"])
    return [verdict.ruling for verdict in verdicts]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(data=st.data())
def test_one_wrong_thing_in_a_file_is_no_traceback(run: RunFolder, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILES))
    text = (run.path / name).read_text("utf-8")
    document = json.loads(text)
    path = data.draw(st.sampled_from(list(paths(document))))
    value = data.draw(st.one_of(st.just(DELETED), ODD) if path else ODD)
    try:
        (run.path / name).write_text(json.dumps(put(document, path, value)), "utf-8")
        judge_all(run.path.parent.parent)
    except Refused:
        assert name in ("plan.json", "environment.json")
    finally:
        (run.path / name).write_text(text, "utf-8")


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_half_a_file_proves_nothing(run: RunFolder, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILES[:3]))
    content = (run.path / name).read_bytes()
    end = data.draw(st.integers(0, len(content.rstrip()) - 1))
    try:
        (run.path / name).write_bytes(content[:end])
        assert set(judge_all(run.path.parent.parent)) == {Ruling.INCONCLUSIVE}
    finally:
        (run.path / name).write_bytes(content)


def test_undamaged_it_is_judged(run: RunFolder) -> None:
    found = judge_all(run.path.parent.parent)
    assert found[:3] == [Ruling.PASS] * 3
    assert found[4] is Ruling.BREACH
