"""k6's stream of points (`--out json`, a line of JSON each) → snapshots such as our own generators give.

Of the dozen points that k6 has for a request, few are read: `http_req_duration`, whose tags say what became of it and
whose time and value say when it was sent and answered; `checks` of the script's own name, which say that a right status
had a wrong answer behind it; `dropped_iterations`; and the script's own digests of answers. Order and chunks of the
lines do not matter.

A request belongs to the second and the part of the phase that the script has tagged it with, by when its iteration
began. What has no such tags, a dropped iteration for one, belongs where k6's own clock puts it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from pytest_syncload.facts.result import Outcome
from pytest_syncload.k6.outcomes import in_words, outcome_of
from pytest_syncload.load.snapshot import EXAMPLES, Slice, Snapshot

#: The script's check of a right status' headers and body, the gauge of digests of answers, and its tags.
CHECK = "answer"
DIGEST = "syncload_digest"
PART, AT = "part", "at"
RAMP, HOLD, SETUP = "ramp", "hold", "setup"

#: Bytes that are in every line that is read, and in few others: parsing all would take ten times as long.
_READ = re.compile(rb'"(?:http_req_duration|checks|dropped_iterations|%b)"' % DIGEST.encode())
_POINT = "Point"


class Points:
    """The counts of one k6 process since the last drain.

    ``start_at`` is the phase's start on the wall's clock, epoch seconds, which is k6's own; ``hold_s`` the two ends of
    the hold, in seconds from there. ``expected`` are the right statuses. ``timeout_s`` is the request's.
    """

    def __init__(
        self, *, start_at: float, hold_s: tuple[float, float], expected: Collection[int], timeout_s: float
    ) -> None:
        self._start_at = start_at
        self._hold_from, self._hold_to = hold_s
        self._expected = frozenset(expected)
        self._timeout_ms = timeout_s * 1000
        self._new = Snapshot()
        self._examples: Counter[str] = Counter()
        #: Requests that k6 has told of, all in all, whatever became of them; not those of its set-up.
        self.requests = 0
        #: Iterations that it could not begin, all in all.
        self.dropped = 0
        #: Answers of a right status that were none of the right ones, all in all.
        self.wrong = 0
        #: Lines that begin as a point and cannot be read.
        self.torn = 0

    def take(self, line: bytes) -> bool:
        """A line of k6's output. False where it is none of the stream's, such as a word for a person."""
        if not line.startswith(b"{"):
            return not line.strip()
        if _READ.search(line) is None:
            return True
        try:
            said = json.loads(line)
            if said["type"] == _POINT:
                data = said["data"]
                self._take(said["metric"], _epoch_s(data["time"]), float(data["value"]), data["tags"] or {})
        except (ValueError, KeyError, TypeError, OverflowError):
            self.torn += 1
        return True

    def drain(self) -> Snapshot:
        """All that is new since the last drain."""
        new, self._new = self._new, Snapshot()
        return new

    def _take(self, metric: str, at: float, value: float, tags: Mapping[str, Any]) -> None:
        if tags.get(PART) == SETUP:
            return
        moment_s = at - self._start_at
        if metric == "http_req_duration":
            self._request(moment_s, value, tags)
        elif metric == "dropped_iterations":
            self._drop(moment_s, round(value), tags)
        elif metric == "checks" and tags.get("check") == CHECK and value == 0:
            self.wrong += 1
            # The request itself was counted by its right status.
            for part in self._slices(tags, moment_s):
                part.outcomes[Outcome.OK] -= 1
                part.outcomes[Outcome.WRONG_BODY] += 1
            self._example(Outcome.WRONG_BODY.value, "its headers or its JSON are others than expected")
        elif metric == DIGEST and self._is_held(tags, moment_s):
            self._new.digests.append(f"{int(value):x}")

    def _request(self, done_s: float, took_ms: float, tags: Mapping[str, Any]) -> None:
        status, error_code = (int(tags.get(name) or 0) for name in ("status", "error_code"))
        outcome = outcome_of(status, error_code, self._expected)
        sent_s = done_s - took_ms / 1000
        was_sent = outcome is not Outcome.CONNECT_ERROR and took_ms > 0
        self.requests += 1
        for part in self._slices(tags, sent_s):
            part.outcomes[outcome] += 1
            part.throttled += status == 429
            if outcome is Outcome.TIMEOUT:
                # The time in which it waited for a connection is not in k6's figure; a timeout counts in full.
                part.latency.record(max(took_ms, self._timeout_ms))
            elif was_sent:
                part.latency.record(took_ms)
        if self._is_held(tags, sent_s):
            held = self._new.window(0)
            if status:
                held.statuses[status] += 1
            if outcome is Outcome.TIMEOUT:
                held.service_time.record(max(took_ms, self._timeout_ms))
            elif was_sent:
                held.service_time.record(took_ms)
        if was_sent:
            self._count_on_wire(sent_s, done_s)
        if outcome is not Outcome.OK:
            self._example("429" if status == 429 else outcome.value, in_words(status, error_code))

    def _drop(self, at_s: float, count: int, tags: Mapping[str, Any]) -> None:
        self.dropped += count
        for part in self._slices(tags, at_s):
            part.outcomes[Outcome.DROPPED] += count
            # Every virtual user was busy, and k6 does not say whether with the target or with itself.
            part.dropped_late += count

    def _count_on_wire(self, sent_s: float, done_s: float) -> None:
        start, end = self._hold_from, self._hold_to
        edges = (sent_s < start <= done_s) + (sent_s < end <= done_s)
        inside = start <= sent_s < end
        if inside or edges:
            held = self._new.window(0)
            held.wire_requests += inside
            held.in_flight_edges += edges

    def _slices(self, tags: Mapping[str, Any], at_s: float) -> tuple[Slice, Slice]:
        """What is counted of the part that it belongs to, and of the second."""
        part = self._new.window(0).part if self._is_held(tags, at_s) else self._new.ramp
        return part, self._new.seconds.setdefault(self._second(tags, at_s), Slice())

    def _second(self, tags: Mapping[str, Any], at_s: float) -> int:
        # A little before the start is the start: k6's clock and ours are read at different moments.
        return max(0, int(tags.get(AT, at_s)))

    def _is_held(self, tags: Mapping[str, Any], at_s: float) -> bool:
        part = tags.get(PART) or tags.get("scenario")
        if part in (RAMP, HOLD):
            return bool(part == HOLD)
        return self._hold_from <= at_s < self._hold_to

    def _example(self, kind: str, says: str) -> None:
        if self._examples[kind] < EXAMPLES:
            self._examples[kind] += 1
            self._new.examples.append(f"{kind}: {says}")


def _epoch_s(moment: str) -> float:
    """RFC 3339, as Go writes it: to the nanosecond, of which a float keeps a microsecond."""
    return datetime.fromisoformat(moment).timestamp()
