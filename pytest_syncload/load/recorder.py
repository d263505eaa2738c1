"""What became of every arrival, in constant memory: noted as rows, summed by columns, handed over as deltas.

A generator records and drains; the parent merges (see `snapshot`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from pytest_syncload.facts.histogram import Histogram
from pytest_syncload.facts.plan import HIDDEN
from pytest_syncload.facts.result import Outcome
from pytest_syncload.load.columns import Column, Columns, Mask, counted, record, require_finite
from pytest_syncload.load.connection import Answer
from pytest_syncload.load.sameness import SAMPLE, digest
from pytest_syncload.load.snapshot import EXAMPLES, Held, Slice, Snapshot

#: How much of each example is shown.
_EXAMPLE_CHARACTERS = 200
#: A JWT, whole or cut, whatever an echoed Authorization header carries, and any run of letters as long as a part of a
#: token: a signature, say, or a claim.
_SECRET = re.compile(r"eyJ[\w.-]+|(?<=Bearer )\S+|[\w+/-]{40,}=*", re.IGNORECASE)

#: Outcomes as numbers in a row.
_OUTCOMES = tuple(Outcome)
_CODES = {outcome: float(code) for code, outcome in enumerate(_OUTCOMES)}
#: In place of a window's number: outside of all.
_OUTSIDE = -1
#: In a row's place for the send: the request never went out.
_NEVER = -1.0
_OK, _TIMEOUT = _CODES[Outcome.OK], _CODES[Outcome.TIMEOUT]


class Recorder:
    """A generator's counts since the last drain. Times are seconds from ``start_at``, which is monotonic.

    ``windows`` are judged, each ``[from, to)``, in order and without overlap: a phase's hold is one. More may come
    behind the last while it records, and one may end earlier than was said, as long as nothing was due there yet.
    """

    def __init__(
        self,
        *,
        start_at: float,
        windows: Sequence[tuple[float, float]],
        timeout_s: float,
        masked: Sequence[str] = (),
        distinct: tuple[str, ...] = (),
    ) -> None:
        #: What no example may show: values of the request's own headers, an API key among them, that a target echoes.
        self._masked = tuple(masked)
        #: Members of the answers that tell them apart, see `sameness`.
        self._distinct = distinct
        self._start_at = start_at
        self._windows = windows
        self._timeout_ms = timeout_s * 1000
        self._new = Snapshot()
        #: By window and second, so that an answer is counted once and both views are made of it when it is handed over.
        self._slices: defaultdict[tuple[int, int], Slice] = defaultdict(Slice)
        self._examples: Counter[str] = Counter()
        self._sent = Columns(3, self._take_sent)
        self._answered = Columns(5, self._take_answered)
        self._sampling = distinct != ()
        #: The lag of all windows that were drained.
        self.lag = Histogram()

    def sent(self, due_s: float, late_s: float, in_flight: int) -> None:
        """An arrival was put on its way ``late_s`` after it was due; ``in_flight`` counts it.

        Lag ends here and not when its bytes went out: where no connection is idle, one is opened between the two, and
        how long that takes is the target's doing.
        """
        self._sent.note((due_s, late_s, in_flight))

    def answered(self, due_s: float, answer: Answer, outcome: Outcome) -> None:
        """An arrival that was due at ``due_s`` has its outcome, which is not `Outcome.DROPPED`."""
        if outcome is Outcome.OK:
            code = _OK
            if self._sampling and self._window_of(due_s) != _OUTSIDE:
                digests = self._new.digests
                digests.append(digest(answer.body, self._distinct))
                self._sampling = len(digests) < SAMPLE
        else:
            code = _CODES[outcome]
            self._not_ok(due_s, answer, outcome)
        sent_at = answer.sent_at
        self._answered.note((due_s, _NEVER if sent_at is None else sent_at, answer.done_at, code, answer.status))

    def beside(self, answer: Answer) -> None:
        """A request that is no arrival was answered: the service has counted it, and no figure of the load has."""
        if answer.sent_at is not None:
            start_at = self._start_at
            self._count_on_wire(np.array([answer.sent_at - start_at]), np.array([answer.done_at - start_at]))

    def dropped(self, due_s: float, late_s: float, *, late: bool) -> None:
        """An arrival found the in-flight cap full, ``late`` where the loop itself was.

        It counts at the full timeout: drops must not flatter latency.
        """
        window = self._window_of(due_s)
        if window != _OUTSIDE:
            self._new.window(window).lag.record(late_s * 1000)
        part = self._slices[window, int(due_s)]
        part.outcomes[Outcome.DROPPED] += 1
        part.dropped_late += late
        part.latency.record(self._timeout_ms)

    def drain(self) -> Snapshot:
        """All that is new since the last drain."""
        self._sent.hand_over()
        self._answered.hand_over()
        new, self._new = self._new, Snapshot()
        slices, self._slices = self._slices, defaultdict(Slice)
        for (window, at), part in slices.items():
            (new.ramp if window == _OUTSIDE else new.window(window).part).add(part)
            if at in new.seconds:  # the second in which a window begins or ends
                new.seconds[at].add(part)
            else:
                new.seconds[at] = part
        for held in new.held.values():
            self.lag.merge(held.lag)
        self._sampling = self._distinct != ()
        return new

    def _window_of(self, due_s: float) -> int:
        """The window in which it is due, or `_OUTSIDE`."""
        for number in range(len(self._windows) - 1, -1, -1):
            start, end = self._windows[number]
            if start <= due_s:
                return number if due_s < end else _OUTSIDE
        return _OUTSIDE

    def _not_ok(self, due_s: float, answer: Answer, outcome: Outcome) -> None:
        kind: str = outcome.value
        if outcome is Outcome.UNEXPECTED_STATUS and answer.status == 429:
            self._slices[self._window_of(due_s), int(due_s)].throttled += 1
            kind = "429"
        if self._examples[kind] < EXAMPLES:
            self._examples[kind] += 1
            self._new.examples.append(_example(answer, kind, self._masked))

    # Many rows at once.

    def _take_sent(self, rows: Column) -> None:
        require_finite(rows)
        due_s, late_s, in_flight = rows
        for window, part, these in self._parts(due_s):
            part.in_flight = max(part.in_flight, int(in_flight[these].max()))
            if window != _OUTSIDE:
                record(late_s[these] * 1000, self._new.window(window).lag)

    def _take_answered(self, rows: Column) -> None:
        require_finite(rows)  # before anything of them is counted
        due_s, sent_at, done_at, outcome, status = rows
        latency_ms = latency_from_due_ms(done_at, outcome == _TIMEOUT, self._start_at + due_s, self._timeout_ms)
        for window, part, these in self._parts(due_s):
            for code, count in counted(outcome[these]):
                part.outcomes[_OUTCOMES[code]] += count
            record(latency_ms[these], part.latency)
            if window != _OUTSIDE:
                _take_held(self._new.window(window), sent_at[these], done_at[these], status[these])
        was_sent = sent_at != _NEVER
        self._count_on_wire(sent_at[was_sent] - self._start_at, done_at[was_sent] - self._start_at)

    def _count_on_wire(self, sent_s: Column, done_s: Column) -> None:
        """The service counts by its own clock when a request comes, so requests count by when they were sent."""
        if not sent_s.size:
            return
        first, last = sent_s.min(), done_s.max()
        for number, (start, end) in enumerate(self._windows):
            if end <= first or last < start:
                continue
            held = self._new.window(number)
            sent_inside = (start <= sent_s) & (sent_s < end)
            held.wire_requests += int(sent_inside.sum())
            open_at_start = (sent_s < start) & (start <= done_s)
            open_at_end = (sent_s < end) & (end <= done_s)
            held.in_flight_edges += int(open_at_start.sum() + open_at_end.sum())

    def _parts(self, due_s: Column) -> Iterator[tuple[int, Slice, Mask]]:
        """The slices of these arrivals: the window, the slice, and which of them."""
        starts = np.array([start for start, _ in self._windows])
        ends = np.array([end for _, end in self._windows])
        windows = np.searchsorted(starts, due_s, side="right") - 1
        windows[due_s >= ends[windows]] = _OUTSIDE  # of what is before the first, -1 means the same already
        seconds = np.floor(due_s).astype(np.int64)
        for window in np.unique(windows).tolist():
            mine = windows == window
            for second in np.unique(seconds[mine]).tolist():
                yield window, self._slices[window, second], mine & (seconds == second)


def _take_held(held: Held, sent_at: Column, done_at: Column, status: Column) -> None:
    for number, count in counted(status[status > 0]):
        held.statuses[number] += count
    was_sent = sent_at != _NEVER
    record((done_at - sent_at)[was_sent] * 1000, held.service_time)


def latency_from_due_ms(done_at: Column, timed_out: Mask, due_at: Column, timeout_ms: float) -> Column:
    """The latencies that count, from when each arrival was due (monotonic): waiting to be sent is waiting.

    A timeout counts at its full time or, sent late, at what it really took.
    """
    latency_ms = (done_at - due_at) * 1000
    return np.where(timed_out, np.maximum(latency_ms, timeout_ms), latency_ms)


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
