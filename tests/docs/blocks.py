"""The fenced blocks of a Markdown page, each with its line and what the comments before it say of it.

A comment such as ``<!-- run: 1 -->`` before a block is for the tests: GitHub and the site show none of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md")
_FENCE = re.compile(r"(?P<indent> *)```(?P<language>[\w-]*)\s*")
_COMMENT = re.compile(r"<!-- (?P<says>.+) -->")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """``text`` of a fence that begins at ``line`` of ``page``; ``says`` are the comments right before it."""

    page: Path
    line: int
    language: str
    says: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """All of a page, in order."""
    opened: tuple[int, str, str] | None = None
    says: list[str] = []
    inside: list[str] = []
    for number, line in enumerate(page.read_text("utf-8").splitlines(), start=1):
        fence = _FENCE.fullmatch(line)
        if opened is None:
            if fence:
                opened, inside = (number, fence["language"], fence["indent"]), []
            elif comment := _COMMENT.fullmatch(line.strip()):
                says.append(comment["says"])
            elif line.strip():
                says = []
        elif fence and not fence["language"]:
            begun, language, _ = opened
            yield Block(page=page, line=begun, language=language, says=tuple(says), text="\n".join(inside) + "\n")
            opened, says = None, []
        else:
            inside.append(line.removeprefix(opened[2]))
    assert opened is None, f"{page}:{opened and opened[0]}: a block that never ends"
