"""What jobs cost the cache's nodes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.sandbox.cache import NodeCpu, node_cpu


def test_jobs_cost_both_engines_and_half_as_much_of_a_host_of_two_cores() -> None:
    for node in node_cpu(3_000, 1.0):
        assert node.engine == pytest.approx(6)
        assert node.host == pytest.approx(5)
    assert node_cpu(0, 1.0) == (NodeCpu(engine=0, host=2),) * 2


def test_hot_node_is_the_first_and_ends_at_its_core() -> None:
    first, second = node_cpu(1_000, 1.0, hot_share=90)
    assert first.engine == pytest.approx(92)
    assert second.engine == pytest.approx(2)
    assert first.host < 80  # which is why both are judged
    assert node_cpu(10_000, 1.0, hot_share=90)[0] == NodeCpu(engine=100, host=52)


@given(jobs=st.integers(0, 10**6), wall_s=st.floats(0.1, 60), hot=st.floats(0, 100))
def test_no_more_than_all_of_it(jobs: int, wall_s: float, hot: float) -> None:
    for node in node_cpu(jobs, wall_s, hot):
        assert 0 <= node.engine <= 100
        assert 0 < node.host <= 100
