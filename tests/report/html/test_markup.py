"""Text becomes markup in one place: whatever it holds, it is read back as the text it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.report.html.markup import Html, join, lines, tag, text
from tests.report.html.parsed import parsed

#: Shown as they are: no control characters, no marks of direction, no halves of a pair.
SEEN = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf", "Cn")))


@given(SEEN)
def test_text_is_read_back_as_it_was(value: str) -> None:
    (element,) = parsed(tag("p", value, title=value)).elements
    assert element.text == value
    assert element.attributes == {"title": value}


@given(st.text(st.characters()))
def test_no_text_ends_its_element_or_begins_another(value: str) -> None:
    page = tag("td", value, title=value)
    assert [element.name for element in parsed(page).elements] == ["td"]
    page.encode()  # halves of a surrogate pair would refuse


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("safe\u202egpj.exe", "safe\\u202egpj.exe"),
        ("bell\x07", "bell\\u0007"),
        ("half \ud800", "half \\ud800"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
    ],
)
def test_what_would_not_be_seen_is_written_out(value: str, shown: str) -> None:
    assert text(value) == shown


def test_markup_is_not_escaped_twice() -> None:
    assert tag("p", tag("b", "<")) == "<p><b>&lt;</b></p>"
    assert join(["a", None, Html("<br>")], "&") == "a&amp;<br>"
    assert lines([tag("br"), tag("br")]) == "<br>\n<br>"


def test_attributes() -> None:
    assert tag("td", class_="a", aria_label='"', hidden=True, title=None, open=False) == (
        '<td class="a" aria-label="&quot;" hidden></td>'
    )
