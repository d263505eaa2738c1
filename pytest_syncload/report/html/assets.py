"""What the page carries with it: its own style and script, the chart library, and the policy that nothing else runs.

The policy names each of them by its SHA-256, so that even markup that got past escaping could run no script and ask no
network: a Content-Security-Policy by hashes (W3C CSP Level 3, 8.3), in a `meta` element because a file has no headers.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from pytest_syncload.report.html.markup import Html, lines, tag

#: uPlot 1.6.32 (MIT), from npm: two files of its dist/ and its LICENSE, as they are. The package's integrity there is
#: sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==
#: Chosen because it is one file without dependencies that draws tens of thousands of points in milliseconds; a page of
#: Plotly or ECharts would be ten times the size of the rest of it.
VENDORED = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
#: What would end an element or begin a comment inside it.
_ENDS = re.compile("</(script|style)|<!--", re.IGNORECASE)


class Assets(NamedTuple):
    """Elements of the page: ``policy`` and ``styles`` for its head, ``scripts`` for its end."""

    policy: Html
    styles: Html
    scripts: Html


@cache
def assets() -> Assets:
    """Read once: they are part of the package, and the same for every report."""
    styles = [_read("vendor/uplot/uPlot.min.css"), _read("page.css")]
    scripts = [_read("vendor/uplot/uPlot.iife.min.js"), _read("charts.js")]
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hashes(scripts)}",
            f"style-src {_hashes(styles)}",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        ]
    )
    licence = Html(f"<!--\nThe charts are drawn by uPlot.\n\n{_read('vendor/uplot/LICENSE')}-->")
    return Assets(
        policy=tag("meta", http_equiv="Content-Security-Policy", content=policy),
        styles=lines(tag("style", style) for style in styles),
        scripts=lines([licence, *(tag("script", script) for script in scripts)]),
    )


def _read(name: str) -> Html:
    content = (files(__package__) / name).read_text("utf-8")
    if _ENDS.search(content) or ("--" in content and name.endswith("LICENSE")):
        raise AssertionError(f"{name} cannot stand inside a page")  # pragma: no cover
    return Html(content)


def _hashes(contents: list[Html]) -> str:
    return " ".join(f"'sha256-{b64encode(sha256(each.encode()).digest()).decode()}'" for each in contents)
