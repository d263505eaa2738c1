"""Whether a generator's memory grows with what it sends: constant memory is what lets a soak run for hours.

    python -m benchmarks.memory --requests 1800000

One generator's loop, its identities, checks and recorder included, against a process that answers at once. On stdout a
JSON line; exit status 1 where its resident memory grew by 5 MB or more after the first 60,000 requests. It needs a
quiet machine: a generator that was kept waiting opens connections for all that is due by then (`most_open`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import uvloop

from pytest_syncload.auth.pool import IdentityPool
from pytest_syncload.facts.plan import ANY, RequestTemplate
from pytest_syncload.load.engine import run
from pytest_syncload.load.limits import raise_file_limit
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import Shard
from pytest_syncload.load.snapshot import Snapshot
from pytest_syncload.sandbox.sink import RIGHT, Right

REQUEST = RequestTemplate(
    path="/v1/sync-jobs",
    json={"source": "drive", "destination": "vault"},
    expect_status=202,
    expect_json={"job_id": ANY},
)
#: Requests after which connections, buffers and histograms are there.
WARM = 60_000
MOST_GROWN_MB = 5.0
_PAGE_MB = resource.getpagesize() / 1e6


def resident_mb() -> float:
    """What this process has in memory (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE_MB


async def offered(url: str, requests: int, rate: float) -> dict[str, float]:
    """Offer them and look at the memory with each second's snapshot."""
    ramp_s = 2.0
    pacer = Pacer(rate_per_s=rate, ramp_s=ramp_s, hold_s=requests / rate)
    seen: list[tuple[int, float]] = []
    sent = 0

    def emit(snapshot: Snapshot) -> None:
        nonlocal sent
        json.dumps(snapshot.to_json())  # as a generator says it
        sent += sum(part.tally().arrivals for part in snapshot.seconds.values())
        seen.append((sent, resident_mb()))

    shard = Shard(
        base_url=url,
        request=REQUEST,
        pacer=pacer,
        shard=0,
        shards=1,
        hold_from_s=ramp_s,
        hold_to_s=pacer.ends_s,
        timeout_s=10.0,
        in_flight_cap=int(rate),
        key_prefix="memory",
    )
    users = IdentityPool.made_up(shards=1)
    report = await run(shard, users, start_at=time.monotonic() + 0.2, stop=asyncio.Event(), emit=emit)
    warm = next(mb for count, mb in seen if count >= WARM)
    return {
        "requests": report.sent,
        "rate_per_s": rate,
        "lag_p99_ms": round(report.lag_p99_ms, 2),
        "most_open": report.peak_in_flight,
        "warm_mb": round(warm, 1),
        "end_mb": round(seen[-1][1], 1),
        "grown_mb": round(seen[-1][1] - warm, 2),
    }


def main() -> int:
    """Measure; 0 where it did not grow."""
    parser = argparse.ArgumentParser(description="whether a generator's memory grows with what it sends")
    parser.add_argument("--requests", type=int, default=1_800_000)
    parser.add_argument("--rate", type=float, default=8_000.0, help="requests a second")
    options = parser.parse_args()
    raise_file_limit()
    command = [sys.executable, "-m", "pytest_syncload.sandbox.sink"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sink:
        assert sink.stdin is not None
        assert sink.stdout is not None
        sink.stdin.write(RIGHT.dump_json(Right(status=202, distinct=("job_id",))).decode() + "\n")
        sink.stdin.flush()
        url = f"http://127.0.0.1:{int(sink.stdout.readline())}"
        found = uvloop.run(offered(url, options.requests, options.rate))
        sink.stdin.close()
    sys.stdout.write(json.dumps(found) + "\n")
    return 0 if found["grown_mb"] < MOST_GROWN_MB else 1


if __name__ == "__main__":
    sys.exit(main())
