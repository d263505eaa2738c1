from __future__ import annotations

import re
from typing import Any

import pytest
import regress
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from pytest_syncload.facts.units import Kind
from pytest_syncload.spec import fields, forms

# Every character that a quantity is written in, and space of all sorts.
PARTS = st.sampled_from(
    [
        *"0159.-",
        *" \t\n\x0b\x1c\x1f\x85\xa0 ",
        "us",
        "ms",
        "s",
        "m",
        "h",
        "%",
        "/s",
        "<",
        "<=",
        "==",
        ">",
        ">=",
        "failed",
    ]
)
TEXTS = st.lists(PARTS, max_size=8).map("".join)
QUANTITIES = st.from_regex(r"[ \t]?[0-9]{1,3}(\.[0-9])?[ \n]?(us|ms|s|m|h|%|/s|)[ \t]?", fullmatch=True)
TARGETS = st.tuples(st.sampled_from(["<", "<= ", "==\x85", "\x1c> ", ">=\xa0"]), QUANTITIES).map("".join)


def of_quantity(kind: Kind) -> str:
    said = forms.quantity(kind, "an example").json_schema
    assert said is not None
    return str(said["pattern"])


def both(pattern: str, text: str) -> bool:
    """Whether Python and ECMAScript find the pattern; that they agree is part of every test here."""
    python, ecma = bool(re.search(pattern, text)), bool(regress.Regex(pattern, "u").find(text))
    assert python == ecma
    return ecma


def taken(read: Any, *arguments: Any) -> bool:
    try:
        read(*arguments)
    except PydanticCustomError:
        return False
    return True


@given(TEXTS | QUANTITIES, st.sampled_from(Kind))
def test_a_quantity_has_the_form_that_editors_are_told(text: str, kind: Kind) -> None:
    assert both(of_quantity(kind), text) == taken(fields.amount, text, kind)


@given(TEXTS | TARGETS, st.sampled_from(Kind))
def test_a_target_has_the_form_that_editors_are_told(text: str, kind: Kind) -> None:
    read = taken(fields.target, text, kind)
    for of in (kind, None):
        if read:
            assert both(forms.target(of)["pattern"], text)


@given(TEXTS | st.tuples(st.just("failed "), TARGETS).map("".join))
def test_the_end_of_a_climb_has_the_form_that_editors_are_told(text: str) -> None:
    if taken(fields.failed_share, text):
        assert both((forms.UNTIL.json_schema or {})["pattern"], text)


@pytest.mark.parametrize("text", ["500", "500 minutes", "5 %", "", "five ms", "-5 ms", "5 ms ms"])
def test_what_is_no_time_is_marked(text: str) -> None:
    assert not both(of_quantity(Kind.TIME), text)


@pytest.mark.parametrize("text", ["${A}", "< ${A} ms", "a $${b"])
def test_a_variable_may_stand_in_any_text(text: str) -> None:
    assert both(forms.VARIABLE["pattern"], text)
    assert both(forms.target(Kind.TIME)["pattern"], text)


def test_words_are_offered_each_with_its_meaning() -> None:
    said = forms.explained([("a", "the first"), ("b", "the second")])
    assert said["anyOf"][0]["enum"] == ["a", "b"]
    assert said["anyOf"][0]["enumDescriptions"] == ["the first", "the second"]
    assert forms.words("a")["anyOf"] == [{"enum": ["a"]}, forms.VARIABLE]
