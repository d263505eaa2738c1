"""`${VAR}` in slo.yaml's text values. Names of variables may be shown; their values never are.

Keys are not touched, and neither are numbers: a variable fills text, and text is what quantities are written in.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from pytest_syncload.facts.plan import Environment
from pytest_syncload.spec.nodes import Path

_MARK = re.compile(r"\$\$\{|\$\{(?P<name>[^}]*)(?P<end>\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def has_variable(value: Any) -> bool:
    """Whether the text may come from a variable, so that what it becomes must not be shown."""
    return isinstance(value, str) and "${" in value


def substitute(
    value: Any, environ: Mapping[str, str], *, skip: Callable[[Path], bool]
) -> tuple[Any, list[tuple[Path, str]], list[tuple[Path, str]]]:
    """A copy of ``value`` with every ``${VAR}`` filled in; ``$${`` becomes ``${``.

    Nothing below a path for which ``skip`` is true is touched. Returns the copy, the problems as (path, what), and what
    was filled in as (path, value); text with a problem is left as it is.
    """
    problems: list[tuple[Path, str]] = []
    filled_in: list[tuple[Path, str]] = []

    def walk(part: Any, path: Path) -> Any:
        if skip(path):
            return part
        if isinstance(part, dict):
            return {key: walk(child, (*path, key)) for key, child in part.items()}
        if isinstance(part, list):
            return [walk(child, (*path, index)) for index, child in enumerate(part)]
        if not has_variable(part):
            return part
        before = len(problems)
        filled = _MARK.sub(lambda mark: fill(mark, path), part)
        return filled if len(problems) == before else part

    def fill(mark: re.Match[str], path: Path) -> str:
        name = mark["name"]
        if name is None:
            return "${"
        filled = environ.get(name)
        if not mark["end"] or not _NAME.fullmatch(name):
            why = f"{mark[0]!r} is not a variable; write ${{NAME}}, or $${{ for a literal ${{"
        elif filled is None:
            why = f"${{{name}}} is not set in the process environment; set it"
        elif not filled:
            # CI systems hand a secret that does not exist to the job as an empty variable.
            why = f"${{{name}}} is set but empty; give it a value"
        elif not filled.isascii() and any("\ud800" <= character <= "\udfff" for character in filled):
            why = f"${{{name}}} does not hold UTF-8 text"
        else:
            filled_in.append((path, filled))
            return filled
        problems.append((path, why))
        return mark[0]

    return walk(value, ()), problems, filled_in


def digest(written: Any) -> str:
    """Tells parts of a file apart as they are written, before variables and in whatever order, and keeps none of it."""
    return hashlib.sha256(json.dumps(written, sort_keys=True, default=str).encode()).hexdigest()


def needless(chosen: str | None, earlier: Environment | None) -> Callable[[Path], bool]:
    """The paths below which no variable is needed: environments that were not ``chosen``.

    Where an ``earlier`` run's measurements are judged, that is all that only load needs: the request, and everything of
    the environments but the resources of the one that the run went to.
    """

    def skip(path: Path) -> bool:
        match path:
            case ("environments", name):
                return name != (chosen if earlier is None else earlier.name)
            case ("environments", _, key):
                return earlier is not None and key != "resources"
            case ("request",):
                return earlier is not None
        return False

    return skip
