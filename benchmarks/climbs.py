"""Whether `pytest -m stress` finds the capacity that the sandbox was given, and names the resource that broke first.

    python benchmarks/climbs.py --runs 10

Each run is a pytest of its own against its own sandbox: each resource in turn is given ``--capacity``, and in one more
the generator is the limit (``generator``: one process through httpx, no capacity). The climbs begin at 55 % of the
capacity, and each run 1 % higher, so that the steps lie anywhere beside it. On stdout a JSON line a run and a
table at the end; exit status 1 unless in every run what held lies within 5 % of the capacity and pytest took less than
three minutes, in nine of ten the resource's own series was named first, and nothing where the generator was the limit.
The folder of a run that was off is kept and named.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GENERATOR = "generator"
#: A name that is part of each of a resource's own series. A concurrency of 20 ms a request is a rate.
OWN = {
    "table": "sync-jobs WriteThrottleEvents",
    "index": "sync-jobs/by-user WriteThrottleEvents",
    "workers": "hot-path Approximate",
    "cache": "EngineCPUUtilization",
    "concurrency": "worker CPUUtilization",
    "third_party": "drive Latency",
}
THIRD_PARTY = "drive"
PLAN = """\
service: climbs
environments:
  sandbox: {{sandbox: {{speed: 60, capacity: {{{capacity}}}}}}}
load: {{{load}}}
request:
  method: POST
  path: /v1/sync-jobs
  json: {{source: drive, destination: vault}}
  expect: {{status: 202, json: {{job_id: any}}}}
phases:
  stress:
    climb: {{from: {start}/s, step: {step}, every: {every}, until: "failed > 1 %", at_most: {most}/s}}
    slos:
      breaking-point: {{metric: load.breaking_point, target: "> 1/s"}}
      third-party-latency:
        query: {{namespace: SyncWell/ThirdParty, name: Latency, dimensions: {{Provider: {provider}}}}}
        statistic: p95
        kind: time
        unit: milliseconds
        target: "< 1s"
"""
LONGEST_S = 180


def main() -> int:
    """Run them; 0 where the numbers and the names are right."""
    parser = argparse.ArgumentParser(description="the breaking point and what broke first, through pytest")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--capacity", type=float, default=1000.0, help="jobs a second; default: 1000")
    parser.add_argument("--step", default="10 %")
    parser.add_argument("--every", default="3m", help="how long a step lasts, in service minutes: wall seconds")
    parser.add_argument("--only", nargs="*", choices=[*OWN, GENERATOR])
    options = parser.parse_args()
    chosen = options.only or [*OWN, GENERATOR]
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in chosen}
    for number in range(1, options.runs + 1):
        for name in chosen:
            seen = run(name, options, number)
            told[name].append(seen)
            say(json.dumps({"run": number, "resource": name, **seen}))
    for line in table(told):
        say(line)
    enough = all(sum(seen["right"] for seen in runs) >= 0.9 * len(runs) for runs in told.values())
    return 0 if enough and all(seen["near"] and seen["in_time"] for runs in told.values() for seen in runs) else 1


def say(line: str) -> None:
    """One line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def plan(name: str, options: argparse.Namespace, number: int) -> str:
    """The slo.yaml of a run."""
    start = round(options.capacity * (0.55 + 0.01 * ((number - 1) % 10)))
    common = {"provider": THIRD_PARTY, "step": options.step, "every": options.every}
    if name == GENERATOR:
        return PLAN.format(capacity="", load="transport: httpx, generators: 1", start=100, most=8000, **common)
    given = f"{options.capacity * 0.02:.0f}" if name == "concurrency" else f"{options.capacity:.0f}/s"
    return PLAN.format(
        capacity=f"{name}: {given}", load="timeout: 10s", start=start, most=round(3 * options.capacity), **common
    )


def run(name: str, options: argparse.Namespace, number: int) -> dict[str, Any]:
    """One run: what held and broke, what was named first, and whether that is right."""
    folder = Path(tempfile.mkdtemp(prefix="climbs-"))
    (folder / "slo.yaml").write_text(plan(name, options, number), "utf-8")
    command = [sys.executable, "-m", "pytest", "-m", "stress", "--syncload-env", "sandbox", "-rA"]
    environ = {key: value for key, value in os.environ.items() if key not in ("PYTEST_ADDOPTS", "SYNCLOAD_ENV")}
    began = time.monotonic()
    with (folder / "output.txt").open("wb") as output:
        try:
            code = subprocess.run(
                command, cwd=folder, env=environ, stdout=output, stderr=subprocess.STDOUT, timeout=300, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            code = -1
    seconds = round(time.monotonic() - began, 1)
    files = list((folder / ".syncload").glob("*/stress.ranking.json"))
    ranking = json.loads(files[0].read_text("utf-8")) if files else None
    result = json.loads(files[0].with_name("stress.result.json").read_text("utf-8"))["result"] if files else None
    told = {"exit": code, "seconds": seconds, "in_time": seconds < LONGEST_S, **judged(name, options, ranking, result)}
    if told["near"] and told["right"]:
        shutil.rmtree(folder)
        return told
    return {**told, "load_average": round(os.getloadavg()[0], 1), "folder": str(folder)}


def judged(name: str, options: argparse.Namespace, ranking: Any, result: Any) -> dict[str, Any]:
    """What was found beside what was given."""
    if ranking is None or result is None:
        return {"near": False, "right": False, "why": "no ranking was kept"}
    held, broke = result["climb"]["held_per_s"], result["climb"]["broke_per_s"]
    first = ranking["ranking"]["first"]
    named = None if first is None else first["track"]["name"]
    off = None if held is None else round(100 * (held / options.capacity - 1), 1)
    seen = {
        "held": held,
        "broke": broke,
        "off_percent": off,
        "end": result["climb"]["end"],
        "first": named,
        "because": ranking["ranking"]["because"],
        "undetermined": ranking["ranking"]["undetermined"],
    }
    if name == GENERATOR:
        return {**seen, "off_percent": None, "near": broke is None, "right": named is None}
    is_own = named is not None and OWN[name] in named
    return {**seen, "near": off is not None and abs(off) <= 5, "right": is_own}


def table(told: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """One line a resource."""
    yield "| the limit | runs | held, % off the capacity: median (range) | named first | another | not determined | s |"
    yield "|---|---|---|---|---|---|---|"
    for name, runs in told.items():
        off = [seen["off_percent"] for seen in runs if seen.get("off_percent") is not None]
        spread = f"{statistics.median(off):+.1f} ({min(off):+.1f} to {max(off):+.1f})" if off else "at least"
        nothing = sum(seen.get("first") is None for seen in runs)
        right = 0 if name == GENERATOR else sum(seen["right"] for seen in runs)
        other = len(runs) - nothing - right
        slowest = max(seen["seconds"] for seen in runs)
        yield f"| {name} | {len(runs)} | {spread} | {right} | {other} | {nothing} | {slowest:.0f} |"


if __name__ == "__main__":
    sys.exit(main())
