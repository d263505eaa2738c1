from pytest_syncload.facts.calibration import Calibration, Step


def step(rate_per_s: float, fell_short: str | None = None) -> Step:
    return Step(rate_per_s=rate_per_s, lag_p99_ms=1.0, cpu_percent=50.0, fell_short=fell_short)


def test_what_is_carried_is_the_highest_rate_that_was_and_a_plan_counts_on_less() -> None:
    found = Calibration(steps=(step(2000), step(8000, "lag"), step(4000)))
    assert found.carried_per_s == 4000
    assert [found.generators_for(rate) for rate in (1, 2800, 2801, 5601)] == [1, 1, 2, 3]


def test_where_nothing_was_carried_nothing_is_known() -> None:
    found = Calibration(steps=(step(2000, "lag"),))
    assert (found.carried_per_s, found.generators_for(1)) == (None, None)
