"""YAML text → plain Python values, and the line of each. Never constructs objects, and never expands without a bound.

Scalars follow the YAML 1.2 core schema, so `on`, `yes`, `2026-01-01` and `12:30:00` stay text. The keys of a mapping
are the text that was written, because every consumer of them (JSON, AWS names, our own keys) wants text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from pytest_syncload.facts.errors import SyncloadError

#: Where a value stands: keys of mappings and indexes of lists, from the root.
Path = tuple[str | int, ...]

# A plan has some hundred nodes. Aliases make it possible to write 10^9 of them in ten lines.
MAX_NODES = 100_000
# Deeper than any request body; far from the interpreter's recursion limit, which PyYAML and JSON share with us.
MAX_DEPTH = 64
# int() and str() refuse 4,300 digits and more, and nothing here measures in that many.
MAX_DIGITS = 64

_TAG = "tag:yaml.org,2002:"


class NotReadable(SyncloadError):
    """The text gives no document at all; ``line`` (from 1) is where it stopped making sense."""

    def __init__(self, line: int, what: str) -> None:
        self.line = line
        super().__init__(what)


class _CoreLoader(yaml.SafeLoader):
    """PyYAML's scanner and composer, with the implicit types of YAML 1.2's core schema instead of YAML 1.1's."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 -- PyYAML's own class attribute, filled below


for _name, _pattern, _first in (
    ("null", r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)", list("tTfF")),
    ("int", r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)", list("-+0123456789")),
    (
        "float",
        r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))",
        list("-+.0123456789"),
    ),
    ("merge", r"<<", ["<"]),
):
    _CoreLoader.add_implicit_resolver(_TAG + _name, re.compile(rf"{_pattern}\Z"), _first)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a key or a list's item begins: ``line`` from 1, ``offset`` in characters from 0.

    A value that is reached by an alias has the place of its anchor's definition.
    """

    line: int
    offset: int


@dataclass(slots=True)
class Document:
    """What a file says: ``value`` of dicts, lists and scalars; ``places`` by path; ``problems`` as (line, what)."""

    value: Any = None
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)

    def place(self, path: Path) -> Place:
        """Where ``path`` was written, or the nearest thing around it that was."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(line=1, offset=0))

    def line(self, path: Path) -> int:
        """The line of `place`."""
        return self.place(path).line


def load(text: str) -> Document:
    """Read one YAML document.

    Raises:
        NotReadable: not YAML, more than one document, recursive, or too large when its aliases are expanded.
    """
    node = _compose(text)
    document = Document()
    if node is not None:
        document.places[()] = _place(node)
        document.value = _Walk(document).value(node, ())
    return document


def _compose(text: str) -> yaml.Node | None:
    try:
        loader = _CoreLoader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise NotReadable(line, f"character U+{ord(text[error.position]):04X} is not allowed in YAML") from None
    try:
        node: yaml.Node | None = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = loader.line + 1 if mark is None else mark.line + 1
        why = ", ".join(part for part in (error.context, error.problem) if part)
        hint = "; indent with spaces, not tabs" if "\\t" in why else ""
        raise NotReadable(line, f"not YAML: {why}{hint}") from None
    except RecursionError:
        raise NotReadable(1, f"not usable YAML: nested more than {MAX_DEPTH} levels deep") from None
    except (ValueError, OverflowError):
        # PyYAML hands escapes such as "\UFFFFFFFF" to chr() unchecked.
        raise NotReadable(loader.line + 1, "not YAML: an escape names a character that does not exist") from None
    finally:
        loader.dispose()
    return node


def _place(node: yaml.Node) -> Place:
    return Place(line=node.start_mark.line + 1, offset=node.start_mark.index)


def said_twice(key: str, first: Place | None) -> str | None:
    """That a key stands twice in one mapping, where one of the two would silently be left out."""
    return f"key {key!r} is there twice{'' if first is None else f' (first on line {first.line})'}; keep one"


class _Walk:
    """One pass over a node graph. Aliases are expanded, so that every value has a path of its own."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._open: set[int] = set()
        self._spent = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        self._spend(node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        self._enter(node)
        wanted = _TAG + ("map" if isinstance(node, yaml.MappingNode) else "seq")
        if node.tag != wanted:
            self._problem(node, f"tag {node.tag!r} is not supported; leave it out")
        value: Any
        if isinstance(node, yaml.MappingNode):
            value = {}
            for key, (at, child) in self._entries(node).items():
                self._document.places[(*path, key)] = at
                value[key] = self.value(child, (*path, key))
        else:
            value = []
            for index, child in enumerate(node.value):
                self._document.places[(*path, index)] = _place(child)
                value.append(self.value(child, (*path, index)))
        self._open.discard(id(node))
        return value

    def _entries(self, node: yaml.MappingNode) -> dict[str, tuple[Place, yaml.Node]]:
        """Key → (place, value node). The mapping's own keys win over merged ones, earlier merges over later ones."""
        own: dict[str, tuple[Place, yaml.Node]] = {}
        merges: list[yaml.Node] = []
        for key_node, child in node.value:
            self._spend(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(key_node, "a key must be text, not a mapping or a list")
                continue
            merge = key_node.tag == _TAG + "merge"
            key = self._text(key_node)
            if key in own or (merge and merges):
                if (what := said_twice(key, own[key][0] if key in own else None)) is not None:
                    self._problem(key_node, what)
            elif merge:
                merges.append(child)
            else:
                own[key] = (_place(key_node), child)
        for merged in self._merged(merges):
            self._enter(merged)
            for key, entry in self._entries(merged).items():
                own.setdefault(key, entry)
            self._open.discard(id(merged))
        return own

    def _merged(self, merges: list[yaml.Node]) -> Iterator[yaml.MappingNode]:
        for merge in merges:
            for node in merge.value if isinstance(merge, yaml.SequenceNode) else [merge]:
                if isinstance(node, yaml.MappingNode):
                    yield node
                else:
                    self._problem(node, "<< merges a mapping or a list of mappings, and this is neither")

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text = self._text(node)
        kind = node.tag.removeprefix(_TAG)
        match kind:
            case "str" | "merge":
                return text
            case "null":
                return None
            case "bool" if text.lower() in ("true", "false"):
                return text.lower() == "true"
            case "int" | "float":
                return self._number(node, text, kind)
        self._problem(node, f"tag {node.tag!r} is not supported here; leave it out")
        return text

    def _number(self, node: yaml.ScalarNode, text: str, kind: str) -> Any:
        try:
            if len(text) > MAX_DIGITS:
                raise ValueError
            if kind == "int":
                return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
            number = float(text)  # `.inf` and `.nan` are no floats to Python, which suits us
            if not math.isfinite(number):
                raise ValueError
        except ValueError:
            shown = text if len(text) <= MAX_DIGITS else f"{text[:20]}…"
            self._problem(node, f"{shown!r} is not a finite number of at most {MAX_DIGITS} characters")
            return 0
        return number

    def _text(self, node: yaml.ScalarNode) -> str:
        text = str(node.value)
        try:
            # JSON escapes what is beyond U+FFFF as two surrogates, and PyYAML leaves them as two.
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._problem(node, "text holds half of a surrogate pair; write the character itself")
            return text.encode(errors="replace").decode()

    def _spend(self, node: yaml.Node) -> None:
        self._spent += 1
        if self._spent > MAX_NODES:
            raise NotReadable(_place(node).line, f"more than {MAX_NODES} values once its aliases are expanded")

    def _enter(self, node: yaml.Node) -> None:
        if id(node) in self._open:
            raise NotReadable(_place(node).line, "an alias stands inside its own anchor, so the value has no end")
        if len(self._open) == MAX_DEPTH:
            raise NotReadable(_place(node).line, f"nested more than {MAX_DEPTH} levels deep")
        self._open.add(id(node))

    def _problem(self, node: yaml.Node, what: str) -> None:
        self._document.problems.append((_place(node).line, what))
