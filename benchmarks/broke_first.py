"""How often what broke first is named, over synthetic climbs whose bottleneck is known, and how often wrongly.

    python -m benchmarks.broke_first --trials 200

The climbs are those of the tests (tests/bottleneck/climbs.py), each resource as the bottleneck in turn and none, under
several kinds of noise. On stdout two Markdown tables: the ranking, and other ways to find where the normal range ends.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from unittest.mock import patch

import numpy as np
import ruptures

from pytest_syncload.bottleneck import departure, rank
from pytest_syncload.bottleneck.approach import Floats
from pytest_syncload.facts.bottleneck import Place
from tests.bottleneck.climbs import SHOWS, Scene, climb

#: Beside the first, so that no trial of the tests is one of these.
FIRST_SEED = 10_000

CONDITIONS: dict[str, Callable[[int, str | None], Scene]] = {
    "steps of 4 minutes, noise 5 %": lambda seed, of: Scene(seed=seed, limited=of),
    "steps of 1 minute, 1 to 3 minutes before the client": lambda seed, of: Scene(
        seed=seed, limited=of, minutes_a_step=1, lead=(1, 4)
    ),
    "25 to 39 minutes before the client": lambda seed, of: Scene(seed=seed, limited=of, lead=(25, 40)),
    "noise 10 %, autocorrelation 0.6": lambda seed, of: Scene(seed=seed, limited=of, noise=0.1, echo=0.6),
    "noise with Student's t of 3": lambda seed, of: Scene(
        seed=seed, limited=of, tail=lambda dice, count: dice.standard_t(3, count)
    ),
    "a tenth of the minutes missing": lambda seed, of: Scene(seed=seed, limited=of, missing=0.1),
    "without a second approach": lambda seed, of: Scene(seed=seed, limited=of, fine=False),
}

METHODS: dict[str, Callable[[Floats], int]] = {
    "`KernelCPD`, one change": departure.end_of_normal,
    "`KernelCPD` with a penalty of 3 ln n (the first change)": lambda values: int(
        ruptures.KernelCPD(kernel="linear", min_size=2)
        .fit(values.reshape(-1, 1))
        .predict(pen=3 * np.log(len(values)) * max(1.0, float(np.median(np.abs(np.diff(values)))) ** 2))[0]
    ),
    "the first half": lambda values: len(values) // 2,
    "the first 6 minutes at 3 rates": lambda _values: 0,
}


@dataclass(kw_only=True)
class Seen:
    """Counts over the climbs of a condition; ``off_minutes`` is how late the named series' departure was dated."""

    trials: int = 0
    right: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SHOWS, 0))
    undetermined: int = 0
    series: int = 0
    alarms: int = 0
    off_minutes: list[float] = field(default_factory=list)


def measure(scene: Callable[[int, str | None], Scene], trials: int) -> Seen:
    """So many climbs of each resource, and of none."""
    seen = Seen(trials=trials)
    for seed in range(FIRST_SEED, FIRST_SEED + trials):
        for resource, shown_by in SHOWS.items():
            one = scene(seed, resource)
            climbed, tracks = climb(one)
            first = rank(climbed, tracks).first
            seen.undetermined += first is None
            if first is not None and first.departure is not None and first.track.resource == shown_by:
                seen.right[resource] += 1
                true = next(step.window.start for step in climbed.steps if step.rate_per_s > one.capacity)
                seen.off_minutes.append((first.departure.at - true) / 60)
        behind = [found for found in rank(*climb(scene(seed, None))).findings if found.track.place > Place.API]
        seen.series += len(behind)
        seen.alarms += sum(found.departure is not None for found in behind)
    return seen


def row(name: str, seen: Seen) -> str:
    """Its line in the table."""
    off = np.array(seen.off_minutes)
    shares = [f"{100 * count / seen.trials:.1f}" for count in seen.right.values()]
    wrong = seen.trials * len(SHOWS) - sum(seen.right.values()) - seen.undetermined
    cells = [
        *shares,
        f"{100 * wrong / seen.trials / len(SHOWS):.1f}",
        f"{100 * seen.undetermined / seen.trials / len(SHOWS):.1f}",
        f"{100 * float(np.mean(off == 0)):.0f}",
        f"{100 * float(np.mean(np.abs(off) <= 1)):.0f}",
        f"{100 * seen.alarms / seen.series:.2f}",
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


def head(what: str) -> str:
    """The table's first lines."""
    columns = [
        what,
        *SHOWS,
        "another named",
        "not determined",
        "minute exact",
        "within 1 minute",
        "false alarms a series",
    ]
    return "| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|"


def say(line: str) -> None:
    """A line as soon as it is known."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Print the tables; all figures are percent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200, help="climbs of each resource and condition")
    trials = parser.parse_args().trials
    say(head("climb"))
    for name, scene in CONDITIONS.items():
        say(row(name, measure(scene, trials)))
    say("\n" + head("where the normal range ends (noise 10 %, autocorrelation 0.6)"))
    for name, method in METHODS.items():
        with patch.object(departure, "end_of_normal", method):
            say(row(name, measure(CONDITIONS["noise 10 %, autocorrelation 0.6"], trials)))


if __name__ == "__main__":
    main()
