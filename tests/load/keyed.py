"""A target that knows Idempotency-Keys, as the engine's door to it; and what a check asks it with."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_syncload.facts.idempotency import KeyRule, Variant
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.plan import RequestTemplate
from pytest_syncload.load.asking import Arrival, Asker
from pytest_syncload.load.connection import Answer, Failure
from pytest_syncload.load.outcome import expectation
from pytest_syncload.sandbox.keys import Keys, Known

TEMPLATE = RequestTemplate(json={"mode": "a"}, expect_status=202, expect_json={"job_id": "unique"})
#: What is given in place of an answer: a status, with a job or without.
Instead = tuple[int, str | None] | Failure


@dataclass
class Users:
    """Two users in turn, or one; remembers who was rejected."""

    many: int = 2
    expires_at: float = float("inf")
    rejections: list[str] = field(default_factory=list)

    def for_arrival(self, arrival: int) -> Identity:
        number = arrival % self.many
        return Identity(number, f"user-{number}", f"head.claims.signature-{number}", self.expires_at)

    def rejected(self, identity: Identity) -> None:
        self.rejections.append(identity.subject)


class Target:
    """Keeps every rule but ``broken``. The answer to request k, from 0, is the ``instead`` of k where there is one.

    An answer comes one turn of the loop after its request, so that requests of one turn are under way at once.
    """

    def __init__(self, broken: KeyRule | None = None, instead: dict[int, Instead] | None = None) -> None:
        self._keys = Keys(broken=broken)
        self._instead = instead or {}
        self._jobs = 0
        self.asked: list[tuple[str, str, Variant]] = []

    def start(
        self,
        identity: Identity,
        key: str,
        arrival: int,
        on_answer: Callable[[Answer], None],
        *,
        timeout_s: float,
        variant: Variant = Variant.WHOLE,
    ) -> None:
        number = len(self.asked)
        self.asked.append((identity.subject, key, variant))
        signed = identity.token.rpartition(".")[2].startswith("signature")
        status, job, claim = self._decide(identity.subject, signed, key.encode(), variant)
        instead = self._instead.get(number)
        failure = instead if isinstance(instead, Failure) else None
        if isinstance(instead, tuple):
            status, job = instead
        sent_at = time.monotonic()

        def come() -> None:
            if claim is not None:
                self._keys.finish(*claim, (job or "").encode())
            body = b"" if job is None else json.dumps({"job_id": job}).encode()
            done_at = time.monotonic()
            if failure is not None:
                on_answer(Answer(sent_at=sent_at, done_at=done_at, failure=failure))
            else:
                on_answer(Answer(sent_at=sent_at, done_at=done_at, status=status, body=body))

        asyncio.get_running_loop().call_later(0.001, come)

    async def aclose(self) -> None:
        """Nothing is open."""

    def _decide(
        self, user: str, signed: bool, key: bytes, variant: Variant
    ) -> tuple[int, str | None, tuple[str, bytes, int] | None]:
        if not signed:
            self._keys.refuse(key)
        if not signed or self._keys.is_refused(key):
            return 401, None, None
        if variant is Variant.KEYLESS:
            return (400, None, None) if self._keys.is_needed else (202, self._new_job(), None)
        digest = int(variant is Variant.CHANGED)
        known = self._keys.begin(user, key, digest)
        if known is Known.NEW:
            return 202, self._new_job(), (user, key, digest)
        if known is Known.IN_PROGRESS:
            return 409, None, None
        return (202, known.decode(), None) if isinstance(known, bytes) else (422, None, None)

    def _new_job(self) -> str:
        self._jobs += 1
        return f"job-{self._jobs}"


def asker(target: Target, users: Users | None = None, note: Callable[[Answer], None] = lambda _: None) -> Asker:
    return Asker(
        member="job_id",
        outcome_of=expectation(TEMPLATE),
        identities=users or Users(),
        door=target,
        note=note,
        now=time.monotonic,
        shards=1,
        timeout_s=5.0,
        key_prefix="run-peak",
    )


async def first_arrival(asking: Asker) -> Arrival:
    """An arrival that was answered as it should be: the target's request 0."""
    identity = asking.identities.for_arrival(0)
    answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    asking.door.start(identity, "run-peak-0", 0, answered.set_result, timeout_s=5.0)
    answer = await answered
    return Arrival(0, identity, "run-peak-0", answer.status, asking.job(answer))
