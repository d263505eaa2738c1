"""A load generator: `python -m pytest_syncload.generator [LOCKFILE]`, started by the conductor or by a fleet's worker,
never by a person.

Joins `load` and `auth` in one child process. The job arrives as one line of JSON on stdin (it names where to sign in;
tokens are fetched here and never leave); the second line says when to start, each further one turns a climb's course;
the end of stdin says stop. So does the lock file's becoming free: pytest's controller is gone, however it went. Without
one, stdin must say something every few seconds, if only an empty line. Speaks lines of JSON on stdout.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pytest_syncload.auth.pool import IdentityPool, WarmPool, source_of
from pytest_syncload.auth.verify import verified
from pytest_syncload.facts.errors import Refused, SyncloadError
from pytest_syncload.facts.override import Override
from pytest_syncload.facts.plan import Firebase, RequestTemplate
from pytest_syncload.load.course import Course, Legs
from pytest_syncload.load.door import open_door
from pytest_syncload.load.engine import run
from pytest_syncload.load.job import JOB, TURN, Job
from pytest_syncload.load.limits import raise_file_limit
from pytest_syncload.load.shard import Shard
from pytest_syncload.load.snapshot import Snapshot
from pytest_syncload.load.transport import Transport

_REQUEST = TypeAdapter(RequestTemplate)


#: Where no lock tells that the controller is gone, silence for so many seconds does.
FORSAKEN_SECONDS = 5.0

#: A start that is longer past was told by another clock, or came when nobody expected it any more.
LATE_START_SECONDS = 5.0

Speak = Callable[[dict[str, Any]], None]


def own_channel() -> Speak:
    """Take stdout for messages to the parent alone; whatever a library prints goes to stderr from now on.

    A word of somebody else's in the middle of a snapshot would be a snapshot lost.
    """
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # Ends what was printed before we came, while the interpreter started.
    channel.write("\n")

    def speak(message: dict[str, Any]) -> None:
        try:
            channel.write(json.dumps(message, separators=(",", ":")) + "\n")
            channel.flush()
        except BrokenPipeError:
            pass  # a parent that is gone is noticed on stdin, not here

    return speak


async def work(job: Job, next_line: Callable[[], str], speak: Speak, stop: asyncio.Event) -> None:
    """Sign in, say ready, wait for the start, offer the load, report; less of it once ``stop`` is set."""
    sys.path += [path for path in job.paths if path not in sys.path]
    if job.request_from is not None and job.request_from.reference is not None:
        refuse_another(job.request_from, job.shard.request)
    loop = asyncio.get_running_loop()
    start: asyncio.Future[float] = loop.create_future()
    course = job.shard.pacer.begin() if isinstance(job.shard.pacer, Legs) else None

    def take(said: dict[str, Any]) -> None:
        if "start_at" in said:
            told = float(said["start_at"])
            if (late_s := time.monotonic() - told) > LATE_START_SECONDS:
                start.set_exception(
                    Refused(f"it was told to start {late_s:.0f} s ago, and would offer all that was due since at once")
                )
            else:
                start.set_result(told)
        elif course is not None:
            turn = TURN.validate_python(said["turn"])
            course.turn(turn.at_s, turn.legs, time.monotonic() - start.result())

    def hear(line: str) -> None:
        loop.call_soon_threadsafe(take, json.loads(line))

    # From the beginning: signing thousands in takes minutes, in which the parent may go.
    watch_stdin(next_line, hear, lambda: loop.call_soon_threadsafe(stop.set))
    if job.identities is None:
        await offer(job.shard, IdentityPool.made_up(shards=job.shard.shards), {}, course, start, speak, stop)
        return
    source = source_of(job.identities, shards=job.shard.shards, users=job.users, carrier=Transport)
    if job.only_one:
        source.users = 1

    def say(done: int, of: int) -> None:
        speak({"warming": {"done": done, "of": of}})

    async with WarmPool(source, shard=job.shard.shard, shards=job.shard.shards, stop=stop, say=say) as pool:
        verdict = {}
        if job.only_one and not stop.is_set():
            firebase = job.identities if isinstance(job.identities, Firebase) else None
            verdict["token"] = await verified(pool.for_arrival(0).token, firebase)
        await offer(job.shard, pool, verdict, course, start, speak, stop)


async def offer(
    shard: Shard,
    pool: IdentityPool,
    found: dict[str, str],
    course: Course | None,
    start: asyncio.Future[float],
    speak: Speak,
    stop: asyncio.Event,
) -> None:
    """Say ready and what was ``found``, wait for the start, offer the load, report."""
    # Before "ready": what cannot be written is told before load, and rows are made bytes before the schedule runs.
    door = open_door(shard.transport, shard.request, shard.base_url)
    if not stop.is_set():
        speak({"ready": {"identities": len(pool), "expires_at": pool.expires_at, **found}})
    stopping = asyncio.create_task(stop.wait())
    either: set[asyncio.Future[Any]] = {start, stopping}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not start.done():
        await door.aclose()
        return

    def emit(snapshot: Snapshot) -> None:
        speak({"snapshot": snapshot.to_json()})

    before = pool.refreshes
    report = await run(shard, pool, start_at=start.result(), stop=stop, emit=emit, door=door, course=course)
    after = pool.refreshes
    refreshed = replace(
        report,
        refreshes=after.count - before.count,
        failed_refreshes=after.failed - before.failed,
        refresh_problem=pool.refresh_problem,
    )
    speak({"report": asdict(refreshed)})


def refuse_another(override: Override, request: RequestTemplate) -> None:
    """Raise `Refused` where the function makes another request here than it made in pytest: nobody could say which was
    measured."""
    try:
        made = override.load()()
    except SyncloadError:
        raise
    except Exception as error:  # noqa: BLE001  # the user's own code, which may raise anything
        raise Refused(f"{override.name}: {override.reference} raised {type(error).__name__} in a generator") from None
    if not isinstance(made, RequestTemplate) or _REQUEST.dump_json(made) != _REQUEST.dump_json(request):
        raise Refused(
            f"{override.name}: {override.reference} makes another request in a generator than in pytest; let it make "
            "the same in every process"
        )


def watch_stdin(next_line: Callable[[], str], hear: Callable[[str], object], at_end: Callable[[], object]) -> None:
    """``hear`` each line of stdin, and call ``at_end`` once it ends."""

    def watch() -> None:
        while line := next_line():
            _quietly(lambda: hear(line))  # called before the next is read
        _quietly(at_end)

    threading.Thread(target=watch, daemon=True).start()


def watch_lock(path: str, then: Callable[[], object]) -> None:
    """Call ``then`` once the controller's lock is free."""

    def watch() -> None:
        with Path(path).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
        _quietly(then)

    threading.Thread(target=watch, daemon=True).start()


class Heard:
    """The lines of a stdin on which something is said every few seconds, or nobody is there any more."""

    def __init__(self, next_line: Callable[[], str]) -> None:
        self._next_line = next_line
        self._heard_at = time.monotonic()

    def next_line(self) -> str:
        """The next one that is not empty; nothing at the end."""
        while line := self._next_line():
            self._heard_at = time.monotonic()
            if line.strip():
                return line
        return ""

    def watch(self, then: Callable[[], object], *, within_s: float = FORSAKEN_SECONDS) -> None:
        """Call ``then`` once nothing was said for so long."""

        def look() -> None:
            while (left_s := self._heard_at + within_s - time.monotonic()) > 0:
                time.sleep(left_s)
            _quietly(then)

        threading.Thread(target=look, daemon=True).start()


def _quietly(then: Callable[[], object]) -> None:
    try:
        then()
    except RuntimeError:
        pass  # the loop has closed: the work is done


def main() -> None:
    """The process: one job, from stdin to its report."""
    speak = own_channel()
    raise_file_limit()
    heard = Heard(sys.stdin.readline)
    line = heard.next_line()
    if not line:
        return
    job = JOB.validate_json(line)

    async def start() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def end() -> None:
            loop.call_soon_threadsafe(stop.set)

        if len(sys.argv) > 1:
            watch_lock(sys.argv[1], end)
        else:
            heard.watch(end)
        await work(job, heard.next_line, speak, stop)

    try:
        _run(start())
    except SyncloadError as error:
        speak({"error": str(error)})
    # Daemon threads may still sit in a read; leave without joining them.
    os._exit(0)


def _run(work_to_do: Any) -> None:
    try:
        import uvloop  # noqa: PLC0415  # optional, and only this process wants it
    except ImportError:  # not on every platform; the plain loop is right, only dearer
        asyncio.run(work_to_do)
    else:
        uvloop.run(work_to_do)


if __name__ == "__main__":
    main()
