"""The refresh benchmark says that refreshing is not seen only where it was measured and is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.refresh import LEAST_REFRESHES, Ran, spread, verdict

LONG = Ran(token_life_s=None, p99_ms=30.0, p50_ms=20.0, refreshes=0, failed=0, invalid=(), warmed_in_s=1.0)
SHORT = replace(LONG, token_life_s=10, refreshes=LEAST_REFRESHES)


def pairs(*differences: float) -> list[tuple[Ran, Ran]]:
    return [(replace(SHORT, p99_ms=LONG.p99_ms + each), LONG) for each in differences]


@pytest.mark.parametrize(
    ("differences", "unseen"),
    [((-1.0, 0.5, 0.0, 2.0, -0.5), True), ((4.0, 5.0, 4.5, 5.5, 4.2), False), ((0.0,) * 5, True), ((-9.0,) * 5, True)],
)
def test_a_difference_beyond_its_own_spread_is_seen(differences: tuple[float, ...], unseen: bool) -> None:
    said, passed = verdict(pairs(*differences))
    assert passed is unseen
    assert said["differences_ms"] == list(differences)


def test_the_spread_is_between_the_quartiles() -> None:
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == 2.0


@pytest.mark.parametrize("bad", [{"refreshes": LEAST_REFRESHES - 1}, {"invalid": ("refreshing fell behind",)}])
def test_what_was_not_measured_proves_nothing(bad: dict[str, object]) -> None:
    some = pairs(0.0, 0.0, 0.0)
    assert verdict(some)[1]
    assert not verdict([*some, (replace(SHORT, **bad), LONG)])[1]  # type: ignore[arg-type]


def test_a_long_lived_phase_that_is_invalid_counts_too() -> None:
    assert not verdict([*pairs(0.0, 0.0), (SHORT, replace(LONG, invalid=("a generator was lost",)))])[1]
