"""The command: what to measure in which order, and the tables at the end.

    python -m benchmarks.engine [--rounds 3] [--seconds 1] [--only wrk,pytest-syncload] [--tls both|off|only]

Tables as Markdown on stdout, progress on stderr, every measurement as a line of JSON in `.bench/engine.jsonl`. About
ten minutes. Load goes to 127.0.0.1 only.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.engine import nginx, peers, rounds, table
from benchmarks.engine.clients import CLIENTS, CLOSED, OPEN, Client
from benchmarks.engine.goals import goals

ROOT = Path(__file__).parents[2]
PARTS = ("loops", "held", "accuracy")


def main(words: Sequence[str] | None = None) -> int:
    """Run it; 0 where at least one client came through."""
    options = _options(words)
    if sys.platform != "linux" or shutil.which("taskset") is None:
        say("this pins processes and reads their CPU as Linux does it; it needs Linux and taskset")
        return 2
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        say("a core for the server and one for the clients are needed, and here is one")
        return 2
    tools = peers.ready(ROOT / ".bench", say, install=not options.no_install)
    if tools.nginx is None:
        say("nginx is the server of these figures; install it and come again")
        return 2
    measured: list[table.Measured] = []
    options.json.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as name, options.json.open("w", encoding="utf-8") as lines:
        folder = Path(name)
        clients = [client for client in rounds.available(CLIENTS, tools, folder) if _wanted(client, options.only)]

        def tell(each: table.Measured) -> None:
            measured.append(each)
            lines.write(each.line() + "\n")
            lines.flush()
            say(f"{_stamp()} {each.scheme} {each.part} {each.client}: {_short(each)}")

        # The server has the last core: interrupts tend to go to the first, and a late server is everybody's lateness.
        bench = rounds.Bench(
            tools=tools, folder=folder, core=cores[0], server_core=cores[-1], seconds=options.seconds, tell=tell
        )
        with nginx.running(tools.nginx, folder, bench.server_core) as server:
            _work(bench, server, clients, options, measured)
    sys.stdout.write("\n".join(_report(measured, options)) + "\n")
    return 0 if any(not each.error for each in measured) else 1


def _work(
    bench: rounds.Bench,
    server: nginx.Nginx,
    clients: Sequence[Client],
    options: argparse.Namespace,
    measured: list[table.Measured],
) -> None:
    schemes = {"both": (False, True), "off": (False,), "only": (True,)}[options.tls]
    if "loops" in options.parts:
        for number in range(options.rounds):
            for tls in schemes:
                rounds.loop_round(bench, server, clients, tls=tls, number=number, rate=options.rate)
    if "held" in options.parts:
        for client in clients:
            if OPEN in client.loops and client.accuracy:
                for tls in schemes[: None if options.held_tls else 1]:
                    start = _closed_rate(measured, client.name, tls) or 2.0 * options.rate
                    bench.tell(rounds.most_held(bench, server, client, tls=tls, closed_rate=start))
    if "accuracy" in options.parts:
        for kind in rounds.ACCURACY_KINDS:
            for client in clients:
                if client.accuracy:
                    bench.tell(rounds.accuracy(bench, client, kind))


def _closed_rate(measured: Sequence[table.Measured], client: str, tls: bool) -> float | None:
    scheme = "https" if tls else "http"
    mine = [each for each in measured if (each.part, each.client, each.scheme) == (CLOSED, client, scheme)]
    rates = table.figures(mine, table.rate)
    return statistics.median(rates) if rates else None


def _report(measured: Sequence[table.Measured], options: argparse.Namespace) -> Iterator[str]:
    yield (
        f"{time.strftime('%Y-%m-%d', time.gmtime())}, Python {platform.python_version()}, {os.cpu_count()} cores of "
        f"{_processor()}; nginx on one, the client on another; medians of {options.rounds} interleaved rounds "
        f"(least–most); 64 in flight; load average {os.getloadavg()[0]:.1f} at the end."
    )
    yield from table.shared(measured)
    for scheme, title in (("http", "Plain HTTP"), ("https", "TLS")):
        if any(each.scheme == scheme and each.part in (CLOSED, OPEN, table.HELD) for each in measured):
            yield from ("", f"### {title}", "", *table.throughput(measured, scheme, options.rate))
            yield from ("", *table.comparison(measured, scheme))
    for kind, title in (
        (table.TAIL, "A server that takes 20 ms, every 50th time 200 ms"),
        (table.STALL, "A server that stands still 1 s in 10 (truth: the arithmetic of the schedule)"),
    ):
        if any(each.part == kind for each in measured):
            yield from ("", f"### {title}, at {rounds.ACCURACY_RATE}/s", "", *table.accuracy(measured, kind))
    quiet = not table.shared(measured)
    yield from ("", "### Goals" if quiet else "### Goals (nothing counts: the machine was not quiet)")
    yield from ("", *goals(measured))
    yield from ("", "Notes:", "", *table.notes(measured))


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.engine", description="what a core of load costs, beside its peers"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="looked at in each run, after it has settled")
    parser.add_argument("--rate", type=int, default=3000, help="of the open loop, a second")
    parser.add_argument("--only", type=_list, default=[], help="clients by name, comma between")
    parser.add_argument("--parts", type=_list, default=list(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--tls", choices=("both", "off", "only"), default="both")
    parser.add_argument("--held-tls", action="store_true", help="search the most held for TLS as well")
    parser.add_argument("--no-install", action="store_true", help="take the peers that are here already")
    parser.add_argument("--json", type=Path, default=ROOT / ".bench/engine.jsonl", help="where every measurement goes")
    return parser.parse_args(words)


def _list(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _wanted(client: Client, only: Sequence[str]) -> bool:
    return not only or client.name in only


def _short(each: table.Measured) -> str:
    if each.error:
        return each.error
    parts = []
    if each.rate_per_s is not None:
        parts.append(f"{each.rate_per_s:,.0f}/s")
    if each.cpu_us is not None and each.cpu_percent is not None:
        parts.append(f"{each.cpu_us:.1f} µs a request, {each.cpu_percent:.0f} % of its core")
    if each.told is not None:
        parts.append(f"p50/p99/max {each.told.p50_ms}/{each.told.p99_ms}/{each.told.max_ms} ms")
    return ", ".join(parts)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _stamp() -> str:
    return time.strftime("%H:%M:%S")


def say(text: str) -> None:
    """A line of progress."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
