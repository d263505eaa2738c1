"""Placeholders are recognised or refused, never sent; and no value becomes more than a value."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.placeholder import (
    Place,
    Placeholder,
    Slot,
    Unwritable,
    has_placeholder,
    header_parts,
    json_parts,
    path_parts,
    pieces,
    written,
)

ID = Placeholder("users", "id")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("plain {text} }}", ("plain {text} }}",)),
        ("{{users.id}}", (ID,)),
        ("{{ users.id }}", (ID,)),
        ("{{users}}", (Placeholder("users", None),)),
        ("{{users.first name}}", (Placeholder("users", "first name"),)),
        ("{{users.a.b}}", (Placeholder("users", "a.b"),)),
        ("a{{users.id}}b{{users.id}}", ("a", ID, "b", ID)),
        ("{{{{users.id}}", ("{{", "users.id}}")),
        ("{{{users.id}}}", ("{", ID, "}")),
    ],
)
def test_text_is_cut_into_its_pieces(text: str, found: tuple[object, ...]) -> None:
    assert pieces(text) == found
    assert has_placeholder(text) == any(isinstance(piece, Placeholder) for piece in found)


@pytest.mark.parametrize("text", ["{{", "{{users.id}", "{{ }}", "{{Users}}", "{{users.}}", "{{users. }}", "{{a}} {{b"])
def test_what_looks_like_a_placeholder_and_is_none_is_refused(text: str) -> None:
    with pytest.raises(Unwritable, match=r"\{\{ begins no placeholder"):
        pieces(text)


def test_a_placeholder_reads_as_it_is_written() -> None:
    assert [str(piece) for piece in pieces("{{ users.id }}{{modes}}")] == ["{{users.id}}", "{{modes}}"]


def test_a_placeholder_takes_its_field_or_the_whole_row() -> None:
    assert ID.of({"id": 7, "n": 1}) == 7
    assert Placeholder("users", None).of({"id": 7}) == {"id": 7}
    with pytest.raises(Unwritable, match="no field 'id'"):
        ID.of({"n": 1})
    with pytest.raises(Unwritable, match=r"its rows have no fields; write \{\{users\}\}"):
        ID.of("seven")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_a_body_without_placeholders_is_what_the_standard_library_writes(value: Any) -> None:
    escaped = json.loads(json.dumps(value).replace("{{", "{{{{")) if "{{" in json.dumps(value) else value
    wrote = b"".join(part for part in json_parts(escaped) if isinstance(part, bytes))
    if escaped is value:
        assert wrote == json.dumps(value, separators=(",", ":")).encode()


def test_a_placeholder_alone_is_a_value_and_beside_text_a_text() -> None:
    assert json_parts({"a": "{{users.id}}", "b": ["x-{{users.id}}"]}) == (
        b'{"a":',
        Slot(ID, Place.VALUE),
        b',"b":["x-',
        Slot(ID, Place.TEXT),
        b'"]}',
    )
    assert path_parts("/a b/{{users.id}}?x") == (b"/a%20b/", Slot(ID, Place.PATH), b"?x")
    assert header_parts("t {{users.id}}") == (b"t ", Slot(ID, Place.HEADER))


@pytest.mark.parametrize("value", [{1: "a"}, {"a": float("nan")}, [float("inf")], {"a": {1, 2}}, object()])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(Unwritable):
        json_parts(value)


@given(JSON)
def test_a_value_keeps_its_type(value: Any) -> None:
    again = json.loads(written(value, Place.VALUE))
    assert again == value
    assert type(again) is type(value)


@given(st.text())
def test_a_text_stays_one_text(text: str) -> None:
    assert json.loads(b'"' + written(text, Place.TEXT) + b'"') == text


@given(st.text(st.characters(codec="utf-8")).filter(lambda text: text not in (".", "..")))
def test_a_path_s_value_stays_in_its_segment(text: str) -> None:
    wrote = written(text, Place.PATH).decode("ascii")
    assert not set(wrote) & set("/?#&=+ \r\n\0")
    assert unquote(wrote) == text


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_a_header_s_value_is_written_as_it_is(text: str) -> None:
    assert written(text, Place.HEADER).decode() == text


@given(st.text(), st.characters(max_codepoint=31).filter(lambda one: one != "\t") | st.characters(min_codepoint=127))
def test_a_header_s_value_that_would_leave_its_line_is_refused(text: str, beyond: str) -> None:
    with pytest.raises(Unwritable, match="cannot stand in a header"):
        written(text + beyond, Place.HEADER)


@pytest.mark.parametrize("place", [Place.PATH, Place.HEADER, Place.TEXT])
def test_numbers_and_truth_have_a_text_and_nothing_else_has(place: Place) -> None:
    assert [written(value, place) for value in (7, 1.5, True, False)] == [b"7", b"1.5", b"true", b"false"]
    for value, what in ((None, "null"), ({}, "an object or a list"), ([1], "an object or a list")):
        with pytest.raises(Unwritable, match=f"{what} cannot stand in {place.value}"):
            written(value, place)


def test_half_a_surrogate_pair_has_no_place_in_a_path() -> None:
    with pytest.raises(Unwritable, match="surrogate"):
        written("\ud800", Place.PATH)


@pytest.mark.parametrize("value", [".", ".."])
def test_a_path_value_cannot_be_another_path(value: str) -> None:
    with pytest.raises(Unwritable, match="takes them for another one"):
        written(value, Place.PATH)
