from __future__ import annotations

import pytest

from pytest_syncload.spec.nodes import Path
from pytest_syncload.spec.substitute import substitute

ENVIRON = {"KEY": "v", "A": "1", "EMPTY": "", "BYTES": "caf\udce9", "NESTED": "${KEY}"}


def nothing(path: Path) -> bool:
    return False


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${KEY}", "v"),
        ("a ${KEY} ${A}b", "a v 1b"),
        ("$${KEY}", "${KEY}"),
        ("$${KEY} ${KEY}", "${KEY} v"),
        ("$KEY costs $5", "$KEY costs $5"),
        ("${NESTED}", "${KEY}"),
    ],
)
def test_variables_are_filled_in_once(text: str, filled: str) -> None:
    assert substitute([{"k": text}, 5, None], ENVIRON, skip=nothing)[:2] == ([{"k": filled}, 5, None], [])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("${NOPE}", "${NOPE} is not set"),
        ("${EMPTY}", "${EMPTY} is set but empty"),
        ("${BYTES}", "${BYTES} does not hold UTF-8"),
        ("${KEY", "'${KEY' is not a variable"),
        ("${KEY:-x}", "'${KEY:-x}' is not a variable"),
        ("${}", "'${}' is not a variable"),
    ],
)
def test_what_cannot_be_filled_in_is_left_and_named(text: str, what: str) -> None:
    value, problems, _ = substitute({"k": [f"${{KEY}} {text}"]}, ENVIRON, skip=nothing)
    assert value == {"k": [f"${{KEY}} {text}"]}
    [(path, said)] = problems
    assert path == ("k", 0)
    assert what in said


def test_skipped_parts_and_keys_are_not_touched() -> None:
    value = {"a": {"${KEY}": "${NOPE}"}, "${KEY}": "${KEY}"}
    assert substitute(value, ENVIRON, skip=lambda path: path == ("a",)) == (
        {"a": {"${KEY}": "${NOPE}"}, "${KEY}": "v"},
        [],
        [(("${KEY}",), "v")],
    )
