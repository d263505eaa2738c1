"""The parts of the benchmark: interleaved rounds, the search for the most that is held, the accuracy runs."""

from __future__ import annotations

import contextlib
import mmap
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.engine.clients import CLOSED, OPEN, OURS, Client, environment
from benchmarks.engine.measure import AFTER_S, SETTLE_S, Failed, Run, run_client
from benchmarks.engine.nginx import Nginx, free_ports
from benchmarks.engine.peers import Tools
from benchmarks.engine.request import Job
from benchmarks.engine.slow_server import STALL_EVERY_S, STALL_FROM_S, STALL_S
from benchmarks.engine.table import HELD, STALL, TAIL, Measured
from benchmarks.engine.told import Told, parse_line
from benchmarks.engine.truth import of_stall

#: Rates to try in the search, each about a quarter more than the last.
STEPS = (500, 1000, 2000, 3000, 4000, 5000, 6500, 8000, 10_000, 12_500, 15_000, 17_500, 20_000, 25_000, 30_000, 40_000)
#: Held is a rate of which the server got this share, none dropped, none failed, sent on time (p99) and answered soon:
#: an idle nginx takes well under a millisecond, so a p99 of 50 ms is the client's queue.
_SHARE = 0.99
_LAG_P99_MS = 10.0
_P99_MS = 50.0
#: A rate that plain httpx can hold too, so that the table shows how clients measure and not whether they keep up.
ACCURACY_RATE = 300
_TAIL_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every run needs. ``core`` is the clients', the server's is another."""

    tools: Tools
    folder: Path
    core: int
    server_core: int
    seconds: float
    tell: Callable[[Measured], None]

    def run(self, client: Client, job: Job, certificate: Path, served: Callable[[], int], seconds: float) -> Run:
        """One run. Raises Failed, also where the client's tool is missing."""
        file = job.write(self.folder)
        command = client.command(self.tools, job, file)
        if command is None:
            raise Failed("its tool is not here")
        return run_client(
            command,
            environ=environment(self.tools, file, certificate),
            core=self.core,
            served=served,
            seconds=seconds,
            parse=client.parse,
            folder=self.folder,
        )


def available(clients: Sequence[Client], tools: Tools, folder: Path) -> list[Client]:
    """Those whose tools are here."""
    job = Job(url="http://127.0.0.1:1", seconds=1.0, rate_per_s=1000)
    return [client for client in clients if client.command(tools, job, folder / "job.json") is not None]


def loop_round(bench: Bench, server: Nginx, clients: Sequence[Client], *, tls: bool, number: int, rate: int) -> None:
    """Each client once in each of its loops, client after client. The order turns with the rounds."""
    turn = number % max(1, len(clients))
    for loop in (CLOSED, OPEN):
        for client in [*clients[turn:], *clients[:turn]]:
            if loop in client.loops:
                bench.tell(one(bench, server, client, tls=tls, number=number, rate=rate if loop == OPEN else None))


def one(bench: Bench, server: Nginx, client: Client, *, tls: bool, number: int, rate: int | None) -> Measured:
    """One client's run in one loop, closed where ``rate`` is None."""
    job = Job(url=server.url(tls=tls), seconds=SETTLE_S + bench.seconds + AFTER_S, rate_per_s=rate)
    blank = Measured(
        part=CLOSED if rate is None else OPEN,
        scheme="https" if tls else "http",
        client=client.name,
        round=number,
        offered=rate,
    )
    try:
        run = bench.run(client, job, server.certificate, server.served, bench.seconds)
    except Failed as error:
        return replace(blank, error=str(error))
    return replace(
        blank,
        rate_per_s=run.rate_per_s,
        cpu_us=run.cpu_us,
        cpu_percent=run.cpu_percent,
        others_percent=run.others_percent,
        never_had=run.never_had,
        told=run.told,
    )


def most_held(bench: Bench, server: Nginx, client: Client, *, tls: bool, closed_rate: float) -> Measured:
    """Step up from half of what it did in a closed loop while it holds the rate, or down until it does."""
    at = max((index for index, step in enumerate(STEPS) if step <= closed_rate / 2), default=0)
    best: Measured | None = None
    going_up: bool | None = None
    while 0 <= at < len(STEPS):
        # A machine's own hiccup is no limit of the client's: a rate counts as not held once it failed twice.
        tries = (one(bench, server, client, tls=tls, number=0, rate=STEPS[at]) for _ in range(2))
        held = next((tried for tried in tries if is_held(tried)), None)
        best = held or best
        if going_up is not None and (held is not None) is not going_up:
            break
        going_up = held is not None
        at += 1 if going_up else -1
    if best is None:
        return Measured(
            part=HELD, scheme=_scheme(tls), client=client.name, round=0, error=f"held not even {STEPS[0]}/s"
        )
    return replace(best, part=HELD, rate_per_s=float(best.offered or 0))


def is_held(tried: Measured) -> bool:
    """Whether a run kept its rate, as far as server and client can tell."""
    told = tried.told
    if told is None or tried.rate_per_s is None or tried.offered is None:
        return False
    return (
        tried.rate_per_s >= _SHARE * tried.offered
        and not told.dropped
        and not told.failed
        and (told.lag_p99_ms is None or told.lag_p99_ms <= _LAG_P99_MS)
        and (told.p99_ms is None or told.p99_ms <= _P99_MS)
    )


def accuracy(bench: Bench, client: Client, kind: str) -> Measured:
    """What a client says of a slow server, beside the truth."""
    blank = Measured(part=kind, scheme="http", client=client.name, round=0, offered=ACCURACY_RATE)
    seconds = STALL_EVERY_S if kind == STALL else _TAIL_S
    with _slow_server(bench, kind) as (port, served, end):
        url = f"http://127.0.0.1:{port}"
        job = Job(url=url, seconds=seconds, rate_per_s=ACCURACY_RATE if OPEN in client.loops else None)
        mine = replace(client, command=_reporting_latency(client)) if client.name == OURS else client
        try:
            run = bench.run(mine, job, bench.folder / "cert.pem", served, seconds - SETTLE_S - AFTER_S)
        except Failed as error:
            return replace(blank, error=str(error))
        truth = end()
    if kind == STALL:
        truth = of_stall(rate_per_s=ACCURACY_RATE, seconds=seconds, stall_from_s=STALL_FROM_S, stall_s=STALL_S)
    return replace(
        blank,
        rate_per_s=run.rate_per_s,
        others_percent=run.others_percent,
        never_had=run.never_had,
        told=run.told,
        truth=truth,
    )


def _reporting_latency(client: Client) -> Callable[[Tools, Job, Path], Sequence[str] | None]:
    def command(tools: Tools, job: Job, file: Path) -> Sequence[str] | None:
        words = client.command(tools, job, file)
        return words and [*words, "--latency"]

    return command


@contextlib.contextmanager
def _slow_server(bench: Bench, kind: str) -> Iterator[tuple[int, Callable[[], int], Callable[[], Told]]]:
    """A fresh one for each client: its port, its counter, and what ends it and gives what it measured."""
    (port,) = free_ports(1)
    counter = bench.folder / "counter"
    counter.write_bytes(bytes(8))
    words = [sys.executable, "-m", "benchmarks.engine.slow_server", str(port), kind, str(counter)]
    process = subprocess.Popen(
        ["taskset", "-c", str(bench.server_core), *words],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
    )

    def end() -> Told:
        process.send_signal(signal.SIGTERM)
        return parse_line(process.communicate(timeout=10)[0])

    with counter.open("r+b") as file, mmap.mmap(file.fileno(), 8) as shared:

        def served() -> int:
            return int(struct.unpack("=q", shared[:8])[0])

        try:
            _await_listening(port)
            yield port, served, end
        finally:
            process.kill()
            process.communicate()


def _await_listening(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _scheme(tls: bool) -> str:
    return "https" if tls else "http"


ACCURACY_KINDS = (TAIL, STALL)
