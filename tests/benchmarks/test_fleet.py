"""The fleet benchmark says what spreading costs by rounds, and its simulated snapshots are a second of a generator."""

from __future__ import annotations

from benchmarks.fleet import EACH_PER_S, ratios, snapshot
from pytest_syncload.facts.result import Outcome
from pytest_syncload.load.snapshot import Merged, Snapshot


def test_a_ratio_is_of_its_own_round() -> None:
    # A machine that was twice as slow in the second round changes nothing.
    assert ratios([{1: 10.0, 2: 11.0, 4: 15.0}, {1: 20.0, 2: 22.0, 4: 30.0}]) == {2: 1.1, 4: 1.5}


def test_a_simulated_second_has_all_its_arrivals_and_survives_the_way() -> None:
    merged = Merged()
    for second in range(2):
        merged.add(Snapshot.from_json(snapshot(second, 1).to_json()))
    assert merged.hold.arrivals == 2 * EACH_PER_S
    assert merged.hold[Outcome.SERVER_ERROR] == 2 * EACH_PER_S / 1000
    assert [second.tally.arrivals for second in merged.timeline()] == [EACH_PER_S, EACH_PER_S]
