"""What a phase hands to its generators."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_syncload.conductor.phase import generators_for
from pytest_syncload.facts.plan import LoadSettings, Passage
from tests.conductor.plans import spec


@pytest.mark.parametrize(
    ("transport", "rate_per_s", "wanted"),
    [
        (Passage.BUILT_IN, 5000.0, 1),
        (Passage.BUILT_IN, 5001.0, 2),
        (Passage.HTTPX, 300.0, 1),
        (Passage.HTTPX, 3000.0, 10),
    ],
)
def test_as_many_generators_as_the_rate_needs_of_this_transport(
    transport: Passage, rate_per_s: float, wanted: int
) -> None:
    plan = replace(spec(), load=LoadSettings(transport=transport))
    assert generators_for(plan, rate_per_s) == wanted
    assert generators_for(replace(plan, load=LoadSettings(generators=3)), rate_per_s) == 3
