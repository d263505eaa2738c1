"""A member of a JSON value by its way from the top: `job/id`, `jobs/0/id`. A JSON Pointer without its first slash.

(RFC 6901: a slash in a name is written `~1`, a tilde `~0`.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def marked(value: Any, mark: str) -> Iterator[str]:
    """The ways to every place in ``value`` where ``mark`` stands."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        step = str(name).replace("~", "~0").replace("/", "~1")
        if child == mark:
            yield step
        else:
            yield from (f"{step}/{rest}" for rest in marked(child, mark))


def at(value: Any, member: str) -> Any:
    """The value there. Raises KeyError or IndexError where there is none."""
    for step in member.split("/"):
        value = value[_key(value, step)]
    return value


def put(value: Any, member: str, new: Any) -> None:
    """Change the value there, which must be there."""
    *way, last = member.split("/")
    for step in way:
        value = value[_key(value, step)]
    value[_key(value, last)] = new


def _key(value: Any, step: str) -> str | int:
    return int(step) if isinstance(value, list) else step.replace("~1", "/").replace("~0", "~")
