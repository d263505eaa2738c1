"""Whether a request can be written: feeders are read, and every placeholder names a value that fits where it stands.

Every mistake is told at once, those of a feeder's file with the file's own line. No value is shown, neither of a file
nor of a `${VAR}`.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from pytest_syncload.facts.errors import Problem
from pytest_syncload.facts.feeder import Feeder, Order
from pytest_syncload.facts.placeholder import (
    OPENING,
    Parts,
    Placeholder,
    Slot,
    Unwritable,
    has_placeholder,
    header_parts,
    json_parts,
    path_parts,
    written,
)
from pytest_syncload.facts.plan import RequestTemplate
from pytest_syncload.spec import feeder_files, idempotency_check
from pytest_syncload.spec.nodes import Path
from pytest_syncload.spec.reasons import nearest, reason
from pytest_syncload.spec.request_schema import FeederModel, RequestModel
from pytest_syncload.spec.substitute import digest, has_variable


@dataclass(slots=True)
class Found:
    """What was read of a feeder: None where it cannot be used. ``wheres`` says of each row where it stands.

    ``problems`` are those of its file, ``what`` is one that concerns its place in slo.yaml, with the key there.
    """

    feeder: Feeder | None = None
    wheres: Sequence[str] = ()
    problems: list[Problem] = field(default_factory=list)
    what: tuple[str, str] | None = None


def feeder(name: str, model: FeederModel, as_written: Any, root: FilePath) -> Found:
    """The feeder, with its rows. ``as_written`` is its mapping before variables; its file is looked for in ``root``."""
    order = Order(model.order or Order.CYCLE)
    if model.rows is not None:
        made = Feeder(name=name, rows=tuple(model.rows), order=order, seed=model.seed, digest=digest(as_written))
        return Found(made, [f"item {number} of the list" for number in range(1, len(model.rows) + 1)])
    if model.function is not None:
        kept = of_module(model.function, root)
        return Found(Feeder(name=name, function=model.function, seed=model.seed, digest=kept))
    key, path = ("csv", model.csv) if model.csv is not None else ("jsonl", model.jsonl)
    assert path is not None  # the model has one of them
    shown = as_written[key]
    if has_variable(path):
        return Found()  # not filled in, which was told already or does not matter
    try:
        read = feeder_files.content(root / path)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        return Found(what=(key, f"{shown} cannot be read: {why}; it is looked for beside slo.yaml"))
    table = feeder_files.table(read, is_csv=key == "csv")
    if table.problems:
        return Found(problems=[Problem(shown, line, f"feeder {name!r}: {what}") for line, what in table.problems])
    made = Feeder(
        name=name, rows=tuple(table.rows), order=order, seed=model.seed, digest=hashlib.sha256(read).hexdigest()
    )
    return Found(made, [f"{shown}:{line}" for line in table.lines])


def of_module(function: str, root: FilePath) -> str:
    """Tells ``"module:function"`` apart from others of that name: by the module's text, where ``root`` or the path that
    Python imports from has it, else by the name alone."""
    names = function.partition(":")[0].split(".")
    modules = [base.joinpath(*names) for base in (root, *(FilePath(path) for path in sys.path if path))]
    files = [file for module in modules for file in (module.with_suffix(".py"), module / "__init__.py")]
    found = next((file for file in files if file.is_file()), None)
    return digest([function, *([] if found is None else [found.read_bytes().hex()])])


def mistakes(request: RequestModel, as_written: Any, feeders: Mapping[str, Found]) -> Iterator[tuple[Path, str]]:
    """What is wrong with the request's placeholders, each with its path below `request:`.

    ``as_written`` is `request:` before variables; ``feeders`` are all that it names, also those that cannot be used.
    """
    for path, parts in _parts(request):
        unsure = has_variable(_at(as_written, path))
        if isinstance(parts, Unwritable):
            yield path, str(parts)
            continue
        for slot in dict.fromkeys(part for part in parts if isinstance(part, Slot)):
            if (what := _unfit(slot, feeders)) is not None:
                # Which names they are may be a variable's secret.
                yield (
                    path,
                    "with its variables filled in, a placeholder here names no value that fits" if unsure else what,
                )
    for path, text in _texts(request.json_body, ("json",), names_only=True):
        if has_placeholder(text):
            yield path, f"no placeholder can stand in the name of a member: {text!r}"
    expected = {"headers": request.expect.headers, "json": request.expect.json_members}
    for path, text in _texts(expected, ("expect",)):
        if has_placeholder(text):
            yield path, "no placeholder can stand here: what is expected is the same for every answer"


def refusals(template: RequestTemplate) -> Iterator[str]:
    """What is wrong with a request that Python made, by the rules of `request:` of slo.yaml."""
    said = {
        "method": template.method,
        "path": template.path,
        "headers": dict(template.headers),
        "json": template.json,
        "expect": {
            "status": list(template.statuses),
            "headers": dict(template.expect_headers),
            "json": dict(template.expect_json),
        },
        "idempotency": {
            "header": template.idempotency.header,
            "key": template.idempotency.key.value,
            "verify": f"{template.idempotency.verify_percent:f} %",
            "changed": dict(template.idempotency.changed),
        },
    }
    try:
        request = RequestModel.model_validate(said)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            yield f"{'.'.join(map(str, detail['loc']))}: {reason(detail)[1]}"
        return
    feeders = {
        each.name: Found(each, [f"row {number}" for number in range(1, len(each.rows) + 1)])
        for each in template.feeders
    }
    for each in template.feeders:
        if not each.rows and each.function is None:
            yield f"feeders: {each.name!r} has no rows"
            feeders[each.name] = Found()
    for path, what in (*mistakes(request, said, feeders), *idempotency_check.of_the_request(template)):
        yield f"{'.'.join(map(str, path))}: {what}"


def from_variables(filled_in: Sequence[tuple[Path, str]]) -> Iterator[tuple[Path, str]]:
    """Variables of the request that hold what would be taken for a placeholder."""
    for path, value in filled_in:
        if path[0] == "request" and path[1:2] != ("feeders",) and (OPENING in value or "}}" in value):
            yield (
                path,
                f"a variable here holds {OPENING} or }}}}, which mark placeholders; draw its value from a feeder",
            )


def _parts(request: RequestModel) -> Iterator[tuple[Path, Parts | Unwritable]]:
    yield ("path",), _or_why_not(path_parts, request.path)
    for name, value in request.headers.items():
        yield ("headers", name), _or_why_not(header_parts, value)
    for path, text in _texts(request.json_body, ("json",)):
        yield path, _or_why_not(json_parts, text)


def _or_why_not(parts: Any, text: str) -> Parts | Unwritable:
    try:
        return parts(text)  # type: ignore[no-any-return]
    except Unwritable as error:
        return error


def _texts(value: Any, path: Path, *, names_only: bool = False) -> Iterator[tuple[Path, str]]:
    """Every text below ``value`` with its path; or every name of a member, with the member's path."""
    if isinstance(value, str) and not names_only:
        yield path, value
    elif isinstance(value, dict):
        for name, child in value.items():
            if names_only:
                yield (*path, name), name
            yield from _texts(child, (*path, name), names_only=names_only)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _texts(child, (*path, index), names_only=names_only)


def _unfit(slot: Slot, feeders: Mapping[str, Found]) -> str | None:
    """Why the slot cannot be filled, None where it can, or where its feeder's own mistake was told."""
    placeholder = slot.placeholder
    if placeholder.feeder not in feeders:
        near = nearest(placeholder.feeder, feeders)
        return f"{placeholder}: no feeder {placeholder.feeder!r} in request.feeders; {near}"
    found = feeders[placeholder.feeder]
    if found.feeder is None or found.feeder.function is not None:
        return None
    rows = found.feeder.rows
    if (what := _without_field(placeholder, rows[0])) is not None:
        return f"{placeholder}: {what}"
    unfit = [
        (where, why) for where, row in zip(found.wheres, rows, strict=True) if (why := _why(slot, row)) is not None
    ]
    if not unfit:
        return None
    where, why = unfit[0]
    more = f", and {len(unfit) - 1} more" if len(unfit) > 1 else ""
    return f"{placeholder}: {why} ({where}{more})"


def _without_field(placeholder: Placeholder, row: Any) -> str | None:
    """What is wrong with the placeholder's field, by a first row."""
    if isinstance(row, dict) and placeholder.field is not None and placeholder.field not in row:
        return f"feeder {placeholder.feeder!r} has no field {placeholder.field!r}; {nearest(placeholder.field, row)}"
    return None


def _why(slot: Slot, row: Any) -> str | None:
    try:
        written(slot.placeholder.of(row), slot.place)
    except Unwritable as error:
        return str(error)
    return None


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value
