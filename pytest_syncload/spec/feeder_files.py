"""Rows of a feeder's file, each with its line: CSV and JSON Lines, in UTF-8. Pure; shows no value of a file.

CSV is as RFC 4180 has it: the first line names the fields, a quoted value may hold line breaks, all values are text.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Every generator holds all rows, as bytes for each place where they are drawn.
MAX_BYTES = 32 << 20
MAX_ROWS = 200_000
#: Beyond this many bad lines, it is one mistake made again and again.
_SHOWN = 5


@dataclass(slots=True)
class Table:
    """``rows``, and the line (from 1) on which each begins; ``problems`` as (line, what)."""

    rows: list[Any] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, row: Any) -> None:
        """A row."""
        self.lines.append(line)
        self.rows.append(row)

    def refuse(self, line: int, what: str) -> None:
        """A bad line."""
        self.problems.append((line, what))


def content(path: Path) -> bytes:
    """The file's bytes. Raises OSError, whose text says why there are none."""
    with path.open("rb") as file:
        read = file.read(MAX_BYTES + 1)
    if len(read) > MAX_BYTES:
        raise OSError(f"is larger than {MAX_BYTES >> 20} MiB, and every generator holds all of it")
    return read


def table(read: bytes, *, is_csv: bool) -> Table:
    """The rows in these bytes. At most some problems are told, so that each can be read."""
    found = Table()
    try:
        text = read.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found.refuse(read.count(b"\n", 0, error.start) + 1, "is not UTF-8 text; save it as UTF-8")
        return found
    (_csv if is_csv else _json_lines)(text, found)
    if not found.rows and not found.problems:
        found.refuse(1, "has no row; add one")
    if len(found.rows) > MAX_ROWS:
        found.refuse(found.lines[MAX_ROWS], f"has more than {MAX_ROWS} rows, and every generator holds all of them")
    if len(found.problems) > _SHOWN:
        line, _ = found.problems[_SHOWN]
        found.problems[_SHOWN:] = [
            (line, f"is wrong too, and so are {len(found.problems) - _SHOWN - 1} lines behind it")
        ]
    return found


def _csv(text: str, found: Table) -> None:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    fields: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            found.refuse(line, f"is no CSV: {error}")
            return
        if row is None:
            return
        if not row:  # an empty line
            continue
        if fields is None:
            fields = row
            if (what := _bad_names(row)) is not None:
                found.refuse(line, what)
                return
        elif len(row) != len(fields):
            found.refuse(line, f"has {len(row)} values where line 1 names {len(fields)} fields")
        else:
            found.add(line, dict(zip(fields, row, strict=True)))


def _bad_names(names: list[str]) -> str | None:
    if any(not name.strip() or name != name.strip() for name in names):
        return "names a field that is empty or has space around it; the first line names the fields"
    twice = sorted({name for name in names if names.count(name) > 1})
    return f"names {', '.join(map(repr, twice))} twice" if twice else None


def _json_lines(text: str, found: Table) -> None:
    # Not `splitlines`: JSON may hold U+2028 and others that it takes for the end of a line.
    for line, written in enumerate(text.split("\n"), 1):
        if not written.strip():
            continue
        try:
            row = json.loads(written, parse_constant=_no_number)
            if "\\u" in written:  # JSON can write half a surrogate pair, and no generator can be handed one
                json.dumps(row, ensure_ascii=False).encode()
            found.add(line, row)
        except json.JSONDecodeError as error:
            found.refuse(line, f"is no JSON: {error.msg} at column {error.colno}")
        except UnicodeEncodeError:
            found.refuse(line, "holds half of a surrogate pair; write the character itself")
        except (ValueError, RecursionError):
            found.refuse(line, "is no JSON: a number that is none, too long, or nested too deeply")


def _no_number(_: str) -> None:
    """NaN and the infinities are no JSON (RFC 8259, section 6)."""
    raise ValueError
