import numpy as np
import pytest

from pytest_syncload.bottleneck.relation import MATERIAL, Ceiling, Known, Silence, fit_line, grain
from pytest_syncload.facts.units import Kind

RATES = np.linspace(500.0, 900.0, 20)
NOISE = np.random.default_rng(3).normal(0, 0.03, 20)


def test_the_line_of_a_utilisation_is_prolonged() -> None:
    line = fit_line(RATES, (4 + 0.05 * RATES) * (1 + NOISE))
    assert line.expected(1400.0) == pytest.approx(74, rel=0.1)
    assert 0.015 < line.spread < 0.05
    assert not line.beyond(np.array([1400.0]), np.array([80.0])).any()
    assert line.beyond(np.array([1400.0]), np.array([110.0])).all()


def test_a_curve_is_the_line_of_logarithms() -> None:
    line = fit_line(RATES, 20 * np.exp(0.002 * RATES), Known(curve=True))
    assert line.expected(1400.0) == pytest.approx(20 * np.exp(2.8), rel=1e-6)


def test_odd_minutes_at_the_beginning_do_not_bend_it() -> None:
    values = 4 + 0.05 * RATES
    cold = values.copy()
    cold[:2] *= 8
    assert fit_line(RATES, cold).expected(1400.0) == pytest.approx(fit_line(RATES, values).expected(1400.0), rel=0.01)


def test_load_never_explains_less_of_what_is_bad() -> None:
    line = fit_line(RATES, 100 - 0.05 * RATES)
    assert line.slope == 0
    assert line.expected(5000.0) == pytest.approx(63, rel=0.1)


def test_what_is_not_material_is_not_beyond_however_sure() -> None:
    line = fit_line(RATES, 0.05 * RATES)
    just = 0.05 * RATES * (1 + MATERIAL)
    assert not line.beyond(RATES, just * 0.99).any()
    assert line.beyond(RATES, just * 1.01).all()


def test_near_a_ceiling_less_is_material() -> None:
    line = fit_line(RATES, 0.05 * RATES, Known(ceiling=100.0))
    rate, value = np.array([1600.0]), np.array([80.0])  # a quarter of the room are 5 %, a tenth of the line 8 %
    assert not line.beyond(rate, value + 7).any()
    assert line.beyond(rate, value + 9).all()
    assert not fit_line(RATES, 0.05 * RATES).beyond(rate, value + 19).any()
    assert not line.beyond(np.array([500.0]), np.array([25.0 * 1.24])).any()


def test_the_further_away_and_the_longer_the_less_it_is_chance() -> None:
    line = fit_line(RATES, 30 * (1 + NOISE))
    chances = [
        line.chance(np.full(count, 1000.0), np.full(count, value)) for count, value in ((1, 33), (1, 36), (4, 36))
    ]
    assert chances == sorted(chances, reverse=True)
    assert line.chance(np.full(3, 1000.0), np.full(3, line.expected(1000.0))) == pytest.approx(0.5)
    near, far = (line.chance(np.full(3, rate), np.full(3, line.expected(rate) * 1.2)) for rate in (900.0, 9000.0))
    assert near < 0.001 < far


def test_minutes_that_resemble_the_one_before_count_as_fewer() -> None:
    dice = np.random.default_rng(8).normal(0, 0.03, 20)
    for minute in range(1, 20):
        dice[minute] += 0.8 * dice[minute - 1]
    assert fit_line(RATES, 30 * (1 + dice)).echo > 0.3
    assert fit_line(RATES, 30 + np.tile([0.5, -0.5], 10)).echo == 0


def test_the_grain_is_the_step_in_which_values_are_told() -> None:
    assert grain(np.array([1000.0, 3000.0, 2000.0]), Kind.TIME) == 1000
    assert grain(np.array([35.0, 1000.0]), Kind.TIME) == 1
    assert grain(np.array([35.5, 1000.0]), Kind.TIME) == 0
    assert grain(np.array([10.0, 7.0]), Kind.COUNT) == 1
    assert grain(np.array([0.5, 0.75]), Kind.COUNT) == 0
    assert grain(np.array([4.0, 4.0]), Kind.SHARE) == 0


def test_silence_and_ceiling() -> None:
    assert list(Silence(most=0).beyond(RATES[:3], np.array([0.0, 1.0, 0.0]))) == [False, True, False]
    assert list(Ceiling(top=100).beyond(RATES[:3], np.array([94.0, 95.0, 100.0]))) == [False, True, True]


def test_what_scatters_is_not_beyond_however_large() -> None:
    line = fit_line(RATES, 30 * np.exp(np.random.default_rng(5).normal(0, 0.3, 20)))
    assert not line.beyond(np.array([900.0]), np.array([line.expected(900.0) * 1.5])).any()
    assert line.beyond(np.array([900.0]), np.array([line.expected(900.0) * 3.0])).all()
    assert not line.beyond(np.array([9000.0]), np.array([line.expected(9000.0) * 3.0])).any()  # nobody knows so far out
