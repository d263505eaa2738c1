"""What an Idempotency-Key promises, how a request carries one, and what checking the promises under load came to.

The rules are those of draft-ietf-httpapi-idempotency-key-header (sections 2.6 and 2.7), taken as promises, and two more
that a cache in front of a target breaks: another user's key, and an answer to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class KeyRule(StrEnum):
    """One promise, by its name in reports and faults; see `MEANING`."""

    REPLAY = "replay"
    CONCURRENT = "concurrent"
    PAYLOAD = "payload"
    MISSING_KEY = "missing-key"
    USER = "user"
    UNAUTHORIZED = "unauthorized"


#: Each rule in one line.
MEANING: Mapping[KeyRule, str] = {
    KeyRule.REPLAY: "the same request again gets the same status and the same job",
    KeyRule.CONCURRENT: "several at once with one key get one job",
    KeyRule.PAYLOAD: "another payload with the same key is answered 422",
    KeyRule.MISSING_KEY: "a request without a key is answered 400",
    KeyRule.USER: "another user with the same key gets a job of their own",
    KeyRule.UNAUTHORIZED: "a 401 is not stored for the key",
}

#: Requests that a check of each rule sends beside its arrival, where nothing is answered 409.
REQUESTS: Mapping[KeyRule, int] = {
    KeyRule.REPLAY: 1,
    KeyRule.CONCURRENT: 3,
    KeyRule.PAYLOAD: 2,
    KeyRule.MISSING_KEY: 1,
    KeyRule.USER: 1,
    KeyRule.UNAUTHORIZED: 2,
}
#: What a check costs on average: as each rule has its turn, so much load comes on top of the share that is checked.
REQUESTS_A_CHECK = sum(REQUESTS.values()) / len(REQUESTS)

#: Checks of one rule that must have come to an end for a row to be judged: one could have met a lucky moment.
ENOUGH = 3


class KeyForm(StrEnum):
    """How the key stands in its header: as it is, or in quotes, as a structured-field string (RFC 8941) does."""

    BARE = "bare"
    SF_STRING = "sf-string"


class Variant(StrEnum):
    """The form in which an arrival's request goes out: its own, or one of those that only checks send."""

    WHOLE = "whole"
    KEYLESS = "without a key"
    CHANGED = "with another payload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """How requests carry their key, and which share of arrivals checks what it promises; 0 for none.

    ``job_id`` is the member of the answer that names the job, as `member` writes its way. ``changed`` are the top-level
    members of the JSON body that make another payload of it, one that the target would accept with a key of its own.
    """

    header: str = "Idempotency-Key"
    key: KeyForm = KeyForm.BARE
    verify_percent: float = 0.0
    job_id: str = ""
    changed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCount:
    """The checks of one rule. Of ``begun``, ``finished`` came to an end, and of those ``broken`` found it broken.

    ``key`` and ``says`` show one that was broken: its Idempotency-Key, which no secret stands in, and what was
    answered. ``unfinished_because`` is why one did not come to its end.
    """

    rule: KeyRule
    begun: int = 0
    finished: int = 0
    broken: int = 0
    key: str = ""
    says: str = ""
    unfinished_because: str = ""

    @property
    def unfinished(self) -> int:
        """The checks that nothing can be said of."""
        return self.begun - self.finished

    def __add__(self, other: RuleCount) -> RuleCount:
        shown = min((one for one in (self, other) if one.key), key=lambda one: one.key, default=self)
        reasons = sorted({self.unfinished_because, other.unfinished_because} - {""})
        return RuleCount(
            rule=self.rule,
            begun=self.begun + other.begun,
            finished=self.finished + other.finished,
            broken=self.broken + other.broken,
            key=shown.key,
            says=shown.says,
            unfinished_because=reasons[0] if reasons else "",
        )


def added_up(counts: Iterable[RuleCount]) -> tuple[RuleCount, ...]:
    """One count a rule, in their order, of all generators; none where nothing was checked."""
    found: dict[KeyRule, RuleCount] = {}
    for count in counts:
        found[count.rule] = found[count.rule] + count if count.rule in found else count
    return tuple(found[rule] for rule in KeyRule if rule in found)
