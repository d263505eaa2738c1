from dataclasses import replace

import pytest

from pytest_syncload.facts.plan import RawQuery
from pytest_syncload.verdict import min_samples
from tests.rows import LATENCY, THROTTLES
from tests.verdict.series import QUEUE


def test_a_percentile_needs_ten_samples_beyond_it() -> None:
    assert min_samples(LATENCY) == 200
    assert min_samples(replace(LATENCY, statistic=None)) == 200
    assert min_samples(replace(LATENCY, statistic="p99")) == 1000
    assert min_samples(replace(LATENCY, statistic="p99.9")) == 10_000
    assert min_samples(replace(LATENCY, statistic="Average")) == 0
    assert min_samples(replace(LATENCY, min_samples=7)) == 7


@pytest.mark.parametrize("slo", [THROTTLES, QUEUE], ids=lambda slo: slo.name)
def test_sums_and_levels_need_none(slo: object) -> None:
    assert min_samples(slo) == 0  # type: ignore[arg-type]


def test_any_other_statistic_of_a_distribution_needs_samples_too() -> None:
    for statistic in ("PR(:500)", "TM(:99%)", "tm99", "p100"):
        assert min_samples(replace(LATENCY, statistic=statistic)) == 200


def test_a_query_that_is_written_out_needs_what_its_statistic_does() -> None:
    raw = replace(LATENCY, metric=None, query=RawQuery(namespace="Shop", name="Duration", dimensions=()))
    assert min_samples(replace(raw, statistic="p90")) == 100
    assert min_samples(replace(raw, statistic="Maximum")) == 0
