"""What a check of an Idempotency-Key asks with: requests of the arrival's kind, beside the arrivals, each asked once.

What the target could not do just then (5xx, 429, a timeout, a rejected token) says nothing about a key: it is
`Unfinished`, and no rule ever sees it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from pytest_syncload.facts.idempotency import Variant
from pytest_syncload.facts.identities import Identities, Identity
from pytest_syncload.facts.member import at
from pytest_syncload.facts.result import Outcome
from pytest_syncload.load.connection import Answer
from pytest_syncload.load.door import Door
from pytest_syncload.load.outcome import parsed

#: Answers that are about this moment or this token, and not about the key.
_OF_THE_MOMENT = frozenset({401, 408, 425, 429})
NOBODY = 401
IN_PROGRESS = 409
#: Waits before a request that was answered 409 is sent again. Its first answer is there, so nothing is in progress any
#: more; but a store may be told of it a moment later.
_AGAIN_AFTER_S = (0.1, 0.3, 0.6, 1.0)
#: Arrivals further on that are looked through for another user.
_NEIGHBOURS = 32


class Unfinished(Exception):
    """A check that nothing can be said of, and why."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """The arrival that a check follows: who sent it with which key, and its answer, which was the right one."""

    index: int
    identity: Identity
    key: str
    status: int
    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """One generator's way to ask. ``member`` of an answer names its job; ``note`` is told of every answer.

    ``now`` is the clock of the identities' expiry. Nothing is sent with a token that has expired.
    """

    member: str
    outcome_of: Callable[[Answer], Outcome]
    identities: Identities
    door: Door
    note: Callable[[Answer], None]
    now: Callable[[], float]
    shards: int
    timeout_s: float
    key_prefix: str

    async def ask(
        self,
        arrival: Arrival,
        identity: Identity,
        key: str,
        variant: Variant = Variant.WHOLE,
        *,
        may_be_nobody: bool = False,
    ) -> Answer:
        """Send the arrival's request. Raises `Unfinished`; for a 401 too, unless it ``may_be_nobody``."""
        if identity.expires_at <= self.now():
            raise Unfinished("the token of one of its users had expired")
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def on_answer(answer: Answer) -> None:
            self.note(answer)
            if not answered.done():
                answered.set_result(answer)

        self.door.start(identity, key, arrival.index, on_answer, timeout_s=self.timeout_s, variant=variant)
        answer = await answered
        if answer.failure is not None:
            raise Unfinished(f"one of its requests ended as {answer.failure}")
        if answer.status == NOBODY:
            if may_be_nobody:
                return answer
            self.identities.rejected(identity)
        if answer.status >= 500 or answer.status in _OF_THE_MOMENT:
            raise Unfinished(f"one of its requests was answered {answer.status}")
        return answer

    async def ask_again(self, arrival: Arrival, variant: Variant = Variant.WHOLE) -> Answer:
        """Send the arrival's request with its key; where it is said to be in progress, some times more."""
        answer = await self.ask(arrival, self.current(arrival), arrival.key, variant)
        for wait_s in _AGAIN_AFTER_S:
            if answer.status != IN_PROGRESS:
                break
            await asyncio.sleep(wait_s)
            answer = await self.ask(arrival, self.current(arrival), arrival.key, variant)
        return answer

    def current(self, arrival: Arrival) -> Identity:
        """The arrival's user, with the token of now."""
        identity = self.identities.for_arrival(arrival.index)
        if identity.subject != arrival.identity.subject:
            raise Unfinished("the identities gave another user for the same arrival")
        return identity

    def other_than(self, arrival: Arrival) -> Identity:
        """A user of this generator who is not the arrival's."""
        for step in range(1, _NEIGHBOURS + 1):
            other = self.identities.for_arrival(arrival.index + step * self.shards)
            if other.subject != arrival.identity.subject:
                return other
        raise Unfinished("its generator has no second user; sign in twice as many users as there are generators")

    def fresh_key(self, arrival: Arrival) -> str:
        """A key that no arrival has, and no other check."""
        return f"{self.key_prefix}-verify-{arrival.index}"

    def accepted(self, answer: Answer) -> bool:
        """Whether it is the right answer to a request, by `request.expect`."""
        return self.outcome_of(answer) is Outcome.OK

    def job(self, answer: Answer) -> str:
        """What names the answer's job, as text. Raises `Unfinished` where nothing does."""
        try:
            job = at(parsed(answer.body), self.member)
        except (KeyError, IndexError, TypeError, ValueError):  # it is not there, or what is there has no members
            job = None
        if job is None:
            raise Unfinished(f"an answer had no {self.member}")
        return repr(job)


def forged(identity: Identity) -> Identity:
    """``identity`` with a token that nobody has signed: its signature's letters are there, in another order."""
    head, dot, signature = identity.token.rpartition(".")
    other = signature[::-1]
    if other == signature:
        other += "x"
    return replace(identity, token=f"{head}{dot}{other}")


async def at_once(asking: list[Coroutine[Any, Any, Answer]]) -> list[Answer | Unfinished]:
    """What became of each, once that is known of every one."""
    ended: list[Answer | Unfinished] = []
    for one in await asyncio.gather(*asking, return_exceptions=True):
        if isinstance(one, BaseException) and not isinstance(one, Unfinished):
            raise one
        ended.append(one)
    return ended
