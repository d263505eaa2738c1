"""Calibrating for real, a little: a generator process, a process that answers, and the plan's own request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_syncload.conductor import calibrate as room
from pytest_syncload.conductor.calibrate import calibrate
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.calibration import Step
from pytest_syncload.facts.plan import LoadSettings, Passage, RequestTemplate, Spec
from pytest_syncload.load import engine, validity
from tests.busy import calm
from tests.conductor.plans import spec


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """Two steps of some requests each, on limits that a busy test machine keeps."""
    calm(monkeypatch)
    monkeypatch.setattr(engine, "LATE_SECONDS", 20.0)
    monkeypatch.setattr(room, "_TIMEOUT_S", 10.0)
    monkeypatch.setattr(room, "_FIRST", 0.01)
    monkeypatch.setattr(room, "_DOUBLINGS", 2)
    monkeypatch.setattr(room, "_HOLD_S", 0.2)
    folder = RunFolder(tmp_path / "run")
    folder.make()
    return folder


def plan(**changes: object) -> Spec:
    request = RequestTemplate(
        method="POST",
        path="/v1/jobs",
        expect_status=(202, 200),
        expect_headers=(("X-Cache", "MISS"), ("Date", "any"), ("Content-Type", "application/json")),
        expect_json={"job": {"id": "unique", "at": "any"}, "state": "queued", "retry": None},
    )
    return replace(spec(), request=request, load=LoadSettings(**changes))  # type: ignore[arg-type]


def test_the_rate_doubles_while_it_is_carried(folder: RunFolder) -> None:
    told: list[Step] = []
    with folder.controller_lock():
        found = calibrate(plan(), folder, told.append)
    assert list(found.steps) == told
    assert [(step.rate_per_s, step.fell_short) for step in told] == [(50.0, None), (100.0, None)]
    assert all(step.cpu_percent > 0 and step.lag_p99_ms > 0 for step in told)
    assert found.carried_per_s == 100.0


def test_httpx_begins_lower_and_what_falls_short_ends_it(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validity, "LAG_P99_MS", 0.0)
    monkeypatch.setattr(room, "_FIRST", 0.2)
    with folder.controller_lock():
        found = calibrate(plan(transport=Passage.HTTPX), folder, lambda _: None)
    (step,) = found.steps
    assert step.rate_per_s == 60.0
    assert "the generator's own lag was" in (step.fell_short or "")
    assert found.carried_per_s is None
