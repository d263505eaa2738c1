"""Checks under load what an Idempotency-Key promises: which arrivals are followed by one, and how each ended.

A sampled arrival whose own answer was the right one is followed by the requests of one rule (`key_rules`), over the
same connections. They are counted on the wire and in no other figure of the load, and never end or spoil a phase.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator

from pytest_syncload.facts.idempotency import KeyRule, RuleCount
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.result import Outcome
from pytest_syncload.load.asking import Arrival, Asker, Unfinished
from pytest_syncload.load.connection import Answer
from pytest_syncload.load.door import OnAnswer
from pytest_syncload.load.key_rules import RULES

#: Checks that send at once: their requests must find room in the descriptors that `limits` leaves beside the arrivals.
#: After a moment in which nothing was answered, many are due together, and take turns.
MOST_SENDING = 16
#: Checks that are begun and not ended: a target that answers none for minutes must not fill the memory with them.
MOST_OPEN = 1000


class KeyChecks:
    """One generator's checks, at the ``samples`` (see `sampled.sampled_arrivals`) that are due in ``hold_s``, the two
    ends of the hold in seconds from the phase's start.

    ``next_index`` is the next arrival to be handed to `follow`; infinite where nothing is checked.
    """

    def __init__(self, samples: Iterator[tuple[int, KeyRule]], asker: Asker, hold_s: tuple[float, float]) -> None:
        self._samples = samples
        self._asker = asker
        self._hold_from, self._hold_to = hold_s
        self._open: set[asyncio.Task[None]] = set()
        self._counts: dict[KeyRule, RuleCount] = {}
        self._sending = asyncio.Semaphore(MOST_SENDING)
        self._rule = KeyRule.REPLAY
        self.next_index: float = -1
        self._advance()

    @property
    def counts(self) -> tuple[RuleCount, ...]:
        """What the checks have come to, by rule."""
        return tuple(self._counts.values())

    def follow(self, index: int, due_s: float, identity: Identity, key: str, on_answer: OnAnswer) -> OnAnswer:
        """The arrival's ``on_answer``, with what is to happen behind it where ``index`` is sampled.

        Call with every index from ``next_index`` on. One that was passed over, because its arrival was dropped, is a
        check that did not finish.
        """
        rule = None
        while self.next_index <= index:
            if self._hold_from <= due_s < self._hold_to:
                self._add(RuleCount(rule=self._rule, begun=1))
                if self.next_index == index:
                    rule = self._rule
                else:
                    self._unfinished(self._rule, "its arrival was dropped")
            self._advance()
        return on_answer if rule is None else self._then(rule, index, identity, key, on_answer)

    async def finish(self, stop: asyncio.Event, within_s: float) -> None:
        """Wait for the checks that are open, for ``within_s`` or until ``stop``, and give the others up."""
        if not self._open:
            return
        waiting = [asyncio.create_task(stop.wait()), asyncio.create_task(self._all_ended())]
        try:
            await asyncio.wait(waiting, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            left = [*waiting, *self._open]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _all_ended(self) -> None:
        while self._open:
            await asyncio.wait(set(self._open))

    def _advance(self) -> None:
        self.next_index, self._rule = next(self._samples, (math.inf, self._rule))

    def _then(self, rule: KeyRule, index: int, identity: Identity, key: str, on_answer: OnAnswer) -> OnAnswer:
        def on_first(answer: Answer) -> None:
            on_answer(answer)
            outcome = self._asker.outcome_of(answer)
            if outcome is not Outcome.OK:
                self._unfinished(rule, f"its arrival ended as {outcome}")
            elif len(self._open) >= MOST_OPEN:
                self._unfinished(rule, f"{MOST_OPEN} others were still open")
            else:
                checking = self._check(rule, index, identity, key, answer)
                task = asyncio.get_running_loop().create_task(checking)
                self._open.add(task)
                task.add_done_callback(self._open.discard)

        return on_first

    async def _check(self, rule: KeyRule, index: int, identity: Identity, key: str, answer: Answer) -> None:
        try:
            arrival = Arrival(index, identity, key, answer.status, self._asker.job(answer))
            async with self._sending:
                broken = await RULES[rule](self._asker, arrival)
        except Unfinished as error:
            self._unfinished(rule, str(error))
        except asyncio.CancelledError:
            self._unfinished(rule, "the phase ended first")
        else:
            self._add(RuleCount(rule=rule, finished=1))
            if broken is not None:
                self._add(RuleCount(rule=rule, broken=1, key=broken.key, says=broken.says))

    def _unfinished(self, rule: KeyRule, because: str) -> None:
        self._add(RuleCount(rule=rule, unfinished_because=because))

    def _add(self, count: RuleCount) -> None:
        known = self._counts.get(count.rule)
        self._counts[count.rule] = count if known is None else known + count
