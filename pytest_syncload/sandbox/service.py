"""The process of the stand-in SyncWell: POST /v1/sync-jobs, as raw ASGI because it must outpace the generators.

Verifies the ID token, honours Idempotency-Key, takes a job past the resources it needs (`bottlenecks`), writes to a
table and its index, hands jobs to what stands behind it (`backend`), sheds overload at once, and misbehaves as it is
told. It counts what it did and never what it meant to do: no metric of it is made up.

Reads one JSON line {"clock", "faults", "capacities", "log", "project", "keys"}, then {"touched": queue} as often as
somebody asks for the queue, and {"revoked": uid, "before": wall time or null} where a user's tokens are good no more;
prints {"port"}, then a line {"minute", …} for every service minute that is over (`Minute.counts`), and a line {"queue",
"service", "tasks"} whenever a task changed or a minute ended. Ends with its stdin.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import secrets
import threading
import time
from pathlib import Path
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from pytest_syncload.facts.capacity import Capacities
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.plan import Faults
from pytest_syncload.sandbox.backend import Backend
from pytest_syncload.sandbox.bottlenecks import Bottlenecks, Job, Refusal
from pytest_syncload.sandbox.keys import Keys, Known
from pytest_syncload.sandbox.listener import Listener
from pytest_syncload.sandbox.minutes import Minute, Minutes
from pytest_syncload.sandbox.processes import capacities_from, end_with_stdin, faults_from, read_line, say
from pytest_syncload.sandbox.state import DEFAULT_CAPACITY_PER_S, Capacity, Turn
from pytest_syncload.sandbox.tokens import Verifier

PATH = "/v1/sync-jobs"
IN_FLIGHT_LIMIT = 4_000
#: A back end that does some work: enough to see in a percentile, far from any sensible target.
_BASE_LATENCY_S = 0.020
_JITTER_S = 0.002
_JITTER_SEED = 1
#: How often minutes are looked at; a minute is a wall second at speed 60.
_TICK_S = 0.05
_GRACE_S = 0.25

_JSON = (b"content-type", b"application/json")


def _error(code: str) -> bytes:
    return json.dumps({"error": code}).encode()


_SHED = (503, _error("overloaded"))
_NO_PATH = (404, _error("not_found"))
_NO_METHOD = (405, _error("method_not_allowed"))
_NOBODY = (401, _error("unauthenticated"))
_NO_KEY = (400, _error("idempotency_key_missing"))
_OTHER_PAYLOAD = (422, _error("idempotency_key_reused"))
_IN_PROGRESS = (409, _error("idempotency_key_in_progress"))
_FAULT = (500, _error("internal"))
_REFUSED = {refusal: (refusal.value[0], _error(refusal.value[1])) for refusal in Refusal}
_WRONG_BODY = json.dumps({"job": "accepted"}).encode()


class Service:
    """The ASGI application. ``in_flight_limit`` is settable for tests only."""

    def __init__(
        self,
        *,
        clock: ServiceClock,
        faults: Faults,
        verifier: Verifier,
        capacities: Capacities | None = None,
        in_flight_limit: int = IN_FLIGHT_LIMIT,
    ) -> None:
        now = time.monotonic()
        base = _BASE_LATENCY_S + faults.latency_ms / 1000
        given = capacities or Capacities()
        self._bottlenecks = Bottlenecks(given, base, now)
        grace_s = max(_GRACE_S, faults.latency_ms / 1000 + 0.1) + self._bottlenecks.longest_s
        self.minutes = Minutes(clock, grace_s)
        self.backend = Backend(
            clock=clock, faults=faults, minutes=self.minutes, now=now, capacities=given, service_s=base
        )
        self._table = _capacity(faults.table_capacity_per_s, now)
        self._index = _capacity(faults.index_capacity_per_s, now)
        self._keys = Keys(broken=faults.idempotency)
        self._verifier = verifier
        self._errors = Turn(faults.error_share)
        self._rejections = Turn(faults.rejected_tokens_share)
        self._wrong_bodies = Turn(faults.wrong_body_share)
        self._limit = in_flight_limit
        self._in_flight = 0
        self._jobs = 0
        node = secrets.token_hex(10)
        self._job_prefix = f"{node[:8]}-{node[8:12]}-4{node[12:15]}-8{node[15:18]}-"
        jitter = random.Random(_JITTER_SEED)
        self._delays = [base + jitter.uniform(-_JITTER_S, _JITTER_S) for _ in range(1024)]
        self._turn = 0
        # A connection that is kept open would never meet the closed port.
        self._extra = ((b"connection", b"close"),) if faults.refused_connections_share > 0 else ()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request and count it."""
        arrived = time.monotonic()
        minute = self.minutes.at(arrived)
        minute.requests += 1
        minute.in_flight += 1
        status = 500
        try:
            if self._in_flight >= self._limit:
                status, body = _SHED
            else:
                self._in_flight += 1
                try:
                    status, body = await self._work(scope, receive, minute)
                finally:
                    self._in_flight -= 1
        finally:
            self.minutes.late(minute).end(status, time.monotonic() - arrived)
        headers = [_JSON, (b"content-length", b"%d" % len(body)), *self._extra]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _work(self, scope: Any, receive: Any, minute: Minute) -> tuple[int, bytes]:
        message = await receive()
        payload = message.get("body", b"")
        while message.get("more_body", False):
            message = await receive()
            payload += message.get("body", b"")
        self._turn = turn = (self._turn + 1) & 1023
        delay = self._delays[turn]
        status, body, job = self._decide(scope, payload, minute)
        if job is None:
            await asyncio.sleep(delay)
            return status, body
        # The third party is called beside the other work.
        await asyncio.sleep(max(delay, job.call_s) + job.wait_s)
        if job.refusal is None:
            self._keys.finish(job.user, job.key, job.digest, body)
        else:
            self._keys.forget(job.user, job.key)
        return status, body

    def _decide(self, scope: Any, payload: bytes, minute: Minute) -> tuple[int, bytes, Job | None]:
        """The answer, and the job where it is a new one: it takes its time, and its key is claimed meanwhile."""
        if scope["path"] != PATH:
            return *_NO_PATH, None
        if scope["method"] != "POST":
            return *_NO_METHOD, None
        authorization = key = b""
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"idempotency-key":
                key = value
        if key:
            minute.saw_key(key)
        for fault in (self._errors, self._rejections, self._wrong_bodies):
            fault.accrue()
        if self._errors.take():
            return *_FAULT, None
        user = self._verifier.user(authorization)
        if user is None or self._rejections.take():
            self._keys.refuse(key)
            return *_NOBODY, None
        if self._keys.is_refused(key):
            return *_NOBODY, None
        if not key:
            return (*_NO_KEY, None) if self._keys.is_needed else self._begin(Job(user, key, 0))
        digest = hash(payload)
        known = self._keys.begin(user, key, digest)
        if known is Known.NEW:
            return self._begin(Job(user, key, digest))
        minute.duplicates += 1
        if known is Known.IN_PROGRESS:
            return *_IN_PROGRESS, None
        if isinstance(known, bytes):
            return 202, known, None
        return *_OTHER_PAYLOAD, None

    def _begin(self, job: Job) -> tuple[int, bytes, Job]:
        now = time.monotonic()
        # Before the minute is asked for: the gauges of the one that ended are taken first.
        self.backend.catch_up(now)
        # `now` may lie in the next minute already: capacity is consumed when it is used, not when the request came.
        minute = self.minutes.at(now)
        self._bottlenecks.take(job, minute, now)
        if job.refusal is not None:
            return *_REFUSED[job.refusal], job
        self.backend.accept(now, held=job.held)
        minute.accepted += 1
        return 202, self._write(minute, now), job

    def _write(self, minute: Minute, now: float) -> bytes:
        for capacity, writes in ((self._table, minute.table), (self._index, minute.index)):
            consumed, throttled = capacity.write(now)
            writes.consumed += consumed
            writes.throttles += throttled
        self._jobs += 1
        if self._wrong_bodies.take():
            return _WRONG_BODY
        return b'{"job_id": "%s%012x"}' % (self._job_prefix.encode(), self._jobs)

    def serve_waiting(self, now: float) -> None:
        """Let refill serve throttled writes that wait, in table and index, also while no request comes."""
        if served := self._table.serve(now):
            self.minutes.at(now).table.consumed += served
        if served := self._index.serve(now):
            self.minutes.at(now).index.consumed += served


def _capacity(per_s: float | None, now: float) -> Capacity:
    return Capacity(DEFAULT_CAPACITY_PER_S if per_s is None else per_s, now)


class Journal:
    """Where minutes go: to the supervisor, and those with requests to the log file too."""

    def __init__(self, service: Service, log: str | None) -> None:
        self._service = service
        self._log = Path(log) if log else None
        self._write({"event": "start", "pid": os.getpid(), "wall": time.time()})

    async def keep(self) -> None:
        """Hand out minutes as they are over, and what changed behind the service, for ever."""
        while True:
            now = time.monotonic()
            self._service.backend.tick(now)
            self._service.serve_waiting(now)
            if (news := self._service.backend.news()) is not None:
                say(json.dumps(news).encode())
            for minute in self._service.minutes.over(now):
                say(json.dumps(minute.counts()).encode())
                if minute.requests:
                    self._write(minute.log_line())
            await asyncio.sleep(_TICK_S)

    def close(self) -> None:
        """Log what is left, and the end."""
        for minute in self._service.minutes.rest():
            if minute.requests:
                self._write(minute.log_line())
        self._write({"event": "stop", "pid": os.getpid(), "wall": time.time()})

    def _write(self, line: dict[str, Any]) -> None:
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


async def refuse(listener: Listener, share: float) -> None:
    """Close the port for ``share`` percent of each wall second, in one slice, for ever."""
    closed = share / 100
    while True:
        listener.close()
        await asyncio.sleep(closed)
        if share < 100:
            await listener.open()
            await asyncio.sleep(1 - closed)


def main() -> None:
    """Serve until stdin ends."""
    config = json.loads(read_line())
    faults = faults_from(config["faults"])
    # Made by the doubles' process, so that they are RSA keys is certain.
    keys = {kid: cast(RSAPublicKey, load_pem_public_key(pem.encode())) for kid, pem in config["keys"].items()}
    verifier = Verifier(keys, config["project"])
    service = Service(
        clock=ServiceClock(**config["clock"]),
        faults=faults,
        verifier=verifier,
        capacities=capacities_from(config["capacities"]),
    )
    journal = Journal(service, config["log"])
    loops: list[asyncio.AbstractEventLoop] = []

    def at_end() -> None:
        # The loop's thread owns the minutes; it gets a moment to log the last ones, then the process goes regardless.
        done = threading.Event()

        def close() -> None:
            journal.close()
            done.set()

        for loop in loops:
            loop.call_soon_threadsafe(close)
            done.wait(0.3)

    def hear(line: bytes) -> None:
        said = json.loads(line)
        for loop in loops:
            if "revoked" in said:
                before = math.inf if said["before"] is None else said["before"]
                loop.call_soon_threadsafe(verifier.revoke, said["revoked"], before)
            else:  # there is one queue, so whatever was touched was it
                loop.call_soon_threadsafe(service.backend.touch, time.monotonic())

    async def background() -> None:
        tasks = [journal.keep()]
        if faults.refused_connections_share > 0:
            tasks.append(refuse(listener, faults.refused_connections_share))
        await asyncio.gather(*tasks)

    def ready() -> None:
        loops.append(asyncio.get_running_loop())
        say(json.dumps({"port": listener.port}).encode())

    listener = Listener(service, ready, background)
    end_with_stdin(at_end, hear)
    listener.run()


if __name__ == "__main__":
    main()
