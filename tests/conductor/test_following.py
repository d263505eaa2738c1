"""Snapshots as they come: told once a second, kept once they are whole, and held against the phase's abort rule."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.conductor.following import Following
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.events import Event, PhaseProgress
from pytest_syncload.facts.plan import Abort
from pytest_syncload.facts.result import Outcome
from pytest_syncload.load.snapshot import Held, Slice, Snapshot
from tests.conductor.plans import phase

RULE = Abort(failed_percent=20.0, for_s=2, text="failed > 20 % for 2s")


def second(at: int, *, ok: int = 10, failed: int = 0) -> dict[str, Any]:
    part = Slice(outcomes=Counter({Outcome.OK: ok, Outcome.SERVER_ERROR: failed}))
    return Snapshot(seconds={at: part}, held={0: Held(part=part)}).to_json()


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path)
    folder.make()
    return folder


def following(folder: RunFolder, told: list[Event], *, started_s_ago: float, abort: Abort | None = None) -> Following:
    mine = replace(phase("peak"), abort=abort)
    return Following(
        mine,
        folder,
        told.append,
        start_at=time.monotonic() - started_s_ago,
        wall_s=60.0,
        intended=lambda at: 10.0 + at,
    )


def test_each_second_is_told_once_and_kept_when_all_have_told_of_it(folder: RunFolder) -> None:
    told: list[Event] = []
    mine = following(folder, told, started_s_ago=3.5)
    for at in (0, 1, 2, 2):
        mine.take(second(at))
    progress = [event for event in told if isinstance(event, PhaseProgress)]
    # The last but one: most of its answers are known.
    assert [(event.second.at_s, event.intended) for event in progress] == [(0, 10.0), (1, 11.0)]
    kept = (folder.path / "peak.timeline.jsonl").read_text("utf-8").splitlines()
    assert len(kept) == 2, "the last second may still be told of"
    assert mine.stop is None
    assert mine.merged.hold.arrivals == 40


def test_load_that_nobody_can_keep_is_stopped(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise Refused("no room")

    monkeypatch.setattr(folder, "keep_seconds", full)
    mine = following(folder, [], started_s_ago=3.5)
    mine.take(second(0))
    assert mine.stop == "no room"


@pytest.mark.parametrize(("abort", "stops"), [(RULE, True), (None, False)])
def test_the_phases_own_rule_stops_it(folder: RunFolder, abort: Abort | None, stops: bool) -> None:
    mine = following(folder, [], started_s_ago=2.5, abort=abort)
    mine.take(second(0, ok=1, failed=9))
    assert mine.stop is None
    mine.take(second(1, ok=1, failed=9))
    assert (mine.stop is not None) is stops
    if stops:
        assert "the abort rule 'failed > 20 % for 2s' tripped" in (mine.aborted or "")
        reason = mine.aborted
        mine.take(second(2))
        assert mine.aborted == reason, "it is not taken back"
