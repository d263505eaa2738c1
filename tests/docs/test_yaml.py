"""Every YAML block of the pages is a right slo.yaml, or becomes one in the place where its keys stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_syncload.spec import read
from pytest_syncload.spec.schema import FileModel
from tests.docs.blocks import PAGES, Block, blocks

#: The least that a plan has; a block is put into it.
_REQUEST = {"path": "/v1/sync-jobs", "json": {"mode": "incremental"}, "expect": {"json": {"job_id": "unique"}}}
_ROW = {"metric": "apigateway.latency", "target": "< 500 ms"}
_HOLD = {"rate": "3000/s", "hold": "15m", "slos": {"latency": _ROW}}
_REAL = {"base_url": "https://api.example.com", "region": "eu-central-1", "max_rate": "20000/s"}
_CHECKED = {"keys": {"metric": "idempotency.violations", "target": "== 0"}}
#: What the blocks' variables and files are here.
_ENVIRON = dict.fromkeys(("FIREBASE_API_KEY", "FIREBASE_SERVICE_ACCOUNT", "LOAD_PASSWORD"), "made-up")
_FILES = {
    "users.csv": "tenant,folder\nacme,photos\n",
    "data/sizes.jsonl": '{"bytes": 4096}\n',
    "values.py": "def row(arrival, seed):\n    return {'n': arrival}\n",
}
#: Top-level keys of a workflow of GitHub, or of a part of one.
_OF_A_WORKFLOW = {"environment", "jobs", "permissions", "role", "steps", "uses", "with"}
YAML = [block for page in PAGES for block in blocks(page) if block.language == "yaml"]


def whole(part: Any) -> dict[str, Any] | None:
    """The plan that a block is, or is a part of; None where it is of another file, such as a workflow of CI."""
    if not isinstance(part, Mapping) or _OF_A_WORKFLOW & {*part}:
        return None
    if "service" in part:
        return dict(part)
    keys = {*part}
    plan: dict[str, Any] = {"service": "syncwell", "request": _REQUEST, "phases": {"peak": _HOLD}}
    if keys <= {*FileModel.model_fields}:
        plan |= part
    elif keys <= {"firebase", "tokens", "resources", "base_url", "region", "max_rate"}:
        plan["environments"] = {"real": _REAL | dict(part)}
    elif keys <= {"sandbox", "faults", "capacity"}:
        plan["environments"] = {"sandbox": part if "sandbox" in part else {"sandbox": part}}
    elif all(isinstance(one, Mapping) and {"base_url", "sandbox"} & {*one} for one in part.values()):
        plan["environments"] = dict(part)
    elif all(isinstance(row, Mapping) and {"metric", "query"} & {*row} for row in part.values()):
        plan["phases"] = {"peak": _HOLD | {"slos": dict(part)}}
    else:
        rows = {"slos": {"latency": _ROW}}
        plan["phases"] = {"held": _HOLD} | {name: rows | phase for name, phase in part.items()}
    checks_keys = plan["request"].get("idempotency", {}).get("verify")
    if checks_keys and "phases" not in part:
        plan["phases"]["peak"] = _HOLD | {"slos": _CHECKED}
    return plan


def is_whole(block: Block) -> bool:
    """Whether a block is a whole file: then it is read as it stands."""
    return "service" in yaml.safe_load(block.text)


PLANS = [(block, plan) for block in YAML if (plan := whole(yaml.safe_load(block.text))) is not None]


@pytest.mark.parametrize(("block", "plan"), [pytest.param(*each, id=str(each[0])) for each in PLANS])
def test_a_block_is_right(block: Block, plan: dict[str, Any], tmp_path: Path) -> None:
    for name, text in _FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    file = tmp_path / "slo.yaml"
    file.write_text(block.text if is_whole(block) else yaml.safe_dump(plan, sort_keys=False), "utf-8")
    for environment in plan.get("environments") or {None: {}}:
        assert read(file, environment=environment, environ=_ENVIRON).phases


def test_the_pages_have_whole_files_and_parts() -> None:
    whole_files = {block.page.name for block, _ in PLANS if is_whole(block)}
    assert {"first-verdict.md", "slo-yaml.md"} <= whole_files
    assert len(PLANS) > len(whole_files)


def test_a_wrong_block_is_found() -> None:
    assert whole({"phases": {"peak": {"rate": 1}}}) == {
        "service": "syncwell",
        "request": _REQUEST,
        "phases": {"peak": {"rate": 1}},
    }
    assert whole({"jobs": {}}) is None
