"""Coordinated omission, in virtual time: what a target that freezes does to latency is what arithmetic says.

The engine, its schedule and its recorder are the real ones; the clock jumps from event to event, so the figures are
those of a machine that is never late, and a minute takes no time.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator

import pytest

from pytest_syncload.facts.histogram import FLOOR_MS, Histogram
from pytest_syncload.facts.idempotency import Variant
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.plan import Arrivals, RequestTemplate
from pytest_syncload.facts.result import Outcome
from pytest_syncload.load.connection import Answer, Failure
from pytest_syncload.load.engine import run
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import Shard, ShardReport
from pytest_syncload.load.snapshot import Merged
from tests.load.virtual import run_virtually

SERVICE_S = 0.02
PERIOD_S = 10.0
FREEZE_S = 1.0


class Users:
    """One user."""

    def for_arrival(self, _: int) -> Identity:
        return Identity(0, "user", "token")

    def rejected(self, _: Identity) -> None:
        raise AssertionError("nothing is rejected here")


def answered_at(sent_at: float) -> float:
    """When a target that does nothing in the first second of every ten answers what comes at ``sent_at``."""
    done = sent_at + SERVICE_S
    frozen_until = math.floor(done / PERIOD_S) * PERIOD_S + FREEZE_S
    return max(done, frozen_until)


class Freezing:
    """The target as the engine's door to it; it takes any number of requests at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start_at: float) -> None:
        self._loop = loop
        self._start_at = start_at
        self.open = self.most_open = 0

    def flush(self) -> None:
        """Each went at once."""

    def start(
        self,
        identity: Identity,
        key: str,
        arrival: int,
        on_answer: Callable[[Answer], None],
        *,
        timeout_s: float,
        variant: Variant = Variant.WHOLE,
    ) -> None:
        sent_at = self._loop.time()
        done_at = self._start_at + answered_at(sent_at - self._start_at)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        late = done_at - sent_at > timeout_s

        def answer() -> None:
            self.open -= 1
            now = self._loop.time()
            if late:
                on_answer(Answer(sent_at=sent_at, done_at=now, failure=Failure.TIMEOUT))
            else:
                on_answer(Answer(sent_at=sent_at, done_at=now, status=202))

        self._loop.call_at(sent_at + timeout_s if late else done_at, answer)

    async def aclose(self) -> None:
        assert self.open == 0


def offered(pacer: Pacer, *, cap: int = 100_000, timeout_s: float = 10.0) -> tuple[ShardReport, Merged, Freezing]:
    """The whole phase against the freezing target, in no time."""
    merged = Merged()

    async def main() -> tuple[ShardReport, Freezing]:
        loop = asyncio.get_running_loop()
        start_at = loop.time() + 1
        door = Freezing(loop, start_at)
        shard = Shard(
            base_url="http://nowhere.example",
            request=RequestTemplate(expect_status=202),
            pacer=pacer,
            shard=0,
            shards=1,
            hold_from_s=pacer.ramp_s,
            hold_to_s=pacer.ends_s,
            timeout_s=timeout_s,
            in_flight_cap=cap,
            key_prefix="k",
        )
        report = await run(
            shard, Users(), start_at=start_at, stop=asyncio.Event(), emit=merged.add, door=door, now=loop.time
        )
        return report, door

    report, door = run_virtually(main())
    return report, merged, door


def due_times(pacer: Pacer) -> Iterator[float]:
    return (due for _, due in pacer.arrivals_of(0, 1) if due >= pacer.ramp_s)


def nearest_rank(values: list[float], percent: float) -> float:
    """The definition that CloudWatch and the histogram share."""
    return sorted(values)[max(1, math.ceil(len(values) * percent / 100)) - 1]


def reported(value_ms: float) -> float | None:
    """What a histogram gives for a value that is not its largest."""
    return Histogram.of([value_ms, value_ms, 1e6]).percentile(50)


@pytest.mark.parametrize("rate_per_s", [100.0, 250.0, 800.0])
def test_percentiles_of_a_target_that_freezes_are_those_of_the_schedule(rate_per_s: float) -> None:
    pacer = Pacer(rate_per_s=rate_per_s, ramp_s=0.0, hold_s=20.0)
    report, merged, _ = offered(pacer)
    truth = [1000 * (answered_at(due) - due) for due in due_times(pacer)]
    assert merged.hold[Outcome.OK] == len(truth) == 20 * rate_per_s
    assert report.lag_p99_ms <= FLOOR_MS
    for percent in (50, 90, 95, 99, 99.9):
        assert merged.latency.percentile(percent) == reported(nearest_rank(truth, percent))
    assert merged.latency.max_ms == pytest.approx(max(truth), abs=0.001)
    # Half of those that come in the frozen second wait longer than half of it: the arithmetic's own check.
    assert nearest_rank(truth, 95) == pytest.approx(500, abs=25)


@pytest.mark.parametrize("seed", [1, 2])
def test_so_are_those_of_arrivals_at_random_and_of_a_ramp(seed: int) -> None:
    """A tick of the loop lies between the two: latency counts from the intended time, and the target from the send."""
    pacer = Pacer(rate_per_s=800.0, ramp_s=5.0, hold_s=20.0, arrivals=Arrivals.POISSON, seed=seed)
    report, merged, _ = offered(pacer)
    truth = [1000 * (answered_at(due) - due) for due in due_times(pacer)]
    assert merged.hold[Outcome.OK] == len(truth)
    assert 0 < report.lag_p99_ms <= 1.01
    for percent in (50, 95, 99):
        assert merged.latency.percentile(percent) == pytest.approx(nearest_rank(truth, percent), abs=1.1, rel=0.005)


def test_what_waits_for_the_frozen_target_is_open_at_once_and_nothing_waits_for_it_here() -> None:
    report, merged, target = offered(Pacer(rate_per_s=500.0, ramp_s=0.0, hold_s=20.0))
    frozen = FREEZE_S + SERVICE_S
    assert report.peak_in_flight == target.most_open == pytest.approx(500 * frozen, abs=2)
    assert {second.at_s: second.tally.arrivals for second in merged.timeline()} == dict.fromkeys(range(20), 500)


def test_at_the_cap_arrivals_are_dropped_and_count_as_the_whole_timeout() -> None:
    """It freezes at once, and again when it has served for ten seconds; each time a hundred find room."""
    report, merged, _ = offered(Pacer(rate_per_s=500.0, ramp_s=0.0, hold_s=20.0), cap=100, timeout_s=3.0)
    dropped = merged.hold[Outcome.DROPPED]
    assert dropped == pytest.approx(500 * FREEZE_S - 100 + 500 * (FREEZE_S + SERVICE_S) - 100, abs=2)
    assert merged.hold.dropped_late == 0, "it is the target that was late"
    assert merged.hold[Outcome.OK] + dropped == 10_000
    assert merged.latency.max_ms == merged.latency.percentile(99) == 3000
    assert report.sent == 10_000 - dropped


def test_what_is_not_answered_in_time_is_a_timeout_of_that_length() -> None:
    _, merged, _ = offered(Pacer(rate_per_s=100.0, ramp_s=0.0, hold_s=20.0), timeout_s=0.5)
    late = sum(answered_at(due) - due > 0.5 for due in due_times(Pacer(rate_per_s=100.0, ramp_s=0.0, hold_s=20.0)))
    assert merged.hold[Outcome.TIMEOUT] == late > 50
    assert merged.latency.percentile(99) == merged.latency.max_ms == pytest.approx(500, abs=0.001)
