"""What an entry of the catalogue of false greens is: a mistake, the guards that stop it, and a scenario to see it by.

A scenario is run twice. With the guards it must not be green; with them replaced by functions that let everything pass
it must be, so that no guard is decoration and the scenario is no straw man.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from unittest import mock


class Through(StrEnum):
    """What the scenario goes through: the first two are the real thing."""

    BOTO3 = "boto3's own client against a server"
    SOCKETS = "real sockets"
    PROCESSES = "generator processes of its own"
    PYTEST = "a pytest run of its own"
    PURE = "pure functions"


class Seen(StrEnum):
    """What a scenario ends in. Only the first is green."""

    GREEN = "green"
    RED = "red"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One way in which a gate could turn green by mistake.

    ``guards`` map where a guard stands ("package.module:name", or ":Class.name") to what it is replaced with: a
    function of the same signature that finds nothing wrong, or the peers' own mistake where it makes a value.
    ``mistake`` is the story in one sentence, ``peers`` who is known to make it, with a source. ``scenario`` takes
    whatever fixtures its group has, by name.
    """

    name: str
    mistake: str
    guards: Mapping[str, Callable[..., Any]]
    through: Through
    scenario: Callable[..., Seen]
    peers: str = ""
    needs: tuple[str, ...] = field(default=())


def guard_at(where: str) -> tuple[Any, str]:
    """The module or class that a guard stands in, and its name there. Raises ImportError or AttributeError."""
    module, _, path = where.partition(":")
    *outer, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for part in outer:
        owner = getattr(owner, part)
    getattr(owner, name)
    return owner, name


@contextmanager
def without(guards: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
    """The guards replaced, wherever the package has imported them to, for as long as the context.

    Raises AttributeError where one is not there: a guard that was renamed must not leave its entry without any.
    """
    with ExitStack() as replaced:
        for where, instead in guards.items():
            owner, name = guard_at(where)
            guard = getattr(owner, name)
            stand_in = property(instead) if isinstance(guard, property) else instead
            replaced.enter_context(mock.patch.object(owner, name, stand_in))
            for module in [module for at, module in sys.modules.items() if at.startswith("pytest_syncload")]:
                for bound in [bound for bound, value in vars(module).items() if value is guard]:
                    replaced.enter_context(mock.patch.object(module, bound, stand_in))
        yield
