"""What a generator is told and what it tells, as lines of JSON: all that its parent needs to know of it.

Apart from `generator`, so that whoever only speaks with one does not import what it works with.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from pytest_syncload.facts.override import Override
from pytest_syncload.facts.plan import USERS, Firebase, TokenFile
from pytest_syncload.load.climber import Turn
from pytest_syncload.load.shard import Shard, ShardReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one generator is to do, and where its identities come from; None: nowhere, they are made up.

    ``users`` are as many where ``identities`` does not say. With ``only_one``, one user signs in, and the token is
    verified. ``paths`` are where modules of the user's are imported from. Where ``request_from`` names a function, the
    shard's request is made here too, and must come out the same.
    """

    shard: Shard
    identities: Firebase | TokenFile | Override | None
    users: int = USERS
    only_one: bool = False
    paths: tuple[str, ...] = ()
    request_from: Override | None = None


JOB = TypeAdapter(Job)
#: What a generator reports at its end.
REPORT = TypeAdapter(ShardReport)
#: What turns a climb's course.
TURN = TypeAdapter(Turn)
