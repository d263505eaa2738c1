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


@dataclass(kw_only=True)
class _Minutes:
    """The load of each minute and how long it was beyond the capacity, and series made of them."""

    scene: Scene
    load: Floats
    over: Floats

    def __post_init__(self) -> None:
        limited = self.scene.limited
        self.dice = self.scene.rng
        self.use = self.load / (self.scene.capacity if limited else 1500.0)
        self.beyond = np.abs(self.over)
        self.seen = np.maximum(0, -self.over)
        # A queue in front of what is busy: a curve, which a healthy service has too.
        self.waits = (1 + 0.15 * self.beyond) / np.maximum(0.2, 1 - 0.6 * np.minimum(self.use, 1.0))

    def beyond_of(self, resource: str) -> Floats:
        """How long the resource has been beyond its capacity, in minutes."""
        return self.beyond if self.scene.limited == resource else np.zeros(len(self.load))

    def noisy(self, level: Floats, noise: float | None = None) -> Floats:
        """Each minute scattered, in proportion, and resembling the one before."""
        noise, echo = self.scene.noise if noise is None else noise, self.scene.echo
        dice = self.scene.tail(self.dice, len(self.load))
        for minute in range(1, len(dice)):
            dice[minute] = echo * dice[minute - 1] + np.sqrt(1 - echo**2) * dice[minute]
        return np.asarray(level * np.exp(noise * dice))

    def events(self, mean: Floats | float) -> Floats:
        """Counts about that mean in each minute."""
        return self.dice.poisson(mean, len(self.load)).astype(float)

    def track(
        self,
        name: str,
        place: Place,
        values: Floats,
        kind: Kind = Kind.COUNT,
        *,
        limit: float | None = None,
        ceiling: float | None = None,
        worse: Worse = Worse.UP,
    ) -> Track:
        """The series of a resource, which is the name's first word, with gaps where minutes are missing."""
        if ceiling is not None:
            values = np.minimum(values, ceiling)
        there = [minute for minute in range(len(values)) if self.dice.random() >= self.scene.missing]
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


def _tracks(scene: Scene, load: Floats, over: Floats) -> Iterator[Track]:
    made = _Minutes(scene=scene, load=load, over=over)
    yield from _in_front(made)
    yield from _service(made)
    yield from _table(made)
    yield from _queue(made)
    yield from _cache(made)
    yield from _third_party(made)


def _in_front(made: _Minutes) -> Iterator[Track]:
    seen, api = made.seen, Place.API
    p95 = made.noisy(60 * made.waits * (1 + 2.0 * (seen > 0)))
    yield made.track("p95", Place.CLIENT, p95, Kind.TIME, limit=500.0)
    failed = made.noisy(np.where(seen > 0, 3.0 + seen, 0.0))
    yield made.track("failed", Place.CLIENT, failed, Kind.SHARE, limit=1.0)
    yield made.track("syncwell Latency p95", api, made.noisy(50 * made.waits), Kind.TIME, limit=500.0)
    yield made.track("syncwell 5XXError", api, made.events(np.where(seen > 0, 600 * seen, 0.02)), limit=0.0)


def _service(made: _Minutes) -> Iterator[Track]:
    place, use = Place.SERVICE, made.use
    busy = (0.5 if made.scene.limited is None else made.dice.uniform(0.4, 0.8)) * use
    cpu = made.noisy(4 + 100 * busy, 0.03)
    yield made.track("worker CPUUtilization", place, cpu, Kind.SHARE, limit=60.0, ceiling=100.0)
    memory = made.noisy(45 + 5 * use, 0.01)
    yield made.track("worker MemoryUtilization", place, memory, Kind.SHARE, limit=80.0, ceiling=100.0)
    yield made.track("worker RunningTasks", place, np.full(len(use), 10.0), worse=Worse.DOWN, limit=8.0)
    open_requests = made.noisy(30 * use * (1 + 0.3 * made.beyond_of("concurrency")))
    yield made.track("worker ConcurrentRequests", place, open_requests, limit=200.0)


def _table(made: _Minutes) -> Iterator[Track]:
    for name, place in (("table", Place.BACKEND), ("index", Place.BEHIND)):
        refused = np.where(made.beyond_of(name) > 0, 12 * made.load * np.maximum(0.02, made.use - 1), 0.0)
        yield made.track(f"{SHOWS[name]} WriteThrottleEvents", place, made.events(refused), limit=0.0)
    yield made.track("sync-jobs ConsumedWriteCapacityUnits", Place.BACKEND, made.noisy(60 * made.load, 0.01))
    took = made.noisy(np.full(len(made.load), 4.0))
    yield made.track("sync-jobs SuccessfulRequestLatency", Place.BACKEND, took, Kind.TIME)


def _queue(made: _Minutes) -> Iterator[Track]:
    unserved = np.where(made.beyond_of("workers") > 0, 60 * made.load * np.maximum(0.01, made.use - 1), 0.0)
    backlog = np.cumsum(unserved)
    yield made.track("hot-path visible", Place.BACKEND, made.events(4 + 4 * made.use) + backlog, limit=1000.0)
    age_s = made.noisy(1 + backlog / made.scene.capacity, 0.1)
    yield made.track("hot-path age", Place.BACKEND, 1000 * np.ceil(age_s), Kind.TIME, limit=60_000.0)


def _cache(made: _Minutes) -> Iterator[Track]:
    hot = 96 if made.scene.limited == "cache" else made.dice.uniform(30, 70)
    engine = np.where(made.beyond_of("cache") > 0, 99.5, 2 + (hot - 4) * np.minimum(made.use, 1.0))
    for node, level in (("syncwell-001", engine), ("syncwell-002", 2 + 20 * made.use)):
        cpu = made.noisy(level, 0.02)
        yield made.track(f"{node} EngineCPUUtilization", Place.BACKEND, cpu, Kind.SHARE, limit=80.0, ceiling=100.0)
    yield made.track("syncwell Evictions", Place.BACKEND, made.events(0.05))


def _third_party(made: _Minutes) -> Iterator[Track]:
    beyond = made.beyond_of("third_party")
    took = made.noisy(120 * (1 + 0.5 * (beyond > 0) + 0.2 * beyond))
    yield made.track("ThirdParty Latency", Place.BACKEND, took, Kind.TIME, limit=400.0)
    yield made.track("ThirdParty Errors", Place.BACKEND, made.events(np.where(beyond > 2, 40 * beyond, 0.0)))
