"""Keeps tokens fresh while load runs, off the measured path: each user in good time, never twice at once.

When a token is renewed is drawn anew each time, so that users who signed in together do not come back together. What
fails is tried again until it works; what happens to arrivals meanwhile is not decided here.
"""

from __future__ import annotations

import asyncio
import gc
import heapq
import random
import time
from collections.abc import Awaitable, Callable

from pytest_syncload.auth.errors import Rejected, SignInError
from pytest_syncload.auth.session import Session

#: Renewals under way at once: enough for thousands of users an hour, and too few to make a burst beside the load.
AT_ONCE = 8
#: A token is renewed at its end less five minutes less up to fifteen more; of one that lives for less than an hour, at
#: its end less a quarter less up to a quarter more.
LEAD_S = 300.0
SPREAD_S = 900.0
_SHARE = 0.25
#: After a failure, a quarter of what is left, within these.
_SOONEST_S, _LATEST_S = 0.5, 10.0
#: Renewals after which older garbage is looked at too.
_OFTEN = 64
#: A token that a target refuses though it is this young (or so small a part of its life) is not mended by another.
_YOUNG_S = 10.0


def due_at(session: Session, drawn: float) -> float:
    """When a session is renewed (monotonic); ``drawn`` is at random from 0 to 1."""
    lasts = session.expires_at - session.since
    return session.expires_at - min(LEAD_S, _SHARE * lasts) - drawn * min(SPREAD_S, _SHARE * lasts)


class Refreshing:
    """Renews sessions by ``renew(user, session)`` and hands each to ``take(user, session)``.

    ``count`` and ``failed`` are the renewals so far, ``problem`` what the last failure said.
    """

    def __init__(
        self,
        renew: Callable[[int, Session], Awaitable[Session]],
        take: Callable[[int, Session], None],
        *,
        draw: Callable[[], float] = random.random,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._renew = renew
        self._take = take
        self._draw = draw
        self._now = now
        self._sessions: dict[int, Session] = {}
        #: When each user is due; in the heap stand older moments too, which count no more.
        self._due: dict[int, float] = {}
        self._heap: list[tuple[float, int]] = []
        self._under_way: set[int] = set()
        self._woken = asyncio.Event()
        self.count = self.failed = 0
        self.problem: str | None = None

    def watch(self, user: int, session: Session) -> None:
        """From now on, keep this session fresh."""
        self._sessions[user] = session
        self._plan(user, due_at(session, self._draw()))

    def hasten(self, user: int) -> None:
        """The target refuses this user's token: renew it now, unless that is under way or it is too young to help."""
        if user in self._under_way or user not in self._due:
            return
        session, now = self._sessions[user], self._now()
        if now - session.since >= min(_YOUNG_S, _SHARE * (session.expires_at - session.since)):
            self._plan(user, now)

    async def run(self) -> None:
        """Renew what is due, for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._woken.clear()
                for user in self._take_due():
                    self._under_way.add(user)
                    group.create_task(self._renewed(user))
                wait_s = self._heap[0][0] - self._now() if self._heap and len(self._under_way) < AT_ONCE else None
                try:
                    async with asyncio.timeout(wait_s):
                        await self._woken.wait()
                except TimeoutError:
                    pass  # something is due

    def _plan(self, user: int, at: float) -> None:
        self._due[user] = at
        heapq.heappush(self._heap, (at, user))
        if self._heap[0] == (at, user):
            self._woken.set()

    def _take_due(self) -> list[int]:
        taken: list[int] = []
        while self._heap and self._heap[0][0] <= self._now() and len(self._under_way) + len(taken) < AT_ONCE:
            at, user = heapq.heappop(self._heap)
            if self._due.get(user) == at:
                del self._due[user]
                taken.append(user)
        return taken

    async def _renewed(self, user: int) -> None:
        session = self._sessions[user]
        try:
            fresh = await self._renew(user, session)
        except SignInError as error:
            self.failed += 1
            self.problem = str(error)
            if not isinstance(error, Rejected):  # that is final
                left = session.expires_at - self._now()
                self._plan(user, self._now() + min(_LATEST_S, max(_SOONEST_S, left / 4)) * (0.5 + self._draw()))
        else:
            self.count += 1
            self._take(user, fresh)
            self.watch(user, fresh)
        finally:
            self._under_way.discard(user)
            self._woken.set()
            tidy(thoroughly=(self.count + self.failed) % _OFTEN == 0)


def tidy(*, thoroughly: bool) -> None:
    """Free what a renewal leaves behind, where the engine has turned the collector off for the load.

    httpx leaves a cycle of 12 KB a question, which would be 120 MB in an hour of ten thousand users. Only what is as
    young as that is looked at (30 µs, measured); now and then, what outlived it because renewals overlap.
    """
    if not gc.isenabled():
        gc.collect(1 if thoroughly else 0)
