"""Writes docs/false-greens.md from the entries of the catalogue: `python -m tests.false_greens.page`.

The page says what the tests show and nothing else; a test insists that it is current.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

from tests.false_greens.entry import Entry

PAGE = Path(__file__).parents[2] / "docs" / "false-greens.md"
#: The parts of the catalogue; one that is not there has no entries.
HALVES = {
    "Between AWS and the verdict": "tests.false_greens.of_the_data",
    "Between the load and the exit code": "tests.false_greens.of_the_run",
    "Between a load far away and its gate": "tests.false_greens.of_the_region",
}
_HEAD = """\
# False greens

A gate that is green by mistake is worse than none. These are the ways we know in which one could turn green, and what
stops each of them. Every entry is a test that runs twice: with its guards the row is red or an error, and with the
guards replaced by functions that find nothing wrong it is green. So no guard is decoration, and no story is made up.

Most guards are not specific to this plugin. If you gate on CloudWatch by other means, this is a list of what to check.

<!-- Written by `python -m tests.false_greens.page`; do not edit. -->
"""


def page() -> str:
    """The page, Markdown."""
    parts = [_HEAD]
    for title, module in HALVES.items():
        if importlib.util.find_spec(module) is not None:
            parts.append(_half(title, importlib.import_module(module).ENTRIES))
    return "\n".join(parts)


def _half(title: str, entries: Sequence[Entry]) -> str:
    rows = [
        f"## {title}",
        "",
        "| name | mistake | who makes it | guards | shown through |",
        "|---|---|---|---|---|",
    ]
    for entry in entries:
        guards = "<br>".join(f"`{guard.partition(':')[2]}`" for guard in entry.guards)
        cells = (entry.name, entry.mistake, entry.peers, guards, str(entry.through))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*rows, ""])


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), "utf-8")
