from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.spec.nodes import MAX_NODES, NotReadable, load

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["C"]), max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["C"]), max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON)
def test_json_is_read_as_what_it_says(value: Any) -> None:
    document = load(json.dumps(value))
    assert document.problems == []
    assert document.value == value


@given(st.text(alphabet=st.sampled_from(list("ab:- \n\t{}[],&*<!%|>\"'\\#?@`~0x.UFu")), max_size=60) | st.text())
def test_any_text_is_a_document_or_not_readable(text: str) -> None:
    try:
        line, value = 1, load(text).value
    except NotReadable as error:
        line, value = error.line, None
    assert 1 <= line <= len(text) + 1
    json.dumps(value, allow_nan=False).encode()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("on", "on"),
        ("~", None),
        ("Null", None),
        ("", None),
        ("12", 12),
        ("-1", -1),
        ("010", 10),
        ("0o10", 8),
        ("0x1f", 31),
        ("1_000", "1_000"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("12:30:00", "12:30:00"),
        ("2026-01-01", "2026-01-01"),
        ("=", "="),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("<<", "<<"),
    ],
)
def test_scalars_are_of_the_core_schema(text: str, value: Any) -> None:
    document = load(f"k: {text}")
    assert document.problems == []
    got = document.value["k"]
    assert (type(got), got) == (type(value), value)


def test_keys_are_the_text_that_was_written() -> None:
    assert load("{1: a, true: b, ~: c, 2026-01-01: d}").value == {"1": "a", "true": "b", "~": "c", "2026-01-01": "d"}


def test_lines_are_those_of_keys_and_items() -> None:
    document = load("a:\n  b:\n    - 1\n    - 2\nc: 3\n")
    assert [document.line(path) for path in [(), ("a",), ("a", "b"), ("a", "b", 1), ("c",)]] == [1, 1, 2, 4, 5]
    assert document.line(("a", "b", "missing", "deeper")) == 2


def test_an_empty_text_has_no_value_and_line_one() -> None:
    document = load("# nothing\n")
    assert (document.value, document.line(("x",))) == (None, 1)


def test_aliases_have_the_line_of_their_definition() -> None:
    document = load("a: &x\n  k: 1\nb: *x\n")
    assert document.value == {"a": {"k": 1}, "b": {"k": 1}}
    assert (document.line(("b",)), document.line(("b", "k"))) == (3, 2)
    document.value["a"]["k"] = 2
    assert document.value["b"]["k"] == 1


def test_merges_give_way_to_own_keys_and_earlier_merges() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 0\nd: {<<: *b}\n"
    document = load(text)
    assert document.value["c"] == {"x": 0, "y": 1, "z": 2}
    assert document.value["d"] == {"y": 2, "z": 2}
    assert document.line(("c", "z")) == 2


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "key 'a' is there twice (first on line 1)"),
        ("x: &x {a: 1}\ny: {<<: *x, <<: *x}\n", 2, "key '<<' is there twice"),
        ("x: {<<: 5}", 1, "<< merges a mapping"),
        ("? [1]\n: x\n", 1, "a key must be text"),
        ("a: !!python/object:os.system x\n", 1, "is not supported"),
        ("a: !thing {b: 1}\n", 1, "is not supported"),
        ("a: !!set {b}\n", 1, "is not supported"),
        ("a: !!bool perhaps\n", 1, "is not supported"),
        ("a: !!int many\n", 1, "not a finite number"),
        ("a: .nan\n", 1, "not a finite number"),
        ("a: 1e999\n", 1, "not a finite number"),
        ("a: " + "9" * 5000 + "\n", 1, "not a finite number"),
        ('a: "\\ud800"\n', 1, "half of a surrogate pair"),
    ],
)
def test_problems_do_not_stop_the_reading(text: str, line: int, what: str) -> None:
    document = load(text + "\nlast: 1\n")
    assert document.value["last"] == 1
    [(at, said)] = document.problems
    assert at == line
    assert what in said


BOMB = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
)
MERGE_CHAIN = "a0: &a0 {k: 1}\n" + "".join(f"a{i}: &a{i} {{<<: *a{i - 1}}}\n" for i in range(1, 300))
MERGE_BOMB = "a0: &a0 {k: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 40))


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: [1\n", 3, "not YAML"),
        ("a:\n\tb: 1\n", 2, "not tabs"),
        ("a: *nowhere\n", 1, "undefined alias"),
        ("a: 1\n---\nb: 1\n", 2, "document"),
        ("a: 1\nb: \x00\n", 2, "U+0000"),
        ('a: 1\nb: "\\UFFFFFFFF"\n', 2, "does not exist"),
        ("a: &a\n  b: *a\n", 1, "inside its own anchor"),
        ("a: &a [*a]\n", 1, "inside its own anchor"),
        ("a: &a {<<: *a}\n", 1, "inside its own anchor"),
        (BOMB, 1, f"more than {MAX_NODES}"),
        (MERGE_BOMB, 2, f"more than {MAX_NODES}"),
        ("[" * 100 + "]" * 100, 1, "nested more than"),
        (MERGE_CHAIN, 1, "nested more than"),
        ("[" * 20_000, 1, "nested more than"),
    ],
)
def test_what_gives_no_document_says_why(text: str, line: int, what: str) -> None:
    with pytest.raises(NotReadable) as caught:
        load(text)
    assert what in str(caught.value)
    assert caught.value.line == line
