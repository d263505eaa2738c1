"""A generator's share of the identities: signed in before the phase, handed out without I/O while it runs."""

from __future__ import annotations

import math
from collections import Counter

from pytest_syncload.auth.firebase import sign_in_all
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.plan import Firebase

#: Characters of a Firebase ID token with few claims.
_TOKEN_LENGTH = 900


class IdentityPool:
    """Implements `facts.identities.Identities` for shard ``shard`` of ``shards``.

    User u of the whole pool belongs to generator u mod ``shards``; arrival i goes to the generator i mod ``shards``.
    """

    def __init__(self, identities: list[Identity], shards: int, expires_at: float) -> None:
        self._identities = identities
        self._shards = shards
        #: Monotonic time at which the first of the tokens expires.
        self.expires_at = expires_at
        #: 401 answers by identity.
        self.rejections: Counter[int] = Counter()

    @classmethod
    async def signed_in(cls, firebase: Firebase, *, shard: int, shards: int) -> IdentityPool:
        """Sign this shard's users in; at least one. Raises `Refused`."""
        numbers = list(range(shard, firebase.users, shards)) or [shard]
        subjects = [f"syncload-{number:05}" for number in numbers]
        tokens = await sign_in_all(firebase, subjects)
        identities = [
            Identity(index, subject, token.value)
            for index, (subject, token) in enumerate(zip(subjects, tokens, strict=True))
        ]
        return cls(identities, shards, min(token.expires_at for token in tokens))

    @classmethod
    def made_up(cls, *, shards: int) -> IdentityPool:
        """A hundred users whom nobody knows, with tokens as long as Firebase's, for what never leaves this machine."""
        users = [Identity(index, f"nobody-{index:05}", "x" * _TOKEN_LENGTH) for index in range(100)]
        return cls(users, shards, math.inf)

    def for_arrival(self, arrival: int) -> Identity:
        """The identities in turn, over this generator's arrivals."""
        return self._identities[arrival // self._shards % len(self._identities)]

    def rejected(self, identity: Identity) -> None:
        """Count a 401."""
        self.rejections[identity.index] += 1

    def __len__(self) -> int:
        return len(self._identities)
