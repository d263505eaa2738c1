"""Every way in which data could turn a row green by mistake, with its guards and without them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from pytest_syncload.facts.plan import Slo
from pytest_syncload.sandbox.http import asgi
from tests.false_greens.cloud import Cloud, OtherReason, seen
from tests.false_greens.entry import Entry, Seen, Through, guard_at, without
from tests.false_greens.of_folding import CPU
from tests.false_greens.of_the_data import ENTRIES, GUARDS
from tests.rows import CACHE, DEPTH, ERRORS, LATENCY, THROTTLES
from tests.sandbox.conftest import serving

OVERLAPPING = [(entry, guard) for entry in ENTRIES if len(entry.guards) > 1 for guard in entry.guards]


@pytest.fixture(scope="module")
def served() -> Iterator[Cloud]:
    with serving() as begin:
        cloud = Cloud()
        cloud.url = begin(asgi(cloud.answer))
        yield cloud


@pytest.fixture
def cloud(served: Cloud) -> Cloud:
    """The module's one address, with nothing behind it yet."""
    served.fresh()
    return served


@pytest.mark.parametrize("slo", [LATENCY, ERRORS, THROTTLES, DEPTH, CACHE, CPU], ids=lambda slo: slo.name)
def test_a_healthy_hold_is_green(slo: Slo, cloud: Cloud) -> None:
    """So what turns a scenario red or into an error is its mistake, and nothing else of it."""
    cloud.healthy()
    assert seen(cloud.verdict(slo), "") is Seen.GREEN


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_its_guards_keep_it_from_being_green(entry: Entry, cloud: Cloud) -> None:
    assert entry.scenario(cloud) is not Seen.GREEN


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_without_its_guards_it_is_green(entry: Entry, cloud: Cloud) -> None:
    with without(entry.guards):
        assert entry.scenario(cloud) is Seen.GREEN


@pytest.mark.parametrize(
    ("entry", "guard"), [pytest.param(entry, guard, id=f"{entry.name}, {guard}") for entry, guard in OVERLAPPING]
)
def test_where_several_guards_overlap_each_of_them_is_enough(entry: Entry, guard: str, cloud: Cloud) -> None:
    """So none of those that an entry lists is decoration."""
    others = {where: stand_in for where, stand_in in entry.guards.items() if where != guard}
    with without(others):
        try:
            assert entry.scenario(cloud) is not Seen.GREEN
        except OtherReason:
            pass  # another guard than usual has the word, and it is not green


def test_every_guard_is_there_and_used_by_an_entry_and_the_other_way_round() -> None:
    used = {guard for entry in ENTRIES for guard in entry.guards}
    assert used == set(GUARDS)
    assert len(GUARDS) == len(set(GUARDS))
    assert all(callable(getattr(*guard_at(guard))) for guard in GUARDS)


def test_every_entry_has_a_name_of_its_own_and_most_go_through_boto3() -> None:
    assert [name for name, times in Counter(entry.name for entry in ENTRIES).items() if times > 1] == []
    assert sum(entry.through in (Through.BOTO3, Through.SOCKETS) for entry in ENTRIES) >= 40


def test_a_guard_that_is_not_there_is_an_error_and_not_a_green() -> None:
    with pytest.raises(AttributeError), without({"pytest_syncload.sources.settle:require_luck": lambda: None}):
        pass
