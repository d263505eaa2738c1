"""Clean sandbox runs in a row: a gate that is red by mistake is turned off by the people who wait for it.

    python benchmarks/endurance.py --runs 50

Each run is `pytest -m peak` of its own against its own sandbox: a hold of three service minutes and all rows of this
repository's slo.yaml but for `growth: none`, which needs six minutes. On stdout a JSON line a run, and one at the end;
exit status 1 unless every run was green. The folder of a run that was not is kept and named.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

ROWS = {
    "api-latency-p95": 'metric: apigateway.latency, statistic: p95, target: "< 500 ms"',
    "api-5xx-rate": 'metric: apigateway.5xx, target: "< 0.1 %"',
    "task-errors": 'metric: ecs.task_errors, target: "< 0.5 %"',
    "task-cpu": 'metric: ecs.cpu, target: "< 80 %"',
    "task-memory": 'metric: ecs.memory, target: "< 80 %"',
    "dynamodb-throttles": 'metric: dynamodb.throttles, target: "== 0"',
    "queue-depth": 'metric: sqs.visible, target: "< 1000", sustained: 3m, drains_within: 5m',
    "cache-cpu": 'metric: elasticache.cpu, target: "< 80 %"',
    "idempotency": 'metric: idempotency.violations, target: "== 0"',
}
PLAN = """\
service: endurance
environments:
  sandbox: {{sandbox: {{speed: 60}}}}
request:
  method: POST
  path: /v1/sync-jobs
  json: {{source: drive, destination: vault}}
  expect: {{status: 202, json: {{job_id: any}}}}
  # As many checks as the repository's own plan has in its longer and larger phase.
  idempotency: {{verify: 3 %, job_id: job_id, changed: {{source: vault}}}}
phases:
  peak:
    rate: {rate}
    ramp: 1m
    hold: 3m
    slos:
{rows}
"""
#: A run takes about 20 s; one that hangs must not stop the rest.
LONGEST_S = 300


def main() -> int:
    """Run them; 0 where all were green."""
    parser = argparse.ArgumentParser(description="clean sandbox runs in a row, each of which must be green")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--rate", default="400/s", help="what the peak offers, such as 400/s")
    options = parser.parse_args()
    green = 0
    slowest = 0.0
    for number in range(1, options.runs + 1):
        told = run(options.rate)
        green += told["green"]
        slowest = max(slowest, told["seconds"])
        say({"run": number, **told})
    say({"runs": options.runs, "green": green, "slowest_seconds": slowest})
    return 0 if green == options.runs else 1


def say(told: dict[str, Any]) -> None:
    """One JSON line."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def run(rate: str) -> dict[str, Any]:
    """One run: whether it was green, its wall seconds, the machine's load after it, and by test what was not green."""
    folder = Path(tempfile.mkdtemp(prefix="endurance-"))
    rows = "\n".join(f"      {name}: {{{row}}}" for name, row in ROWS.items())
    (folder / "slo.yaml").write_text(PLAN.format(rate=rate, rows=rows), "utf-8")
    command = [sys.executable, "-m", "pytest", "-m", "peak", "--syncload-env", "sandbox", "--junitxml", "junit.xml"]
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTEST_ADDOPTS", "SYNCLOAD_ENV")}
    began = time.monotonic()
    with (folder / "output.txt").open("wb") as output:
        try:
            code = subprocess.run(
                command,
                cwd=folder,
                env=environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=LONGEST_S,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            code = -1
    seconds = round(time.monotonic() - began, 1)
    junit = folder / "junit.xml"
    wrong = not_green(junit.read_text("utf-8") if junit.is_file() else "", code)
    # A machine that is busy with something else makes a phase invalid, which is no false red: show how busy it was.
    told: dict[str, Any] = {"green": not wrong, "seconds": seconds, "load_average": round(os.getloadavg()[0], 1)}
    if not wrong:
        shutil.rmtree(folder)
        return told
    return {**told, "not_green": wrong, "folder": str(folder)}


def not_green(junit: str, code: int) -> dict[str, str]:
    """What was not proven, by test, with its first line; empty only where exactly the load and every row passed."""
    wrong = {} if code == 0 else {"pytest": f"ended with {code}" if code >= 0 else f"did not end within {LONGEST_S} s"}
    missing = {"load", *ROWS}
    for case in ET.fromstring(junit).iter("testcase") if junit else ():
        name = case.get("name", "")
        bad = [(part.get("message") or part.tag).splitlines()[0] for part in case if part.tag in _BAD]
        if bad:
            wrong[name] = bad[0]
        missing.discard(name)
    return wrong | dict.fromkeys(sorted(missing), "was not run")


_BAD = ("failure", "error", "skipped")

if __name__ == "__main__":
    sys.exit(main())
