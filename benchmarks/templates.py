"""What templates, identities and expectations cost on the hot path, beside the engine's own benchmark.

    python -m benchmarks.templates [--rounds 7] [--seconds 2]

Each case differs from the engine's request in one thing, the last in all of them; all put the same number of bytes on
the wire and get the same answers, so that neither the server nor the network is part of the difference. Cases take
turns; a ratio is of one round's two runs, its figure the median over rounds. About two minutes. Exit status 1 where all
of them together cost more than 15 % of CPU a request.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import uvloop

from benchmarks.engine import by_engine, nginx, peers
from benchmarks.engine.by_engine import TEMPLATE, Users
from benchmarks.engine.measure import AFTER_S, SETTLE_S, run_client
from benchmarks.engine.request import BODY, MEMBER, Job
from benchmarks.engine.told import parse_line
from pytest_syncload.facts.feeder import Feeder, Order
from pytest_syncload.facts.plan import ANY, UNIQUE, RequestTemplate
from pytest_syncload.load.limits import raise_file_limit

MOST_PERCENT = 15.0
RATE_PER_S = 3000
ENGINE, ALL = "the engine's own", "all of them"
IDENTITIES = 10_000
#: Rows of each feeder; every value is as long as the one that it stands for.
ROWS = 10_000


def _rows(value: str) -> tuple[dict[str, str], ...]:
    return tuple({"folder": f"{number:0{len(value)}}", "other": "x"} for number in range(ROWS))


_DRAWN = replace(
    TEMPLATE,
    json={
        "source": {**BODY["source"], "folder": "{{sources.folder}}"},
        "destination": {**BODY["destination"], "folder": "{{destinations.folder}}"},
        "options": {"mode": "{{modes}}"},
    },
    feeders=(
        Feeder(name="sources", rows=_rows(BODY["source"]["folder"])),
        Feeder(name="destinations", rows=_rows(BODY["destination"]["folder"]), order=Order.RANDOM),
        Feeder(name="modes", rows=(BODY["options"]["mode"],)),
    ),
)


def _expecting(template: RequestTemplate) -> RequestTemplate:
    return replace(
        template,
        expect_status=(200, *TEMPLATE.statuses),
        expect_headers=(("Content-Type", "application/json"), ("Date", ANY)),
        expect_json={MEMBER: UNIQUE},
    )


CASES: dict[str, tuple[RequestTemplate, int]] = {
    ENGINE: (TEMPLATE, 50),
    f"{IDENTITIES:,} identities": (TEMPLATE, IDENTITIES),
    "three values drawn": (_DRAWN, 50),
    "status, headers and JSON expected": (_expecting(TEMPLATE), 50),
    ALL: (_expecting(_DRAWN), IDENTITIES),
}


def client(path: str, name: str) -> None:
    """The process that is measured."""
    raise_file_limit()
    job = Job.read(path)
    template, count = CASES[name]
    users = Users(count)
    gc.collect()
    rate = job.rate_per_s
    told = uvloop.run(
        by_engine.closed(job, template, users) if rate is None else by_engine.offer(job, rate, template, users)
    )
    sys.stdout.write(told.line() + "\n")


def measured(server: nginx.Nginx, folder: Path, cores: list[int], name: str, seconds: float, rate: int | None) -> float:
    """CPU µs a request."""
    job = Job(url=server.url(tls=False), seconds=seconds + SETTLE_S + AFTER_S + 1.0, rate_per_s=rate)
    command = [sys.executable, "-m", "benchmarks.templates", "--client", str(job.write(folder)), name]
    run = run_client(
        command,
        environ=os.environ,
        core=cores[0],
        served=server.served,
        seconds=seconds,
        parse=parse_line,
        folder=folder,
    )
    if run.told.failed or run.told.dropped:
        raise SystemExit(f"{name}: {run.told.failed} answers were not as expected, {run.told.dropped} were dropped")
    return run.cpu_us


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--client", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        client(*options.client)
        return 0
    cores = sorted(os.sched_getaffinity(0))
    tools = peers.ready(Path(__file__).parents[1] / ".bench", lambda _: None, install=False)
    if tools.nginx is None or len(cores) < 2:
        sys.stderr.write("this needs nginx and two cores\n")
        return 2
    over: dict[tuple[str, int | None], list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with nginx.running(tools.nginx, folder, cores[-1]) as server:
            for number in range(options.rounds):
                for rate in (None, RATE_PER_S):
                    names = list(CASES)
                    for case in names[number % len(names) :] + names[: number % len(names)]:
                        figure = measured(server, folder, cores, case, options.seconds, rate)
                        over.setdefault((case, rate), []).append(figure)
                sys.stderr.write(f"round {number + 1} of {options.rounds}\n")
    sys.stdout.write("\n".join(table(over)) + "\n")
    return int(any(cost(over, ALL, rate) > MOST_PERCENT for rate in (None, RATE_PER_S)))


def cost(over: dict[tuple[str, int | None], list[float]], case: str, rate: int | None) -> float:
    """Percent of CPU a request more than the engine's own, the median over rounds."""
    pairs = zip(over[case, rate], over[ENGINE, rate], strict=True)
    return 100 * (statistics.median(mine / engine for mine, engine in pairs) - 1)


def table(over: dict[tuple[str, int | None], list[float]]) -> list[str]:
    """Markdown."""
    lines = [
        f"| | closed loop: CPU µs a request | more | at {RATE_PER_S:,}/s: CPU µs | more |",
        "|---|---|---|---|---|",
    ]
    for case in CASES:
        cells = [
            f"{statistics.median(over[case, rate]):.1f} | {cost(over, case, rate):+.1f} %"
            for rate in (None, RATE_PER_S)
        ]
        lines.append(f"| {case} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
