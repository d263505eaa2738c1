"""What templates, identities and expectations cost on the hot path, beside the engine's own benchmark.

    python -m benchmarks.templates [--rounds 300]

Each case differs from the engine's request in one thing, the last in all of them; all put the same number of bytes on
the wire and get the same answers, so that neither the server nor the network is part of the difference. One process on
one core takes a slice of each case in turn, 40 ms of closed loop, and reads its CPU before and after: whatever else the
machine does meets all cases alike. A case's cost is the median over rounds of its CPU a request by the engine's in the
same round. About a minute. Exit status 1 where all of them together cost more than 15 % more.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import uvloop

from benchmarks.engine import nginx, peers
from benchmarks.engine.by_engine import TEMPLATE, Closed, Users, merged
from benchmarks.engine.request import BODY, MEMBER, Job
from pytest_syncload.facts.feeder import Feeder, Order
from pytest_syncload.facts.plan import ANY, UNIQUE, RequestTemplate
from pytest_syncload.facts.result import Outcome
from pytest_syncload.load.limits import raise_file_limit

MOST_PERCENT = 15.0
ENGINE, ALL = "the engine's own", "all of them"
IDENTITIES = 10_000
#: Rows of each feeder; every value is as long as the one that it stands for.
ROWS = 10_000
_SLICE_S = 0.04


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
        Feeder(name="modes", rows=(BODY["options"]["mode"], "full-resync")),
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


async def measured(url: str, rounds: int) -> dict[str, list[float]]:
    """CPU µs a request of each case, round by round. Raises `SystemExit` where an answer was not as expected."""
    job = Job(url=url, seconds=3600.0)
    loops = {name: Closed(job, template, Users(count)) for name, (template, count) in CASES.items()}
    spoken: list[str] = []
    figures: dict[str, list[float]] = {name: [] for name in CASES}
    gc.collect()
    gc.freeze()
    gc.disable()
    names = list(CASES)
    for number in range(rounds + 1):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            loop = loops[name]
            sent, cpu = loop.sent, time.process_time()
            await loop.go(_SLICE_S)
            figure = (time.process_time() - cpu) / (loop.sent - sent) * 1e6
            spoken.append(loop.drained())
            if number:  # the first opens connections
                figures[name].append(figure)
    for loop in loops.values():
        await loop.aclose()
    tally = merged(spoken).hold
    if tally[Outcome.OK] != tally.arrivals:
        raise SystemExit(f"{tally.arrivals - tally[Outcome.OK]} of {tally.arrivals} answers were not as expected")
    return figures


def cost(figures: dict[str, list[float]], case: str) -> float:
    """Percent of CPU a request more than the engine's own, the median over rounds."""
    pairs = zip(figures[case], figures[ENGINE], strict=True)
    return 100 * (statistics.median(mine / engine for mine, engine in pairs) - 1)


def table(figures: dict[str, list[float]]) -> list[str]:
    """Markdown."""
    lines = ["| closed loop | CPU µs a request | more |", "|---|---|---|"]
    for case, found in figures.items():
        lines.append(f"| {case} | {statistics.median(found):.1f} | {cost(figures, case):+.1f} % |")
    return lines


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    cores = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
    tools = peers.ready(Path(__file__).parents[1] / ".bench", lambda _: None, install=False)
    if tools.nginx is None or len(cores) < 2:
        sys.stderr.write("this needs Linux, nginx and two cores\n")
        return 2
    raise_file_limit()
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        nginx.running(tools.nginx, Path(name), cores[-1]) as server,
    ):
        os.sched_setaffinity(0, {cores[0]})
        figures = uvloop.run(measured(server.url(tls=False), rounds))
    sys.stdout.write("\n".join(table(figures)) + "\n")
    return int(cost(figures, ALL) > MOST_PERCENT)


if __name__ == "__main__":
    sys.exit(main())
