"""Money through tiers: examples by hand, and the laws that no price list may break."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.cost.tiers import between, dollars, through, well_formed, without_free_tier
from pytest_syncload.facts.cost import Tier
from tests.cost.bills import AMOUNTS, any_tiers, tiers

REST = tiers(("333000000", "0.0000035"), ("1000000000", "0.0000028"), (None, "0.00000238"))


def test_each_tier_has_its_own_units() -> None:
    assert through(REST, Fraction(0)) == 0
    assert through(REST, Fraction(333_000_000)) == Fraction("1165.5")
    assert through(REST, Fraction(334_000_000)) == Fraction("1168.3")
    assert through(REST, Fraction(2_160_000_000)) == Fraction("1165.5") + Fraction("1867.6") + Fraction("2760.8")


def test_units_between_two_others_are_paid_where_they_lie() -> None:
    assert between(REST, Fraction(332_000_000), Fraction(334_000_000)) == Fraction("6.3")


@given(any_tiers(), AMOUNTS, AMOUNTS)
def test_more_never_costs_less(of: tuple[Tier, ...], less: Decimal, more: Decimal) -> None:
    assert through(of, Fraction(less)) <= through(of, Fraction(less) + Fraction(more))


@given(any_tiers(), st.lists(AMOUNTS, max_size=6))
def test_splitting_usage_over_time_never_changes_the_sum(of: tuple[Tier, ...], parts: list[Decimal]) -> None:
    """Also in another order, which a sum of floats would not bear."""
    total = sum(map(Fraction, parts), Fraction(0))
    for each in (parts, parts[::-1]):
        reached = paid = Fraction(0)
        for part in each:
            paid += between(of, reached, reached + Fraction(part))
            reached += Fraction(part)
        assert paid == through(of, total)


@given(any_tiers())
def test_tiers_in_order_have_a_price_for_every_unit(of: tuple[Tier, ...]) -> None:
    assert well_formed(of)


def test_tiers_that_leave_a_unit_without_a_price_are_none() -> None:
    assert not well_formed(())
    assert not well_formed(tiers(("10", "1")))
    assert not well_formed(tiers((None, "1"), (None, "2")))
    assert not well_formed(tiers(("10", "1"), ("10", "2"), (None, "3")))
    assert not well_formed(tiers(("0", "1"), (None, "3")))
    assert not well_formed(tiers((None, "-1")))


def test_what_is_free_at_the_beginning_costs_the_first_price() -> None:
    free = tiers(("18600", "0"), (None, "0.00065"))
    assert without_free_tier(free) == tiers((None, "0.00065"))
    assert without_free_tier(REST) == REST
    assert without_free_tier(tiers((None, "0"))) == ()


@given(any_tiers(), AMOUNTS)
def test_without_its_free_tier_nothing_is_cheaper(of: tuple[Tier, ...], units: Decimal) -> None:
    paid = without_free_tier(of)
    assert not paid or through(paid, Fraction(units)) >= through(of, Fraction(units))


def test_money_is_kept_to_the_nano_dollar() -> None:
    assert dollars(Fraction(1, 3)) == Decimal("0.333333333")
    assert dollars(Fraction(5, 10**10)) == 0  # halves go to even, so that no sum drifts
    assert dollars(Fraction(15, 10**10)) == Decimal("0.000000002")
