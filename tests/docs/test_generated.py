"""The pages that are written by the code say what the code says."""

from __future__ import annotations

import re

from pytest_syncload.facts.catalogue import PRESETS
from tests.docs import presets, reference


def test_the_reference_is_current() -> None:
    assert reference.PAGE.read_text("utf-8") == reference.page(), "run python -m tests.docs.reference"


def test_the_presets_are_current() -> None:
    assert presets.PAGE.read_text("utf-8") == presets.page(), "run python -m tests.docs.presets"


def test_every_preset_has_its_place() -> None:
    assert re.findall(r"^### `(.+)`$", presets.page(), re.M) == list(PRESETS)


def test_every_key_says_what_it_takes_and_what_it_is() -> None:
    rows = re.findall(r"^\| \**`[^`]+`\** \| (.*) \| (.*) \|$", reference.page(), re.M)
    assert len(rows) > 100
    assert all(takes and what for takes, what in rows)


def test_every_option_is_there() -> None:
    assert {name.split()[0] for name, _ in reference.options()} >= {"--syncload-env", "--syncload-run"}
    assert all(f"| `{name}` | " in reference.page() for name, _ in reference.options())
