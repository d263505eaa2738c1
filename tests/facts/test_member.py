"""A member's way from the top is found, and leads back to it."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.member import at, marked, put

MARK = "unique"
TREES = st.recursive(
    st.none() | st.integers() | st.just(MARK),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~01", max_size=3), inner, max_size=3),
)


def test_by_hand() -> None:
    tree = {"id": "any", "a/b": {"~": ["x", {"id": "any"}]}}
    assert list(marked(tree, "any")) == ["id", "a~1b/~0/1/id"]
    assert at(tree, "a~1b/~0/0") == "x"


@given(st.dictionaries(st.text("ab/~01", max_size=3), TREES, max_size=3))
def test_every_way_leads_to_a_mark_and_every_mark_has_one(tree: dict[str, Any]) -> None:
    left = copy.deepcopy(tree)
    for way in marked(tree, MARK):
        assert at(tree, way) == MARK
        put(left, way, 0)
    assert list(marked(left, MARK)) == []
