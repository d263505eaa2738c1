"""What became of every arrival, in constant memory: counted by second, handed over as deltas, merged without loss.

A generator records and drains; the parent merges. Draining and merging in any order gives what recording all of it in
one place would have given.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_syncload.facts.histogram import Histogram
from pytest_syncload.facts.plan import HIDDEN
from pytest_syncload.facts.result import Outcome, Second, Tally
from pytest_syncload.load.connection import Answer
from pytest_syncload.load.sameness import SAMPLE, Sameness, Seen, digest

#: How many answers that were not ok are kept to be shown, of each kind, and how much of each: timeouts by the thousand
#: must not crowd out the one wrong body.
EXAMPLES = 2
_EXAMPLE_CHARACTERS = 200
#: A JWT, whole or cut, whatever an echoed Authorization header carries, and any run of letters as long as a part of a
#: token: a signature, say, or a claim.
_SECRET = re.compile(r"eyJ[\w.-]+|(?<=Bearer )\S+|[\w+/-]{40,}=*", re.IGNORECASE)


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
class Snapshot:
    """All that was recorded since the last one. ``hold`` and ``ramp`` are the two halves of ``seconds``."""

    seconds: dict[int, Slice] = field(default_factory=dict)
    hold: Slice = field(default_factory=Slice)
    ramp: Slice = field(default_factory=Slice)
    service_time: Histogram = field(default_factory=Histogram)
    lag: Histogram = field(default_factory=Histogram)
    statuses: Counter[int] = field(default_factory=Counter)
    wire_requests: int = 0
    in_flight_edges: int = 0
    examples: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Sparse and exact."""
        return {
            "seconds": {str(at): _slice_to_json(part) for at, part in self.seconds.items()},
            "hold": _slice_to_json(self.hold),
            "ramp": _slice_to_json(self.ramp),
            "service_time": self.service_time.to_json(),
            "lag": self.lag.to_json(),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "wire_requests": self.wire_requests,
            "in_flight_edges": self.in_flight_edges,
            "examples": self.examples,
            "digests": self.digests,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Snapshot:
        """What `to_json` gave."""
        return cls(
            seconds={int(at): _slice_from_json(part) for at, part in data["seconds"].items()},
            hold=_slice_from_json(data["hold"]),
            ramp=_slice_from_json(data["ramp"]),
            service_time=Histogram.from_json(data["service_time"]),
            lag=Histogram.from_json(data["lag"]),
            statuses=Counter({int(status): count for status, count in data["statuses"].items()}),
            wire_requests=data["wire_requests"],
            in_flight_edges=data["in_flight_edges"],
            examples=list(data["examples"]),
            digests=list(data["digests"]),
        )


class Recorder:
    """A generator's counts since the last drain. Times are seconds from the phase's start."""

    def __init__(
        self,
        *,
        hold_from_s: float,
        hold_to_s: float,
        timeout_s: float,
        masked: Sequence[str] = (),
        distinct: tuple[str, ...] = (),
    ) -> None:
        #: What no example may show: values of the request's own headers, an API key among them, that a target echoes.
        self._masked = tuple(masked)
        #: Members of the answers that tell them apart, see `sameness`.
        self._distinct = distinct
        self._hold_from = hold_from_s
        self._hold_to = hold_to_s
        self._timeout_ms = timeout_s * 1000
        self._new = Snapshot()
        #: By half and second, so that an answer is counted once and both views are made of it when it is handed over.
        self._slices: defaultdict[tuple[bool, int], Slice] = defaultdict(Slice)
        self._examples: Counter[str] = Counter()
        #: The lag of all that was drained.
        self.lag = Histogram()

    def sent(self, due_s: float, late_s: float, in_flight: int) -> None:
        """An arrival was handed to the transport ``late_s`` after it was due; ``in_flight`` counts it.

        Lag ends here and not when the bytes went out: between the two a connection may be opened, and how long that
        takes is the target's doing.
        """
        in_hold = self._hold_from <= due_s < self._hold_to
        part = self._slices[in_hold, int(due_s)]
        if in_flight > part.in_flight:
            part.in_flight = in_flight
        if in_hold:
            self._new.lag.record(late_s * 1000)

    def answered(self, due_s: float, start_at: float, answer: Answer, outcome: Outcome) -> None:
        """An arrival that was due ``due_s`` after ``start_at`` (monotonic) has its outcome.

        ``outcome`` is not `Outcome.DROPPED`.
        """
        in_hold = self._hold_from <= due_s < self._hold_to
        part = self._slices[in_hold, int(due_s)]
        part.outcomes[outcome] += 1
        part.latency.record(latency_from_due_ms(answer, outcome, start_at + due_s, self._timeout_ms))
        if answer.sent_at is not None:
            self._on_wire(start_at, answer.done_at, answer.sent_at, in_hold)
        new = self._new
        if in_hold and answer.status:
            new.statuses[answer.status] += 1
        if outcome is not Outcome.OK:
            throttled = outcome is Outcome.UNEXPECTED_STATUS and answer.status == 429
            part.throttled += throttled
            self._show(answer, "429" if throttled else outcome.value)
        elif in_hold and self._distinct and len(new.digests) < SAMPLE:
            new.digests.append(digest(answer.body, self._distinct))

    def beside(self, start_at: float, answer: Answer) -> None:
        """A request that is no arrival was answered: the service has counted it, and no figure of the load has."""
        if answer.sent_at is not None:
            self._on_wire(start_at, answer.done_at, answer.sent_at, in_hold=False)

    def dropped(self, due_s: float, late_s: float, *, late: bool) -> None:
        """An arrival found the in-flight cap full, ``late`` where the loop itself was.

        It counts at the full timeout: drops must not flatter latency.
        """
        in_hold = self._hold_from <= due_s < self._hold_to
        if in_hold:
            self._new.lag.record(late_s * 1000)
        part = self._slices[in_hold, int(due_s)]
        part.outcomes[Outcome.DROPPED] += 1
        part.dropped_late += late
        part.latency.record(self._timeout_ms)

    def drain(self) -> Snapshot:
        """All that is new since the last drain."""
        new, self._new = self._new, Snapshot()
        slices, self._slices = self._slices, defaultdict(Slice)
        for (in_hold, at), part in slices.items():
            (new.hold if in_hold else new.ramp).add(part)
            if at in new.seconds:  # the second in which the hold begins or ends
                new.seconds[at].add(part)
            else:
                new.seconds[at] = part
        self.lag.merge(new.lag)
        return new

    def _show(self, answer: Answer, kind: str) -> None:
        if self._examples[kind] < EXAMPLES:
            self._examples[kind] += 1
            self._new.examples.append(_example(answer, kind, self._masked))

    def _on_wire(self, start_at: float, done_at: float, sent_at: float, in_hold: bool) -> None:
        sent_s, done_s = sent_at - start_at, done_at - start_at
        hold_from, hold_to, new = self._hold_from, self._hold_to, self._new
        # The service counts by its own clock when a request comes, so requests count by when they were sent.
        if sent_s < hold_from:
            new.in_flight_edges += (hold_from <= done_s) + (hold_to <= done_s)
        elif sent_s < hold_to:
            new.wire_requests += 1
            new.in_flight_edges += hold_to <= done_s
        if in_hold:
            new.service_time.record((done_at - sent_at) * 1000)


class Merged:
    """The snapshots of all generators of a phase, added up."""

    def __init__(self) -> None:
        self._all = Snapshot()
        self._seen = Seen()

    def add(self, snapshot: Snapshot) -> None:
        """Take one in. Order does not matter."""
        mine = self._all
        for at, part in snapshot.seconds.items():
            mine.seconds.setdefault(at, Slice()).add(part)
        mine.hold.add(snapshot.hold)
        mine.ramp.add(snapshot.ramp)
        mine.service_time.merge(snapshot.service_time)
        mine.lag.merge(snapshot.lag)
        mine.statuses.update(snapshot.statuses)
        mine.wire_requests += snapshot.wire_requests
        mine.in_flight_edges += snapshot.in_flight_edges
        self._seen.add(snapshot.digests)
        mine.examples = _few_of_each_kind({*mine.examples, *snapshot.examples})

    @property
    def hold(self) -> Tally:
        """Outcomes of the arrivals due in the hold."""
        return self._all.hold.tally()

    @property
    def ramp(self) -> Tally:
        """Outcomes of the arrivals due outside it."""
        return self._all.ramp.tally()

    @property
    def latency(self) -> Histogram:
        """Of the hold, in ms from the intended time."""
        return self._all.hold.latency

    @property
    def service_time(self) -> Histogram:
        """Of the hold, in ms from the send."""
        return self._all.service_time

    @property
    def lag(self) -> Histogram:
        """Of the hold: ms between an arrival's intended time and its being handed to the transport."""
        return self._all.lag

    @property
    def statuses(self) -> Mapping[int, int]:
        """Answers of the hold by status."""
        return self._all.statuses

    @property
    def wire_requests(self) -> int:
        """Requests sent inside the hold."""
        return self._all.wire_requests

    @property
    def in_flight_edges(self) -> int:
        """Requests that were open at the hold's beginning or at its end."""
        return self._all.in_flight_edges

    @property
    def examples(self) -> tuple[str, ...]:
        """Some answers that were not ok."""
        return tuple(self._all.examples)

    def sameness(self, members: tuple[str, ...]) -> Sameness:
        """Whether sampled answers of the hold repeat each other in ``members``."""
        return self._seen.sameness(members)

    def timeline(self, after: int = -1, up_to: float = math.inf) -> tuple[Second, ...]:
        """Every second in which an arrival was due, of those after ``after`` and up to ``up_to``."""
        return tuple(self.second(at) for at in sorted(self._all.seconds) if after < at <= up_to)

    def last_second_before(self, at: int) -> int | None:
        """The last second before ``at`` in which an arrival was due; None where there is none."""
        return max((second for second in self._all.seconds if second < at), default=None)

    def second(self, at: int) -> Second:
        """One second of the timeline; raises KeyError where no arrival was due in it."""
        part = self._all.seconds[at]
        return Second(
            at_s=at,
            tally=part.tally(),
            in_flight=part.in_flight,
            p50_ms=_shown(part.latency.percentile(50)),
            p95_ms=_shown(part.latency.percentile(95)),
            p99_ms=_shown(part.latency.percentile(99)),
            max_ms=_shown(part.latency.percentile(100)),
        )


def _shown(value_ms: float | None) -> float | None:
    """To the microsecond: the rest of a float says nothing and would be half of a long phase's file."""
    return None if value_ms is None else round(value_ms, 3)


def latency_from_due_ms(answer: Answer, outcome: Outcome, due_at: float, timeout_ms: float) -> float:
    """The latency that counts, from when the arrival was due (monotonic): waiting to be sent is waiting.

    A timeout counts at its full time or, sent late, at what it really took.
    """
    latency_ms = (answer.done_at - due_at) * 1000
    return max(latency_ms, timeout_ms) if outcome is Outcome.TIMEOUT else latency_ms


def _example(answer: Answer, kind: str, masked: Sequence[str]) -> str:
    said = answer.detail
    if answer.failure is None:
        # Masked before it is cut, so that half a token is not taken for a word.
        said = f"HTTP {answer.status} {_SECRET.sub('<token>', answer.body.decode('utf-8', 'replace'))}"
    for secret in masked:
        said = said.replace(secret, HIDDEN)
    # A terminal shows these: no control sequences from a stranger.
    shown = "".join(character if character.isprintable() else " " for character in said[:_EXAMPLE_CHARACTERS])
    return f"{kind}: {shown.strip()}"


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
