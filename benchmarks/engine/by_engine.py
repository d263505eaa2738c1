"""This project's own client, as phases use it: unique keys, identities, the expectation checked, everything recorded.

The open loop is `load.engine.run` itself. The closed loop, which no phase has, is here, of the same parts.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time

import uvloop

from benchmarks.engine.request import BODY, MEMBER, PATH, STATUS, TOKEN, Job
from benchmarks.engine.told import Told
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.plan import ANY, RequestTemplate
from pytest_syncload.facts.result import Outcome, Tally
from pytest_syncload.load.connection import Answer
from pytest_syncload.load.engine import run
from pytest_syncload.load.limits import in_flight_cap, raise_file_limit
from pytest_syncload.load.outcome import expectation
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.recorder import Recorder
from pytest_syncload.load.sameness import distinct_members
from pytest_syncload.load.shard import Shard
from pytest_syncload.load.snapshot import Merged, Snapshot
from pytest_syncload.load.transport import Transport
from pytest_syncload.load.wire import RequestWriter

TEMPLATE = RequestTemplate(method="POST", path=PATH, json=BODY, expect_status=STATUS, expect_json={MEMBER: ANY})
_TIMEOUT_S = 10.0
#: As phases do, unless the truth is the arithmetic of one rate: from nothing to thousands a second at once, each
#: arrival would open a connection of its own.
_RAMP_S = 0.4
_REPORT_LATENCY = "--latency"


class Users:
    """As many signed-in users as a phase has by default."""

    def __init__(self, count: int = 50) -> None:
        self._users = [Identity(index, f"user-{index}", TOKEN[:-4] + f"{index:04}") for index in range(count)]

    def for_arrival(self, arrival: int) -> Identity:
        """In turn."""
        return self._users[arrival % len(self._users)]

    def rejected(self, identity: Identity) -> None:
        """Nobody answers 401 here, which the count of failures shows."""


class Closed:
    """So many in flight, each followed by the next, by the hot path's own parts."""

    def __init__(self, job: Job, template: RequestTemplate, users: Users) -> None:
        self._transport = Transport(job.url)
        self._writer = RequestWriter(template, job.url)
        self._users = users
        self._outcome_of = expectation(template)
        self._start_at = time.monotonic()
        self._ends_at = 0.0
        self._job = job
        self._recorder = Recorder(
            start_at=self._start_at,
            windows=((0.0, job.seconds),),
            timeout_s=_TIMEOUT_S,
            distinct=distinct_members(template),
        )
        self.sent = self._in_flight = 0
        self._over = asyncio.Event()

    async def work(self) -> Merged:
        """All of it, drained each second as a generator does."""
        spoken: list[str] = []
        going = asyncio.create_task(self.go(self._job.seconds))
        while not going.done():
            await asyncio.wait({going}, timeout=1.0)
            spoken.append(self.drained())
        await self.aclose()
        return merged(spoken)

    async def go(self, seconds: float) -> None:
        """For so long, and until the last answer."""
        self._ends_at = time.monotonic() + seconds
        self._over.clear()
        for _ in range(self._job.in_flight):
            self._start()
        await self._over.wait()

    def drained(self) -> str:
        """What is new, as a generator says it."""
        return json.dumps(self._recorder.drain().to_json())

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    def _start(self) -> None:
        index = self.sent
        due_s = time.monotonic() - self._start_at
        self.sent += 1
        self._in_flight += 1
        self._recorder.sent(due_s, 0.0, self._in_flight)
        wire = self._writer.wire(self._users.for_arrival(index), f"bench-{index}", index)

        def on_answer(answer: Answer) -> None:
            self._in_flight -= 1
            self._recorder.answered(due_s, answer, self._outcome_of(answer))
            if time.monotonic() < self._ends_at:
                self._start()
            elif not self._in_flight:
                self._over.set()

        self._transport.start(wire, on_answer, timeout_s=_TIMEOUT_S)


async def offer(job: Job, rate_per_s: int, template: RequestTemplate = TEMPLATE, users: Users | None = None) -> Told:
    """The open loop."""
    spoken: list[str] = []

    def emit(snapshot: Snapshot) -> None:
        spoken.append(json.dumps(snapshot.to_json()))

    ramp_s = 0.0 if _REPORT_LATENCY in sys.argv else _RAMP_S
    shard = Shard(
        base_url=job.url,
        request=template,
        pacer=Pacer(rate_per_s=rate_per_s, ramp_s=ramp_s, hold_s=job.seconds - ramp_s),
        shard=0,
        shards=1,
        hold_from_s=ramp_s,
        hold_to_s=job.seconds,
        timeout_s=_TIMEOUT_S,
        in_flight_cap=in_flight_cap(rate_per_s, _TIMEOUT_S, 1).value,
        key_prefix="bench",
    )
    report = await run(shard, users or Users(), start_at=time.monotonic() + 0.05, stop=asyncio.Event(), emit=emit)
    whole = merged(spoken)
    # The accuracy table asks what the plugin would report: latency from the intended time.
    latency = whole.latency if _REPORT_LATENCY in sys.argv else whole.service_time
    return Told(
        requests=report.sent,
        p50_ms=latency.percentile(50),
        p95_ms=latency.percentile(95),
        p99_ms=latency.percentile(99),
        max_ms=latency.percentile(100),
        lag_p99_ms=report.lag_p99_ms,
        dropped=whole.hold[Outcome.DROPPED],
        failed=_failed(whole.hold),
    )


async def closed(job: Job, template: RequestTemplate = TEMPLATE, users: Users | None = None) -> Told:
    """The closed loop."""
    loop = Closed(job, template, users or Users())
    gc.collect()
    gc.freeze()
    gc.disable()
    whole = await loop.work()
    return Told(
        requests=whole.hold.arrivals,
        p50_ms=whole.latency.percentile(50),
        p95_ms=whole.latency.percentile(95),
        p99_ms=whole.latency.percentile(99),
        max_ms=whole.latency.percentile(100),
        failed=_failed(whole.hold),
    )


def merged(spoken: list[str]) -> Merged:
    """Snapshots as the parent would put them together, after the run."""
    whole = Merged()
    for line in spoken:
        whole.add(Snapshot.from_json(json.loads(line)))
    return whole


def _failed(tally: Tally) -> int:
    return tally.arrivals - tally[Outcome.OK] - tally[Outcome.DROPPED]


def main() -> None:
    """The process: the job named on the command line."""
    raise_file_limit()
    job = Job.read(sys.argv[1])
    told = uvloop.run(closed(job) if job.rate_per_s is None else offer(job, job.rate_per_s))
    sys.stdout.write(told.line() + "\n")


if __name__ == "__main__":
    main()
