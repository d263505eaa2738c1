"""No page links a file or a heading that is not there. Of docs/ Sphinx says so too; this asks the README too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, ROOT

ALL = (*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md")
_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s]+)\)")
_CODE = re.compile(r"^ *```.*?^ *```", re.M | re.S)
_HEADING = re.compile(r"^#+ (.+)$", re.M)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = _CODE.sub("", page.read_text("utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")
        for heading in _HEADING.findall(text)
    }


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(_CODE.sub("", page.read_text("utf-8"))):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), f"{page.name} links {link}, which is outside the repository"
        assert target.exists(), f"{page.name} links {link}, and there is no such file"
        assert not anchor or anchor in anchors(target), f"{page.name} links {link}, and there is no such heading"


def test_the_index_links_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    assert all(f"({page.name})" in index for page in ROOT.glob("docs/*.md") if page.name != "index.md")
