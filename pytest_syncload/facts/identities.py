"""Who a request is sent as. `load/` uses identities, `auth/` makes them; both know only this."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Identity:
    """A signed-in user. ``index`` counts within a generator; ``token`` is a secret and stays out of reprs.

    From ``expires_at`` on (monotonic) nothing may be sent with the token.
    """

    index: int
    subject: str
    token: str = field(repr=False)
    expires_at: float = math.inf


class Identities(Protocol):
    """A fixed set of users, signed in before the phase starts; their tokens change while it runs."""

    def for_arrival(self, arrival: int) -> Identity:
        """The identity that sends arrival number ``arrival``, as it is now. Costs no I/O."""
        ...

    def rejected(self, identity: Identity) -> None:
        """The target answered 401 to ``identity``. Costs no I/O; the request is not repeated."""
        ...
