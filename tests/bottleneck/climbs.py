"""Synthetic climbs: a service whose every resource can be the one that limits it, with the noise of real series.

Utilisation is proportional to the load; the latencies of places in front contain those behind. Beyond its capacity a
resource shows it at once, and the client some minutes later, when queues, bursts and retries are used up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from pytest_syncload.bottleneck.approach import Floats
from pytest_syncload.facts.bottleneck import Climbed, Place, StepSeen, Track, Worse
from pytest_syncload.facts.result import Window
from pytest_syncload.facts.units import Kind

START = 1_800_000_000.0

#: The resource whose series is named where it is the bottleneck.
SHOWS = {
    "table": "sync-jobs",
    "index": "sync-jobs/by-user",
    "workers": "hot-path",
    "cache": "syncwell-001",
    "concurrency": "worker",
    "third_party": "ThirdParty",
}


@dataclass(kw_only=True)
class Scene:
    """One climb's dice and settings. ``limited`` is None where the service is never the limit."""

    seed: int
    limited: str | None
    minutes_a_step: int = 4
    lead: tuple[int, int] = (2, 12)
    noise: float = 0.05
    tail: Callable[[np.random.Generator, int], Floats] = field(default=lambda rng, n: rng.normal(0, 1, n))
    echo: float = 0.3
    fine: bool = True
    missing: float = 0.0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.capacity = 1000 * self.rng.uniform(0.95, 1.05)


def climb(scene: Scene) -> tuple[Climbed, list[Track]]:
    """The steps and the series of a whole climb: the coarse approach, and a fine one behind it."""
    steps, load, over = _coarse(scene)
    if scene.fine and scene.limited is not None:
        held = max(step.rate_per_s for step in steps if step.held)
        gap = 20
        load += [0.6 * held] * gap
        over += [0] * gap
        more, load_2, over_2 = _fine(scene, held, len(load))
        steps, load, over = steps + more, load + load_2, over + over_2
    tracks = list(_tracks(scene, np.array(load), np.array(over)))
    return Climbed(steps=tuple(steps)), tracks


def _coarse(scene: Scene) -> tuple[list[StepSeen], list[float], list[int]]:
    rates = [400 * 1.1**number for number in range(24 if scene.limited else 12)]
    return _run(scene, rates, 0)


def _fine(scene: Scene, held: float, start: int) -> tuple[list[StepSeen], list[float], list[int]]:
    return _run(scene, [held * (0.95 + 0.025 * number) for number in range(8)], start)


def _run(scene: Scene, rates: list[float], start: int) -> tuple[list[StepSeen], list[float], list[int]]:
    """Steps until the client fails, which is ``lead`` minutes after the load went beyond the capacity."""
    lead = int(scene.rng.integers(*scene.lead)) if scene.limited else 0
    capacity = scene.capacity if scene.limited else np.inf
    steps: list[StepSeen] = []
    load: list[float] = []
    over: list[int] = []  # 0 below capacity, 1 in its first minute beyond, ... ; negative where the client sees it
    for rate in rates:
        begin = start + len(load)
        broke = False
        for _ in range(scene.minutes_a_step):
            load.append(rate)
            beyond = abs(over[-1]) + 1 if over and over[-1] else 1
            over.append(0 if rate <= capacity else -beyond if beyond > lead else beyond)
            broke = sum(moment < 0 for moment in over) >= 2
            if broke:
                break
        window = Window(start=START + 60 * begin, end=START + 60 * (start + len(load)))
        good = min(rate, capacity) if broke else rate
        steps.append(
            StepSeen(
                rate_per_s=rate,
                throughput_per_s=good,
                failed_percent=100 * (1 - good / rate),
                window=window,
                held=not broke,
                latency_mean_ms=float(20 / max(0.05, 1 - 0.7 * min(1.0, rate / capacity))),
            )
        )
        if broke:
            break
    return steps, load, over


def _tracks(scene: Scene, load: Floats, over: Floats) -> Iterator[Track]:
    rng, limited, count = scene.rng, scene.limited, len(load)
    use = load / (scene.capacity if limited else 1500.0)
    beyond = np.abs(over)
    seen = np.maximum(0, -over)

    def noisy(level: Floats, noise: float = scene.noise) -> Floats:
        dice = scene.tail(rng, count)
        for minute in range(1, count):
            dice[minute] = scene.echo * dice[minute - 1] + np.sqrt(1 - scene.echo**2) * dice[minute]
        return np.asarray(level * np.exp(noise * dice))

    def when(resource: str) -> Floats:
        return beyond if limited == resource else np.zeros(count)

    def track(
        name: str,
        place: Place,
        values: Floats,
        kind: Kind = Kind.COUNT,
        *,
        limit: float | None = None,
        ceiling: float | None = None,
        worse: Worse = Worse.UP,
    ) -> Track:
        if ceiling is not None:
            values = np.minimum(values, ceiling)
        there = [minute for minute in range(count) if rng.random() >= scene.missing]
        return Track(
            name=name,
            resource=name.split()[0],
            place=place,
            kind=kind,
            worse=worse,
            limit=limit,
            ceiling=ceiling,
            timestamps=tuple(START + 60.0 * minute for minute in there),
            values=tuple(float(values[minute]) for minute in there),
        )

    # A queue in front of what is busy: a curve, which a healthy service has too.
    waits = 1 / np.maximum(0.2, 1 - 0.6 * np.minimum(use, 1.0))
    slower = 1 + 0.15 * beyond
    yield track("p95", Place.CLIENT, noisy(60 * waits * slower * (1 + 2.0 * (seen > 0))), Kind.TIME, limit=500.0)
    yield track("failed", Place.CLIENT, noisy(np.where(seen > 0, 3.0 + seen, 0.0)), Kind.SHARE, limit=1.0)
    yield track("syncwell Latency p95", Place.API, noisy(50 * waits * slower), Kind.TIME, limit=500.0)
    yield track(
        "syncwell 5XXError", Place.API, rng.poisson(np.where(seen > 0, 600 * seen, 0.02)).astype(float), limit=0.0
    )

    busy = np.where(limited is None, 0.5, rng.uniform(0.4, 0.8)) * use
    yield track(
        "worker CPUUtilization", Place.SERVICE, noisy(4 + 100 * busy, 0.03), Kind.SHARE, limit=60.0, ceiling=100.0
    )
    yield track(
        "worker MemoryUtilization", Place.SERVICE, noisy(45 + 5 * use, 0.01), Kind.SHARE, limit=80.0, ceiling=100.0
    )
    yield track("worker RunningTasks", Place.SERVICE, np.full(count, 10.0), worse=Worse.DOWN, limit=8.0)
    own = when("concurrency")
    yield track("worker ConcurrentRequests", Place.SERVICE, noisy(30 * use * (1 + 0.3 * own)), limit=200.0)

    throttles = {
        name: np.where(when(name) > 0, 60 * load * np.maximum(0.02, use - 1) * 0.2, 0.0) for name in ("table", "index")
    }
    for name, events in throttles.items():
        yield track(
            f"{SHOWS[name]} WriteThrottleEvents",
            Place.BACKEND if name == "table" else Place.BEHIND,
            rng.poisson(events).astype(float),
            limit=0.0,
        )
    yield track("sync-jobs ConsumedWriteCapacityUnits", Place.BACKEND, noisy(60 * load, 0.01))
    yield track("sync-jobs SuccessfulRequestLatency", Place.BACKEND, noisy(4 + 0 * load), Kind.TIME)

    backlog = np.cumsum(np.where(when("workers") > 0, 60 * load * np.maximum(0.01, use - 1), 0.0))
    yield track("hot-path visible", Place.BACKEND, rng.poisson(4 + 4 * use) + backlog, limit=1000.0)
    age = 1 + backlog / (60 * scene.capacity) * 60
    yield track("hot-path age", Place.BACKEND, np.ceil(noisy(age * 1000, 0.1) / 1000) * 1000, Kind.TIME, limit=60_000.0)

    hot = 96 if limited == "cache" else rng.uniform(30, 70)
    engine = np.where(when("cache") > 0, 99.5, 2 + (hot - 4) * np.minimum(use, 1.0))
    yield track(
        "syncwell-001 EngineCPUUtilization", Place.BACKEND, noisy(engine, 0.02), Kind.SHARE, limit=80.0, ceiling=100.0
    )
    yield track(
        "syncwell-002 EngineCPUUtilization",
        Place.BACKEND,
        noisy(2 + 20 * use, 0.02),
        Kind.SHARE,
        limit=80.0,
        ceiling=100.0,
    )
    yield track("syncwell Evictions", Place.BACKEND, rng.poisson(0.05, count).astype(float))

    third = when("third_party")
    yield track(
        "ThirdParty Latency", Place.BACKEND, noisy(120 * (1 + 0.5 * (third > 0) + 0.2 * third)), Kind.TIME, limit=400.0
    )
    yield track("ThirdParty Errors", Place.BACKEND, rng.poisson(np.where(third > 2, 40 * third, 0.0)).astype(float))
