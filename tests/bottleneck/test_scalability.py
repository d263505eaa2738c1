import math
from collections.abc import Sequence

import numpy as np
import pytest

from pytest_syncload.bottleneck import fit_usl
from pytest_syncload.facts.bottleneck import Climbed, NoFit, Usl
from tests.bottleneck.seen import climbing, step


def law(flying: float, rate: float, contention: float, coherency: float) -> float:
    return rate * flying / (1 + contention * (flying - 1) + coherency * flying * (flying - 1))


def climbed(flying: Sequence[float], throughput: Sequence[float]) -> Climbed:
    """Steps with so many requests in flight, by the mean latency that makes them."""
    return Climbed(
        steps=tuple(
            step(rate, number, latency_ms=1000 * many / rate)
            for number, (many, rate) in enumerate(zip(flying, throughput, strict=True))
        )
    )


FLYING = [float(many) for many in np.geomspace(2, 80, 10)]


@pytest.mark.parametrize(("contention", "coherency"), [(0.02, 0.0005), (0.1, 0.001), (0.0, 0.001), (0.2, 0.0)])
def test_the_law_itself_is_found_again(contention: float, coherency: float) -> None:
    usl = fit_usl(climbed(FLYING, [law(many, 100, contention, coherency) for many in FLYING]))
    assert isinstance(usl, Usl)
    assert usl.rate_per_s.value == pytest.approx(100)
    assert usl.contention.value == pytest.approx(contention, abs=1e-9)
    assert usl.coherency.value == pytest.approx(coherency, abs=1e-9)
    best = math.sqrt((1 - contention) / coherency) if coherency else math.inf
    ceiling = law(best, 100, contention, coherency) if coherency else 100 / contention
    assert usl.ceiling_per_s.value == pytest.approx(ceiling)


def test_the_interval_has_the_ceiling_nine_times_in_ten() -> None:
    true = law(math.sqrt(0.98 / 0.0005), 100, 0.02, 0.0005)
    inside = 0
    for seed in range(30):
        dice = np.random.default_rng(seed)
        seen = [law(many, 100, 0.02, 0.0005) * math.exp(dice.normal(0, 0.02)) for many in FLYING]
        usl = fit_usl(climbed(FLYING, seen))
        assert isinstance(usl, Usl)
        inside += usl.ceiling_per_s.low <= true <= usl.ceiling_per_s.high
        assert usl.ceiling_per_s.low <= usl.ceiling_per_s.value <= usl.ceiling_per_s.high
    assert inside >= 27


def test_one_server_with_a_queue_obeys_it_exactly() -> None:
    """M/M/1 has N = ρ / (1 − ρ), so X = μN / (1 + N): λ = μ/2, σ = 1/2, κ = 0, and the ceiling is μ."""
    used = np.array([0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
    usl = fit_usl(climbed(list(used / (1 - used)), list(1000 * used)))
    assert isinstance(usl, Usl)
    assert usl.ceiling_per_s.value == pytest.approx(1000)
    assert usl.contention.value == pytest.approx(0.5)


def test_throughput_in_proportion_has_no_ceiling() -> None:
    found = fit_usl(climbed(FLYING, [100 * many for many in FLYING]))
    assert isinstance(found, NoFit)
    assert "its ceiling lies beyond what was offered" in found.why


def test_a_ceiling_far_beyond_the_data_is_not_told() -> None:
    found = fit_usl(climbed(FLYING[:6], [law(many, 100, 0.001, 0.0) for many in FLYING[:6]]))
    assert isinstance(found, NoFit)


@pytest.mark.parametrize("count", range(6))
def test_too_few_steps(count: int) -> None:
    found = fit_usl(climbed(FLYING[:count], FLYING[:count]))
    assert isinstance(found, NoFit)
    assert found.why.startswith(f"{count} steps with answers are too few")


def test_requests_in_flight_that_hardly_grow() -> None:
    found = fit_usl(climbing(8))
    assert isinstance(found, NoFit)
    assert found.why == "requests in flight grew only by a factor of 1.7; it needs 2"


def test_steps_that_follow_no_such_curve() -> None:
    found = fit_usl(climbed(FLYING, [500, 100, 700, 90, 900, 100, 1000, 80, 700, 300]))
    assert isinstance(found, NoFit)
    assert "the law does not describe them" in found.why


def test_a_ceiling_that_may_be_anything() -> None:
    dice = np.random.default_rng(4)
    seen = [law(many, 100, 0.0, 0.0004) * math.exp(dice.normal(0, 0.08)) for many in FLYING[:7]]
    found = fit_usl(climbed(FLYING[:7], seen))
    assert isinstance(found, NoFit)


def test_the_same_climb_always_says_the_same() -> None:
    seen = climbed(FLYING, [law(many, 100, 0.02, 0.0005) * (1 + 0.01 * (-1) ** n) for n, many in enumerate(FLYING)])
    assert fit_usl(seen) == fit_usl(seen)
