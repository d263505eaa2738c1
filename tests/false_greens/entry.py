"""What an entry of the catalogue of false greens is: a mistake, the guards that stop it, and a scenario to see it by.

A scenario is run twice. With the guards it must not be green; with them replaced by functions that let everything pass
it must be, so that no guard is decoration and the scenario is no straw man.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Through(StrEnum):
    """What the scenario goes through: the first two are the real thing."""

    BOTO3 = "boto3's own client against a server"
    SOCKETS = "real sockets"
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

    ``guards`` map where a guard stands ("package.module:name", or ":Class.name") to what it is replaced with: a function
    of the same signature that finds nothing wrong. ``mistake`` is the story in one sentence, ``peers`` who is known to
    make it, with a source. ``scenario`` takes whatever fixtures its group has, by name.
    """

    name: str
    mistake: str
    guards: Mapping[str, Callable[..., Any]]
    through: Through
    scenario: Callable[..., Seen]
    peers: str = ""
    needs: tuple[str, ...] = field(default=())
