from __future__ import annotations

import pytest
from pydantic_core import PydanticCustomError

from pytest_syncload.spec import phase_schema


def test_a_limit_counts_what_is_really_offered() -> None:
    limit = phase_schema.Limit(environment="sandbox", max_rate=100, rate_scale=0.5, shown="100/s")
    assert limit.hold(200) == 200
    with pytest.raises(PydanticCustomError, match=r"201/s, even × rate_scale 0\.5 is more than"):
        limit.hold(201)
