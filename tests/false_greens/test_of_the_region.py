"""Each entry in both directions: stopped by its guard, and green without it."""

from __future__ import annotations

import pytest

from tests.false_greens.entry import Entry, Seen, without
from tests.false_greens.of_the_region import ENTRIES


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_mistake_is_stopped_by_its_guard_and_green_without_it(entry: Entry, request: pytest.FixtureRequest) -> None:
    given = [request.getfixturevalue(name) for name in entry.needs]
    assert entry.scenario(*given) is not Seen.GREEN
    with without(entry.guards):
        assert entry.scenario(*given) is Seen.GREEN
