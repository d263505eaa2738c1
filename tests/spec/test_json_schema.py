from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import regress
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from pytest_syncload.facts.catalogue import PRESETS, Rule
from pytest_syncload.facts.errors import SpecError
from pytest_syncload.spec import json_schema
from pytest_syncload.spec.nodes import load
from tests.spec.mistakes import FINE, MISTAKES, PEAK, PLAIN, RAW, ROW
from tests.spec.plans import FULL, SMALL, changed, leaves, read_plan, read_text

ROOT = Path(__file__).parents[2]
SHIPPED = files("pytest_syncload") / "slo.schema.json"
DOCUMENT = json_schema.json_schema()
SCHEMA = Draft7Validator(DOCUMENT)

ANCHORED = """\
service: anchored
request: {path: /}
phases:
  peak: &peak
    rate: 10/s
    hold: 10m
    slos: &rows
      depth: &depth {metric: sqs.visible, target: "< 1000", sustained: 3m}
      lower: {<<: *depth, target: "< 10"}
  soak: {<<: *peak, hold: 1h, slos: *rows}
"""


def test_the_shipped_file_is_what_the_models_give() -> None:
    assert SHIPPED.read_text() == json_schema.text(), "run `python -m pytest_syncload.spec.json_schema` into the file"


def test_the_module_prints_it() -> None:
    command = [sys.executable, "-m", "pytest_syncload.spec.json_schema"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == json_schema.text()


def test_it_is_a_schema_of_the_draft_it_names() -> None:
    Draft7Validator.check_schema(DOCUMENT)
    assert DOCUMENT["$schema"] == Draft7Validator.META_SCHEMA["$schema"]


@pytest.mark.parametrize(
    "text",
    [json.dumps(FULL), SMALL, ANCHORED, (ROOT / "slo.yaml").read_text()],
    ids=["full", "small", "anchored", "ours"],
)
def test_a_right_plan_validates(tmp_path: Path, text: str) -> None:
    read_text(tmp_path, text, "sandbox")
    assert [error.message for error in SCHEMA.iter_errors(load(text).value)] == []


def test_the_repository_s_own_plan_names_it_to_editors() -> None:
    first = (ROOT / "slo.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=pytest_syncload/slo.schema.json"


@pytest.mark.parametrize(("path", "value", "what"), PLAIN, ids=[".".join(map(str, path)) for path, _, _ in PLAIN])
def test_a_plain_mistake_does_not_validate(path: tuple[str | int, ...], value: Any, what: str) -> None:
    assert not SCHEMA.is_valid(changed(path, value)), what


def test_finer_mistakes_are_known_to_be_the_reader_s() -> None:
    refused = [path for path, value, _ in FINE if not SCHEMA.is_valid(changed(path, value))]
    assert refused == [], "the schema has learnt these; list them as plain"


@pytest.mark.parametrize(("path", "value"), [(leaf, "${VARIABLE}") for leaf in leaves(FULL)])
def test_a_variable_may_stand_wherever_the_reader_takes_text(
    tmp_path: Path, path: tuple[str | int, ...], value: str
) -> None:
    """Filled in with what stood there, it is read; so the schema must allow it."""
    before: Any = FULL
    for part in path:
        before = before[part]
    environment = "real" if path[:2] == ("environments", "real") else "sandbox"
    try:
        read_plan(tmp_path, changed(path, value), environment, {"VARIABLE": str(before)})
    except SpecError:
        assert not isinstance(before, str), path
    else:
        assert SCHEMA.is_valid(changed(path, value))


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="ascii"), max_size=8)
    | st.sampled_from(
        ["5m", "90s", "0.5 %", "3/s", "< 5", "== 0", "> 1 %", "p95", "Sum", "auto", "any", "none", "${A}"]
    )
    | st.sampled_from(sorted(PRESETS))
    | st.sampled_from([what for _, what, _ in MISTAKES])
)
PLACES = [leaf[:depth] for leaf in leaves(FULL) for depth in range(1, len(leaf) + 1)]
EXTRA = [(*ROW, rule.value) for rule in Rule] + [(*RAW, rule.value) for rule in Rule] + [(*PEAK, "climb"), ("x-more",)]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from([*PLACES, *EXTRA]), VALUES), min_size=1, max_size=2))
def test_what_the_schema_refuses_the_reader_refuses(
    tmp_path: Path, changes: list[tuple[tuple[str | int, ...], Any]]
) -> None:
    """In one of its environments at least: what only another one uses, the reader leaves to the run that chooses it."""
    plan: Any = FULL
    for path, value in changes:
        try:
            plan = changed(path, value, plan)
        except (TypeError, IndexError, ValueError):
            return  # The first change took away where the second would go.
    if not SCHEMA.is_valid(plan):
        assert any(refuses(tmp_path, plan, environment) for environment in ("sandbox", "real"))


def refuses(folder: Path, plan: Any, environment: str) -> bool:
    try:
        read_plan(folder, plan, environment, {"A": "5m"})
    except SpecError:
        return True
    return False


def test_every_preset_is_explained_and_completed_with_its_statistics() -> None:
    row = DOCUMENT["definitions"]["PresetRowModel"]
    known = row["properties"]["metric"]["anyOf"][0]
    assert dict(zip(known["enum"], known["enumDescriptions"], strict=True)) == {
        name: preset.what for name, preset in PRESETS.items()
    }
    for preset in PRESETS.values():
        [takes] = [
            one["then"]["properties"]
            for one in row["allOf"]
            if preset.name in one["if"]["properties"]["metric"]["enum"]
        ]
        offered = takes["statistic"]["anyOf"][0]["enum"] if takes["statistic"] else []
        assert tuple(offered) == preset.statistics


def test_every_key_says_what_it_is_for() -> None:
    definitions = DOCUMENT["definitions"]
    silent = [
        f"{owner}.{key}"
        for owner, piece in [("", DOCUMENT), *definitions.items()]
        for key, said in piece["properties"].items()
        if "description" not in said | definitions.get(said.get("$ref", "").rpartition("/")[2], {})
    ]
    assert silent == []


def test_every_pattern_is_one_for_editors_too() -> None:
    """Editors take ECMAScript's, with its strict escapes; `regress` is what `check-jsonschema` reads them with."""
    patterns = set(found("pattern", DOCUMENT))
    assert len(patterns) > 10
    for pattern in patterns:
        regress.Regex(pattern, "u")


def found(keyword: str, said: Any) -> Iterator[str]:
    """The texts of a keyword anywhere in a schema."""
    parts = said.values() if isinstance(said, dict) else said if isinstance(said, list) else []
    if isinstance(said, dict) and isinstance(said.get(keyword), str):
        yield said[keyword]
    for part in parts:
        yield from found(keyword, part)


def test_check_jsonschema_says_what_is_wrong_without_a_network(tmp_path: Path) -> None:
    (tmp_path / "right.yaml").write_text(ANCHORED)
    (tmp_path / "wrong.yaml").write_text(ANCHORED.replace("10m", "10").replace("sqs.visible", "sqs.visibel"))
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(SHIPPED)]
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    said = {}
    for names in (["right.yaml", str(ROOT / "slo.yaml")], ["wrong.yaml"]):
        done = subprocess.run(
            [*command, *names], capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, **nowhere}
        )
        said[done.returncode] = done.stdout + done.stderr
    assert sorted(said) == [0, 1]
    assert "$.phases.peak.hold: 10 is not of type 'string'" in said[1]
    assert "$.phases.peak.slos.depth.metric" in said[1]
