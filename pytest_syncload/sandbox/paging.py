"""Pages of a list, as ListTasks and DescribeCacheClusters have them: a token belongs to the request it came from.

A token is the number of entries that earlier pages held, and a digest of what was asked; no state is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

_Entry = TypeVar("_Entry")


class ForeignToken(ValueError):
    """The token was not given out for this request."""


def digest(asked: Mapping[str, Any]) -> str:
    """What tells one request from another; members that change from page to page must be left out of ``asked``."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def offset(token: object, asked: Mapping[str, Any]) -> int:
    """How many entries earlier pages held; 0 without a token. Raises `ForeignToken`."""
    if token is None:
        return 0
    count, _, belongs_to = str(token).partition("-")
    if not count.isdecimal() or belongs_to != digest(asked):
        raise ForeignToken(token)
    return int(count)


def page(
    entries: Sequence[_Entry], most: int, token: object, asked: Mapping[str, Any]
) -> tuple[Sequence[_Entry], str | None]:
    """At most ``most`` entries after those of earlier pages, and the next page's token. Raises `ForeignToken`."""
    first = offset(token, asked)
    end = first + most
    return entries[first:end], f"{end}-{digest(asked)}" if end < len(entries) else None
