"""The rules of an Idempotency-Key, one function each: how it is `Broken`, None where it is kept.

Only an answer that the rule excludes breaks it. Each raises `Unfinished` where nothing can be said.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from pytest_syncload.facts.idempotency import REQUESTS, KeyRule, Variant
from pytest_syncload.load.asking import IN_PROGRESS, NOBODY, Arrival, Asker, Unfinished, at_once, forged
from pytest_syncload.load.connection import Answer


@dataclass(frozen=True, slots=True)
class Broken:
    """What was answered that a rule excludes, and the key to look for in the target's logs."""

    key: str
    says: str


_NO_KEY = 400
_REUSED = 422


async def replay(asker: Asker, arrival: Arrival) -> Broken | None:
    """The same request again gets the same status and the same job."""
    answer = await asker.ask_again(arrival)
    if answer.status != arrival.status:
        return Broken(arrival.key, f"the same request again was answered {answer.status}, after {arrival.status}")
    if asker.job(answer) != arrival.job:
        return Broken(arrival.key, f"the same request again was answered {answer.status} with another {asker.member}")
    return None


async def concurrent(asker: Asker, arrival: Arrival) -> Broken | None:
    """Several at once with one key get one job. While one is worked on, the others may be answered 409."""
    key, identity = asker.fresh_key(arrival), asker.current(arrival)
    ended = await at_once([asker.ask(arrival, identity, key) for _ in range(REQUESTS[KeyRule.CONCURRENT])])
    lost = [one for one in ended if isinstance(one, Unfinished)]
    done = [one for one in ended if not isinstance(one, Unfinished) and one.status != IN_PROGRESS]
    wrong = next((answer.status for answer in done if not asker.accepted(answer)), None)
    if wrong is not None:
        return Broken(key, f"of {len(ended)} requests at once one was answered {wrong}")
    jobs = {asker.job(answer) for answer in done}
    # Two jobs are two, whatever became of the third request: a race may well end in a 500 for the loser.
    if len(jobs) > 1:
        return Broken(key, f"{len(ended)} requests at once made {len(jobs)} jobs")
    if lost:
        raise lost[0]
    if not done:
        raise Unfinished(f"all of {len(ended)} requests at once were answered {IN_PROGRESS}")
    return None


async def payload(asker: Asker, arrival: Arrival) -> Broken | None:
    """Another payload with the same key is answered 422."""
    # By itself first: a target that refuses this payload whatever its key would seem to keep the rule.
    alone = await asker.ask(arrival, asker.current(arrival), asker.fresh_key(arrival), Variant.CHANGED)
    if (why := refused_by_itself(asker, alone)) is not None:
        raise Unfinished(why)
    answer = await asker.ask_again(arrival, Variant.CHANGED)
    if answer.status == _REUSED:
        return None
    return Broken(arrival.key, f"another payload with the same key was answered {answer.status}")


def refused_by_itself(asker: Asker, alone: Answer) -> str | None:
    """Whether the other payload is refused with a key that nobody has used, so that a refusal proves nothing."""
    if asker.accepted(alone):
        return None
    return (
        f"request.idempotency.changed was answered {alone.status} with a key of its own; name members that the target "
        "accepts"
    )


async def missing_key(asker: Asker, arrival: Arrival) -> Broken | None:
    """A request without a key is answered 400."""
    answer = await asker.ask(arrival, asker.current(arrival), "", Variant.KEYLESS)
    if answer.status == _NO_KEY:
        return None
    return Broken(arrival.key, f"the same request without its key was answered {answer.status}")


async def user(asker: Asker, arrival: Arrival) -> Broken | None:
    """Another user with the same key gets a job of their own."""
    answer = await asker.ask(arrival, asker.other_than(arrival), arrival.key)
    if not asker.accepted(answer):
        return Broken(arrival.key, f"another user's request with the same key was answered {answer.status}")
    if asker.job(answer) == arrival.job:
        return Broken(arrival.key, f"another user was given the first one's {asker.member}")
    return None


async def unauthorized(asker: Asker, arrival: Arrival) -> Broken | None:
    """A 401 is not stored for the key."""
    identity, key = asker.current(arrival), asker.fresh_key(arrival)
    refused = await asker.ask(arrival, forged(identity), key, may_be_nobody=True)
    if refused.status != NOBODY:
        raise Unfinished(f"a token with a wrong signature was answered {refused.status}, not {NOBODY}")
    if _was_let_in(asker, await asker.ask(arrival, identity, key, may_be_nobody=True)):
        return None
    # A 401 may be about the token and not about the key; then another key meets it too, and nothing is known.
    await asker.ask(arrival, identity, f"{key}-control")
    if _was_let_in(asker, await asker.ask(arrival, identity, key, may_be_nobody=True)):
        raise Unfinished("a right token was rejected once")
    return Broken(key, f"a right token was answered {NOBODY} after a wrong one, and only with this key")


def _was_let_in(asker: Asker, answer: Answer) -> bool:
    """Whether it was accepted, and not answered 401."""
    if answer.status != NOBODY and not asker.accepted(answer):
        raise Unfinished(f"one of its requests was answered {answer.status}")
    return answer.status != NOBODY


RULES: Mapping[KeyRule, Callable[[Asker, Arrival], Awaitable[Broken | None]]] = {
    KeyRule.REPLAY: replay,
    KeyRule.CONCURRENT: concurrent,
    KeyRule.PAYLOAD: payload,
    KeyRule.MISSING_KEY: missing_key,
    KeyRule.USER: user,
    KeyRule.UNAUTHORIZED: unauthorized,
}
