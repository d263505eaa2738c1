"""What it costs to read k6's stream of points beside it, on the same machine.

    python -m benchmarks.k6_points

Reads the recorded stream of a real k6 again and again, as the child that drives k6 does. On stdout a line of JSON.
"""

from __future__ import annotations

import json
import sys
import time

from pytest_syncload.k6.points import Points
from tests.k6.lines import START, recorded

#: Some two seconds of work.
_TIMES = 200
_RATE_PER_S = 3000


def main() -> None:
    """Measure and print."""
    lines = [line.rstrip(b"\n") for line in recorded()]
    points = Points(start_at=START, hold_s=(2.0, 6.0), expected=(202,), timeout_s=2.0)
    began = time.process_time()
    for _ in range(_TIMES):
        for line in lines:
            points.take(line)
        points.drain().to_json()
    used_s = time.process_time() - began
    a_request_us = 1e6 * used_s / points.requests
    said = {
        "requests": points.requests,
        "lines_a_request": round(len(lines) * _TIMES / points.requests, 1),
        "cpu_us_a_request": round(a_request_us, 1),
        f"percent_of_a_core_at_{_RATE_PER_S}_per_s": round(a_request_us * _RATE_PER_S / 1e4, 1),
    }
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
