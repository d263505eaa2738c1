"""The stand-in's store of keys: it keeps every rule, and breaks the one that it is told to break and no other."""

from __future__ import annotations

import pytest

from pytest_syncload.facts.idempotency import KeyRule
from pytest_syncload.sandbox.keys import Keys, Known


def test_key_rules() -> None:
    keys = Keys()
    assert keys.begin("ann", b"k", 1) is Known.NEW
    assert keys.begin("ann", b"k", 1) is Known.IN_PROGRESS
    assert keys.begin("bob", b"k", 1) is Known.NEW
    keys.finish("ann", b"k", 1, b"answer")
    assert keys.begin("ann", b"k", 1) == b"answer"
    assert keys.begin("ann", b"k", 2) is Known.OTHER_PAYLOAD


def test_oldest_key_is_forgotten_beyond_the_limit() -> None:
    keys = Keys(limit=2)
    for key in (b"a", b"b", b"c"):
        keys.begin("ann", key, 1)
    keys.finish("ann", b"a", 1, b"too late")
    assert len(keys) == 2
    assert keys.begin("ann", b"c", 1) is Known.IN_PROGRESS
    assert keys.begin("ann", b"a", 1) is Known.NEW


def kept(keys: Keys) -> set[KeyRule]:
    """The rules that a store keeps, by asking it as the service does."""
    found = set()
    assert keys.begin("ann", b"k", 1) is Known.NEW
    if keys.begin("ann", b"k", 1) is Known.IN_PROGRESS:
        found.add(KeyRule.CONCURRENT)
    keys.finish("ann", b"k", 1, b"job 1")
    if keys.begin("ann", b"k", 1) == b"job 1":
        found.add(KeyRule.REPLAY)
    if keys.begin("ann", b"k", 2) is Known.OTHER_PAYLOAD:
        found.add(KeyRule.PAYLOAD)
    if keys.begin("bob", b"k", 1) is Known.NEW:
        found.add(KeyRule.USER)
    keys.refuse(b"other")
    if not keys.is_refused(b"other"):
        found.add(KeyRule.UNAUTHORIZED)
    if keys.is_needed:
        found.add(KeyRule.MISSING_KEY)
    return found


@pytest.mark.parametrize("rule", [None, *KeyRule])
def test_breaks_the_one_rule_that_it_is_told_to(rule: KeyRule | None) -> None:
    assert kept(Keys(broken=rule)) == {*KeyRule} - {rule}


def test_a_broken_store_still_keeps_the_answer_that_it_gave() -> None:
    """Of another user's key: it takes the two for one, and is not merely without an answer."""
    keys = Keys(broken=KeyRule.USER)
    keys.begin("ann", b"k", 1)
    keys.finish("ann", b"k", 1, b"job 1")
    assert keys.begin("bob", b"k", 1) == b"job 1"


def test_key_that_is_forgotten_is_new_again() -> None:
    keys = Keys()
    keys.begin("ann", b"k", 1)
    keys.forget("ann", b"k")
    keys.forget("ann", b"k")  # or was forgotten beyond the limit already
    assert keys.begin("ann", b"k", 2) is Known.NEW
