"""Whether the target did each request's work: answers to different Idempotency-Keys must differ.

A target that answers every key with the same job does none of the work and is fast at it. Only a bounded sample is
looked at, and as digests: an answer may hold what no run folder may.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_syncload.facts.member import at, marked
from pytest_syncload.facts.plan import ANY, UNIQUE, RequestTemplate

#: Answers that a generator looks at between two snapshots, a second apart: of 20 a second, an hour has 72,000.
SAMPLE = 20
#: Digests that are remembered: some 10 MB at most.
_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sameness:
    """Of ``sampled`` answers, ``repeated`` had the same values under ``members`` as an earlier one."""

    members: tuple[str, ...] = ()
    sampled: int = 0
    repeated: int = 0


@dataclass(slots=True)
class Seen:
    """Digests of the answers that were looked at, with how often each came."""

    digests: Counter[str] = field(default_factory=Counter)

    def add(self, digests: Iterable[str]) -> None:
        """Take in some more, while there is room."""
        for digest in digests:
            if digest in self.digests or len(self.digests) < _REMEMBERED:
                self.digests[digest] += 1

    def sameness(self, members: tuple[str, ...]) -> Sameness:
        """What they come to; ``members`` is for a reader."""
        sampled = sum(self.digests.values())
        return Sameness(members=members, sampled=sampled, repeated=sampled - len(self.digests))


def distinct_members(template: RequestTemplate) -> tuple[str, ...]:
    """The members of the answer whose values, taken together, must be others for each key, as `at` finds them.

    That is the one expected as `UNIQUE`. Without it those expected as `ANY`, of a POST: the other methods may be
    repeated without more being done (RFC 9110, section 9.2.2).
    """
    unique = tuple(marked(template.expect_json, UNIQUE))
    if unique or template.method != "POST":
        return unique
    return tuple(marked(template.expect_json, ANY))


def digest(body: bytes, members: tuple[str, ...]) -> str:
    """What tells this answer from others. ``body`` is one that was found right, so it is JSON and has the members."""
    data = json.loads(body)
    values = json.dumps([at(data, member) for member in members], sort_keys=True)
    return hashlib.blake2b(values.encode(), digest_size=8).hexdigest()
