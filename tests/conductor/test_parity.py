"""What is looked at before anybody is asked: files in, one check out, and what a report needs in the run's folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.guards import before_anything
from pytest_syncload.conductor.parity import parity_check
from pytest_syncload.conductor.preflight import check
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.parity import Accepted
from pytest_syncload.facts.plan import Environment
from tests.conductor.plans import REAL, phase, spec
from tests.parity.made import DATA, HERE, SECRETS, THERE, accept, every, parity, resource, written
from tests.rows import LATENCY

TASK = 'module.worker["syncwell-production"].aws_ecs_task_definition.worker'


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run's folder, with the two documents beside it."""
    for name in (HERE, THERE):
        shutil.copy(DATA / name, tmp_path / name)
    made = RunFolder(tmp_path / "run")
    made.make()
    return made


def environment(folder: RunFolder, *accepted: Accepted, **changes: Any) -> Environment:
    beside = folder.path.parent
    given = replace(parity(*accepted), terraform=str(beside / HERE), reference=str(beside / THERE))
    return replace(REAL, parity=given, generator_elsewhere="a test", **changes)


def smaller(folder: RunFolder, cpu: str = "512") -> None:
    """The environment's tasks are made smaller than the reference's."""
    value = written(HERE)
    resource(value, "_task_definition.worker")["values"]["cpu"] = cpu
    (folder.path.parent / HERE).write_text(json.dumps(value), "utf-8")


def looked(folder: RunFolder, *accepted: Accepted) -> Check:
    plan = spec(environment=environment(folder, *accepted))
    assert plan.environment.parity is not None
    return parity_check(plan, plan.environment.parity, folder)


def test_nobody_compares_what_nobody_asked_for(folder: RunFolder) -> None:
    assert [each.name for each in before_anything(spec(), REAL, folder)] == ["generator's region"]
    assert folder.parity() is None


def test_what_is_alike_is_told_and_kept(folder: RunFolder) -> None:
    told = looked(folder)
    assert (told.name, told.finding, told.says) == ("parity", Finding.OK, "10 resources are as in production.json")
    kept = folder.parity()
    assert kept is not None
    assert (kept.compared, kept.reference.name, len(kept.reference.digest)) == (10, THERE, 64)
    assert looked(folder) == told, "the second phase of a run"


def test_a_difference_that_nobody_accepts_says_how_to(folder: RunFolder) -> None:
    smaller(folder)
    told = looked(folder)
    assert told.failed
    assert told.says.splitlines() == [
        "1 difference from production.json that nobody accepts, so a result here would not be valid there",
        f"  {TASK} cpu: 512 here, 1024 there (what one task can do)",
        "make them alike, or accept each with a why, below parity.accept (slo.yaml:4):",
        f"  - {{address: '{TASK}', attribute: cpu, why: …}}",
    ]
    kept = folder.parity()
    assert kept is not None
    assert len(kept.unaccepted) == 1


def test_many_differences_are_cut(folder: RunFolder) -> None:
    value = written(HERE)
    every(value)[0] += [resource(value, "hot_path") | {"address": f"aws_sqs_queue.q{number}"} for number in range(30)]
    (folder.path.parent / HERE).write_text(json.dumps(value), "utf-8")
    told = looked(folder).says
    assert told.startswith("30 differences from production.json that nobody accepts")
    assert "and 10 more; the run folder's parity.json has them all" in told


def test_what_is_accepted_and_what_is_stale_are_told(folder: RunFolder) -> None:
    smaller(folder)
    told = looked(folder, accept(TASK, "cpu"))
    assert told.finding is Finding.OK
    assert told.says.splitlines() == [
        "10 resources are as in production.json but for 1 difference that is accepted",
        f"  accepted: {TASK} cpu: 512 here, 1024 there: it is meant so",
    ]
    stale = looked(folder, accept(TASK, "cpu"), accept("aws_nat_gateway", "count"))
    assert stale.finding is Finding.NOTE
    assert "aws_nat_gateway count is accepted (slo.yaml:9) and no difference any more; remove it" in stale.says


def test_what_scaling_moves_is_noted(folder: RunFolder) -> None:
    value = written(HERE)
    resource(value, "_service.worker")["values"]["desired_count"] = 9
    (folder.path.parent / HERE).write_text(json.dumps(value), "utf-8")
    assert looked(folder).says.splitlines() == [
        "10 resources are as in production.json",
        '  noted: module.worker["syncwell-production"].aws_ecs_service.worker desired_count: 9 here, 4 there',
    ]


def test_a_document_that_is_not_there_or_none_is_told_with_what_to_run(folder: RunFolder) -> None:
    (folder.path.parent / THERE).unlink()
    told = looked(folder)
    assert (told.finding, told.says) == (
        Finding.FAILED,
        "production.json cannot be read: No such file or directory; run terraform show -json > production.json "
        "(slo.yaml:4)",
    )
    shutil.copy(DATA / "terraform-raw-state.json", folder.path.parent / THERE)
    assert "is the raw state, as terraform state pull gives it" in looked(folder).says
    assert folder.parity() is None


def test_documents_that_changed_during_the_run_are_refused(folder: RunFolder) -> None:
    assert not looked(folder).failed
    smaller(folder, cpu="1024")  # the same content, written otherwise
    told = looked(folder)
    assert told.failed
    assert "load-testing.json is another than an earlier phase of this run was compared by" in told.says


def test_a_guard_that_fails_lets_nobody_be_asked(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    smaller(folder)
    monkeypatch.setattr("pytest_syncload.conductor.preflight.probe", None)
    monkeypatch.setattr("pytest_syncload.conductor.preflight.client", None)
    plan = spec(environment=environment(folder))
    ground = Ground(environment=plan.environment, clock=ServiceClock.starting_now())
    checks = check(plan, ground, folder, [phase("peak", LATENCY)], lambda: None)
    assert [each.name for each in checks if each.failed] == ["parity"]


def test_no_secret_of_a_state_is_kept_or_said(folder: RunFolder) -> None:
    smaller(folder)
    told = looked(folder)
    assert not any(secret in told.says for secret in SECRETS)
    for file in folder.path.rglob("*"):
        assert file.is_dir() or not any(secret in file.read_text("utf-8") for secret in SECRETS)
