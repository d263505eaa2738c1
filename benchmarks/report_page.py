"""How large the HTML report of a long phase is, and how long a browser takes until its charts are there.

    python -m benchmarks.report_page --minutes 30 --rows 12 --opens 7

A phase of so many minutes at wall speed, a point a second, with rows of a point a minute. On stdout a JSON line with
the medians and the worst, in ms from the beginning of the navigation: the text is there (first contentful paint), and
the first frame with every chart in it. Exit status 1 where the page has 3 MB or more, or takes a second at its median.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from pytest_syncload.facts.histogram import Histogram
from pytest_syncload.facts.observation import Observation, Ruling, Series, Verdict
from pytest_syncload.facts.plan import Phase
from pytest_syncload.facts.report import PhaseReport, RunReport
from pytest_syncload.facts.result import Outcome, Second, Tally, Window
from pytest_syncload.report.html.page import html_of
from tests.browser import absent, opened
from tests.report.reports import observation, run_report
from tests.rows import LATENCY, START, result

MOST_BYTES = 3_000_000
MOST_MS = 1000.0
RATE = 3000


def long_report(minutes: int, rows: int) -> RunReport:
    """A phase of so many minutes with so many rows, noisy as one is: a smooth one would be smaller."""
    chance = random.Random(1)
    window = Window(start=START, end=START + 60.0 * minutes)
    slos = tuple(replace(LATENCY, name=f"row-{number}", line=30 + number) for number in range(rows))
    verdicts = tuple(
        Verdict(slo=slo, ruling=Ruling.PASS, reason="it held", observation=_seen(chance, window, slo=slo))
        for slo in slos
    )
    latency = Histogram.of(chance.lognormvariate(math.log(40), 0.5) for _ in range(100_000))
    phase = PhaseReport(
        plan=Phase(name="soak", slos=slos, line=20, rate_per_s=RATE, ramp_s=120.0, hold_s=60.0 * minutes),
        result=result(
            phase="soak",
            window=window,
            rate_per_s=float(RATE),
            hold=Tally(outcomes={Outcome.OK: RATE * 60 * minutes}),
            latency=latency,
            timeline=tuple(_second(chance, at) for at in range(120 + 60 * minutes)),
        ),
        problem=None,
        verdicts=verdicts,
    )
    return run_report(phase)


def opening_ms(file: Path, profile: Path, opens: int) -> list[tuple[float, float]]:
    """Of each opening: when the text was there, and when the charts were. The first is of a browser just started."""
    with opened(profile) as driver:
        seen = []
        for _ in range(opens):
            driver.get("about:blank")
            driver.get(file.as_uri())
            text, charts = driver.execute_async_script("""
              const done = arguments[0], at = name => performance.getEntriesByName(name)[0]?.startTime;
              const look = () => {
                const seen = [at("first-contentful-paint"), at("charts drawn")];
                if (seen.includes(undefined)) requestAnimationFrame(look); else done(seen);
              };
              look();
            """)
            seen.append((float(text), float(charts)))
        return seen


def _second(chance: random.Random, at: int) -> Second:
    p50 = chance.lognormvariate(math.log(40), 0.05)
    failed = chance.randrange(4)
    return Second(
        at_s=at,
        tally=Tally(outcomes={Outcome.OK: RATE - failed - 1, Outcome.SERVER_ERROR: failed, Outcome.TIMEOUT: 1}),
        in_flight=round(RATE * p50 / 1000),
        p50_ms=p50,
        p95_ms=p50 * chance.uniform(2, 2.6),
        p99_ms=p50 * chance.uniform(3, 4),
        max_ms=p50 * chance.uniform(5, 20),
    )


def _seen(chance: random.Random, window: Window, **changes: object) -> Observation:
    minutes = window.minutes
    series = Series(timestamps=minutes, values=tuple(chance.uniform(80, 130) for _ in minutes), period_s=60)
    return observation(window=window, value=120.0, series=series, samples=RATE * 60, **changes)  # type: ignore[arg-type]


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--rows", type=int, default=12)
    parser.add_argument("--opens", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="leave the page there")
    asked = parser.parse_args()
    why = absent()
    if why is not None:
        sys.stderr.write(f"{why}\n")
        return 2
    report = long_report(asked.minutes, asked.rows)
    began = time.perf_counter()
    page = html_of(report)
    made_ms = 1000 * (time.perf_counter() - began)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_text(page, "utf-8")
        if asked.keep is not None:
            asked.keep.write_text(page, "utf-8")
        seen = opening_ms(file, Path(folder) / "profile", asked.opens)
    text, charts = ([each[at] for each in seen] for at in (0, 1))
    size = len(page.encode())
    said = {
        "minutes": asked.minutes,
        "rows": asked.rows,
        "charts": page.count('class="plot"'),
        "bytes": size,
        "made_ms": round(made_ms),
        "text_ms": round(statistics.median(text)),
        "charts_ms": round(statistics.median(charts)),
        "charts_worst_ms": round(max(charts)),
    }
    sys.stdout.write(json.dumps(said) + "\n")
    return 0 if size < MOST_BYTES and statistics.median(charts) < MOST_MS else 1


if __name__ == "__main__":
    sys.exit(main())
