"""How each client is started for a job, what reads its output, and which loops it has."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine.peers import Tools
from benchmarks.engine.request import BODY_TEXT, PATH, Job
from benchmarks.engine.told import Parser, parse_autocannon, parse_h2load, parse_hey, parse_k6, parse_line

HERE = Path(__file__).parent
OURS = "pytest-syncload"
FACADE = "pytest-syncload at httpx's door"
AIOHTTP_DOOR = "httpx-aiohttp's transport"
PROBE = "one blocking socket"
CLOSED, OPEN = "closed", "open"
_BOTH = frozenset({CLOSED, OPEN})

#: Tools, the job, the job's file → the command; None where a tool is missing.
Command = Callable[[Tools, Job, Path], Sequence[str] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """``note`` says what its row must not be read without."""

    name: str
    command: Command
    parse: Parser = parse_line
    loops: frozenset[str] = _BOTH
    accuracy: bool = True
    note: str = ""


def environment(tools: Tools, job_file: Path, certificate: Path) -> dict[str, str]:
    """The same for all: nothing of the caller's but what processes need, and the server's certificate to trust."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {
        "SSL_CERT_FILE": str(certificate),
        "NODE_EXTRA_CA_CERTS": str(certificate),
        "BENCHMARK_JOB": str(job_file),
        "BENCHMARK_BODY": BODY_TEXT,
        "BENCHMARK_AUTOCANNON": tools.autocannon or "",
        "GOMAXPROCS": "1",
    }


def _ours(tools: Tools, job: Job, file: Path) -> Sequence[str]:
    return [sys.executable, "-m", "benchmarks.engine.by_engine", str(file)]


def _facade(tools: Tools, job: Job, file: Path) -> Sequence[str]:
    return [sys.executable, "-m", "benchmarks.engine.by_httpx", str(file), "ours"]


def _probe(tools: Tools, job: Job, file: Path) -> Sequence[str]:
    return [sys.executable, "-m", "benchmarks.engine.by_probe", str(file)]


def _in_venv(*words: str) -> Command:
    def command(tools: Tools, job: Job, file: Path) -> Sequence[str] | None:
        return tools.python and [tools.python, "-m", words[0], str(file), *words[1:]]

    return command


def _header_options(job: Job) -> list[str]:
    return [word for name, value in job.headers().items() for word in ("-H", f"{name}: {value}")]


def _wrk(tools: Tools, job: Job, file: Path) -> Sequence[str] | None:
    return tools.wrk and _wrk_words(tools.wrk, job)


def _wrk2(tools: Tools, job: Job, file: Path) -> Sequence[str] | None:
    if tools.wrk2 is None or job.rate_per_s is None:
        return None
    return [*_wrk_words(tools.wrk2, job), "-R", str(job.rate_per_s)]


def _wrk_words(binary: str, job: Job) -> list[str]:
    words = [binary, "-t1", f"-c{job.in_flight}", f"-d{math.ceil(job.seconds)}s", "-s", str(HERE / "wrk.lua")]
    return [*words, *_header_options(job), job.url + PATH]


def _hey(tools: Tools, job: Job, file: Path) -> Sequence[str] | None:
    if tools.hey is None:
        return None
    words = [tools.hey, "-cpus", "1", "-c", str(job.in_flight), "-z", f"{job.seconds}s", "-m", "POST", "-d", BODY_TEXT]
    if job.rate_per_s is not None:
        words += ["-q", str(job.rate_per_s / job.in_flight)]
    return [*words, *_header_options(job), "-H", "Idempotency-Key: bench-1", job.url + PATH]


def _h2load(tools: Tools, job: Job, file: Path) -> Sequence[str] | None:
    if tools.h2load is None:
        return None
    body = file.with_name("body.json")
    body.write_text(BODY_TEXT, "utf-8")
    clients = job.in_flight
    words = [tools.h2load, "--h1", "-t1", "-D", str(math.ceil(job.seconds)), "-d", str(body)]
    if job.rate_per_s is not None:
        clients = _divisor(job.rate_per_s, job.in_flight)  # it takes whole requests a second, for each connection
        words += [f"--rps={job.rate_per_s // clients}"]
    words += ["-c", str(clients)]
    return [*words, *_header_options(job), "-H", "Idempotency-Key: bench-1", job.url + PATH]


def _divisor(rate_per_s: int, at_most: int) -> int:
    """The most connections, up to ``at_most``, among which the rate is shared without a rest."""
    return next(count for count in range(at_most, 0, -1) if rate_per_s % count == 0)


def _autocannon(tools: Tools, job: Job, file: Path) -> Sequence[str] | None:
    if tools.node is None or tools.autocannon is None:
        return None
    return [tools.node, str(HERE / "autocannon.cjs"), str(file)]


def _k6(tools: Tools, job: Job, file: Path) -> Sequence[str] | None:
    return tools.k6 and [tools.k6, "run", "--quiet", "--no-usage-report", str(HERE / "k6.js")]


def _locust(user: str) -> Command:
    def command(tools: Tools, job: Job, file: Path) -> Sequence[str] | None:
        if tools.python is None:
            return None
        script, users = str(HERE / "by_locust.py"), str(job.in_flight)
        seconds = f"{math.ceil(job.seconds)}s"  # whole ones are all that it knows
        locust = [tools.python, "-m", "locust", "-f", script, "--headless", "--only-summary"]
        locust = ["/usr/bin/env", f"BENCHMARK_USER={user}", f"PYTHONPATH={HERE.parents[1]}", *locust]
        return [*locust, "-u", users, "-r", users, "-t", seconds, "--exit-code-on-error", "0"]

    return command


CLIENTS = (
    Client(
        name=OURS,
        command=_ours,
        note="its open loop has a ramp of 0.4 s before, as phases have; the others begin at once",
    ),
    Client(name="wrk", command=_wrk, loops=frozenset({CLOSED}), note="knows no rate: always as fast as it can"),
    Client(name="wrk2", command=_wrk2, loops=frozenset({OPEN})),
    Client(name="h2load", command=_h2load, parse=parse_h2load, note="the same key in every request"),
    Client(name="hey", command=_hey, parse=parse_hey, note="the same key in every request"),
    Client(
        name="autocannon",
        command=_autocannon,
        parse=parse_autocannon,
        note="at a rate it corrects latencies by its own estimate of coordinated omission",
    ),
    Client(name="k6", command=_k6, parse=parse_k6),
    Client(
        name="aiohttp",
        command=_in_venv("benchmarks.engine.by_aiohttp"),
        note="as the httpx rows: schedule and stopwatch are this benchmark's own, the library has none",
    ),
    Client(name="Locust FastHttpUser", command=_locust("fast")),
    Client(name="httpx with httpx-aiohttp", command=_in_venv("benchmarks.engine.by_httpx", "aiohttp")),
    Client(name="Locust HttpUser", command=_locust("slow"), loops=frozenset({CLOSED}), accuracy=False),
    Client(name="httpx.AsyncClient", command=_in_venv("benchmarks.engine.by_httpx", "plain")),
    Client(name=FACADE, command=_facade, loops=frozenset({CLOSED}), accuracy=False),
    Client(
        name=AIOHTTP_DOOR,
        command=_in_venv("benchmarks.engine.by_httpx", "aiohttp-directly"),
        loops=frozenset({CLOSED}),
        accuracy=False,
    ),
    Client(
        name=PROBE,
        command=_probe,
        loops=frozenset({OPEN}),
        accuracy=False,
        note="nothing but send and recv: how near to the truth a client can come",
    ),
)
