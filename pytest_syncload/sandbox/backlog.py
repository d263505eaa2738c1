"""The job queue behind the service, and the workers that drain it, in wall time (monotonic seconds).

Workers act in rounds: what a worker received in one round it deletes in the next, 10 ms later, and receives again. It
must never lose a message, and never show one that nobody sent. A worker that stops finishes what it has received, so
no message comes back after a visibility timeout; one that is sent as held up waits for that long at least.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

#: How long a worker handles one message, wall seconds.
HANDLING_S = 0.010
#: How long a message is held up that workers could not come to in time, wall seconds: as a visibility timeout would.
HELD_S = 2.0
#: Workers of the whole service unless a fault says otherwise: 20,000 messages/s, far above what a laptop offers.
DEFAULT_WORKERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMinute:
    """The queue at one moment (``visible``, ``not_visible``, ``age_s`` of its oldest message, wall seconds), and what
    was ``sent``, ``received`` and ``deleted`` since it was last asked."""

    visible: int
    not_visible: int
    age_s: float
    sent: int
    received: int
    deleted: int


class Backlog:
    """Messages by the round in which they came: constant work a round, whatever the depth."""

    __slots__ = ("_deleted", "_held", "_next", "_received", "_sent", "_waiting", "_workers", "_working", "visible")

    def __init__(self, workers: int, now: float) -> None:
        self.visible = 0
        self._workers = workers
        #: [when its round began, messages], oldest first.
        self._waiting: deque[list[float]] = deque()
        #: The same, of messages that are held up.
        self._held: deque[list[float]] = deque()
        self._working: list[tuple[float, int]] = []
        self._next = now + HANDLING_S
        self._sent = self._received = self._deleted = 0

    @property
    def not_visible(self) -> int:
        """Messages that workers have received and not deleted yet."""
        return sum(count for _, count in self._working)

    def send(self, now: float, *, held: bool = False) -> None:
        """One more message, at ``now``; one that is ``held`` up is not received before `HELD_S` have passed."""
        if now >= self._next:
            self.advance(now)
        came = self._next - HANDLING_S
        queue = self._held if held else self._waiting
        if queue and queue[-1][0] == came:
            queue[-1][1] += 1
        else:
            queue.append([came, 1])
        self.visible += 1
        self._sent += 1

    def employ(self, workers: int, now: float) -> None:
        """So many workers from ``now`` on."""
        self.advance(now)
        self._workers = workers

    def advance(self, now: float) -> None:
        """Let the workers do all rounds up to ``now``."""
        while self._next <= now:
            if not self._waiting and not self._working and not self._held:
                # Nothing to do until the round after `now`: an idle hour costs nothing.
                self._next += HANDLING_S * (math.floor((now - self._next) / HANDLING_S) + 1)
                return
            self._round()
            self._next += HANDLING_S

    def minute(self, now: float) -> QueueMinute:
        """The queue at ``now``, and what it counted since the last call."""
        self.advance(now)
        heads = [line[0] for line in (self._held, self._waiting) if line]
        oldest = min((came for came, _ in (*self._working, *heads)), default=now)
        counted = QueueMinute(
            visible=self.visible,
            not_visible=self.not_visible,
            age_s=max(now - oldest, 0.0),
            sent=self._sent,
            received=self._received,
            deleted=self._deleted,
        )
        self._sent = self._received = self._deleted = 0
        return counted

    def _round(self) -> None:
        self._deleted += self.not_visible
        self._working.clear()
        due = self._next - HELD_S
        free = self._workers
        # Those that were held up long enough are older than all that wait.
        for line, youngest in ((self._held, due), (self._waiting, math.inf)):
            while free and line and line[0][0] <= youngest:
                came, count = line[0]
                taken = min(free, int(count))
                free -= taken
                self._working.append((came, taken))
                if taken == count:
                    line.popleft()
                else:
                    line[0][1] -= taken
        received = self._workers - free
        self._received += received
        self.visible -= received
