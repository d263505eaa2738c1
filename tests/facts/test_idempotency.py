"""Laws of the counts of checks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.idempotency import MEANING, REQUESTS, REQUESTS_A_CHECK, KeyRule, RuleCount, added_up

COUNTS = st.builds(
    RuleCount,
    rule=st.sampled_from(KeyRule),
    begun=st.integers(0, 9),
    finished=st.integers(0, 9),
    broken=st.integers(0, 9),
    # One key is of one arrival, and so has one story.
    key=st.just(""),
    unfinished_because=st.sampled_from(["", "a timeout", "a 503"]),
)
BROKEN = st.builds(
    lambda rule, key: RuleCount(rule=rule, broken=1, key=key, says=f"of {key}"),
    st.sampled_from(KeyRule),
    st.sampled_from(["k-1", "k-2", "k-3"]),
)


@given(counts=st.lists(COUNTS | BROKEN), order=st.randoms())
def test_counts_add_up_to_the_same_in_any_order(counts: list[RuleCount], order: object) -> None:
    shuffled = list(counts)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    total = added_up(counts)
    assert added_up(shuffled) == total
    assert added_up([*added_up(counts[:3]), *added_up(counts[3:])]) == total
    for count in total:
        mine = [one for one in counts if one.rule is count.rule]
        assert count.begun == sum(one.begun for one in mine)
        assert count.unfinished == sum(one.begun - one.finished for one in mine)
        assert count.says == (f"of {count.key}" if count.key else "")
        assert bool(count.key) == any(one.key for one in mine)
    assert [count.rule for count in total] == [rule for rule in KeyRule if any(one.rule is rule for one in counts)]


def test_every_rule_has_its_meaning_and_its_cost() -> None:
    assert set(MEANING) == set(REQUESTS) == set(KeyRule)
    assert min(REQUESTS.values()) <= REQUESTS_A_CHECK <= max(REQUESTS.values())
