"""An earlier run is found by its name, and what cannot be judged again is refused in one message."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.conductor.earlier import (
    ENVIRONMENT_FILE,
    LAST,
    PLAN_FILE,
    POINTER_FILE,
    environment_to_json,
    find_run,
)
from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import AwsAccess, Firebase, SandboxSettings
from tests.conductor.plans import REAL, SANDBOX, keep_run, spec
from tests.rows import LATENCY, RESOURCES

OLD, NEW, NEWEST = "20261124T090000Z-aaaaaa", "20261124T100000Z-000000", "20261124T110000Z-ffffff"


def run(root: Path, run_id: str = OLD) -> RunFolder:
    folder = RunFolder(root / ".syncload" / run_id)
    keep_run(folder, spec(), LATENCY)
    return folder


def said(root: Path, wanted: str) -> str:
    with pytest.raises(Refused) as refused:
        find_run(root, wanted, root)
    return str(refused.value)


def test_a_run_is_found_by_id_by_path_and_as_the_last(tmp_path: Path) -> None:
    first, second = run(tmp_path, OLD), run(tmp_path, NEW)
    assert find_run(tmp_path, OLD, tmp_path).path == first.path
    assert find_run(tmp_path, LAST, tmp_path).path == second.path
    elsewhere = tmp_path / "artifacts" / "of-the-nightly-run"
    elsewhere.parent.mkdir()
    first.path.rename(elsewhere)
    found = find_run(tmp_path, "of-the-nightly-run", elsewhere.parent)
    assert found.path == elsewhere
    assert find_run(tmp_path, str(elsewhere), tmp_path) == found
    assert (found.phases, found.load) == (spec().phases, spec().load)
    assert found.environment == REAL
    assert found.phase("peak") == spec().phase("peak")
    assert found.phase("soak") is None


def test_the_last_run_is_the_newest_that_began_a_phase(tmp_path: Path) -> None:
    wanted = run(tmp_path, OLD)
    again = run(tmp_path, NEW)
    again.write(POINTER_FILE, {"run_id": OLD})
    (tmp_path / ".syncload" / "zzz").mkdir()
    only_checked = RunFolder(tmp_path / ".syncload" / "20261124T120000Z-ffffff")
    only_checked.make()
    assert find_run(tmp_path, LAST, tmp_path).path == wanted.path


def test_where_the_last_run_measured_nothing_no_older_one_takes_its_place(tmp_path: Path) -> None:
    run(tmp_path, OLD)
    refused = run(tmp_path, NEWEST)
    failed = (Check(name="queue", finding=Finding.FAILED, says="there is none"),)
    refused.keep("peak", PhaseRecord(result=None, reading=None, problem="refused", failed_checks=failed))
    assert f"the last run, {NEWEST}, measured nothing" in said(tmp_path, LAST)
    assert f"--syncload-run {OLD}" in said(tmp_path, LAST)
    lost = RunFolder(tmp_path / ".syncload" / "20261124T120000Z-ffffff")
    lost.make()
    lost.mark_started("peak")
    assert f"the last run, {lost.run_id}, measured nothing" in said(tmp_path, LAST)
    (lost.path / "peak.started").unlink()
    # A damaged result may have been one: an older run must not take its place without a word.
    (refused.path / "peak.result.json").write_text("{", "utf-8")
    assert find_run(tmp_path, LAST, tmp_path).path == refused.path


def test_a_folder_of_the_future_is_not_the_last_for_ever(tmp_path: Path) -> None:
    run(tmp_path, OLD)
    ahead = run(tmp_path, "20991231T000000Z-abcdef")
    assert f"{ahead.path} is named after a moment that is still to come" in said(tmp_path, LAST)
    assert find_run(tmp_path, ahead.run_id, tmp_path).path == ahead.path


def test_where_there_is_none_it_says_which_there_are(tmp_path: Path) -> None:
    assert "there is no earlier run: none in" in said(tmp_path, LAST)
    assert "no run is there" in said(tmp_path, NEW)
    run(tmp_path, OLD)
    assert f"there is no run '{NEW}'" in said(tmp_path, NEW)
    assert f"the newest are {OLD}" in said(tmp_path, NEW)


def test_a_name_that_was_left_empty_means_no_run(tmp_path: Path) -> None:
    run(tmp_path)
    assert "it is no folder of a run" in said(tmp_path, "")


def test_a_judging_again_is_not_judged_again(tmp_path: Path) -> None:
    run(tmp_path, NEW).write(POINTER_FILE, {"run_id": OLD})
    assert f"is itself a judging again, of run {OLD}; name that run" in said(tmp_path, NEW)


def test_a_run_that_is_still_going_on_is_not_judged(tmp_path: Path) -> None:
    folder = run(tmp_path)
    with folder.controller_lock():
        assert f"run {OLD} is still going on" in said(tmp_path, OLD)
    assert find_run(tmp_path, OLD, tmp_path).path == folder.path


def change(file: str, edit: Callable[[Any], Any]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        data = edit(json.loads((folder / file).read_text("utf-8")))
        (folder / file).write_text(json.dumps(data), "utf-8")

    return damage


@pytest.mark.parametrize("file", [PLAN_FILE, ENVIRONMENT_FILE])
@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"1", b"null", b'"x"', b"{}", b"\xff\xfe", b"[" * 100_000, b'{"format": 1}']
)
def test_a_damaged_folder_is_one_message(tmp_path: Path, file: str, content: bytes) -> None:
    folder = run(tmp_path)
    (folder.path / file).write_bytes(content)
    message = said(tmp_path, OLD)
    assert str(folder.path) in message
    assert message.endswith("name another run, or run the phase again")
    assert "\n" not in message


@pytest.mark.parametrize(
    "damage",
    [
        change(PLAN_FILE, lambda data: data | {"format": 2}),
        change(PLAN_FILE, lambda data: data | {"begun_at": "NaN"}),
        change(PLAN_FILE, lambda data: data | {"begun_at": 1e300}),
        change(PLAN_FILE, lambda data: data | {"phases": [{"name": "peak"}]}),
        change(PLAN_FILE, lambda data: data | {"load": {"arrivals": "never"}}),
        change(ENVIRONMENT_FILE, lambda data: {key: data[key] for key in data if key != "as_run"}),
        change(ENVIRONMENT_FILE, lambda data: data | {"as_run": {"name": "x", "line": 1, "resources": 3}}),
        lambda folder: (folder / PLAN_FILE).unlink(),
        lambda folder: ((folder / PLAN_FILE).unlink(), (folder / PLAN_FILE).mkdir()),
    ],
)
def test_whatever_is_wrong_in_it_is_refused(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    folder = run(tmp_path)
    damage(folder.path)
    assert "name another run, or run the phase again" in said(tmp_path, OLD)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    assert f"{tmp_path / 'docs'} has no plan.json: it is no folder of a run" in said(tmp_path, "docs")


def test_no_secret_is_kept() -> None:
    secret = Firebase(api_key="s3cret", project="p", service_account="s3cret.json")
    keys = AwsAccess(region="eu-central-1", access_key_id="s3cret", secret_access_key="s3cret")
    for environment in (REAL, replace(SANDBOX, sandbox=SandboxSettings(rate_scale=0.4))):
        kept = environment_to_json(replace(environment, firebase=secret, aws=keys, resources=RESOURCES))
        assert "s3cret" not in json.dumps(kept)
        assert kept["resources"]["tables"] == {"sync-jobs": []}
    assert kept["sandbox"]["rate_scale"] == 0.4


def test_who_only_looks_for_a_run_does_not_pay_for_the_load_path() -> None:
    code = (
        "import sys, pytest_syncload.conductor.earlier\n"
        "print(*sorted({'boto3', 'botocore', 'httpx', 'uvicorn', 'scipy'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""
