"""A generator's share of the identities: signed in before the phase, kept fresh beside it, handed out without I/O.

Its size has nothing to do with the request rate. No token ever leaves the process.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence

from pytest_syncload.auth.firebase import Carrier
from pytest_syncload.auth.given import GivenTokens
from pytest_syncload.auth.own import OwnSignIn
from pytest_syncload.auth.refreshing import Refreshing
from pytest_syncload.auth.session import Session, Source
from pytest_syncload.auth.users import FirebaseUsers
from pytest_syncload.auth.warming import warm
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.override import Override
from pytest_syncload.facts.plan import USERS, Firebase, TokenFile
from pytest_syncload.facts.result import Refreshes

#: Characters of a Firebase ID token with few claims.
_TOKEN_LENGTH = 900


def source_of(
    whence: Firebase | TokenFile | Override, *, shards: int = 1, users: int = USERS, carrier: Carrier | None = None
) -> Source:
    """Where a plan's identities come from; ``users`` where it does not say how many. Raises `Refused`.

    ``carrier`` gives what carries questions to Firebase, see `firebase.straight_client`.
    """
    match whence:
        case Firebase():
            return FirebaseUsers(whence, shards=shards, carrier=carrier)
        case TokenFile():
            return GivenTokens(whence)
        case Override():
            return OwnSignIn(whence, users)


class IdentityPool:
    """Implements `facts.identities.Identities` for shard ``shard`` of ``shards``.

    User u of the whole pool belongs to generator u mod ``shards``; arrival i goes to the generator i mod ``shards``.
    Where there are more generators than users, some share one.
    """

    def __init__(self, identities: Sequence[Identity], shards: int, refreshing: Refreshing | None = None) -> None:
        self._identities = list(identities)
        self._shards = shards
        self._refreshing = refreshing
        #: 401 answers by identity.
        self.rejections: Counter[int] = Counter()

    @classmethod
    def made_up(cls, *, shards: int) -> IdentityPool:
        """A hundred users whom nobody knows, with tokens as long as Firebase's, for what never leaves this machine."""
        users = [Identity(index, f"nobody-{index:05}", "x" * _TOKEN_LENGTH) for index in range(100)]
        return cls(users, shards)

    def for_arrival(self, arrival: int) -> Identity:
        """The identities in turn, over this generator's arrivals. One whose token has expired must not be sent."""
        return self._identities[arrival // self._shards % len(self._identities)]

    def rejected(self, identity: Identity) -> None:
        """Count a 401, and have the token renewed; not where that has happened since the request went out."""
        self.rejections[identity.index] += 1
        if self._refreshing is not None and self._identities[identity.index] is identity:
            self._refreshing.hasten(identity.index)

    def take(self, index: int, session: Session) -> None:
        """From now on, the identity has this session's token."""
        self._identities[index] = Identity(index, session.subject, session.token, session.expires_at)

    def __len__(self) -> int:
        return len(self._identities)

    @property
    def expires_at(self) -> float:
        """Monotonic time at which the first token ends for good; infinity where tokens are renewed."""
        return math.inf if self._refreshing is not None else min(each.expires_at for each in self._identities)

    @property
    def refreshes(self) -> Refreshes:
        """How many renewals there were, and how many failed."""
        kept = self._refreshing
        return Refreshes() if kept is None else Refreshes(count=kept.count, failed=kept.failed)

    @property
    def refresh_problem(self) -> str | None:
        """What the last failed renewal said."""
        return None if self._refreshing is None else self._refreshing.problem


class WarmPool:
    """A pool of a source's users, as a context: entering it signs them in, and until it is left they are kept fresh.

    Once ``stop`` is set no more are signed in; ``say`` hears at once and every second how many are done, of how many.
    Entering raises `Refused` where a user cannot be signed in.
    """

    def __init__(
        self,
        source: Source,
        *,
        shard: int,
        shards: int,
        stop: asyncio.Event | None = None,
        say: Callable[[int, int], None] = lambda done, of: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._stop = stop or asyncio.Event()
        #: Their numbers, by place.
        self.users = list(range(shard, source.users, shards)) or [shard % source.users]
        self._say = say
        nobody_yet = [Identity(index, "nobody yet", "", -math.inf) for index in range(len(self.users))]
        renewing = Refreshing(self._renew, self._take, now=now) if source.renews else None
        self._refreshing = renewing
        self._pool = IdentityPool(nobody_yet, shards, renewing)
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> IdentityPool:
        if self._refreshing is not None:
            # From the start: signing thousands in may take longer than a token lives.
            self._running = asyncio.create_task(self._refreshing.run())
        try:
            await warm(self._source, self.users, self._take_first, self._say, self._stop)
        except BaseException:
            await self.__aexit__()
            raise
        return self._pool

    async def __aexit__(self, *_: object) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        await self._source.aclose()

    async def _renew(self, index: int, session: Session) -> Session:
        return await self._source.renew(self.users[index], session)

    def _take(self, index: int, session: Session) -> None:
        self._pool.take(index, session)

    def _take_first(self, index: int, session: Session) -> None:
        self._pool.take(index, session)
        if self._refreshing is not None:
            self._refreshing.watch(index, session)
