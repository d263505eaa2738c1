"""Nothing that a stranger writes means anything to Markdown: a reader of it sees the text again, and nothing else."""

from __future__ import annotations

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pytest_syncload.report.markdown import clipped, code, fenced, plain

#: A second reader, which is not ours. GitHub's own differs in its extensions, of which tables and links are here.
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = [
    "a | b | c",
    "</td></table><script>alert(1)</script>",
    "![x](https://evil.example/x.png) [click](javascript:alert(1))",
    "`` ` `` ```",
    "**bold** _it_ ~~gone~~ $x$",
    "<!-- hidden -->",
    "a\n\n## a heading\n- a list\n",
    "\\| \\",
    "&lt;b&gt; &#60;",
    "- a list",
    "+ a list",
    "12) a list",
    "---",
    "===",
    "@maintainer #1 \u202egnp.exe",
]


def inline(item: str) -> list[Token]:
    """What stands inside the one paragraph of the one item of a list."""
    tokens = READER.parse(item)
    assert [token.type for token in tokens] == [
        "bullet_list_open",
        "list_item_open",
        "paragraph_open",
        "inline",
        "paragraph_close",
        "list_item_close",
        "bullet_list_close",
    ]
    return tokens[3].children or []


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_read_as_text(text: str) -> None:
    found = inline(f"- {plain(text)}")
    assert {token.type for token in found} <= {"text", "text_special"}
    assert "".join(token.content for token in found) == clipped(text, 600)


@given(st.text(min_size=1).filter(lambda text: clipped(text, 600)))
def test_any_text_stays_in_its_item(text: str) -> None:
    assert {token.type for token in inline(f"- {plain(text)}")} <= {"text", "text_special"}


@given(st.text(min_size=1).filter(lambda text: clipped(text, 600)))
def test_any_text_stays_in_its_cell(text: str) -> None:
    tokens = READER.parse(f"| a | b |\n|:--|--:|\n| {plain(text)} | {code(text)} |\n")
    cells = [token for token in tokens if token.type == "inline"]
    assert [token.type for token in tokens].count("td_open") == 2
    shown = "".join(token.content for token in cells[2].children or [])
    assert " ".join(shown.split()) == clipped(text, 600)
    kinds = {token.type for token in cells[3].children or []}
    assert kinds <= {"html_inline", "text", "text_special"}
    assert [token.content for token in cells[3].children or [] if token.type == "html_inline"] == ["<code>", "</code>"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_any_lines_stay_in_their_fence(lines: list[str]) -> None:
    tokens = READER.parse("\n".join([*fenced(lines), "behind"]))
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]


def test_a_bare_address_is_no_link() -> None:
    for text in ("https://evil.example", "www.evil.example", "WWW.evil.example"):
        assert text not in plain(text)
        assert unescape(plain(text)) == text


def test_what_is_long_is_cut() -> None:
    assert clipped("a" * 20, 10) == "a" * 9 + "…"
    assert plain("<" * 20, 3) == "&#60;&#60;…"
