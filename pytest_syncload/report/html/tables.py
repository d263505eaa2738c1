"""A table of the page."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_syncload.report.html.chart import wide
from pytest_syncload.report.html.markup import Html, lines, tag


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Html:
    """A table whose first column names its rows; it scrolls by itself where the page is too narrow."""
    return wide(
        tag(
            "table",
            tag("caption", caption),
            tag("thead", tag("tr", *(tag("th", head, scope="col") if head else tag("td") for head in heads))),
            tag(
                "tbody",
                lines(
                    tag("tr", tag("th", name, scope="row"), *(tag("td", cell) for cell in cells))
                    for name, *cells in rows
                ),
            ),
        ),
        caption,
    )
