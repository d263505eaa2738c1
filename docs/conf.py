"""How the pages become a site: `sphinx-build -W -n docs <folder>`. Needs no network, nor do the pages that it makes.

The pages are plain Markdown and read as well on GitHub, so nothing here is Sphinx's own markup: the navigation is what
index.md links, heading by heading. A page that it does not link is a warning, and so is a link or an anchor that leads
nowhere; with -W each ends the build.
"""

from __future__ import annotations

import re
from itertools import groupby

from sphinx.application import Sphinx

project = "pytest-syncload"
author = copyright = "the pytest-syncload maintainers"
extensions = ["myst_parser"]
html_theme = "furo"  # brings its fonts' names, scripts and styles with it, and asks no other host for any
html_title = "pytest-syncload"
html_copy_source = False
html_show_sphinx = False
nitpicky = True
# Anchors as GitHub makes them, so that a link works in both places.
myst_heading_anchors = 4

_HEADING = re.compile(r"## (.+)")
_LINK = re.compile(r"[-|] \[[^\]]+\]\((\w[\w.-]*)\.md\)")


#: What lies beside docs/ is no page: the site links it where the repository is shown.
_BESIDE = re.compile(r"(?<=\]\()\.\./")
_REPOSITORY = "https://github.com/pytest-syncload/pytest-syncload/blob/main/"


def _prepare(_: Sphinx, page: str, source: list[str]) -> None:
    """Before a page is read: its links out of docs/, and the index's navigation."""
    source[0] = _BESIDE.sub(_REPOSITORY, source[0])
    if page == "index":
        source[0] += _navigation(source[0])


def _navigation(index: str) -> str:
    """A hidden table of contents of what the index links, in its order and below its headings."""
    heading, found = "", []
    for line in index.splitlines():
        if title := _HEADING.match(line):
            heading = title[1]
        elif link := _LINK.match(line):
            found.append((heading, link[1]))
    trees = []
    for caption, pages in groupby(found, lambda each: each[0]):
        names = "\n".join(name for _, name in pages)
        trees.append(f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{names}\n```\n")
    return "".join(trees)


def setup(app: Sphinx) -> None:
    """Sphinx calls this."""
    app.connect("source-read", _prepare)
