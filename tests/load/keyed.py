"""A target that knows Idempotency-Keys, as the engine's door to it or on a socket; and what a check asks it with."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

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
#: User, key and payload of a request whose answer is to be stored.
Claim = tuple[str, bytes, int] | None


@dataclass
class Users:
    """Two users in turn, or one; remembers who was rejected."""

    many: int = 2
    expires_at: float = float("inf")
    rejections: list[str] = field(default_factory=list)

    def for_arrival(self, arrival: int) -> Identity:
        number = arrival % self.many
        return Identity(number, f"user-{number}", f"head.user-{number}.signature-{number}", self.expires_at)

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
        _, signed = who(identity.token)
        status, job, claim = self.decide(identity.subject, signed, key.encode(), variant)
        instead = self._instead.get(number)
        failure = instead if isinstance(instead, Failure) else None
        if isinstance(instead, tuple):
            status, job = instead
        sent_at = time.monotonic()

        def come() -> None:
            self.finish(claim, job)
            body = b"" if job is None else json.dumps({"job_id": job}).encode()
            done_at = time.monotonic()
            if failure is not None:
                on_answer(Answer(sent_at=sent_at, done_at=done_at, failure=failure))
            else:
                on_answer(Answer(sent_at=sent_at, done_at=done_at, status=status, body=body))

        asyncio.get_running_loop().call_later(0.001, come)

    def flush(self) -> None:
        """Each went at once."""

    async def aclose(self) -> None:
        """Nothing is open."""

    def finish(self, claim: Claim, job: str | None) -> None:
        """The answer with this job goes out: it is stored where its key is claimed."""
        if claim is not None:
            self._keys.finish(*claim, (job or "").encode())

    def decide(self, user: str, signed: bool, key: bytes, variant: Variant) -> tuple[int, str | None, Claim]:
        """A request's status and job, and the claim on its key where the answer is to be stored."""
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


class Served:
    """A target on a socket of loopback, as a context. Its ``url`` is there once it is entered."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        me = asyncio.current_task()
        assert me is not None
        self._open[me] = writer
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"Content-Length: (\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                status, job = await self._answer(head, body)
                said = b"" if job is None else json.dumps({"job_id": job}).encode()
                writer.write(b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%b" % (status, len(said), said))
        except (OSError, asyncio.IncompleteReadError):
            return  # the client has gone
        finally:
            writer.transport.abort()
            del self._open[me]

    async def _answer(self, head: str, body: bytes) -> tuple[int, str | None]:
        token = re.search(r"Bearer (\S+)", head)
        key = re.search(r"Idempotency-Key: (\S+)", head)
        variant = Variant.WHOLE if json.loads(body) == TEMPLATE.json else Variant.CHANGED
        user, signed = who(token[1] if token else "")
        variant = variant if key else Variant.KEYLESS
        status, job, claim = self._target.decide(user, signed, key[1].encode() if key else b"", variant)
        await asyncio.sleep(0.002)
        self._target.finish(claim, job)
        return status, job


def who(token: str) -> tuple[str, bool]:
    """The user of a token of `Users`, and whether it is signed."""
    _, user, signature = token.split(".")
    return user, signature.startswith("signature")


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
