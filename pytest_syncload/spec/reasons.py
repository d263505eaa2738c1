"""How a refusal is worded: what is wrong, what the place takes, and the nearest name that would be right.

A value is shown only where it is a scalar: what stands inside a container may have come from a `${VAR}`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails


def reason(detail: ErrorDetails) -> tuple[str, str]:
    """What is wrong, and what the place takes. The second never shows the value; the first only a scalar's."""
    context = detail.get("ctx", {})
    given = detail["input"]
    match detail["type"]:
        case "syncload":
            return context["what"], context["takes"]
        case "literal_error":
            options = str(context["expected"]).replace(" or ", ", ")
            takes = f"one of {options}"
            if isinstance(given, str):
                near = nearest(given, [option.strip("'") for option in options.split(", ")])
                return f"{given!r} is not known here; {near}", takes
        case "string_type":
            takes = "text"
        case "bool_type":
            takes = "true or false"
        case "int_type":
            takes = "a whole number"
        case "list_type":
            takes = "a list"
        case "dict_type" | "model_type":
            takes = "a mapping"
        case _:  # pragma: no cover -- no type of ours gives another; if one will, its text is pydantic's
            return detail["msg"], "something else"
    quote = "; put it in quotes" if takes == "text" and isinstance(given, (int, float)) else ""
    return f"this takes {takes}, not {_described(given)}{quote}", takes


def _described(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
        case _:
            return repr(value)


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of an error about an unknown name: the nearest known one, or all of them."""
    names = list(known)
    lowered = {one.lower(): one for one in names}
    close = difflib.get_close_matches(name.lower(), lowered, n=1)
    if close:
        return f"did you mean {lowered[close[0]]!r}?"
    return f"known: {', '.join(names)}" if names else "none is known here"


def known_keys(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The keys that exist at ``path`` below ``model``, as slo.yaml writes them."""
    inside: Any = model
    for part in path:
        inside = _below(inside, part)
    return [field.alias or name for one in _models(inside) for name, field in one.model_fields.items()]


def _below(annotation: Any, part: str | int) -> Any:
    if isinstance(part, int):
        return annotation  # an item of a list: its models are the list's
    for model in _models(annotation):
        for name, field in model.model_fields.items():
            if part == (field.alias or name):
                return field.annotation
    return None


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models(argument)]
