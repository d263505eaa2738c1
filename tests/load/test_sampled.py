"""Which arrivals are sampled: the same whoever asks, the share that was asked for, every rule as often as any other."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, takewhile

from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.idempotency import KeyRule
from pytest_syncload.load.sampled import sampled_arrivals


def below(limit: int, percent: float, seed: int = 1, shard: int = 0, shards: int = 1) -> list[tuple[int, KeyRule]]:
    return list(takewhile(lambda sample: sample[0] < limit, sampled_arrivals(percent, seed, shard, shards)))


@given(percent=st.floats(0.05, 10), seed=st.integers(0, 2**63 - 1), shards=st.integers(1, 7))
def test_generators_together_sample_what_one_alone_would(percent: float, seed: int, shards: int) -> None:
    alone = below(5000, percent, seed)
    shares = [below(5000, percent, seed, shard, shards) for shard in range(shards)]
    assert sorted(sample for share in shares for sample in share) == alone
    assert all(index % shards == shard for shard, share in enumerate(shares) for index, _ in share)


@given(percent=st.floats(0.05, 10), seed=st.integers(0, 2**63 - 1))
def test_the_share_is_what_was_asked_for_and_rules_take_turns(percent: float, seed: int) -> None:
    found = below(20_000, percent, seed)
    assert abs(len(found) - 20_000 * percent / 100) <= 1.5
    indices = [index for index, _ in found]
    assert indices == sorted(set(indices))
    counts = Counter(rule for _, rule in found)
    assert max(counts.values()) - min(counts.get(rule, 0) for rule in KeyRule) <= 1


def test_no_distance_repeats_for_ever_and_another_seed_samples_others() -> None:
    """At equal distances all would be of one generator, and of the same few users."""
    indices = [index for index, _ in below(20_000, 1)]
    assert len({second - first for first, second in pairwise(indices)}) > 50
    assert indices != [index for index, _ in below(20_000, 1, seed=2)]


def test_a_share_of_nothing_samples_nothing() -> None:
    assert below(10, 0) == []
