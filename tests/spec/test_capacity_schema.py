"""How what collapsed comes back, as it is written."""

from __future__ import annotations

import pytest

from pytest_syncload.facts.capacity import Recovery
from pytest_syncload.spec.capacity_schema import CapacityModel


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("after 5s", Recovery(after_s=5.0)),
        ("after 1.5 m", Recovery(after_s=90.0)),
        ("  never ", Recovery(after_s=None)),
        ("slowly", Recovery(after_s=1.0, over_s=30.0)),
    ],
)
def test_recovery(written: str, read: Recovery) -> None:
    assert CapacityModel.model_validate({"recovers": written}).recovers == read


def test_without_a_word_nothing_is_limited_and_nothing_collapses() -> None:
    model = CapacityModel()
    assert {getattr(model, name) for name in CapacityModel.model_fields} == {None}
