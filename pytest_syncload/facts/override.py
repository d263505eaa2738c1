"""What a conftest.py gives in place of a part of slo.yaml, in a form that every generator process can have.

A generator is a process of its own: it is told a name to import, or is handed a pickle. It never shares an object.
"""

from __future__ import annotations

import base64
import importlib
import pickle
import re
import sys
from dataclasses import dataclass, field
from typing import Any

from pytest_syncload.facts.errors import Refused

#: How a function of a module is named, as entry points are (PyPA: "Entry points specification").
REFERENCE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What ``name`` of a conftest.py gave: ``reference`` as "module:function", else ``pickled`` (base64).

    ``paths`` is where pytest's own process imports from; a generator does so too.
    """

    name: str
    reference: str | None = None
    pickled: str | None = field(default=None, repr=False)
    paths: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, name: str, given: object) -> Override:
        """Of what was given. Raises `Refused` where another process cannot have it."""
        paths = tuple(path for path in sys.path if path)
        if isinstance(given, str):
            if not REFERENCE.fullmatch(given):
                raise Refused(f"{name} gave {given!r}, which names no function; write it as 'module:function'")
            return cls(name=name, reference=given, paths=paths)
        try:
            pickled = base64.b64encode(pickle.dumps(given)).decode()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise Refused(
                f"{name} gave what cannot be pickled ({type(error).__name__}: {_kind(given)}): each generator is a "
                "process of its own, and a function can be handed to it by its name only; move it to the top of a "
                "module and give 'module:function'"
            ) from None
        return cls(name=name, pickled=pickled, paths=paths)

    def load(self) -> Any:
        """The function that is named, or the object that was pickled. Raises `Refused`."""
        sys.path += [path for path in self.paths if path not in sys.path]
        try:
            if self.reference is None:
                return pickle.loads(base64.b64decode(self.pickled or ""))
            module, _, function = self.reference.partition(":")
            found: Any = importlib.import_module(module)
            for part in function.split("."):
                found = getattr(found, part)
        except Exception as error:  # noqa: BLE001  # importing runs the user's own code, which may raise anything
            what = self.reference or "what was pickled"
            # What a module of the user's raises may hold a secret; what Python says of one that is missing does not.
            said = f": {error}" if isinstance(error, (ImportError, AttributeError)) else ""
            raise Refused(
                f"{self.name}: a generator cannot import {what} ({type(error).__name__}{said}); it imports from where "
                "pytest does: is the module there, and does it import by itself?"
            ) from None
        return found


def _kind(given: object) -> str:
    """What kind of thing it is, without its value, which may hold a secret."""
    qualified = getattr(given, "__qualname__", "")
    if "<lambda>" in qualified:
        return "a lambda"
    if "<locals>" in qualified:
        return "a closure, as it was made inside another function"
    return f"an object of type {type(given).__qualname__}"
