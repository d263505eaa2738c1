"""`"module:function"`: code of the user's that other processes import by its name, because no function can be sent."""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_syncload.facts.errors import Refused

_REFERENCE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*")


def is_reference(text: str) -> bool:
    """Whether it has the form ``module:function``."""
    return _REFERENCE.fullmatch(text) is not None


def search(root: Path) -> None:
    """Look for what is imported in ``root`` first, as pytest does."""
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))


def imported(reference: str) -> Callable[..., Any]:
    """The function. Raises `Refused`."""
    module, _, name = reference.partition(":")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError as error:
        why = f"{error}; modules are looked for beside slo.yaml"
    except Exception as error:  # noqa: BLE001  # the user's module may raise anything while it is imported
        why = f"it raised {type(error).__name__}"
    else:
        if callable(found):
            return found  # type: ignore[no-any-return]
        why = f"{module} has no function {name!r}"
    raise Refused(f"{reference!r} cannot be imported: {why}")


def digest(reference: str, root: Path) -> str:
    """Tells apart what it may do: by its module's text where that is a file below ``root``, else by its name alone."""
    module = reference.partition(":")[0]
    text = b""
    for file in (
        root.joinpath(*module.split(".")).with_suffix(".py"),
        root.joinpath(*module.split("."), "__init__.py"),
    ):
        if file.is_file():
            text = file.read_bytes()
            break
    return hashlib.sha256(reference.encode() + b"\0" + text).hexdigest()
