"""What a load costs that is spread over generators, and what a fleet of hundreds would cost whoever follows it.

    python -m benchmarks.fleet spread --rounds 5

offers one rate by one, two and four generators of this machine, in interleaved rounds, to a process that answers at
once, and prints a JSON line for each and the ratios of CPU a request at the end. The exit status is 1 where a ratio is
above 1.1, or where what was measured is not the schedule. It needs a quiet machine: client and target share it.

    python -m benchmarks.fleet simulate

makes the snapshots of fleets of up to 200 generators at 10,000 arrivals a second each, without a network, and prints a
line of JSON for each: what planning, one second of snapshots, and the result cost.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pytest_syncload.facts.plan import RequestTemplate
from pytest_syncload.facts.result import Outcome
from pytest_syncload.load.connection import Answer
from pytest_syncload.load.crew import LocalCrew
from pytest_syncload.load.job import JOB, REPORT, Job
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.recorder import Recorder
from pytest_syncload.load.shard import Shard
from pytest_syncload.load.snapshot import Merged, Snapshot

REQUEST = RequestTemplate(path="/v1/sync-jobs", json={"source": "drive", "destination": "vault"}, expect_status=200)
#: What a generator of a large fleet is given.
EACH_PER_S = 10_000.0
SIMULATED = (1, 8, 50, 200)
SPREAD = (1, 2, 4)
MOST = 1.1
_SECONDS = 3


def jobs(url: str, shards: int, pacer: Pacer) -> list[str]:
    """What the generators are told."""
    plain = {
        "base_url": url,
        "request": REQUEST,
        "pacer": pacer,
        "shards": shards,
        "hold_from_s": pacer.ramp_s,
        "hold_to_s": pacer.ends_s,
        "timeout_s": 10.0,
        "in_flight_cap": 1000,
        "key_prefix": "benchmark",
    }
    shard = [Shard(shard=number, **plain) for number in range(shards)]  # type: ignore[arg-type]
    return [JOB.dump_json(Job(shard=each, identities=None)).decode() for each in shard]


@contextmanager
def sink() -> Iterator[str]:
    """The address of a process that answers at once."""
    command = [sys.executable, "-m", "pytest_syncload.sandbox.sink"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("{}\n")
        process.stdin.flush()
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


def offered(url: str, generators: int, pacer: Pacer, folder: Path) -> dict[str, float | int | None]:
    """One round: CPU a request in the hold, and what was measured."""
    merged = Merged()
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = [sys.executable, "-m", "pytest_syncload.generator", lock.name]
        with (
            LocalCrew(generators, command, lock.fileno()) as crew,
            crew.fleet(jobs(url, generators, pacer)) as fleet,
        ):
            fleet.muster(lambda: None)
            fared = fleet.follow(
                time.monotonic() + crew.lead_s, lambda data: merged.add(Snapshot.from_json(data)), lambda: None
            )
    reports = [REPORT.validate_python(each) for each in fared.reports]
    cpu_s = sum(report.cpu_percent for report in reports) / 100 * pacer.hold_s
    return {
        "generators": generators,
        "cpu_us_a_request": round(1e6 * cpu_s / max(merged.hold.arrivals, 1), 2),
        "ok": merged.hold[Outcome.OK],
        "due": pacer.scheduled(pacer.ramp_s, pacer.ends_s),
        "p50_ms": merged.latency.percentile(50),
        "p99_ms": merged.latency.percentile(99),
        "lag_p99_ms": merged.lag.percentile(99),
    }


def ratios(rounds: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """By generators, the median of what a request cost in a round, of what it cost one generator in that round."""
    return {
        many: round(statistics.median(each[many] / each[1] for each in rounds), 3) for many in rounds[0] if many != 1
    }


def spread(rounds: int, rate_per_s: float, hold_s: float) -> int:
    """The rounds; 0 where spreading costs nothing and loses nothing."""
    pacer = Pacer(rate_per_s=rate_per_s, ramp_s=1.0, hold_s=hold_s)
    costs, whole = [], True
    with sink() as url, tempfile.TemporaryDirectory(prefix="syncload-") as folder:
        for number in range(rounds):
            # Which comes first goes round: what a machine does over minutes falls on all.
            order = SPREAD[number % len(SPREAD) :] + SPREAD[: number % len(SPREAD)]
            cost = {}
            for many in order:
                said = offered(url, many, pacer, Path(folder))
                say(said)
                cost[many] = float(said["cpu_us_a_request"] or 0.0)
                whole = whole and said["ok"] == said["due"]
            costs.append(cost)
    found = ratios(costs)
    say({"cpu_a_request_of_one_generator_s": {str(many): ratio for many, ratio in found.items()}, "whole": whole})
    return 0 if whole and max(found.values()) <= MOST else 1


def simulate(shards: int) -> dict[str, float | int]:
    """A fleet of so many: its plan, seconds of snapshots, and its result."""
    pacer = Pacer(rate_per_s=EACH_PER_S * shards, ramp_s=0.0, hold_s=60.0)
    began = time.perf_counter()
    lines = jobs("http://127.0.0.1:9", shards, pacer)
    planned_s = time.perf_counter() - began
    arrivals = pacer.arrivals_of(shards - 1, shards)
    began = time.perf_counter()
    due = [next(arrivals)[1] for _ in range(int(EACH_PER_S))]
    schedule_s = time.perf_counter() - began
    merged, took, sizes = Merged(), [], []
    for second in range(_SECONDS):
        # Snapshots of a handful of generators stand for all: what they cost does not depend on whose they are.
        told = [snapshot(second, seed) for seed in range(min(shards, 8))]
        lines_of = [json.dumps(each.to_json(), separators=(",", ":")) for each in told]
        sizes += [len(line) for line in lines_of]
        began = time.perf_counter()
        for number in range(shards):
            merged.add(Snapshot.from_json(json.loads(lines_of[number % len(lines_of)])))
        took.append(time.perf_counter() - began)
    histograms = (merged.latency, merged.service_time, merged.lag)
    return {
        "generators": shards,
        "arrivals_per_s": round(EACH_PER_S * shards),
        "plan_ms": round(1000 * planned_s, 1),
        "job_bytes": len(lines[0]),
        "schedule_us_an_arrival": round(1e6 * schedule_s / len(due), 2),
        "snapshot_bytes": round(statistics.mean(sizes)),
        "merge_ms_a_second": round(1000 * statistics.median(took), 1),
        "network_kbit_s": round(8 * statistics.mean(sizes) * shards / 1000),
        "result_bytes": sum(len(json.dumps(each.to_json())) for each in histograms),
        "arrivals_merged": merged.hold.arrivals,
    }


def snapshot(second: int, seed: int) -> Snapshot:
    """A second of a generator: log-normal latencies around 20 ms, a thousandth of them failed."""
    drawn = random.Random(1000 * second + seed)
    recorder = Recorder(start_at=0.0, windows=((0.0, 60.0),), timeout_s=10.0)
    for number in range(int(EACH_PER_S)):
        due = second + number / EACH_PER_S
        sent = due + drawn.expovariate(1 / 0.0003)
        done = sent + drawn.lognormvariate(-3.9, 0.5)
        failed = number % 1000 == 999
        recorder.sent(due, sent - due, 200)
        answer = Answer(status=503 if failed else 200, sent_at=sent, done_at=done)
        recorder.answered(due, answer, Outcome.SERVER_ERROR if failed else Outcome.OK)
    return recorder.drain()


def say(line: Mapping[str, object]) -> None:
    """A line of JSON, at once."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description="what spreading a load over generators costs")
    what = parser.add_subparsers(dest="what", required=True)
    spreading = what.add_parser("spread")
    spreading.add_argument("--rounds", type=int, default=5)
    spreading.add_argument("--rate", type=float, default=3000.0, help="arrivals a second, of all together")
    spreading.add_argument("--hold", type=float, default=8.0, help="seconds of a round")
    what.add_parser("simulate")
    options = parser.parse_args()
    if options.what == "spread":
        return spread(options.rounds, options.rate, options.hold)
    for shards in SIMULATED:
        say(simulate(shards))
    return 0


if __name__ == "__main__":
    sys.exit(main())
