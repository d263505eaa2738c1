"""What a client says of itself, in one form, from whatever it printed. Pure; believes nothing, the server counts."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A client's own figures over its whole run; None where it does not say. Latencies are as it defines them.

    ``dropped`` are arrivals that it knows it did not send. ``failed`` are answers that it did not want, or none.
    """

    requests: int | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    lag_p99_ms: float | None = None
    dropped: int | None = None
    failed: int | None = None

    def line(self) -> str:
        """One line of JSON, which `parse_line` reads."""
        return json.dumps(asdict(self))


def nearest_rank(ordered: Sequence[float], percent: float) -> float | None:
    """The nearest-rank percentile of values in order; None of nothing."""
    if not ordered:
        return None
    return ordered[max(1, math.ceil(len(ordered) * percent / 100 - 1e-9)) - 1]


def of_samples(latencies_ms: Sequence[float], lags_ms: Sequence[float], *, dropped: int, failed: int) -> Told:
    """From every sample of a run."""
    ordered, lags = sorted(latencies_ms), sorted(lags_ms)
    return Told(
        requests=len(ordered),
        p50_ms=nearest_rank(ordered, 50),
        p95_ms=nearest_rank(ordered, 95),
        p99_ms=nearest_rank(ordered, 99),
        max_ms=nearest_rank(ordered, 100),
        lag_p99_ms=nearest_rank(lags, 99),
        dropped=dropped,
        failed=failed,
    )


def parse_line(output: str) -> Told:
    """Clients with a `Told` as the last line of JSON in what they print. Raises ValueError where none is."""
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            return Told(**json.loads(line))
    raise ValueError(f"no figures in {output[-300:]!r}")


def parse_hey(output: str) -> Told:
    """Hey's summary. Its latencies are seconds from a worker's send to the end of the body."""

    def ms(pattern: str) -> float | None:
        found = re.search(pattern, output)
        return float(found[1]) * 1000 if found else None

    statuses = {int(status): int(count) for status, count in re.findall(r"\[(\d{3})\]\s+(\d+) responses", output)}
    if not statuses:
        raise ValueError(f"no figures in {output[-300:]!r}")
    errors = sum(int(count) for count in re.findall(r"^\s+\[(\d+)\]\s+(?!\d+ responses)", output, re.MULTILINE))
    return Told(
        requests=sum(statuses.values()),
        p50_ms=ms(r"50% in ([\d.]+) secs"),
        p95_ms=ms(r"95% in ([\d.]+) secs"),
        p99_ms=ms(r"99% in ([\d.]+) secs"),
        max_ms=ms(r"Slowest:\s+([\d.]+) secs"),
        failed=errors + sum(count for status, count in statuses.items() if status >= 300),
    )


_UNITS_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def parse_h2load(output: str) -> Told:
    """h2load's summary. It prints no percentiles."""
    found = re.search(r"requests: \d+ total, \d+ started, (\d+) done, \d+ succeeded, (\d+) failed", output)
    if found is None:
        raise ValueError(f"no figures in {output[-300:]!r}")
    longest = re.search(r"time for request:\s+\S+\s+([\d.]+)(us|ms|s)\b", output)
    return Told(
        requests=int(found[1]),
        max_ms=float(longest[1]) * _UNITS_MS[longest[2]] if longest else None,
        failed=int(found[2]),
    )


def parse_autocannon(output: str) -> Told:
    """Autocannon's result as JSON. Of percentiles it knows 50, 97.5 and 99 but not 95, in whole milliseconds."""
    start = output.find("{")
    if start < 0:
        raise ValueError(f"no figures in {output[-300:]!r}")
    result = json.loads(output[start:])
    latency = result["latency"]
    return Told(
        requests=result["requests"]["total"],
        p50_ms=latency["p50"],
        p95_ms=latency.get("p95"),
        p99_ms=latency["p99"],
        max_ms=latency["max"],
        failed=result["errors"] + result["timeouts"] + result["non2xx"],
    )


def parse_k6(output: str) -> Told:
    """The summary that k6.js writes: k6's ``http_req_duration`` and its count of iterations it could not start."""
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            metrics = json.loads(line)["metrics"]
            break
    else:
        raise ValueError(f"no figures in {output[-300:]!r}")

    def values(name: str) -> dict[str, float]:
        """A metric's figures: below ``values`` in handleSummary's data, directly in an exported summary."""
        metric = metrics.get(name, {})
        return metric.get("values", metric)  # type: ignore[no-any-return]

    duration = values("http_req_duration")
    return Told(
        requests=int(values("http_reqs")["count"]),
        p50_ms=duration["med"],
        p95_ms=duration["p(95)"],
        p99_ms=duration["p(99)"],
        max_ms=duration["max"],
        # Where none was dropped or failed, k6 leaves the metric out.
        dropped=int(values("dropped_iterations").get("count", 0)),
        failed=int(values("checks").get("fails", 0)),
    )


Parser = Callable[[str], Told]
