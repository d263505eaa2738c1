"""A document → its resources, with what bears load and nothing else. No other value of a document leaves this module.

What Terraform marks as sensitive, or knows only once it has applied, becomes a `Hidden`, equal to nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pytest_syncload.facts.errors import Refused
from pytest_syncload.parity.documents import Document, Kind
from pytest_syncload.parity.scale import SCALES, SCALING_TARGET

#: Longer names are cut where they are shown; a document can be anybody's.
_LONGEST_NAME = 1000
_STEP = re.compile(r"(?P<name>\w+)(?P<json>\{\})?(?:\[(?P<key>\w+)\])?")
_BLOCK = re.compile(r"\[(.+)\]")


class Hidden(Enum):
    """In place of a value that is not there to be compared."""

    SENSITIVE = "sensitive, so not read"
    UNKNOWN = "known only after apply"


Value = None | bool | int | float | str | tuple[str, ...] | Hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a compared attribute is here, why it matters, and whether Application Auto Scaling moves it."""

    value: Value
    why: str
    scaled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of a compared type. ``parts`` are by label: ``global_secondary_index[by-user].read_capacity``."""

    address: str
    type: str
    parts: Mapping[str, Part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The resources by address, and how many others there are. ``unapplied`` says of a plan, by address, what is still
    to be done to something that is compared: ``update``."""

    resources: Mapping[str, Resource]
    passed_over: int
    unapplied: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Marks:
    """What Terraform says of values beside them: its mark for a part is true, or a structure like the part itself."""

    sensitive: Any
    unknown: Any

    @property
    def hides(self) -> Hidden | None:
        if self.sensitive is True:
            return Hidden.SENSITIVE
        return Hidden.UNKNOWN if self.unknown is True else None

    def below(self, key: str | int) -> _Marks:
        return _Marks(_mark(self.sensitive, key), _mark(self.unknown, key))

    @property
    def any_below(self) -> Hidden | None:
        """Where anything below is hidden."""
        if _has_true(self.sensitive):
            return Hidden.SENSITIVE
        return Hidden.UNKNOWN if _has_true(self.unknown) else None


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    key: str
    is_json: bool


def resources_of(document: Document) -> Found:
    """What of the document bears load. Raises `Refused` where its form is none of Terraform's."""
    name, planned = document.used.name, document.kind is Kind.PLAN
    changes = _changes(document.value.get("resource_changes", []), name) if planned else {}
    top = _mapping(document.value.get("planned_values" if planned else "values", {}), name)
    written: dict[str, tuple[str, Mapping[str, Any], _Marks]] = {}
    passed_over = 0
    for each in _resources(_mapping(top.get("root_module", {}), name), name):
        if each.get("mode", "managed") != "managed" or each.get("deposed_key"):
            continue  # data is read and not made; what is deposed is about to go
        type_, address = _text(each, "type", name), _text(each, "address", name)
        if type_ not in SCALES:
            passed_over += 1
            continue
        marks = _Marks(each.get("sensitive_values"), changes.get(address, {}).get("after_unknown"))
        if printable(address) in written:
            raise Refused(f"{name} has {printable(address)} twice, which Terraform never writes; write it again")
        written[printable(address)] = (type_, _mapping(each.get("values", {}), name), marks)
    targets = {
        (_word(values, marks, "scalable_dimension"), _word(values, marks, "resource_id"))
        for type_, values, marks in written.values()
        if type_ == SCALING_TARGET
    }
    return Found(
        resources={
            address: _resource(address, type_, values, marks, targets)
            for address, (type_, values, marks) in written.items()
        },
        passed_over=passed_over,
        unapplied=dict(unapplied(changes, name)),
    )


def printable(name: str) -> str:
    """A name that a terminal can be shown."""
    return "".join(each if each.isprintable() else "\ufffd" for each in name)[:_LONGEST_NAME]


def _resource(
    address: str, type_: str, values: Mapping[str, Any], marks: _Marks, targets: AbstractSet[tuple[str, str]]
) -> Resource:
    scale, parts = SCALES[type_], {}
    # A cluster is named by its ARN; in ids stands its name.
    identity = {
        name: _word(values, marks, name).rpartition("/")[2] or scale.otherwise.get(name, "") for name in scale.identity
    }
    for attribute in scale.attributes:
        for label, value in _read(values, marks, _steps(attribute.path), ""):
            block = _BLOCK.search(label)
            id_ = scale.scaled_block_as if block else scale.scaled_as
            id_ = id_.format(key=block and block[1], **identity)
            scaled = any((dimension, id_) in targets for dimension in attribute.scaled_by)
            parts[label] = Part(value=value, why=attribute.why, scaled=scaled)
    return Resource(address=address, type=type_, parts=parts)


def _read(value: Any, marks: _Marks, steps: tuple[_Step, ...], label: str) -> Iterator[tuple[str, Value]]:
    """What stands at the end of ``steps``, each with its label; nothing where a block is not there."""
    if marks.hides is not None:
        yield ".".join(filter(None, (label, *(step.name for step in steps)))), marks.hides
        return
    if not steps:
        yield label, _plain(value, marks)
        return
    step, rest = steps[0], steps[1:]
    value, marks = (value.get(step.name) if isinstance(value, dict) else None), marks.below(step.name)
    label = f"{label}.{step.name}" if label else step.name
    if step.is_json and marks.hides is None:
        value = _json(value)
    ends_in_blocks = bool(step.key) and not rest
    if not isinstance(value, list) or (not rest and not step.key) or marks.hides is not None:
        yield from () if step.key and marks.hides is None else _read(value, marks, rest, label)
    elif len(value) == 1 and not step.key:
        yield from _read(value[0], marks.below(0), rest, label)
    else:
        keys = [_word(block, marks.below(number), step.key) if step.key else "" for number, block in enumerate(value)]
        for number, block in enumerate(value):
            # Its number where it has no name of its own: none of two blocks may stand for the other.
            key = keys[number] if keys.count(keys[number]) == 1 else ""
            of_it = f"{label}[{printable(key) or number}]"
            if ends_in_blocks:
                yield of_it, True  # that it is there, and nothing of it
            else:
                yield from _read(block, marks.below(number), rest, of_it)


def _plain(value: Any, marks: _Marks) -> Value:
    if (hidden := marks.any_below) is not None:
        return hidden
    if isinstance(value, list):
        return tuple(sorted(str(each) for each in value))
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return json.dumps(value, sort_keys=True)


def _json(value: Any) -> Any:
    """What JSON in a text says; nothing where it is none."""
    try:
        return json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return None


def _steps(path: str) -> tuple[_Step, ...]:
    found = [_STEP.fullmatch(step) for step in path.split(".")]
    return tuple(_Step(each["name"], each["key"] or "", bool(each["json"])) for each in found if each is not None)


def _changes(changes: Any, name: str) -> dict[str, Mapping[str, Any]]:
    """What a plan does to each resource, by address."""
    return {
        _text(_mapping(each, name), "address", name): _mapping(each.get("change", {}), name)
        | {"type": _text(each, "type", name)}
        for each in _list(changes, name)
        if not _mapping(each, name).get("deposed")
    }


def unapplied(changes: Mapping[str, Mapping[str, Any]], name: str) -> Iterator[tuple[str, str]]:
    """Of what is compared: the addresses whose change a plan has not made yet, and what it is."""
    for address, change in changes.items():
        actions = [str(each) for each in _list(change.get("actions", []), name)]
        if change["type"] not in SCALES or not {*actions} - {"no-op", "read"}:
            continue
        scale = SCALES[change["type"]]
        if actions == ["update"] and scale.counted:
            continue  # there are as many after it as before
        if actions == ["update"]:
            before, after = (
                dict(
                    pair
                    for attribute in scale.attributes
                    for pair in _read(
                        change.get(at), _Marks(change.get(f"{at}_sensitive"), unknown), _steps(attribute.path), ""
                    )
                )
                for at, unknown in (("before", None), ("after", change.get("after_unknown")))
            )
            if before == after and not any(isinstance(value, Hidden) for value in after.values()):
                continue  # it changes, and nothing that bears load does
        yield printable(address), " and ".join(printable(each) for each in actions)


def _resources(module: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """The resources of a module and of all modules below it."""
    left = [module]
    while left:
        module = left.pop()
        yield from (_mapping(each, name) for each in _list(module.get("resources", []), name))
        left += [_mapping(each, name) for each in _list(module.get("child_modules", []), name)]


def _word(values: Any, marks: _Marks, key: str) -> str:
    """A text that names something, empty where there is none or it is hidden."""
    value = values.get(key) if isinstance(values, dict) else None
    return value if isinstance(value, str) and marks.hides is None and marks.below(key).hides is None else ""


def _mark(marks: Any, key: str | int) -> Any:
    if isinstance(marks, dict):
        return marks.get(key)
    if isinstance(marks, list) and isinstance(key, int):
        return marks[key] if key < len(marks) else None
    return marks is True or None


def _has_true(marks: Any) -> bool:
    if isinstance(marks, dict):
        return any(map(_has_true, marks.values()))
    return any(map(_has_true, marks)) if isinstance(marks, list) else marks is True


def _mapping(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(_odd(name))
    return value


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise Refused(_odd(name))
    return value


def _text(value: Mapping[str, Any], key: str, name: str) -> str:
    said = value.get(key)
    if not isinstance(said, str):
        raise Refused(_odd(name))
    return said


def _odd(name: str) -> str:
    return f"{name} is not laid out as terraform show -json does it; write it again, and change nothing in it"
