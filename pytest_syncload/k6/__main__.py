"""A generator that has k6 offer the load: `python -m pytest_syncload.k6 LOCKFILE LOG`, started by the conductor.

It is told and tells what our own generators do (`load.job`, `generator`), so that whoever follows a load needs not know
by which engine it is offered. Users sign in here, and k6 is handed their tokens in a file that only this user can read
and that is gone before the first arrival; nothing renews them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_syncload.auth.pool import WarmPool, source_of
from pytest_syncload.facts.errors import Refused, SyncloadError
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.result import Outcome
from pytest_syncload.generator import Speak, own_channel, refuse_another, watch_lock, watch_stdin
from pytest_syncload.k6.binary import Binary, find_k6
from pytest_syncload.k6.cpu import Usage, cpu_seconds
from pytest_syncload.k6.ending import why_it_ended
from pytest_syncload.k6.gate import Gate
from pytest_syncload.k6.log import Log
from pytest_syncload.k6.points import Points
from pytest_syncload.k6.process import K6, Totals, settings_of
from pytest_syncload.k6.script import script_of
from pytest_syncload.load.gone import Absence
from pytest_syncload.load.job import JOB, Job
from pytest_syncload.load.limits import raise_file_limit
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import ShardReport
from pytest_syncload.load.snapshot import Snapshot
from pytest_syncload.load.transport import Transport
from pytest_syncload.load.wire import RequestWriter

#: How often it is looked at how k6 does, and how often what it did is told.
_LOOK_S = 0.1
_TELL_S = 1.0
#: How long k6 may take for its last answers, its summary and its end, beyond the requests' timeout.
_END_WITHIN_S = 15.0
#: How long it may take to read what k6 printed, once it has ended.
_LAST_LINES_S = 1.0
_NO_ANSWER = (Outcome.CONNECT_ERROR, Outcome.PROTOCOL_ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What stands around a job: words to the parent, when to stop, the environment, and where k6's log is."""

    speak: Speak
    stop: asyncio.Event
    environ: Mapping[str, str]
    log: Path


async def work(job: Job, next_line: Callable[[], str], around: Around) -> None:
    """Sign in, have k6 made ready, wait for the start, follow it, report; less of it once told to stop."""
    sys.path += [path for path in job.paths if path not in sys.path]
    if job.request_from is not None and job.request_from.reference is not None:
        refuse_another(job.request_from, job.shard.request)
    pacer = job.shard.pacer
    if not isinstance(pacer, Pacer):
        raise Refused("k6 cannot climb: its rates are said before it starts; use engine: built-in")
    RequestWriter(job.shard.request, job.shard.base_url)  # raises for what our own engine could not write either
    binary = find_k6(around.environ)
    script = script_of(
        about=f"{job.shard.key_prefix}, by {binary}",
        request=job.shard.request,
        pacer=pacer,
        vus=job.shard.in_flight_cap,
        timeout_s=job.shard.timeout_s,
    )
    loop = asyncio.get_running_loop()
    start: asyncio.Future[float] = loop.create_future()
    watch_stdin(
        next_line,
        lambda line: loop.call_soon_threadsafe(_hear, start, line),
        lambda: loop.call_soon_threadsafe(around.stop.set),
    )
    users = await signed_in(job, around)
    if not users:
        return  # told to stop meanwhile
    async with AsyncExitStack() as open_things:
        folder = Path(open_things.enter_context(tempfile.TemporaryDirectory(prefix="syncload-k6-")))
        hidden = [*(user.token for user in users), *job.shard.request.hidden]
        log = open_things.enter_context(Log(around.log, hidden))
        gate = await open_things.enter_async_context(Gate())
        settings = settings_of(job.shard.base_url, job.shard.key_prefix, gate.url)
        k6 = await K6.begin(binary.path, folder, script, script.private(users), settings, around.environ)
        open_things.push_async_callback(k6.stop)
        ready = {"identities": len(users), "expires_at": min(user.expires_at for user in users), "engine": str(binary)}
        await Following(job, binary, k6, gate, log, around).run(start, ready)


def _hear(start: asyncio.Future[float], line: str) -> None:
    said = json.loads(line)
    if "start_at" in said and not start.done():
        start.set_result(float(said["start_at"]))


async def signed_in(job: Job, around: Around) -> list[Identity]:
    """The users with their tokens, in order; none where it was told to stop meanwhile. Raises `SyncloadError`."""
    if job.identities is None:
        raise Refused("k6 sends as users that sign in, and nobody says where; nothing was sent")
    source = source_of(job.identities, users=job.users, carrier=Transport)

    def say(done: int, of: int) -> None:
        around.speak({"warming": {"done": done, "of": of}})

    # Left at once: what it would renew from now on, k6 would never hear of.
    async with WarmPool(source, shard=0, shards=1, stop=around.stop, say=say) as pool:
        if around.stop.is_set():
            return []
        return [pool.for_arrival(number) for number in range(len(pool))]


class Following:
    """One k6, from its start to its report."""

    def __init__(self, job: Job, binary: Binary, k6: K6, gate: Gate, log: Log, around: Around) -> None:
        self._shard = job.shard
        self._binary = binary
        self._k6 = k6
        self._gate = gate
        self._log = log
        self._around = around
        self._points: Points | None = None
        self._absence = Absence()
        self._usage = Usage(self._shard.hold_from_s, self._shard.hold_to_s)
        self._reading: set[asyncio.Task[None]] = set()

    async def run(self, start: asyncio.Future[float], ready: Mapping[str, Any]) -> None:
        """Follow it; ``ready`` is what is said once it waits. Raises `Refused` where it ended or something was lost."""
        self._reading = {
            asyncio.create_task(self._k6.read(self._take)),
            asyncio.create_task(self._k6.overhear(self._log)),
        }
        try:
            if not await self._ready():
                return
            self._k6.forget_secrets()
            self._around.speak({"ready": dict(ready)})
            await self._wait_for(start)
            if start.done():
                await self._offer(start.result())
            elif not self._around.stop.is_set():
                await self._raise_its_end()
        finally:
            await self._k6.stop()
            await self._settle()

    async def _wait_for(self, what: asyncio.Future[Any]) -> None:
        """Until that has come, k6 has ended or it was told to stop."""
        others = [asyncio.create_task(self._around.stop.wait()), asyncio.create_task(self._k6.wait())]
        waited: set[asyncio.Future[Any]] = {what, *others}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()

    def _goes_on(self) -> bool:
        return self._k6.code is None and not self._around.stop.is_set()

    async def _ready(self) -> bool:
        """Wait until it asks when to start; False where it was told to stop. Raises where it ended before."""
        asked = asyncio.create_task(self._gate.asked.wait())
        await self._wait_for(asked)
        asked.cancel()
        if self._gate.asked.is_set():
            return True
        if self._around.stop.is_set():
            return False
        await self._raise_its_end()
        return False

    async def _raise_its_end(self) -> None:
        code = await self._k6.wait()
        await self._settle()
        ended = why_it_ended(code, self._log.last_words) or "k6 ended at once, without a request"
        raise Refused(f"{ended}; nothing was sent; {self._where()}")

    def _where(self) -> str:
        return f"its log is {self._around.log.name} in the run's folder"

    def _take(self, line: bytes) -> None:
        if self._points is None:
            if not line.startswith(b"{"):
                self._log.take(line.decode("utf-8", "replace"))
        elif not self._points.take(line):
            self._log.take(line.decode("utf-8", "replace"))

    async def _offer(self, start_at: float) -> None:
        shard = self._shard
        # k6's clock is the wall's, and so are its points.
        wall_start = time.time() + start_at - time.monotonic()
        self._points = points = Points(
            start_at=wall_start,
            hold_s=(shard.hold_from_s, shard.hold_to_s),
            expected=shard.request.statuses,
            timeout_s=shard.timeout_s,
        )
        self._gate.open(round(wall_start * 1000))
        must_end_by = start_at + shard.hold_to_s + shard.timeout_s + _END_WITHIN_S
        told_at, gave_up = time.monotonic(), False
        while self._goes_on() and not gave_up and time.monotonic() < must_end_by:
            await asyncio.sleep(_LOOK_S)
            now = time.monotonic()
            self._usage.look(now - start_at, cpu_seconds(self._k6.pid))
            if now - told_at >= _TELL_S:
                told_at = now
                gave_up = self._tell(points.drain(), now)
        ended_by_itself = self._k6.code is not None
        stopped = self._around.stop.is_set() or gave_up
        await self._k6.stop()
        await self._settle()
        self._tell(points.drain(), time.monotonic())
        if not ended_by_itself and not stopped:
            raise Refused(
                f"k6 had not ended {_END_WITHIN_S:.0f} s after its last answer was due, and was stopped; "
                f"{self._where()}"
            )
        if ended_by_itself:
            self._require_whole(points)
        self._around.speak(
            {
                "report": asdict(
                    ShardReport(
                        index=0,
                        sent=points.requests,
                        interrupted=not ended_by_itself,
                        cpu_percent=self._usage.percent,
                        lag_p99_ms=0.0,
                        peak_in_flight=0,
                        gave_up=gave_up,
                        engine=str(self._binary),
                    )
                )
            }
        )

    async def _settle(self) -> None:
        """Until all that k6 printed was read: its pipes end with it. Whoever has inherited them is not waited for."""
        _, open_still = await asyncio.wait(self._reading, timeout=_LAST_LINES_S)
        for task in open_still:
            task.cancel()

    def _tell(self, snapshot: Snapshot, now: float) -> bool:
        """Tell it on; whether the target is gone by now."""
        self._around.speak({"snapshot": snapshot.to_json()})
        outcomes = [*snapshot.ramp.outcomes.items()]
        for held in snapshot.held.values():
            outcomes += held.part.outcomes.items()
        # Whatever was answered comes last: in doubt somebody is there.
        for outcome, count in sorted(outcomes, key=lambda each: each[0] not in _NO_ANSWER):
            if outcome is not Outcome.DROPPED:
                for _ in range(count):
                    self._absence.note(outcome, now)
        return self._absence.is_certain(now)

    def _require_whole(self, points: Points) -> None:
        """Raise `Refused` where k6 did not come to its end, or printed more than was read."""
        assert self._k6.code is not None
        if (ended := why_it_ended(self._k6.code, self._log.last_words)) is not None:
            raise Refused(f"{ended}; {self._where()}")
        refuse_another_count(self._k6.totals(), points, self._gate.times)


def refuse_another_count(totals: Totals | None, points: Points, asked: int) -> None:
    """Raise `Refused` where k6's own summary counts others than its stream, of which something may be lost.

    ``asked`` are the requests of its set-up, which are in the summary too.
    """
    if totals is None:
        raise Refused("k6 wrote no summary, so nobody knows whether all that it printed was read; run the phase again")
    own = (totals.requests - asked, totals.dropped, totals.wrong)
    read = (points.requests, points.dropped, points.wrong)
    if own != read or points.torn:
        raise Refused(
            "k6 counted {} requests, {} dropped iterations and {} wrong answers, ".format(*own)
            + "and of its stream {}, {} and {} were read ".format(*read)
            + f"({points.torn} lines were torn): some of it was lost; run the phase again"
        )


def main() -> None:
    """The process: one job, from stdin to its report."""
    speak = own_channel()
    raise_file_limit()  # k6 inherits it
    line = sys.stdin.readline()
    if not line:
        return
    job = JOB.validate_json(line)

    async def start() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        watch_lock(sys.argv[1], lambda: loop.call_soon_threadsafe(stop.set))
        around = Around(speak=speak, stop=stop, environ=dict(os.environ), log=Path(sys.argv[2]))
        await work(job, sys.stdin.readline, around)

    try:
        asyncio.run(start())
    except SyncloadError as error:
        speak({"error": str(error)})
    # Daemon threads may still sit in a read; leave without joining them.
    os._exit(0)


if __name__ == "__main__":
    main()
