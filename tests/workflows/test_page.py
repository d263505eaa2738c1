"""docs/ci.md says what the files have: the example's as they are, every input, and JSON and YAML that can be read."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from tests.workflows.steps import EXAMPLE, GATE, ROOT, jobs

PAGE = (ROOT / "docs" / "ci.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def inputs() -> Any:
    """What the gate takes, by name."""
    return yaml.safe_load(GATE.read_text("utf-8"))[True]["workflow_call"]["inputs"]


@pytest.mark.parametrize("file", ["slo.yaml", "requirements.txt", ".github/workflows/slo.yml"])
def test_the_example_is_on_the_page_as_it_is(file: str) -> None:
    assert (EXAMPLE / file).read_text("utf-8") in [text for _, text in BLOCKS]


def test_the_table_has_every_input_with_its_default() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (.*?) \| (.*) \|$", PAGE, re.MULTILINE)
    told = {name: (default, what) for name, default, what in rows if name in inputs()}
    assert list(told) == list(inputs())
    for name, given in inputs().items():
        default = given.get("default")
        shown = "**needed**" if given.get("required") else "empty" if default == "" else f"`{default}`"
        assert told[name] == (shown, " ".join(given["description"].split()))


def test_each_call_of_the_gate_gives_what_it_takes() -> None:
    calls = [
        job
        for language, text in BLOCKS
        if language == "yaml" and "gate.yml@" in text
        for job in yaml.safe_load(text)["jobs"].values()
    ]
    assert len(calls) == 2
    for job in calls:
        assert set(job["with"]) <= set(inputs())
        assert job["permissions"] == jobs()["load"]["permissions"]
        assert "role" not in job["with"] or "region" in job["with"]


def test_what_is_given_to_github_and_aws_is_json() -> None:
    given = [text for language, text in BLOCKS if language == "json"]
    given += re.findall(r"<<'JSON'\n(.*?)^JSON$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(given) == 3
    rules = [rule for text in given for rule in json.loads(text).get("rules", ())]
    (check,) = rules[0]["parameters"]["required_status_checks"]
    (job,) = jobs(EXAMPLE / ".github" / "workflows" / "slo.yml")
    assert check["context"] == f"{job} / {jobs()['gate']['name']}"


def test_the_jobs_are_called_what_the_page_calls_them() -> None:
    for job in jobs().values():
        assert f"`slo / {job['name']}`" in PAGE
