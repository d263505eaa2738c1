"""False greens of the row on the Idempotency-Key: no violation was found, because nobody looked or nobody could say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from pytest_syncload.facts.idempotency import Idempotency, KeyRule, RuleCount, Variant
from pytest_syncload.facts.plan import Slo, Target
from pytest_syncload.facts.result import PhaseResult
from pytest_syncload.facts.units import Kind
from pytest_syncload.load.fleet import Fared
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import ShardReport
from pytest_syncload.load.snapshot import Merged
from tests.false_greens.entry import Entry, Seen, Through
from tests.false_greens.offering import judged, offer, shard_of, summed
from tests.load.keyed import TEMPLATE, Claim, Served, Users
from tests.load.keyed import Target as Service

OWN = "pytest_syncload.sources.own"
KEYS = Slo(
    name="keys",
    phase="peak",
    target=Target(op="==", value=0.0, kind=Kind.COUNT, text="== 0"),
    line=36,
    metric="idempotency.violations",
)
REQUEST = replace(TEMPLATE, idempotency=Idempotency(verify_percent=10.0, job_id="job_id", changed={"mode": "b"}))


def none_of(*_: Any) -> list[str]:
    """A look that finds nothing missing."""
    return []


def nothing(*_: Any) -> None:
    """A check that finds nothing wrong."""


class Failing(Service):
    """Answers every third replay with 503, and nobody knows whether it made another job."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[tuple[str, bytes]] = set()
        self._replays = 0

    def decide(self, user: str, signed: bool, key: bytes, variant: Variant) -> tuple[int, str | None, Claim]:
        if (user, key) in self._seen and variant is Variant.WHOLE and b"verify" not in key:
            self._replays += 1
            if self._replays % 3 == 1:
                return 503, None, None
        self._seen.add((user, key))
        return super().decide(user, signed, key, variant)


class Fastidious(Service):
    """Takes one payload only, whatever its key; it does not compare payloads of a key."""

    def __init__(self) -> None:
        super().__init__(KeyRule.PAYLOAD)

    def decide(self, user: str, signed: bool, key: bytes, variant: Variant) -> tuple[int, str | None, Claim]:
        return (422, None, None) if variant is Variant.CHANGED else super().decide(user, signed, key, variant)


def loaded(service: Service, percent: float = 10.0) -> PhaseResult:
    """400 arrivals in half a second, and the checks that follow a share of them."""

    async def scenario() -> PhaseResult:
        async with Served(service) as served:
            pacer = Pacer(rate_per_s=800.0, ramp_s=0.0, hold_s=0.5)
            shard, merged = shard_of(served.url, request=REQUEST, pacer=pacer, verify_percent=percent), Merged()
            report = await offer(shard, merged, users=Users())  # type: ignore[arg-type]  # two in place of one
            return summed(shard, merged, [report])

    return asyncio.run(scenario())


def second_generator_found_it() -> Seen:
    """Two generators' reports, of which the first has nothing to tell."""
    shard = shard_of("http://nowhere", shards=2)
    counts = [RuleCount(rule=rule, begun=5, finished=5) for rule in KeyRule]
    broken = [replace(count, broken=5, key="run-peak-1", says="another job") for count in counts]
    plain = ShardReport(index=0, sent=0, interrupted=False, cpu_percent=9.0, lag_p99_ms=1.0, peak_in_flight=9)
    reports = [
        replace(plain, idempotency=tuple(counts)),
        replace(plain, index=1, idempotency=tuple(broken)),
    ]
    fared = Fared(reports=tuple(map(asdict, reports)), lost=(), stopped=None)
    # Whatever else there is to say of a load of no arrivals, here it is only about what was found.
    return judged(replace(summed(shard, Merged(), [], fared), invalid=()), KEYS)


def first_of_each(counts: Iterable[RuleCount]) -> tuple[RuleCount, ...]:
    """`added_up` of somebody who takes one generator for all."""
    found: dict[KeyRule, RuleCount] = {}
    for count in counts:
        found.setdefault(count.rule, count)
    return tuple(found.values())


def _keys(name: str, mistake: str, scenario: Any, guards: dict[str, Any], **rest: Any) -> Entry:
    given: dict[str, Any] = {"through": Through.SOCKETS} | rest
    return Entry(name=name, mistake=mistake, scenario=scenario, guards=guards, **given)


ENTRIES: tuple[Entry, ...] = (
    _keys(
        "keys that nobody checks",
        "Verification is switched off, so no promise of the Idempotency-Key is found broken.",
        lambda: judged(loaded(Service(KeyRule.REPLAY), percent=0.0), KEYS),
        {f"{OWN}:require_checked": nothing, f"{OWN}:unchecked": none_of},
        peers="k6: a threshold on a metric that no check has filled passes",
    ),
    _keys(
        "a rule that was never checked",
        "So few arrivals are sampled that the turn never comes to the rule that the target breaks.",
        lambda: judged(loaded(Service(KeyRule.UNAUTHORIZED), percent=1.0), KEYS),
        {f"{OWN}:unchecked": none_of},
    ),
    _keys(
        "checks that came to nothing",
        "The target answers each third repeated request with 503, and whether it was done again was never seen.",
        lambda: judged(loaded(Failing()), KEYS),
        {f"{OWN}:unfinished": none_of},
    ),
    _keys(
        "another payload that is refused for itself",
        "The other payload is invalid, so the target answers 422 whatever its key, and compares no payloads at all.",
        lambda: judged(loaded(Fastidious()), KEYS),
        {"pytest_syncload.load.key_rules:refused_by_itself": nothing},
    ),
    _keys(
        "what another generator found",
        "Each generator checks a share, and only one's findings are judged: the other has seen every rule broken.",
        second_generator_found_it,
        {"pytest_syncload.facts.idempotency:added_up": first_of_each},
        through=Through.PURE,
        peers="k6: each distributed instance judges alone",
    ),
)
