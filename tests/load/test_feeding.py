"""What an arrival draws depends on nothing but the feeder, its seed and the arrival's number."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.feeder import Feeder, Order
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.placeholder import Place, Placeholder, Slot, json_parts
from pytest_syncload.facts.plan import RequestTemplate
from pytest_syncload.load.feeding import Feeding, drawing, rendering
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.wire import RequestWriter

USER = Identity(0, "u", "t")
LETTERS = (b"a", b"b", b"c")


def feeder(**changes: object) -> Feeder:
    return Feeder(**{"name": "letters", "rows": ("a", "b", "c"), **changes})  # type: ignore[arg-type]


def test_a_cycle_begins_again_behind_its_last_row() -> None:
    drawn = drawing(feeder(), LETTERS)
    assert [drawn(arrival) for arrival in range(7)] == [b"a", b"b", b"c", b"a", b"b", b"c", b"a"]


def test_at_random_is_the_same_in_every_run_and_on_every_machine() -> None:
    """By hand, so that a run of another version can be compared: a change here is a change of every plan."""
    drawn = drawing(feeder(order=Order.RANDOM), LETTERS)
    assert b"".join(map(drawn, range(20))) == b"cbbcbbacabcbaccccabc"


def test_at_random_every_row_has_its_share_and_no_order() -> None:
    rows = tuple(range(100))
    values = [b"%d" % row for row in rows]
    drawn = drawing(feeder(rows=rows, order=Order.RANDOM), values)
    counts = Counter(map(drawn, range(100_000)))
    # Binomial with n = 100,000 and p = 0.01: six standard deviations are 189.
    assert all(800 < counts[value] < 1200 for value in values)
    pairs = Counter((drawn(arrival), drawn(arrival + 1)) for arrival in range(100_000))
    assert len(pairs) > 9_990  # of 10,000; a schedule that repeats itself has some hundreds


def test_feeders_of_one_seed_draw_apart_by_their_names() -> None:
    values = [b"%d" % row for row in range(16)]
    one, other = (
        drawing(feeder(name=name, rows=tuple(range(16)), order=Order.RANDOM), values) for name in ("one", "other")
    )
    # All 256 pairs come, where two feeders that go together would have 16.
    assert len({(one(arrival), other(arrival)) for arrival in range(10_000)}) == 256


@given(
    rows=st.lists(st.text(), min_size=1, max_size=20),
    order=st.sampled_from(Order),
    seed=st.integers(0, 2**63 - 1),
    shards=st.integers(1, 7),
)
def test_a_run_is_the_same_however_many_generators_share_it(
    rows: list[str], order: Order, seed: int, shards: int
) -> None:
    template = RequestTemplate(
        json={"v": "{{f}}"}, feeders=(Feeder(name="f", rows=tuple(rows), order=order, seed=seed),)
    )
    pacer = Pacer(rate_per_s=50.0, ramp_s=0.0, hold_s=1.0)

    def sent(count: int) -> dict[int, bytes]:
        """What each arrival puts on the wire, from this many generators, each with a writer of its own."""
        wires: dict[int, bytes] = {}
        for shard in range(count):
            writer = RequestWriter(template, "http://h")
            wires |= {index: writer.wire(USER, f"k-{index}", index) for index, _ in pacer.arrivals_of(shard, count)}
        return wires

    assert sent(shards) == sent(1)


def test_a_seed_decides_what_is_drawn_at_random_and_nothing_else() -> None:
    one, other, cycle = (
        [drawing(feeder(order=order, seed=seed), LETTERS)(arrival) for arrival in range(50)]
        for order, seed in ((Order.RANDOM, 1), (Order.RANDOM, 2), (Order.CYCLE, 2))
    )
    assert one != other
    assert cycle[:3] == list(LETTERS)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the user's."""
    (tmp_path / "values_of_a_test.py").write_text(
        "asked = []\n"
        "def row(arrival, seed):\n"
        "    asked.append(arrival)\n"
        "    if arrival == 13:\n"
        "        raise LookupError('a secret')\n"
        "    return {'n': arrival * seed, 'bad': {1}}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "values_of_a_test", raising=False)
    return "values_of_a_test"


def test_a_function_is_asked_once_for_each_arrival_however_many_values_it_fills(module: str) -> None:
    feeding = Feeding([Feeder(name="f", function=f"{module}:row", seed=3)])
    body = rendering(json_parts({"a": "{{f.n}}", "b": "is {{f.n}}"}), feeding)
    assert [body(arrival) for arrival in (4, 5)] == [b'{"a":12,"b":"is 12"}', b'{"a":15,"b":"is 15"}']
    assert sys.modules[module].asked == [4, 5]


def test_a_function_that_fails_is_named_with_its_arrival_and_without_its_words(module: str) -> None:
    feeding = Feeding([Feeder(name="f", function=f"{module}:row")])
    with pytest.raises(Refused, match=rf"^{module}:row of feeder 'f' raised LookupError for arrival 13$"):
        feeding.column(Slot(Placeholder("f", "n"), Place.TEXT))(13)
    with pytest.raises(Refused, match=rf"no field 'nn' \(what {module}:row gave for arrival 2 of feeder 'f'\)"):
        feeding.column(Slot(Placeholder("f", "nn"), Place.TEXT))(2)
    with pytest.raises(Refused, match="JSON"):
        feeding.column(Slot(Placeholder("f", "bad"), Place.VALUE))(2)


def test_a_function_that_is_not_there_is_refused_at_once(module: str) -> None:
    with pytest.raises(Refused, match="feeder 'f'"):
        Feeding([Feeder(name="f", function=f"{module}:nothing")])


@pytest.mark.parametrize(
    ("made", "placeholder", "what"),
    [
        (feeder(), Placeholder("letter", None), "no feeder 'letter'"),
        (feeder(rows=()), Placeholder("letters", None), "has no rows"),
        (
            feeder(rows=("a", "b\r\nX: y")),
            Placeholder("letters", None),
            r"line break.*\(row 2 of feeder 'letters'\)",
        ),
        (feeder(rows=({"a": 1}, {"b": 1})), Placeholder("letters", "a"), r"no field 'a' \(row 2"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_any_arrival(made: Feeder, placeholder: Placeholder, what: str) -> None:
    with pytest.raises(Refused, match=what):
        Feeding([made]).column(Slot(placeholder, Place.HEADER))
