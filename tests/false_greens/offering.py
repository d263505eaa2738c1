"""How entries offer load: the engine against a server in the same loop, and a row judged on what became of it.

CloudWatch's side of the row is a healthy one, so that nothing but the load's own evidence stands between it and green.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, Self

from pytest_syncload.conductor.phase import sum_up
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.observation import Ruling
from pytest_syncload.facts.plan import RequestTemplate, Slo
from pytest_syncload.facts.result import Outcome, PhaseResult, Tally
from pytest_syncload.load.engine import run
from pytest_syncload.load.fleet import Fared
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import Shard, ShardReport
from pytest_syncload.load.snapshot import Merged, Snapshot
from pytest_syncload.sources.observe import observe
from pytest_syncload.verdict import judge
from tests.conductor.plans import phase
from tests.false_greens.entry import Seen
from tests.load.scripted import PATIENCE_S, Scripted, Step
from tests.rows import ERRORS, RESOURCES, WINDOW, answers, reading

#: A body is looked at only where one is expected, and answers are told apart only where the request is a POST.
REQUEST = RequestTemplate(method="PUT", path="/jobs", json={"a": 1})
SEEN = {Ruling.PASS: Seen.GREEN, Ruling.BREACH: Seen.RED, Ruling.INCONCLUSIVE: Seen.ERROR}
#: Everything is long due at the start, so all of it goes out in one turn of the loop.
LONG_AGO_S = -60.0


class Users:
    """One user; a 401 changes nothing. Of each ten arrivals ``expired`` find the user's token at its end."""

    def __init__(self, expired: int = 0) -> None:
        self._expired = expired

    def for_arrival(self, arrival: int) -> Identity:
        return Identity(0, "user", "token", -math.inf if arrival % 10 < self._expired else math.inf)

    def rejected(self, _: Identity) -> None:
        """Nothing to refresh."""


class Storing:
    """A target that stores answers by Idempotency-Key. While ``broken`` it does no new work."""

    def __init__(self) -> None:
        self.broken = False
        self._stored: dict[bytes, bytes] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.wait_for(self._quiet.wait(), PATIENCE_S)
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._quiet.clear()
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                found = re.search(rb"Idempotency-Key: (\S+)", head)
                writer.write(self._answer(found[1] if found else b""))
        except (OSError, asyncio.IncompleteReadError):
            return  # the client has gone
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            if not self._writers:
                self._quiet.set()

    def _answer(self, key: bytes) -> bytes:
        if key not in self._stored:
            if self.broken:
                return answer("503 Service Unavailable")
            self._stored[key] = answer("202 Accepted", json.dumps({"job_id": len(self._stored)}))
        return self._stored[key]


def answer(status: str, body: str = "", *headers: str) -> bytes:
    """An answer as bytes."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def shard_of(url: str, **changes: Any) -> Shard:
    """100 arrivals in a hold of 0.1 s without ramp, changed as asked."""
    pacer = changes.pop("pacer", Pacer(rate_per_s=1000.0, ramp_s=0.0, hold_s=0.1))
    plain: dict[str, Any] = {
        "base_url": url,
        "request": REQUEST,
        "pacer": pacer,
        "shard": 0,
        "shards": 1,
        "hold_from_s": pacer.ramp_s,
        "hold_to_s": pacer.ends_s,
        "timeout_s": 10.0,
        "in_flight_cap": 1000,
        "key_prefix": "run-peak",
    }
    return Shard(**plain | changes)


async def offer(
    shard: Shard,
    merged: Merged,
    *,
    start_in_s: float = 0.02,
    stop_when: Callable[[Tally], bool] = lambda _: False,
    users: Users | None = None,
) -> ShardReport:
    """Run the engine into ``merged``. The stop is set once ``stop_when`` is true of the hold."""
    stop = asyncio.Event()

    def emit(snapshot: Snapshot) -> None:
        merged.add(snapshot)
        if stop_when(merged.hold):
            stop.set()

    async with asyncio.timeout(PATIENCE_S):
        start_at = time.monotonic() + start_in_s
        return await run(shard, users or Users(), start_at=start_at, stop=stop, emit=emit, snapshot_every_s=0.02)


def summed(
    shard: Shard,
    merged: Merged,
    reports: Sequence[ShardReport],
    fared: Fared | None = None,
    jump_s: float = 0.0,
) -> PhaseResult:
    """The phase's result, as the conductor would have it."""
    assert isinstance(shard.pacer, Pacer)
    ended = fared or Fared(reports=tuple(map(asdict, reports)), lost=(), stopped=None)
    return sum_up(phase("peak"), shard.request, shard.pacer, WINDOW, merged, ended, jump_s, shard.shards)


def offered(
    *script: tuple[Step, ...],
    start_in_s: float = 0.02,
    stop_when: Callable[[Tally], bool] = lambda _: False,
    url: str | None = None,
    users: Users | None = None,
    **changes: Any,
) -> PhaseResult:
    """What became of a load on a scripted server, or on ``url``."""

    async def scenario() -> PhaseResult:
        async with Scripted(*script) as server:
            shard, merged = shard_of(url or server.url, **changes), Merged()
            report = await offer(shard, merged, start_in_s=start_in_s, stop_when=stop_when, users=users)
            return summed(shard, merged, [report])

    return asyncio.run(scenario())


def judged(result: PhaseResult, slo: Slo = ERRORS, **changed: float | None) -> Seen:
    """The row's verdict on this load, beside a CloudWatch that counted as many requests as it wants."""
    beside = replace(result, window=WINDOW, wire_requests=1800, in_flight_edges=2)
    observation = observe(slo, reading(answers(slo, **changed)), RESOURCES, beside)
    return SEEN[judge(observation, beside, None).ruling]


def judged_by_latency(result: PhaseResult, *, limit_ms: float) -> Seen:
    """The client's own p95 against a limit."""
    p95 = result.latency.percentile(95)
    if result.invalid or p95 is None:
        return Seen.ERROR
    return Seen.GREEN if p95 < limit_ms else Seen.RED


_FAILED = Tally.failed.fget  # type: ignore[attr-defined]  # a property is its function and more


def failed_without(outcome: Outcome) -> Callable[[Tally], int]:
    """`Tally.failed` of somebody who does not count ``outcome``."""
    return lambda tally: int(_FAILED(tally)) - tally[outcome]


def failed_without_429(tally: Tally) -> int:
    """`Tally.failed` of somebody who takes 429 for the client's doing."""
    return int(_FAILED(tally)) - tally.throttled
