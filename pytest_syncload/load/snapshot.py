"""What generators say of their arrivals, each second: counts by second, merged without loss.

Merging in any order gives what recording all of it in one place would have given.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_syncload.facts.histogram import Histogram
from pytest_syncload.facts.result import Figure, Outcome, Second, Tally
from pytest_syncload.load.sameness import Sameness, Seen

#: How many answers that were not ok are kept to be shown, of each kind: timeouts by the thousand must not crowd out the
#: one wrong body.
EXAMPLES = 2


@dataclass(slots=True)
class Slice:
    """The arrivals that were due in one second."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    throttled: int = 0
    dropped_late: int = 0
    in_flight: int = 0
    latency: Histogram = field(default_factory=Histogram)

    def add(self, other: Slice) -> None:
        """Take in another's counts; ``in_flight`` is the most that any one generator had open."""
        self.outcomes.update(other.outcomes)
        self.throttled += other.throttled
        self.dropped_late += other.dropped_late
        self.in_flight = max(self.in_flight, other.in_flight)
        self.latency.merge(other.latency)

    def tally(self) -> Tally:
        """The counts, as a fact."""
        return Tally(outcomes=dict(self.outcomes), throttled=self.throttled, dropped_late=self.dropped_late)


@dataclass(slots=True)
class Held:
    """One judged window: the arrivals that were due in it, and the requests that were sent while it lasted.

    ``service_time`` and ``lag`` are in ms, ``statuses`` counts answers; ``wire_requests`` were sent inside, and
    ``in_flight_edges`` open at its beginning or its end.
    """

    part: Slice = field(default_factory=Slice)
    service_time: Histogram = field(default_factory=Histogram)
    lag: Histogram = field(default_factory=Histogram)
    statuses: Counter[int] = field(default_factory=Counter)
    wire_requests: int = 0
    in_flight_edges: int = 0

    def add(self, other: Held) -> None:
        """Take in another's counts of the same window."""
        self.part.add(other.part)
        self.service_time.merge(other.service_time)
        self.lag.merge(other.lag)
        self.statuses.update(other.statuses)
        self.wire_requests += other.wire_requests
        self.in_flight_edges += other.in_flight_edges

    def to_json(self) -> dict[str, Any]:
        """Sparse and exact."""
        return {
            "part": _slice_to_json(self.part),
            "service_time": self.service_time.to_json(),
            "lag": self.lag.to_json(),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "wire_requests": self.wire_requests,
            "in_flight_edges": self.in_flight_edges,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Held:
        """What `to_json` gave."""
        return cls(
            part=_slice_from_json(data["part"]),
            service_time=Histogram.from_json(data["service_time"]),
            lag=Histogram.from_json(data["lag"]),
            statuses=Counter({int(status): count for status, count in data["statuses"].items()}),
            wire_requests=data["wire_requests"],
            in_flight_edges=data["in_flight_edges"],
        )


@dataclass(slots=True)
class Snapshot:
    """All that was recorded since the last one. ``held`` has the judged windows by number, ``ramp`` what lies outside
    of them; together they are the whole of ``seconds``. ``busy`` is, by the second, how many percent of a core the
    generator used; of several, the busiest."""

    seconds: dict[int, Slice] = field(default_factory=dict)
    held: dict[int, Held] = field(default_factory=dict)
    ramp: Slice = field(default_factory=Slice)
    examples: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    busy: dict[int, float] = field(default_factory=dict)

    def window(self, number: int) -> Held:
        """The window of that number, made where there is none yet."""
        held = self.held.get(number)
        if held is None:
            held = self.held[number] = Held()
        return held

    def to_json(self) -> dict[str, Any]:
        """Sparse and exact."""
        return {
            "seconds": {str(at): _slice_to_json(part) for at, part in self.seconds.items()},
            "held": {str(number): held.to_json() for number, held in self.held.items()},
            "ramp": _slice_to_json(self.ramp),
            "examples": self.examples,
            "digests": self.digests,
            "busy": {str(at): percent for at, percent in self.busy.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Snapshot:
        """What `to_json` gave."""
        return cls(
            seconds={int(at): _slice_from_json(part) for at, part in data["seconds"].items()},
            held={int(number): Held.from_json(held) for number, held in data["held"].items()},
            ramp=_slice_from_json(data["ramp"]),
            examples=list(data["examples"]),
            digests=list(data["digests"]),
            busy={int(at): float(percent) for at, percent in data["busy"].items()},
        )


class Merged:
    """The snapshots of all generators of a phase, added up. Window 0 is the hold of a phase that has one.

    ``not_measured`` are the figures that its engine cannot say.
    """

    def __init__(self, not_measured: Collection[Figure] = ()) -> None:
        self._not_measured = frozenset(not_measured)
        self._all = Snapshot()
        self._seen = Seen()

    def add(self, snapshot: Snapshot) -> None:
        """Take one in. Order does not matter."""
        mine = self._all
        for at, part in snapshot.seconds.items():
            mine.seconds.setdefault(at, Slice()).add(part)
        for number, held in snapshot.held.items():
            mine.window(number).add(held)
        mine.ramp.add(snapshot.ramp)
        for second, percent in snapshot.busy.items():
            mine.busy[second] = max(percent, mine.busy.get(second, 0.0))
        self._seen.add(snapshot.digests)
        mine.examples = _few_of_each_kind({*mine.examples, *snapshot.examples})

    def window(self, number: int) -> Held:
        """What is known of a judged window."""
        return self._all.held.get(number) or Held()

    @property
    def hold(self) -> Tally:
        """Outcomes of the arrivals due in the hold."""
        return self.window(0).part.tally()

    @property
    def ramp(self) -> Tally:
        """Outcomes of the arrivals due outside every window."""
        return self._all.ramp.tally()

    @property
    def all_arrivals(self) -> Tally:
        """Outcomes of all arrivals."""
        return sum((held.part.tally() for held in self._all.held.values()), self.ramp)

    @property
    def latency(self) -> Histogram:
        """Of the hold, in ms from the intended time; where latency is not measured, from the send."""
        return self.window(0).part.latency

    @property
    def service_time(self) -> Histogram:
        """Of the hold, in ms from the send."""
        return self.window(0).service_time

    @property
    def lag(self) -> Histogram:
        """Of the hold: ms between an arrival's intended time and its being handed to the transport."""
        return self.window(0).lag

    @property
    def last_lag(self) -> Histogram:
        """Of the last judged window in which anything was due."""
        return self.window(max(self._all.held, default=0)).lag

    @property
    def statuses(self) -> Mapping[int, int]:
        """Answers of the hold by status."""
        return self.window(0).statuses

    @property
    def wire_requests(self) -> int:
        """Requests sent inside the hold."""
        return self.window(0).wire_requests

    @property
    def in_flight_edges(self) -> int:
        """Requests that were open at the hold's beginning or at its end."""
        return self.window(0).in_flight_edges

    @property
    def examples(self) -> tuple[str, ...]:
        """Some answers that were not ok."""
        return tuple(self._all.examples)

    def sameness(self, members: tuple[str, ...]) -> Sameness:
        """Whether sampled answers of the windows repeat each other in ``members``."""
        return self._seen.sameness(members)

    def timeline(self, after: int = -1, up_to: float = math.inf) -> tuple[Second, ...]:
        """Every second in which an arrival was due, of those after ``after`` and up to ``up_to``."""
        return tuple(self.second(at) for at in sorted(self._all.seconds) if after < at <= up_to)

    def tallies(self) -> Mapping[int, Tally]:
        """What is known of each second in which an arrival was due, by the second."""
        return {at: part.tally() for at, part in self._all.seconds.items()}

    @property
    def busy(self) -> Mapping[int, float]:
        """Percent of a core that the busiest generator used, by the second."""
        return self._all.busy

    def last_second_before(self, at: int) -> int | None:
        """The last second before ``at`` in which an arrival was due; None where there is none."""
        return max((second for second in self._all.seconds if second < at), default=None)

    def second(self, at: int) -> Second:
        """One second of the timeline; raises KeyError where no arrival was due in it."""
        part = self._all.seconds[at]
        return Second(
            at_s=at,
            tally=part.tally(),
            in_flight=None if Figure.IN_FLIGHT in self._not_measured else part.in_flight,
            p50_ms=_shown(part.latency.percentile(50)),
            p95_ms=_shown(part.latency.percentile(95)),
            p99_ms=_shown(part.latency.percentile(99)),
            max_ms=_shown(part.latency.percentile(100)),
        )


def _shown(value_ms: float | None) -> float | None:
    """To the microsecond: the rest of a float says nothing and would be half of a long phase's file."""
    return None if value_ms is None else round(value_ms, 3)


def _few_of_each_kind(examples: set[str]) -> list[str]:
    """The same few whatever the order they came in: the first of each kind in the alphabet."""
    kinds: Counter[str] = Counter()
    few = []
    for example in sorted(examples):
        kind = example.partition(":")[0]
        kinds[kind] += 1
        if kinds[kind] <= EXAMPLES:
            few.append(example)
    return few


def _slice_to_json(part: Slice) -> dict[str, Any]:
    return {
        "outcomes": {outcome.value: count for outcome, count in part.outcomes.items()},
        "throttled": part.throttled,
        "dropped_late": part.dropped_late,
        "in_flight": part.in_flight,
        "latency": part.latency.to_json(),
    }


def _slice_from_json(data: Mapping[str, Any]) -> Slice:
    return Slice(
        outcomes=Counter({Outcome(name): count for name, count in data["outcomes"].items()}),
        throttled=data["throttled"],
        dropped_late=data["dropped_late"],
        in_flight=data["in_flight"],
        latency=Histogram.from_json(data["latency"]),
    )
