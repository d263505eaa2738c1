"""What a check asks with: whose token, which key, and what is told of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pytest_syncload.facts.identities import Identity
from pytest_syncload.load.asking import Unfinished, forged
from pytest_syncload.load.connection import Answer
from tests.load.keyed import Target, Users, asker, first_arrival


@pytest.mark.parametrize("token", ["head.claims.signature", "head.claims.", "opaque", "anna", ""])
def test_a_forged_token_is_another_of_the_same_form(token: str) -> None:
    """Also where the emulator signs nothing, and where letters read the same from behind."""
    identity = Identity(3, "user", token)
    made = forged(identity)
    assert made.token != token
    assert made.token.count(".") == token.count(".")
    assert made.token.rpartition(".")[0] == token.rpartition(".")[0]
    assert made.subject == "user"


def test_every_answer_is_told_and_a_fresh_key_is_no_arrivals() -> None:
    told: list[Answer] = []

    async def scenario() -> None:
        asking = asker(Target(), note=told.append)
        arrival = await first_arrival(asking)
        await asking.ask(arrival, asking.current(arrival), asking.fresh_key(arrival))
        with pytest.raises(Unfinished):
            await asking.ask(arrival, forged(asking.current(arrival)), "k")

    asyncio.run(scenario())
    assert [answer.status for answer in told] == [202, 401]


def test_another_user_for_the_same_arrival_ends_the_check() -> None:
    class Fickle(Users):
        def for_arrival(self, arrival: int) -> Identity:
            self.many += 1
            return Identity(0, f"user-{self.many}", "a.b.signature")

    async def scenario() -> None:
        asking = asker(Target(), Fickle())
        await asking.ask_again(await first_arrival(asking))

    with pytest.raises(Unfinished, match="another user for the same arrival"):
        asyncio.run(scenario())


@pytest.mark.parametrize(
    ("body", "job"),
    [
        (b'{"job": {"id": 7}}', "7"),
        (b'{"job": {"id": "7"}}', "'7'"),
        (b'{"job": {"id": null}}', None),
        (b'{"job": {}}', None),
        (b'{"job": "7"}', None),
        (b'{"job": ["7"]}', None),
        (b"[]", None),
        (b"", None),
        (b"{", None),
    ],
)
def test_a_job_is_what_stands_at_its_member_and_nothing_else(body: bytes, job: str | None) -> None:
    asking = replace(asker(Target()), member="job/id")
    answer = Answer(sent_at=0.0, done_at=1.0, status=202, body=body)
    if job is not None:
        assert asking.job(answer) == job
        return
    with pytest.raises(Unfinished, match="an answer had no job/id"):
        asking.job(answer)
