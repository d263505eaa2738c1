"""Text that others wrote, as GitHub's Markdown shows it and nothing more: no table, tag, link or list comes out of it.

What could have a meaning is written as a character reference, which is text wherever it stands (CommonMark 0.31, 2.5:
references cannot stand in place of what gives a document its structure).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: What begins or ends something inline, a cell or a tag; GitHub's own math and its mentions of people and issues too.
_MEANS_SOMETHING = re.compile(r"[\\`*_\[\]<>|~$&#!@]")
#: What makes a bare address a link (GFM 6.9).
_ADDRESS = re.compile(r"(?<=\w):(?=//)|(?i:(?<=www)\.)")
#: What an editor or a terminal obeys instead of showing it: controls, and marks that turn the direction of writing.
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
#: What makes a line that begins with it a list, or a rule; the rest of that is above.
_LEADS = re.compile(r"^(\d*)([-+=.)])")
_FENCE = re.compile(r"`{3,}")

#: Characters of one sentence that are shown. An error of AWS may quote all that it was asked.
SENTENCE = 600


def plain(text: str, most: int = SENTENCE) -> str:
    """One line of text, cut to ``most`` characters, that means nothing to Markdown, HTML or a table's row."""
    shown = _ADDRESS.sub(_reference, _MEANS_SOMETHING.sub(_reference, clipped(text, most)))
    return _LEADS.sub(lambda match: f"{match[1]}&#{ord(match[2])};", shown)


def code(text: str, most: int = SENTENCE) -> str:
    """The same in code's type, where GitHub makes no mention of a name behind an @."""
    return f"<code>{plain(text, most)}</code>"


def fenced(lines: Sequence[str], language: str = "") -> list[str]:
    """A block that is shown as it is, whatever stands in it."""
    longest = max((len(run) for line in lines for run in _FENCE.findall(line)), default=2)
    fence = "`" * (longest + 1)
    return [f"{fence}{language}", *(_INVISIBLE.sub(" ", line) for line in lines), fence]


def clipped(text: str, most: int) -> str:
    """On one line, nothing invisible in it, and what is too long ends in an ellipsis."""
    line = " ".join(_INVISIBLE.sub(" ", text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _reference(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"
