"""`{{feeder.field}}` in a request: how it is recognised, where it may stand, and how a value is written there.

A value can never become more than a value: what would begin another header, another path segment or another member of
the JSON is escaped, or refused where the place knows no escape. Messages never show a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

#: What begins a placeholder, and what is written for these two characters themselves.
OPENING = "{{"
LITERAL = "{{{{"
_MARK = re.compile(r"\{\{\{\{|\{\{ *(?P<feeder>[a-z0-9][a-z0-9_-]*)(?:\.(?P<field>[^{}]*[^{} ]))? *\}\}")
#: What a path may hold as it is (RFC 3986, section 3.3 and 3.4), and the sign of what is quoted already.
_SAFE = "/?%:@!$&'()*+,;=~-._"
_HEADER_VALUE = re.compile(r"[\t -~]*")


class Unwritable(ValueError):
    """What cannot stand where it should. The message names no value."""


class Place(StrEnum):
    """Where a placeholder stands. A `VALUE` is a whole value of the JSON body, and keeps the drawn value's type."""

    PATH = "the path"
    HEADER = "a header"
    TEXT = "a text of the JSON body"
    VALUE = "the JSON body"


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Names a feeder and, where its rows are objects, one of their fields; without a field, the whole row is meant."""

    feeder: str
    field: str | None

    def __str__(self) -> str:
        return "{{" + self.feeder + ("" if self.field is None else f".{self.field}") + "}}"

    def of(self, row: Any) -> Any:
        """The value in this row. Raises `Unwritable` where the row has no such field."""
        if self.field is None:
            return row
        if not isinstance(row, dict):
            raise Unwritable(f"its rows have no fields; write {{{{{self.feeder}}}}}")
        if self.field not in row:
            raise Unwritable(f"no field {self.field!r}")
        return row[self.field]


@dataclass(frozen=True, slots=True)
class Slot:
    """A placeholder in its place."""

    placeholder: Placeholder
    place: Place


#: Bytes that are the same for every arrival, and slots between them.
Parts = tuple[bytes | Slot, ...]


def pieces(text: str) -> tuple[str | Placeholder, ...]:
    """Text and placeholders in their order. Raises `Unwritable` where ``{{`` begins no placeholder."""
    found: list[str | Placeholder] = []
    end = 0
    for mark in _MARK.finditer(text):
        found += [_plain(text[end : mark.start()]), OPENING if mark["feeder"] is None else _named(mark)]
        end = mark.end()
    found.append(_plain(text[end:]))
    return tuple(piece for piece in found if piece != "")


def _named(mark: re.Match[str]) -> Placeholder:
    return Placeholder(mark["feeder"], mark["field"])


def _plain(text: str) -> str:
    if OPENING in text:
        raise Unwritable(
            f"{OPENING} begins no placeholder; write {{{{feeder.field}}}}, or {LITERAL} for {OPENING} itself"
        )
    return text


def has_placeholder(text: str) -> bool:
    """Whether a placeholder stands in the text."""
    return any(mark["feeder"] is not None for mark in _MARK.finditer(text))


def path_parts(text: str) -> Parts:
    """A path and query, percent-encoded but for what is already. Raises `Unwritable`."""
    return _parts(text, Place.PATH, lambda plain: quote(plain, safe=_SAFE).encode())


def header_parts(text: str) -> Parts:
    """A header's value. Raises `Unwritable`."""
    return _parts(text, Place.HEADER, str.encode)


def json_parts(value: Any) -> Parts:
    """A JSON body: without placeholders what `json.dumps` writes. Raises `Unwritable`."""
    return joined(_json(value))


def _json(value: Any) -> Iterator[bytes | Slot]:
    if isinstance(value, str):
        found = pieces(value)
        if len(found) == 1 and isinstance(found[0], Placeholder):
            yield Slot(found[0], Place.VALUE)
            return
        yield b'"'
        for piece in found:
            yield json.dumps(piece)[1:-1].encode() if isinstance(piece, str) else Slot(piece, Place.TEXT)
        yield b'"'
    elif isinstance(value, dict):
        yield b"{"
        for number, (name, member) in enumerate(value.items()):
            if not isinstance(name, str):
                raise Unwritable(f"the name {name!r} of a member is no text")
            yield (b"," if number else b"") + json.dumps(name).encode() + b":"
            yield from _json(member)
        yield b"}"
    elif isinstance(value, (list, tuple)):
        yield b"["
        for number, item in enumerate(value):
            yield b"," if number else b""
            yield from _json(item)
        yield b"]"
    else:
        yield _dumped(value)


def _dumped(value: Any) -> bytes:
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise Unwritable("is nothing that JSON can say") from None


def _parts(text: str, place: Place, plain: Any) -> Parts:
    return joined(plain(piece) if isinstance(piece, str) else Slot(piece, place) for piece in pieces(text))


def joined(parts: Iterator[bytes | Slot]) -> Parts:
    """The same, with constant bytes that follow each other as one."""
    made: list[bytes | Slot] = []
    for part in parts:
        if isinstance(part, bytes) and made and isinstance(made[-1], bytes):
            made[-1] += part
        elif part != b"":
            made.append(part)
    return tuple(made)


def written(value: Any, place: Place) -> bytes:
    """A drawn value as the place has it. Raises `Unwritable`, which says what is wrong and not the value.

    In text, numbers and true and false stand as JSON has them; objects, lists and null have no such form.
    """
    if place is Place.VALUE:
        return _dumped(value)
    if not isinstance(value, (str, int, float)):
        raise Unwritable(f"{'null' if value is None else 'an object or a list'} cannot stand in {place.value}")
    text = value if isinstance(value, str) else _dumped(value).decode()
    if place is Place.TEXT:
        return json.dumps(text)[1:-1].encode()
    if place is Place.PATH:
        if text in (".", ".."):
            raise Unwritable("'.' and '..' cannot stand in the path: whoever reads it takes them for another one")
        try:
            return quote(text, safe="").encode()
        except UnicodeEncodeError:
            raise Unwritable("half of a surrogate pair cannot stand in the path") from None
    if not _HEADER_VALUE.fullmatch(text):
        raise Unwritable("a line break, a control character or what is beyond ASCII cannot stand in a header")
    return text.encode()
