"""The schedule's laws: the union of the shards is the schedule, it only rises, it ends where the phase does."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.plan import Arrivals
from pytest_syncload.load.pacer import Pacer

pacers = st.builds(
    Pacer,
    rate_per_s=st.floats(0.1, 300),
    ramp_s=st.just(0.0) | st.floats(0.001, 8),
    hold_s=st.floats(0, 8),
    arrivals=st.sampled_from(Arrivals),
    seed=st.integers(0, 3),
)


def whole(pacer: Pacer) -> list[tuple[int, float]]:
    return list(pacer.arrivals_of(0, 1))


@given(pacer=pacers, shards=st.integers(1, 5))
def test_the_union_of_the_shards_is_the_schedule(pacer: Pacer, shards: int) -> None:
    parts = [list(pacer.arrivals_of(shard, shards)) for shard in range(shards)]
    assert sorted(arrival for part in parts for arrival in part) == whole(pacer)
    for shard, part in enumerate(parts):
        assert all(index % shards == shard for index, _ in part)


@given(pacer=pacers)
def test_it_rises_and_stays_within_the_phase(pacer: Pacer) -> None:
    arrivals = whole(pacer)
    assert [index for index, _ in arrivals] == list(range(len(arrivals)))
    assert all(earlier <= later for (_, earlier), (_, later) in pairwise(arrivals))
    assert all(0 <= due < pacer.ends_s for _, due in arrivals)


@given(pacer=pacers, cuts=st.lists(st.floats(-1, 20), min_size=2, max_size=2).map(sorted))
def test_scheduled_counts_what_arrives(pacer: Pacer, cuts: list[float]) -> None:
    start, end = cuts
    for of, to in ((start, end), (pacer.ramp_s, pacer.ends_s), (0.0, pacer.ramp_s)):
        assert pacer.scheduled(of, to) == sum(of <= due < to for _, due in whole(pacer))


@given(pacer=pacers.filter(lambda pacer: pacer.arrivals is Arrivals.CONSTANT))
def test_a_constant_hold_has_its_rate(pacer: Pacer) -> None:
    assert abs(pacer.scheduled(pacer.ramp_s, pacer.ends_s) - pacer.rate_per_s * pacer.hold_s) <= 1
    assert abs(pacer.scheduled(0, pacer.ramp_s) - pacer.rate_per_s * pacer.ramp_s / 2) <= 1


@given(pacer=pacers, expected=st.floats(0, 1000))
def test_due_at_is_the_inverse_of_expected_by(pacer: Pacer, expected: float) -> None:
    at_s = pacer.due_at(expected)
    if at_s < pacer.ends_s:
        assert pacer.expected_by(at_s) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_by_hand() -> None:
    # 10/s after a ramp of 2 s: 10 arrivals in the ramp, the i-th where 2.5 t² = i; then one every 0.1 s.
    pacer = Pacer(rate_per_s=10, ramp_s=2, hold_s=1)
    dues = [due for _, due in whole(pacer)]
    assert len(dues) == 20
    assert dues[:2] == pytest.approx([0.0, 0.4**0.5])
    assert dues[10:] == pytest.approx([2 + tenth / 10 for tenth in range(10)])


@pytest.mark.parametrize("rate", [3000.1, 1234.567, 20_000.0])
def test_long_phases_are_counted_exactly(rate: float) -> None:
    pacer = Pacer(rate_per_s=rate, ramp_s=300, hold_s=1800)
    last = pacer.scheduled(0, pacer.ends_s) - 1
    assert pacer.due_at(last) < pacer.ends_s <= pacer.due_at(last + 1)


def test_poisson_is_seeded_and_has_the_rate_and_spread_of_one() -> None:
    def drawn(seed: int) -> list[float]:
        pacer = Pacer(rate_per_s=1000, ramp_s=2, hold_s=20, arrivals=Arrivals.POISSON, seed=seed)
        return [due for _, due in pacer.arrivals_of(0, 1)]

    assert drawn(1) == drawn(1) != drawn(2)
    hold = [due for due in drawn(1) if due >= 2]
    assert len(hold) == pytest.approx(20_000, abs=5 * 20_000**0.5)
    gaps = [later - earlier for earlier, later in pairwise(hold)]
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert variance**0.5 / mean == pytest.approx(1, abs=0.05), "an exponential gap varies by as much as it lasts"


@pytest.mark.parametrize("arrivals", Arrivals)
def test_no_rate_or_no_time_is_no_arrival(arrivals: Arrivals) -> None:
    assert whole(Pacer(rate_per_s=0, ramp_s=1, hold_s=1, arrivals=arrivals)) == []
    assert whole(Pacer(rate_per_s=5, ramp_s=0, hold_s=0, arrivals=arrivals)) == []
