"""Pages of a list: together they are the list, and a token is good for one request only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.sandbox.paging import ForeignToken, page


@given(entries=st.lists(st.integers(), max_size=50), most=st.integers(1, 20))
def test_pages_together_are_the_list(entries: list[int], most: int) -> None:
    got: list[int] = []
    token = None
    while True:
        kept, token = page(entries, most, token, {"a": 1})
        assert len(kept) <= most
        got += kept
        if token is None:
            break
        assert len(kept) == most
    assert got == entries


@pytest.mark.parametrize("token", ["", "x", "-", "1-", 7])
def test_token_that_was_not_given_out_is_refused(token: object) -> None:
    with pytest.raises(ForeignToken):
        page([1, 2], 1, token, {})


def test_token_of_another_request_is_refused() -> None:
    _, token = page([1, 2], 1, None, {"of": "ann"})
    assert page([1, 2], 1, token, {"of": "ann"}) == ([2], None)
    with pytest.raises(ForeignToken):
        page([1, 2], 1, token, {"of": "bob"})
