"""The two loops for clients that are asyncio libraries: so many in flight, or a schedule. Needs no third party.

What the libraries have in common is here, so that they differ by nothing but themselves.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from benchmarks.engine.request import Job
from benchmarks.engine.told import Told, of_samples

#: Sends one request with this key; whether the answer was the expected one.
Call = Callable[[str], Awaitable[bool]]
#: More tasks than this are not started: beyond it a library that cannot follow would only fill memory.
_MOST_TASKS = 1000
_TICK_S = 0.001
_BATCH = 64
_LONGEST_S = 2.0


class Loops:
    """Calls and what came of them. Latency counts from the send: what somebody who times the call sees."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.latencies_ms: list[float] = []
        self.lags_ms: list[float] = []
        self.failed = self.dropped = 0
        self.keys = itertools.count()

    async def one(self) -> None:
        """One request."""
        began = time.perf_counter()
        try:
            good = await self.call(f"bench-{next(self.keys)}")
        except Exception:  # noqa: BLE001  # each library has errors of its own, and each is a request that failed
            good = False
        self.failed += not good
        self.latencies_ms.append((time.perf_counter() - began) * 1000)

    async def closed(self, in_flight: int, seconds: float) -> None:
        """As many as ``in_flight``, each followed by the next."""
        ends = time.perf_counter() + seconds

        async def worker() -> None:
            while time.perf_counter() < ends:
                await self.one()

        await asyncio.gather(*(worker() for _ in range(in_flight)))

    async def open(self, rate_per_s: int, seconds: float) -> None:
        """What is due goes out, a task each, at ticks of 1 ms."""
        tasks: set[asyncio.Task[None]] = set()
        start = time.perf_counter()
        for index in range(round(rate_per_s * seconds)):
            due = start + index / rate_per_s
            while (now := time.perf_counter()) < due:  # noqa: ASYNC110  # it is time that is waited for
                await asyncio.sleep(_TICK_S)
            if now > start + seconds + 1:
                self.dropped += round(rate_per_s * seconds) - index
                break
            self.lags_ms.append((now - due) * 1000)
            if len(tasks) >= _MOST_TASKS:
                self.dropped += 1
                await asyncio.sleep(0)
                continue
            task = asyncio.create_task(self.one())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            if index % _BATCH == 0:  # one that is behind must still see its answers
                await asyncio.sleep(0)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_LONGEST_S)
            self.failed += len(late)

    def told(self) -> Told:
        """What came of all calls."""
        return of_samples(self.latencies_ms, self.lags_ms, dropped=self.dropped, failed=self.failed)


def main(opened: Callable[[Job], AbstractAsyncContextManager[Call]]) -> None:
    """The process: the job named on the command line, by the client that ``opened`` gives, on uvloop."""
    import uvloop  # noqa: PLC0415  # of the clients' environment; tests import this module without it

    job = Job.read(sys.argv[1])

    async def work() -> None:
        async with opened(job) as call:
            loops = Loops(call)
            gc.collect()
            gc.freeze()
            gc.disable()
            if job.rate_per_s is None:
                await loops.closed(job.in_flight, job.seconds)
            else:
                await loops.open(job.rate_per_s, job.seconds)
            sys.stdout.write(loops.told().line() + "\n")
            sys.stdout.flush()
            # What is still under way is not waited for: cancelling it takes a pool that scans itself minutes.
            os._exit(0)

    uvloop.run(work())
