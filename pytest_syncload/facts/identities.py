"""Who a request is sent as. `load/` uses identities, `auth/` makes them; both know only this."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Identity:
    """A signed-in user. ``index`` counts within a generator; ``token`` is a secret and stays out of reprs."""

    index: int
    subject: str
    token: str = field(repr=False)


class Identities(Protocol):
    """A fixed set of signed-in users, ready before the phase starts."""

    def for_arrival(self, arrival: int) -> Identity:
        """The identity that sends arrival number ``arrival``. Costs no I/O."""
        ...

    def rejected(self, identity: Identity) -> None:
        """The target answered 401 to ``identity``. Costs no I/O; the request is not repeated."""
        ...
