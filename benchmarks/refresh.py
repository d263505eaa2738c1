"""Whether refreshing tokens beside the load is seen in what is measured.

    python -m benchmarks.refresh --pairs 5

Phases against the sandbox, in interleaved pairs: with tokens so short-lived that hundreds of refreshes happen inside
the hold, and with tokens of an hour. On stdout a JSON line a phase, and one at the end: the median difference of p99
within a pair, and the interquartile range of the differences. Exit status 1 where the median is above it, where a phase
was invalid (an arrival that had only an expired token makes it so) or where too few refreshes happened to say anything.
It needs a quiet machine.

    python -m benchmarks.refresh --warm 10000

signs so many users in at the sandbox and says how long that took.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pytest_syncload.conductor.ground import prepare
from pytest_syncload.conductor.phase import offer_hold, run_phase
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.events import Event, Warming
from pytest_syncload.facts.plan import (
    UNIQUE,
    Environment,
    Faults,
    LoadSettings,
    Phase,
    RequestTemplate,
    SandboxSettings,
    Spec,
)

REQUEST = RequestTemplate(
    path="/v1/sync-jobs",
    json={"source": "drive", "destination": "vault"},
    expect_status=202,
    expect_json={"job_id": UNIQUE},
)
SPEED = 60.0
#: Fewer would say nothing.
LEAST_REFRESHES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A phase: its p99, its refreshes, what makes it invalid, and how long its users took to sign in."""

    token_life_s: int | None
    p99_ms: float
    p50_ms: float
    refreshes: int
    failed: int
    invalid: tuple[str, ...]
    warmed_in_s: float

    def to_json(self) -> dict[str, object]:
        """For a line of stdout."""
        return {
            "token_life_s": self.token_life_s or 3600,
            "p99_ms": round(self.p99_ms, 2),
            "p50_ms": round(self.p50_ms, 2),
            "refreshes": self.refreshes,
            "failed_refreshes": self.failed,
            "invalid": list(self.invalid),
            "warmed_in_s": round(self.warmed_in_s, 1),
        }


def ran(*, users: int, rate_per_s: float, hold_s: float, token_life_s: int | None) -> Ran:
    """Run a phase of so many wall seconds against a sandbox of its own."""
    phase = Phase(name="peak", slos=(), line=1, rate_per_s=rate_per_s, ramp_s=2 * SPEED, hold_s=hold_s * SPEED)
    faults = Faults(token_life_s=token_life_s)
    plan = Spec(
        file=Path("slo.yaml"),
        service="refresh",
        environment=Environment(
            name="sandbox", line=1, sandbox=SandboxSettings(speed=SPEED, users=users, faults=faults)
        ),
        load=LoadSettings(generators=1),
        request=REQUEST,
        phases=(phase,),
    )
    warm_at: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, Warming):
            warm_at.append(time.monotonic())

    with tempfile.TemporaryDirectory(prefix="syncload-") as place, ExitStack() as stack:
        folder = RunFolder.named_now(Path(place))
        folder.make()
        stack.enter_context(folder.controller_lock())
        ground = prepare(plan, folder, stack)
        lock = stack.enter_context(folder.phase_lock())
        began = time.monotonic()
        result = run_phase(plan, phase, ground, folder, lock, listen, offer_hold)
    (generator,) = result.generators
    return Ran(
        token_life_s=token_life_s,
        p99_ms=result.latency.percentile(99) or 0.0,
        p50_ms=result.latency.percentile(50) or 0.0,
        refreshes=generator.refreshes.count,
        failed=generator.refreshes.failed,
        invalid=tuple(reason.what for reason in result.invalid),
        warmed_in_s=warm_at[-1] - began,
    )


def spread(values: Sequence[float]) -> float:
    """The interquartile range, as the quartiles of the values themselves (NumPy's and R's default)."""
    lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
    return upper - lower


def verdict(pairs: Sequence[tuple[Ran, Ran]]) -> tuple[dict[str, object], bool]:
    """The last line, and whether refreshing was not seen. A pair is with short-lived tokens, then with long-lived."""
    differences = [short.p99_ms - long.p99_ms for short, long in pairs]
    median, range_ms = statistics.median(differences), spread(differences)
    least = min(short.refreshes for short, _ in pairs)
    invalid = [reason for pair in pairs for each in pair for reason in each.invalid]
    said = {
        "differences_ms": [round(each, 2) for each in differences],
        "median_difference_ms": round(median, 2),
        "interquartile_range_ms": round(range_ms, 2),
        "interquartile_range_of_long_lived_ms": round(spread([long.p99_ms for _, long in pairs]), 2),
        "least_refreshes": least,
        "invalid": len(invalid),
    }
    return said, median <= range_ms and least >= LEAST_REFRESHES and not invalid


def main() -> int:
    """Measure; 0 where refreshing was not seen."""
    parser = argparse.ArgumentParser(
        description="whether refreshing tokens beside the load is seen in what is measured"
    )
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--users", type=int, default=75)
    parser.add_argument("--rate", type=float, default=500.0, help="requests a second")
    parser.add_argument("--hold", type=float, default=20.0, help="wall seconds of a hold")
    parser.add_argument("--life", type=int, default=10, help="seconds that a short-lived token lives")
    parser.add_argument("--warm", type=int, metavar="USERS", help="sign so many in, and no more")
    options = parser.parse_args()
    if options.warm is not None:
        found = ran(users=options.warm, rate_per_s=100.0, hold_s=2.0, token_life_s=None)
        say({"users": options.warm, "warmed_in_s": round(found.warmed_in_s, 1), "invalid": list(found.invalid)})
        return 1 if found.invalid else 0
    pairs: list[tuple[Ran, Ran]] = []
    for number in range(options.pairs):
        # Which comes first alternates: what a machine does over minutes falls on both.
        lives = (options.life, None) if number % 2 == 0 else (None, options.life)
        both = {}
        for life in lives:
            both[life] = ran(users=options.users, rate_per_s=options.rate, hold_s=options.hold, token_life_s=life)
            say(both[life].to_json())
        pairs.append((both[options.life], both[None]))
    said, unseen = verdict(pairs)
    say(said)
    return 0 if unseen else 1


def say(line: dict[str, object]) -> None:
    """A line of JSON, at once."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
